"""Speed of the library's parts, as ratios within one run: ``python -m benchmarks``."""
