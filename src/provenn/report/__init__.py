"""The gallery: static pages from stored trials."""

from provenn.report.gallery import build

__all__ = ["build"]
