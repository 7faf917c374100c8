"""Prior-data fitted networks."""
