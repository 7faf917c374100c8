"""Sound bounds: linear bound propagation and local Lipschitz constants."""
