"""Poisson systems on grids, and the solvers that DCDM is measured against."""
