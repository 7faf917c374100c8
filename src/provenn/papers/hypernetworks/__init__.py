"""Measuring code of the page on magnitude invariant hypernetworks."""
