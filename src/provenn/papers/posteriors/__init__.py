"""What the page on prior-data fitted networks compares them with: peers, tables and scores."""
