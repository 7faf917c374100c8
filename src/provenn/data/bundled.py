"""The sets that scikit-learn brings along: no file to find, no network."""

import numpy as np

from provenn.data.dataset import Decoded


def read_bundled(name: str) -> Decoded:
    """Read ``digits``, ``breast_cancer``, ``wine``, ``iris`` or ``diabetes`` from scikit-learn."""
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    if name == "digits":
        return Decoded(
            x=bunch.images.astype(np.uint8)[:, np.newaxis],
            y=bunch.target.astype(np.int64),
            classes=tuple(str(c) for c in bunch.target_names),
            levels=16,
        )
    regression = name == "diabetes"
    return Decoded(
        x=bunch.data.astype(np.float32),
        y=bunch.target.astype(np.float64 if regression else np.int64),
        classes=() if regression else tuple(str(c) for c in bunch.target_names),
        features=tuple(str(f) for f in bunch.feature_names),
    )


def bundled_source() -> str:
    """Where the bundled sets come from, with the version."""
    import sklearn

    return f"scikit-learn {sklearn.__version__}"
