"""The gallery: static pages from stored trials."""

from provenn.report.gallery import build
from provenn.report.overview import NegativeControls

__all__ = ["NegativeControls", "build"]
