"""One door to every data set."""
