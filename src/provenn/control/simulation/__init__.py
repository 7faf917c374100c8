"""Plants that are simulated many at a time, and runs of policies on them."""
