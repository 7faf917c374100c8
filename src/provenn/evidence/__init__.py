"""Claims, trials and verdicts: how a paper's statement is measured, stored and judged."""

from provenn.evidence.claims import Ablation, Claim, Deviation, Paper
from provenn.evidence.metrics import Competitor, Cost, Metrics
from provenn.evidence.page import Context, Page
from provenn.evidence.relations import (
    All,
    Greater,
    Identity,
    Less,
    Near,
    Ratio,
    Relation,
    Slope,
    Sound,
)

__all__ = [
    "Ablation",
    "All",
    "Claim",
    "Competitor",
    "Context",
    "Cost",
    "Deviation",
    "Greater",
    "Identity",
    "Less",
    "Metrics",
    "Near",
    "Page",
    "Paper",
    "Ratio",
    "Relation",
    "Slope",
    "Sound",
]
