"""How classifiers are scored and ranked."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float64


def auc(y: Float64[np.ndarray, " m"], positive: Float64[np.ndarray, " m"]) -> float:
    """Area under the ROC curve of the probabilities of class 1."""
    from sklearn.metrics import roc_auc_score  # costly to import

    return float(roc_auc_score(y, positive))


def calibration_error(
    y: Float64[np.ndarray, " m"],
    probabilities: Float64[np.ndarray, "m classes"],
    *,
    bins: int = 100,
) -> float:
    """Expected calibration error ``Σ |accuracy − confidence| · share`` over bins of confidence.

    Confidence is the largest probability; the bins are of equal width in [0, 1], each with its
    upper end. All predictions are pooled.

    Args:
        y: Classes as 0., 1., ...
        probabilities: Probability of each class.
        bins: Number of bins.
    """
    confidence = probabilities.max(1)
    right: Bool[np.ndarray, " m"] = probabilities.argmax(1) == y
    index = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    excess = np.bincount(index, weights=right - confidence, minlength=bins)
    return float(np.abs(excess).sum() / len(y))


def mean_ranks(
    scores: Float64[np.ndarray, "cases methods"],
) -> Float64[np.ndarray, " methods"]:
    """Mean over cases of each method's rank, 1 for the highest score; ties share their ranks."""
    from scipy.stats import rankdata  # costly to import

    return np.asarray(rankdata(-scores, axis=1).mean(0), dtype=np.float64)


def wilcoxon_p(first: Sequence[float], second: Sequence[float]) -> float:
    """p-value of Wilcoxon's signed-rank test, that the first of each pair is larger.

    Pairs that are equal are left out; 1 where all are.
    """
    from scipy.stats import wilcoxon  # costly to import

    difference = np.subtract(first, second)
    if not difference.any():
        return 1.0
    return float(wilcoxon(difference, alternative="greater").pvalue)
