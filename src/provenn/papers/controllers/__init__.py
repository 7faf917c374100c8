"""Laws, plants, peers, measurements and figures of the page on controllers that learn."""
