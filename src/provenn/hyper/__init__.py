"""Networks that produce networks."""

from provenn.hyper.conditions import Condition
from provenn.hyper.encodings import circle_encoding, complement_encoding
from provenn.hyper.network import HyperNetwork
from provenn.hyper.report import magnitude_report

__all__ = [
    "Condition",
    "HyperNetwork",
    "circle_encoding",
    "complement_encoding",
    "magnitude_report",
]
