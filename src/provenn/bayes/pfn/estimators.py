"""Prior-data fitted networks as scikit-learn estimators.

``fit`` trains nothing. It reads the data, as the context, into the network's keys and values; a
prediction is one pass of the queries over them. A network knows the units of its prior alone, so
the data are brought there by statistics of the context, and the answers back.
"""

import copy
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float64, Shaped
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from provenn.bayes.pfn.likelihoods import ClassificationLikelihood, RegressionLikelihood
from provenn.bayes.pfn.network import Context, PriorFittedNetwork
from provenn.bayes.pfn.scaling import SCALINGS, InputScaling, target_scaling
from provenn.bayes.pfn.shipped import find_network
from provenn.checks import check_choice, check_flag, check_integer


class PFNRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Regression by a network that approximates a prior's posterior predictive distribution.

    With ``scaling="auto"`` the network sees targets ``t = (y - y_shift_) / y_scale_``. Over the
    context they have the mean and the standard deviation of a bar distribution whose buckets are
    equally probable, as they are under the prior that it was made from; or 0 and 1 for a likelihood
    without bars, which suits a prior of zero mean and unit variance. Targets that are all the same
    are only shifted. Answers are in the units of y: a density ``q(t)`` becomes ``q(t) / y_scale_``.

    Inputs of a network that standardises (``config["standardize"]``) are standardised, in double
    precision. Any other is taken to have a prior whose inputs lie in the unit cube, and the
    context's range of each feature is mapped to [0, 1]. A feature that is constant over the context
    tells nothing, and counts as constant, 0 or 0.5, in the queries too.

    Args:
        model: A :class:`PriorFittedNetwork` of regression, which is not copied unless it is in
            training mode or on another device; the name of a shipped network; or a directory that
            ``save_pretrained`` wrote.
        scaling: ``"auto"``; or ``"none"`` for inputs and targets in the prior's own units.
        batch_size: Queries that are answered at once: it bounds the memory of a prediction.
        device: Where to compute; ``None`` for where the network is.

    Attributes:
        network_: The network that answers, in evaluation mode.
        likelihood_: What its outputs mean.
        context_: What it has read.
        input_scaling_: The map of inputs to the prior's units.
        y_shift_: The target that is 0 for the network.
        y_scale_: The difference of targets that is 1 for the network.
        n_features_in_: Number of features.
        feature_names_in_: Their names, if they are strings.

    Reference:
        arXiv 2112.10510, section 5 and appendix G.

    Example:
        >>> import numpy as np
        >>> from provenn.bayes import BarDistribution, GaussianProcessPrior, PriorFittedNetwork
        >>> prior = GaussianProcessPrior(lengthscale=0.2, noise=0.01)
        >>> bars = BarDistribution.from_prior(prior, n_buckets=20, datasets=500)
        >>> network = PriorFittedNetwork(1, bars, d_model=16, n_layers=2)
        >>> network = network.fit_prior(prior, steps=5, n_points=12)  # thousands for good answers
        >>> x = np.linspace(0, 1, 10)[:, None]
        >>> regressor = PFNRegressor(network).fit(x, np.sin(6 * x[:, 0]))
        >>> mean, std = regressor.predict([[0.25], [0.5], [0.75]], return_std=True)
        >>> mean.shape, std.shape
        ((3,), (3,))
        >>> regressor.predict_quantiles([[0.5]], [0.025, 0.975]).shape
        (1, 2)
    """

    likelihood_: RegressionLikelihood

    # scikit-learn wants constructors that accept anything; fit refuses it.
    def __init__(
        self,
        model: Any = "gp-1d",
        *,
        scaling: Any = "auto",
        batch_size: Any = 1024,
        device: Any = None,
    ) -> None:
        self.model = model
        self.scaling = scaling
        self.batch_size = batch_size
        self.device = device

    def fit(self, X: Any, y: Any) -> "PFNRegressor":
        """Read the context.

        Args:
            X: Inputs, numbers of shape (n, d), with n of at least 2 unless ``scaling="none"``.
            y: Targets, numbers of shape (n,).

        Returns:
            The estimator itself.

        Raises:
            TypeError: If a parameter has the wrong type, or X is sparse.
            ValueError: If a parameter is out of range, ``model`` is a network of classification, or
                the data have a wrong shape, NaN, infinity or more features than the network reads.
        """
        check_choice("scaling", self.scaling, SCALINGS)
        check_integer("batch_size", self.batch_size)
        network, likelihood = _network(self.model, "regression", self.device)
        X, y = validate_data(
            self,
            X,
            y,
            dtype=np.float64,
            y_numeric=True,
            ensure_min_samples=2 if self.scaling == "auto" else 1,
        )
        y = y.astype(np.float64)
        scaling = InputScaling.of_context(X, network, self.scaling)
        shift, scale = target_scaling(y, likelihood) if self.scaling == "auto" else (0.0, 1.0)
        self.network_, self.likelihood_ = network, likelihood
        self.input_scaling_ = scaling
        self.y_shift_, self.y_scale_ = shift, scale
        self.context_ = _read(network, scaling(X), (y - shift) / scale)
        return self

    def predict(
        self, X: Any, return_std: bool = False
    ) -> Float64[np.ndarray, "m"] | tuple[Float64[np.ndarray, "m"], Float64[np.ndarray, "m"]]:
        """Mean of the predictive distribution of each query.

        Args:
            X: Queries, (m, d).
            return_std: Whether standard deviations are returned too; they are those of an
                observed target, noise included.

        Returns:
            Means in units of y, (m,), and with ``return_std`` standard deviations, (m,).

        Raises:
            NotFittedError: If there is no context yet.
            TypeError: If an argument has the wrong type.
            ValueError: If X does not fit the context, or has NaN or infinity.
        """
        check_flag("return_std", return_std)
        answers = _answers(self, _checked_queries(self, X))
        mean, variance = _array(
            torch.stack([self.likelihood_.mean(one), self.likelihood_.variance(one)], -1)
            for one in answers
        ).T
        mean = self.y_shift_ + self.y_scale_ * mean
        return (mean, self.y_scale_ * np.sqrt(variance)) if return_std else mean

    def predict_quantiles(
        self, X: Any, levels: float | Sequence[float] | np.ndarray
    ) -> Float64[np.ndarray, "m"] | Float64[np.ndarray, "m levels"]:
        """Quantiles of the predictive distribution of each query.

        Args:
            X: Queries, (m, d).
            levels: Probabilities from 0 to 1, one or L of them: 0.5 for the median, [0.025, 0.975]
                for the central interval of 95 %.

        Returns:
            Quantiles in units of y: (m,) for one level, (m, L) for a sequence.

        Raises:
            NotFittedError: If there is no context yet.
            TypeError: If an argument has the wrong type.
            ValueError: If a level is out of range, or X does not fit the context or has NaN.
        """
        numbers = levels.tolist() if isinstance(levels, np.ndarray) else levels
        answers = _answers(self, _checked_queries(self, X))
        quantiles = _array(self.likelihood_.quantile(one, numbers) for one in answers)
        return self.y_shift_ + self.y_scale_ * quantiles

    def log_prob(self, X: Any, y: Any) -> Float64[np.ndarray, "m"]:
        """Log density of targets under the predictive distributions of their queries.

        Args:
            X: Queries, (m, d).
            y: Their targets, (m,).

        Returns:
            Nats per unit of y, (m,); minus infinity beyond the borders of bars without full
            support.

        Raises:
            NotFittedError: If there is no context yet.
            TypeError: If X is sparse.
            ValueError: If X does not fit the context or y, or they have NaN or infinity.
        """
        check_is_fitted(self, "context_")
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, reset=False)
        answers = _answers(self, X)
        targets = _tensor((y - self.y_shift_) / self.y_scale_, self.network_)
        log_density = _array(
            _log_density(self.likelihood_, one, t)
            for one, t in zip(answers, targets.split(self.batch_size), strict=True)
        )
        return log_density - math.log(self.y_scale_)

    def sample_y(
        self,
        X: Any,
        n_samples: int = 1,
        random_state: int | np.random.RandomState | None = 0,
    ) -> Float64[np.ndarray, "m n_samples"]:
        """Draw targets from the predictive distribution of each query.

        The network says how each target is distributed, not how several depend on each other: draws
        for different queries are independent, and a column of them is no function of the posterior.

        Args:
            X: Queries, (m, d).
            n_samples: Draws for each query.
            random_state: Seed, generator of NumPy, or ``None`` for NumPy's global one. Equal seeds
                give equal draws where ``batch_size`` is equal.

        Returns:
            Draws in units of y, (m, n_samples).

        Raises:
            NotFittedError: If there is no context yet.
            TypeError: If an argument has the wrong type.
            ValueError: If ``n_samples`` is less than 1, or X does not fit the context or has NaN.
        """
        check_integer("n_samples", n_samples)
        seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
        answers = _answers(self, _checked_queries(self, X))
        generator = torch.Generator(self.network_.x_encoder.weight.device).manual_seed(seed)
        draws = _array(self.likelihood_.sample(one, n_samples, generator).T for one in answers)
        return self.y_shift_ + self.y_scale_ * draws


class PFNClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classification by a network that approximates a prior's posterior predictive distribution.

    Inputs are scaled as by :class:`PFNRegressor`. The network knows the classes as 0, 1, ... in
    sorted order. Where there are fewer than it tells apart, probabilities are conditional on the
    target's being one of those in the context.

    Args:
        model: A :class:`PriorFittedNetwork` of classification, which is not copied unless it is in
            training mode or on another device; the name of a shipped network; or a directory that
            ``save_pretrained`` wrote.
        scaling: ``"auto"``; or ``"none"`` for inputs in the prior's own units.
        batch_size: Queries that are answered at once: it bounds the memory of a prediction.
        device: Where to compute; ``None`` for where the network is.

    Attributes:
        network_: The network that answers, in evaluation mode.
        likelihood_: What its outputs mean.
        context_: What it has read.
        input_scaling_: The map of inputs to the prior's units.
        classes_: The classes, in the order of the columns of :meth:`predict_proba`.
        n_features_in_: Number of features.
        feature_names_in_: Their names, if they are strings.

    Reference:
        arXiv 2112.10510, section 6 and appendix G.

    Example:
        >>> from provenn.bayes import BernoulliLikelihood, PriorFittedNetwork
        >>> network = PriorFittedNetwork(4, BernoulliLikelihood(), d_model=16, standardize=True)
        >>> x = [[0.0, 1.0], [0.2, 0.8], [0.9, 0.1], [1.0, 0.0]]
        >>> classifier = PFNClassifier(network).fit(x, ["no", "no", "yes", "yes"])
        >>> classifier.classes_.tolist()
        ['no', 'yes']
        >>> classifier.predict_proba([[0.5, 0.5]]).shape
        (1, 2)
    """

    likelihood_: ClassificationLikelihood

    # scikit-learn wants constructors that accept anything; fit refuses it.
    def __init__(
        self,
        model: Any = "tabular-binary",
        *,
        scaling: Any = "auto",
        batch_size: Any = 1024,
        device: Any = None,
    ) -> None:
        self.model = model
        self.scaling = scaling
        self.batch_size = batch_size
        self.device = device

    def __sklearn_tags__(self) -> Tags:
        """Tags; what is given by name or directory counts as binary until it has been read."""
        tags = super().__sklearn_tags__()
        given = isinstance(self.model, PriorFittedNetwork)
        network = self.model if given else getattr(self, "network_", None)
        most = getattr(network.likelihood, "n_classes", 2) if network is not None else 2
        tags.classifier_tags.multi_class = most > 2
        return tags

    def fit(self, X: Any, y: Any) -> "PFNClassifier":
        """Read the context.

        Args:
            X: Inputs, numbers of shape (n, d).
            y: Classes, (n,): at least two, and no more than the network tells apart.

        Returns:
            The estimator itself.

        Raises:
            TypeError: If a parameter has the wrong type, or X is sparse.
            ValueError: If a parameter is out of range, ``model`` is a network of regression, the
                number of classes does not fit, or the data have a wrong shape, NaN, infinity or
                more features than the network reads.
        """
        check_choice("scaling", self.scaling, SCALINGS)
        check_integer("batch_size", self.batch_size)
        network, likelihood = _network(self.model, "classification", self.device)
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        classes, labels = np.unique(y, return_inverse=True)
        _check_classes(classes, likelihood.n_classes)
        scaling = InputScaling.of_context(X, network, self.scaling)
        self.network_, self.likelihood_ = network, likelihood
        self.input_scaling_ = scaling
        self.classes_ = classes
        self.context_ = _read(network, scaling(X), labels)
        return self

    def predict(self, X: Any) -> Shaped[np.ndarray, "m"]:
        """Most probable class of each query.

        Args:
            X: Queries, (m, d).

        Returns:
            Classes, (m,).

        Raises:
            NotFittedError: If there is no context yet.
            TypeError: If X is sparse.
            ValueError: If X does not fit the context, or has NaN or infinity.
        """
        best = self.predict_log_proba(X).argmax(1)
        classes: np.ndarray = self.classes_[best]
        return classes

    def predict_proba(self, X: Any) -> Float64[np.ndarray, "m classes"]:
        """Probability of each class for each query.

        Args:
            X: Queries, (m, d).

        Returns:
            Probabilities, (m, classes), in the order of ``classes_``.

        Raises:
            NotFittedError: If there is no context yet.
            TypeError: If X is sparse.
            ValueError: If X does not fit the context, or has NaN or infinity.
        """
        proba: np.ndarray = np.exp(self.predict_log_proba(X))
        return proba

    def predict_log_proba(self, X: Any) -> Float64[np.ndarray, "m classes"]:
        """Logarithm of :meth:`predict_proba`, with the same argument and errors."""
        answers = _answers(self, _checked_queries(self, X))
        n_classes = len(self.classes_)
        return _array(_log_probabilities(self.likelihood_, one, n_classes) for one in answers)

    def decision_function(
        self, X: Any
    ) -> Float64[np.ndarray, "m"] | Float64[np.ndarray, "m classes"]:
        """Log odds of the second class against the first; log probabilities of three or more.

        Args:
            X: Queries, (m, d).

        Returns:
            Shape (m,) for two classes, (m, classes) for more.

        Raises:
            NotFittedError: If there is no context yet.
            TypeError: If X is sparse.
            ValueError: If X does not fit the context, or has NaN or infinity.
        """
        log_proba = self.predict_log_proba(X)
        return log_proba[:, 1] - log_proba[:, 0] if len(self.classes_) == 2 else log_proba


def _network(
    model: Any, kind: Literal["regression", "classification"], device: Any
) -> tuple[PriorFittedNetwork, Any]:
    """The network that ``model`` stands for, ready to answer on the device, and its likelihood."""
    network = find_network(model)
    if network.likelihood.kind != kind:
        raise ValueError(
            f"model must be a network of {kind}, got one of {network.likelihood.kind} with "
            f"{network.likelihood}"
        )
    here = network.x_encoder.weight.device
    trains = any(module.training for module in network.modules())
    try:
        there = here if device is None else torch.device(device)
        if trains or there != here:
            network = copy.deepcopy(network).eval().to(there)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise ValueError(
            f"device must be one that PyTorch has here, got {device!r}: {error}"
        ) from None
    return network, network.likelihood


def _check_classes(classes: Shaped[np.ndarray, "classes"], most: int) -> None:
    if len(classes) < 2:
        raise ValueError(f"y must have at least 2 classes, got 1 class, {classes[0]}")
    if len(classes) > most:
        limit = f"{most} classes are" if most > 2 else "binary classification is"
        raise ValueError(
            f"Only {limit} supported. The network tells {most} classes apart, got y with "
            f"{len(classes)}: wrap the estimator in sklearn.multiclass.OneVsRestClassifier, or "
            "take a network of more classes"
        )


@torch.no_grad()
def _read(
    network: PriorFittedNetwork, x: Float64[np.ndarray, "n d"], y: Shaped[np.ndarray, "n"]
) -> Context:
    return network.encode(_tensor(x, network), _tensor(y, network))


def _checked_queries(estimator: BaseEstimator, X: Any) -> Float64[np.ndarray, "m d"]:
    check_is_fitted(estimator, "context_")
    x: np.ndarray = validate_data(estimator, X, dtype=np.float64, reset=False)
    return x


def _answers(
    estimator: PFNRegressor | PFNClassifier, x: Float64[np.ndarray, "m d"]
) -> Iterator[Tensor]:
    """Outputs of the network for as many queries at once as are allowed."""
    check_integer("batch_size", estimator.batch_size)
    estimator.input_scaling_.warn_outside(x)
    queries = _tensor(estimator.input_scaling_(x), estimator.network_)
    return (_decoded(estimator, chunk) for chunk in queries.split(estimator.batch_size))


@torch.no_grad()
def _decoded(estimator: PFNRegressor | PFNClassifier, queries: Tensor) -> Tensor:
    return estimator.network_.decode(estimator.context_, queries)


def _log_density(likelihood: RegressionLikelihood, outputs: Tensor, y: Tensor) -> Tensor:
    """Log density, which the likelihood itself refuses to give outside of its support."""
    low, high = likelihood.quantile(outputs, [0.0, 1.0]).unbind(-1)
    inside = (y >= low) & (y <= high)
    log_density = likelihood.log_prob(outputs, torch.where(inside, y, likelihood.mean(outputs)))
    return torch.where(inside, log_density, -torch.inf)


def _log_probabilities(
    likelihood: ClassificationLikelihood, outputs: Tensor, n_classes: int
) -> Tensor:
    """Log probabilities of the first classes, given that it is one of them, in double precision."""
    ones = outputs.new_ones(len(outputs))
    of_classes = [likelihood.log_prob(outputs, label * ones) for label in range(n_classes)]
    return torch.stack(of_classes, -1).double().log_softmax(-1)


def _tensor(values: np.ndarray, network: PriorFittedNetwork) -> Tensor:
    weight = network.x_encoder.weight
    return torch.tensor(values, dtype=weight.dtype, device=weight.device)


def _array(parts: Iterable[Tensor]) -> Float64[np.ndarray, "..."]:
    values: np.ndarray = torch.cat(list(parts)).double().cpu().numpy()
    return values
