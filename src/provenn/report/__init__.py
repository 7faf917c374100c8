"""The gallery: static pages from stored trials."""
