"""Parameterized hypercomplex layers and networks."""
