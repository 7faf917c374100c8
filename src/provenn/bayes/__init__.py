"""Amortised and variational Bayesian inference."""
