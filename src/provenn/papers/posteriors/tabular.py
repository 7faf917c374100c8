"""Classifiers of small tables, each tuned on the labelled rows alone.

Grids are the paper's; each candidate is scored by stratified 5-fold cross-validation. Features are
standardised by the labelled rows where the classifier depends on their scale.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from provenn.papers.posteriors.problems import Predictions, Problems, classified, timed

Scoring = Literal["neg_log_loss", "roc_auc"]


@dataclass(frozen=True)
class Classifier:
    """A classifier and what is tuned.

    Attributes:
        label: What the page calls it.
        build: Makes the estimator from a seed.
        grid: Values of each parameter, or several such grids.
        scale: Whether features are standardised before it.
        package: Distribution that provides it.
    """

    label: str
    build: Callable[[int], Any]
    grid: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]]
    scale: bool = True
    package: str = "scikit-learn"

    @property
    def candidates(self) -> int:
        """Number of configurations that are tried."""
        from sklearn.model_selection import ParameterGrid

        return len(ParameterGrid(self.grid))


def predict(
    problems: Problems, classifier: Classifier, seed: int, scoring: Scoring = "neg_log_loss"
) -> Predictions:
    """Tune a classifier on each data set's context, fit the best and classify the queries.

    Args:
        problems: Data sets of two classes, with at least 5 rows of each in the context.
        classifier: The classifier.
        seed: Seed of the folds and of the estimator.
        scoring: What cross-validation goes by.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    grids = [classifier.grid] if isinstance(classifier.grid, Mapping) else classifier.grid
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    probabilities = np.empty((*problems.y_query.shape, 2))
    classifier.build(seed)  # imports, which are not timed
    with timed() as watch, warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for i, (x, y, x_query, _) in enumerate(zip(*vars(problems).values(), strict=True)):
            model = Pipeline(
                [
                    ("scale", StandardScaler() if classifier.scale else "passthrough"),
                    ("classify", classifier.build(seed)),
                ]
            )
            grid = [{f"classify__{k}": list(v) for k, v in each.items()} for each in grids]
            search = GridSearchCV(model, grid, scoring=scoring, cv=folds).fit(x, y.astype(int))
            probabilities[i] = search.predict_proba(x_query)
    return classified(probabilities, problems, watch)


def _logistic(seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(solver="saga", max_iter=1000, tol=1e-3, random_state=seed)


def _neighbours(seed: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier()


def _gaussian_process(seed: int) -> Any:
    from sklearn.gaussian_process import GaussianProcessClassifier

    return GaussianProcessClassifier(optimizer=None, random_state=seed)


def _kernels() -> list[Any]:
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel

    return [
        ConstantKernel(scale) * RBF(length)
        for scale in (0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
        for length in (0.1, 0.5, 1.0, 2.0)
    ]


def _boosting(seed: int) -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=100, colsample_bytree=0.8, n_jobs=1, random_state=seed)


def _histogram_boosting(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=100, max_features=0.8, early_stopping=False, random_state=seed
    )


def classifiers() -> dict[str, Classifier]:
    """The peers by name."""
    strengths = (1e-5, 1e-3, 0.01, 0.1, 1.0, 2.0)
    return {
        "logistic": Classifier(
            "logistic regression",
            _logistic,
            [{"l1_ratio": (0.0, 1.0), "C": strengths}, {"C": (np.inf,)}],
        ),
        "neighbours": Classifier(
            "k nearest neighbours", _neighbours, {"n_neighbors": (1, 2, 3, 4, 5)}
        ),
        "gaussian-process": Classifier(
            "Gaussian process", _gaussian_process, {"kernel": _kernels()}
        ),
        "boosting": Classifier(
            "XGBoost",
            _boosting,
            {
                "min_child_weight": (0.5, 1.0),
                "learning_rate": (0.02, 0.2),
                "subsample": (0.5, 0.8),
                "max_depth": (1, 2),
            },
            scale=False,
            package="xgboost-cpu",
        ),
        "histogram-boosting": Classifier(
            "histogram gradient boosting",
            _histogram_boosting,
            {"min_samples_leaf": (2, 4), "learning_rate": (0.02, 0.2), "max_depth": (1, 2)},
            scale=False,
        ),
    }
