"""What the outputs of a prior-data fitted network mean: a distribution of one target y.

A likelihood turns the last axis of the network's outputs into a distribution. It has no trainable
parameters. All of them compute in float32 or wider, whatever the outputs come in, because a log
probability in bfloat16 has no more than three digits.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, TypeVar

import torch
from jaxtyping import Float, Real
from torch import Tensor, nn
from torch._C._functorch import is_functorch_wrapped_tensor
from torch.nn import functional

from provenn.checks import check_float_tensor, check_integer, check_number

Built = TypeVar("Built", bound="Likelihood")
Levels = float | Sequence[float] | Tensor


class Likelihood(nn.Module, ABC):
    """Distribution of a target given a network's outputs.

    Called as a module it is a loss without reduction: ``-log_prob(outputs, y)``.

    Attributes:
        n_outputs: Outputs of the network that describe one target.
        kind: ``"regression"`` or ``"classification"``.
    """

    n_outputs: int
    kind: ClassVar[Literal["regression", "classification"]]
    _by_name: ClassVar[dict[str, type["Likelihood"]]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        Likelihood._by_name[cls.__name__] = cls

    @property
    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Plain data from which :func:`likelihood_from_config` builds the likelihood again."""

    @abstractmethod
    def log_prob(
        self, outputs: Float[Tensor, "*batch n_outputs"], y: Real[Tensor, "*batch"]
    ) -> Float[Tensor, "*batch"]:
        """Log density, or log probability, of each target.

        Args:
            outputs: The network's outputs, ``(*batch, m, n_outputs)``.
            y: Targets, ``(*batch, m)``; class labels are 0, 1, ...

        Returns:
            Shape ``(*batch, m)``, in nats.
        """

    def forward(
        self, outputs: Float[Tensor, "*batch n_outputs"], y: Real[Tensor, "*batch"]
    ) -> Float[Tensor, "*batch"]:
        """Negative log-likelihood of each target; arguments as of :meth:`log_prob`."""
        return -self.log_prob(outputs, y)

    @classmethod
    def from_config(cls: type[Built], **arguments: Any) -> Built:
        """Build the likelihood from what its ``config`` holds beside the class."""
        return cls(**arguments)

    def _checked(self, outputs: Tensor) -> Tensor:
        """The outputs in float32 or wider, once they are seen to fit."""
        check_float_tensor("outputs", outputs)
        if outputs.ndim == 0 or outputs.shape[-1] != self.n_outputs:
            raise ValueError(
                f"outputs must have shape (*batch, {self.n_outputs}), got {tuple(outputs.shape)}"
            )
        return outputs.to(torch.promote_types(outputs.dtype, torch.float32))

    def _checked_with(self, outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs and targets in one dtype of at least float32, once they are seen to fit."""
        if not isinstance(y, Tensor):
            raise TypeError(f"y must be a torch.Tensor, got {type(y).__name__}")
        if y.is_complex() or y.dtype == torch.bool:
            raise TypeError(f"y must be of floating point or integers, got {y.dtype}")
        outputs = self._checked(outputs)
        if y.shape != outputs.shape[:-1]:
            raise ValueError(
                f"y must have shape {tuple(outputs.shape[:-1])}, that of outputs "
                f"{tuple(outputs.shape)} without the last axis, got {tuple(y.shape)}"
            )
        if y.device != outputs.device:
            raise ValueError(f"y must be on the device of outputs {outputs.device}, got {y.device}")
        return outputs, y.to(outputs.dtype)


class RegressionLikelihood(Likelihood):
    """Distribution of a real target."""

    kind = "regression"

    @abstractmethod
    def mean(self, outputs: Float[Tensor, "*batch n_outputs"]) -> Float[Tensor, "*batch"]:
        """Expected target, ``(*batch, m)``."""

    @abstractmethod
    def variance(self, outputs: Float[Tensor, "*batch n_outputs"]) -> Float[Tensor, "*batch"]:
        """Variance of the target, ``(*batch, m)``."""

    @abstractmethod
    def cdf(
        self, outputs: Float[Tensor, "*batch n_outputs"], y: Real[Tensor, "*batch"]
    ) -> Float[Tensor, "*batch"]:
        """Probability of a target of at most ``y``, ``(*batch, m)``."""

    @abstractmethod
    def quantile(
        self, outputs: Float[Tensor, "*batch n_outputs"], levels: Levels
    ) -> Float[Tensor, "..."]:
        """Inverse of :meth:`cdf`.

        Args:
            outputs: The network's outputs, ``(*batch, m, n_outputs)``.
            levels: Probabilities from 0 to 1: a number, or a sequence or tensor of L of them.

        Returns:
            Shape ``(*batch, m)`` for a number, ``(*batch, m, L)`` otherwise.
        """

    @abstractmethod
    def sample(
        self,
        outputs: Float[Tensor, "*batch n_outputs"],
        n_samples: int,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "n_samples *batch"]:
        """Independent draws, ``(n_samples, *batch, m)``, without gradients.

        Args:
            outputs: The network's outputs, ``(*batch, m, n_outputs)``.
            n_samples: Number of draws for each target.
            generator: Source of randomness on the outputs' device; PyTorch's own if ``None``.
        """

    def median(self, outputs: Float[Tensor, "*batch n_outputs"]) -> Float[Tensor, "*batch"]:
        """Value that the target exceeds with probability one half, ``(*batch, m)``."""
        return self.quantile(outputs, 0.5)


class ClassificationLikelihood(Likelihood):
    """Distribution of a class label 0, 1, ..., ``n_classes - 1``."""

    kind = "classification"
    n_classes: int

    @abstractmethod
    def probabilities(
        self, outputs: Float[Tensor, "*batch n_outputs"]
    ) -> Float[Tensor, "*batch n_classes"]:
        """Probability of each class, ``(*batch, m, n_classes)``."""

    def _checked_labels(self, outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        outputs, y = self._checked_with(outputs, y)
        if has_values(y):
            known = (y >= 0) & (y < self.n_classes) & (y == y.floor())
            if not bool(known.all()):
                raise ValueError(
                    f"y must hold the labels 0 to {self.n_classes - 1}, got {float(y[~known][0])}"
                )
        return outputs, y


class GaussianLikelihood(RegressionLikelihood):
    """Normal distribution whose mean and variance are the outputs.

    The outputs ``(a, v)`` stand for ``N(y; a, |v| + variance_floor)``.

    Args:
        variance_floor: Least variance, in squared units of the target. It keeps the density
            bounded; 0 makes it that of the paper.

    Raises:
        TypeError: If ``variance_floor`` is not a number.
        ValueError: If it is negative or not finite.

    Reference:
        arXiv 2112.10510, Figure 9.

    Example:
        >>> likelihood = GaussianLikelihood(variance_floor=0.0)
        >>> outputs = torch.tensor([[2.0, -4.0]])
        >>> likelihood.mean(outputs), likelihood.variance(outputs)
        (tensor([2.]), tensor([4.]))
        >>> likelihood.log_prob(outputs, torch.tensor([2.0]))
        tensor([-1.6121])
    """

    n_outputs = 2

    def __init__(self, variance_floor: float = 1e-6) -> None:
        super().__init__()
        check_number("variance_floor", variance_floor, least=0)
        self.variance_floor = float(variance_floor)

    @property
    def config(self) -> dict[str, Any]:
        """Class and ``variance_floor``."""
        return {"class": "GaussianLikelihood", "variance_floor": self.variance_floor}

    def log_prob(
        self, outputs: Float[Tensor, "*batch n_outputs"], y: Real[Tensor, "*batch"]
    ) -> Float[Tensor, "*batch"]:
        """Log density of each target, ``(*batch, m)``."""
        outputs, y = self._checked_with(outputs, y)
        variance = self.variance(outputs)
        error = y - outputs[..., 0]
        log_density: Tensor = -0.5 * ((math.tau * variance).log() + error.square() / variance)
        return log_density

    def mean(self, outputs: Float[Tensor, "*batch n_outputs"]) -> Float[Tensor, "*batch"]:
        """Expected target, ``(*batch, m)``."""
        return self._checked(outputs)[..., 0].clone()

    def variance(self, outputs: Float[Tensor, "*batch n_outputs"]) -> Float[Tensor, "*batch"]:
        """Variance of the target, ``(*batch, m)``."""
        return self._checked(outputs)[..., 1].abs() + self.variance_floor

    def cdf(
        self, outputs: Float[Tensor, "*batch n_outputs"], y: Real[Tensor, "*batch"]
    ) -> Float[Tensor, "*batch"]:
        """Probability of a target of at most ``y``, ``(*batch, m)``."""
        outputs, y = self._checked_with(outputs, y)
        below: Tensor = torch.special.ndtr((y - outputs[..., 0]) / self.variance(outputs).sqrt())
        return below

    def quantile(
        self, outputs: Float[Tensor, "*batch n_outputs"], levels: Levels
    ) -> Float[Tensor, "..."]:
        """Inverse of :meth:`cdf`, ``(*batch, m)`` or ``(*batch, m, L)``; infinite at 0 and 1."""
        outputs = self._checked(outputs)
        alpha = checked_levels(levels, outputs)
        std = self.variance(outputs).sqrt()
        value: Tensor = outputs[..., :1] + std.unsqueeze(-1) * torch.special.ndtri(alpha)
        return value if alpha.ndim else value.squeeze(-1)

    @torch.no_grad()
    def sample(
        self,
        outputs: Float[Tensor, "*batch n_outputs"],
        n_samples: int,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "n_samples *batch"]:
        """Independent draws, ``(n_samples, *batch, m)``, without gradients."""
        outputs = self._checked(outputs)
        check_integer("n_samples", n_samples)
        shape = (n_samples, *outputs.shape[:-1])
        z = torch.randn(shape, generator=generator, dtype=outputs.dtype, device=outputs.device)
        value: Tensor = outputs[..., 0] + self.variance(outputs).sqrt() * z
        return value


class BernoulliLikelihood(ClassificationLikelihood):
    """Two classes, of which the only output is the logit of class 1.

    ``log p(y) = y l - log(1 + exp(l))``.

    Example:
        >>> likelihood = BernoulliLikelihood()
        >>> outputs = torch.tensor([[0.0]])
        >>> likelihood.probabilities(outputs)
        tensor([[0.5000, 0.5000]])
        >>> likelihood.log_prob(outputs, torch.tensor([1.0]))
        tensor([-0.6931])
    """

    n_outputs = 1
    n_classes = 2

    @property
    def config(self) -> dict[str, Any]:
        """The class."""
        return {"class": "BernoulliLikelihood"}

    def log_prob(
        self, outputs: Float[Tensor, "*batch n_outputs"], y: Real[Tensor, "*batch"]
    ) -> Float[Tensor, "*batch"]:
        """Log probability of each label, ``(*batch, m)``."""
        outputs, y = self._checked_labels(outputs, y)
        return -functional.binary_cross_entropy_with_logits(outputs[..., 0], y, reduction="none")

    def probabilities(
        self, outputs: Float[Tensor, "*batch n_outputs"]
    ) -> Float[Tensor, "*batch n_classes"]:
        """Probability of class 0 and of class 1, ``(*batch, m, 2)``."""
        logit = self._checked(outputs)
        return torch.cat([-logit, logit], -1).sigmoid()


class CategoricalLikelihood(ClassificationLikelihood):
    """Any number of classes, with one logit for each.

    Args:
        n_classes: Number of classes, at least 2.

    Raises:
        TypeError: If ``n_classes`` is not an integer.
        ValueError: If it is less than 2.

    Example:
        >>> likelihood = CategoricalLikelihood(4)
        >>> likelihood.log_prob(torch.zeros(1, 4), torch.tensor([3.0]))
        tensor([-1.3863])
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        check_integer("n_classes", n_classes, least=2)
        self.n_classes = self.n_outputs = n_classes

    @property
    def config(self) -> dict[str, Any]:
        """Class and ``n_classes``."""
        return {"class": "CategoricalLikelihood", "n_classes": self.n_classes}

    def log_prob(
        self, outputs: Float[Tensor, "*batch n_outputs"], y: Real[Tensor, "*batch"]
    ) -> Float[Tensor, "*batch"]:
        """Log probability of each label, ``(*batch, m)``."""
        outputs, y = self._checked_labels(outputs, y)
        log_p = functional.log_softmax(outputs, -1)
        return log_p.gather(-1, y.long().unsqueeze(-1)).squeeze(-1)

    def probabilities(
        self, outputs: Float[Tensor, "*batch n_outputs"]
    ) -> Float[Tensor, "*batch n_classes"]:
        """Probability of each class, ``(*batch, m, n_classes)``."""
        return self._checked(outputs).softmax(-1)

    def extra_repr(self) -> str:
        """Number of classes."""
        return f"n_classes={self.n_classes}"


def likelihood_from_config(config: Mapping[str, Any]) -> Likelihood:
    """Build the likelihood whose ``config`` is given.

    Borders of a bar distribution are no part of its config: they come with the state dict.

    Args:
        config: ``{"class": name, **arguments}``.

    Returns:
        The likelihood.

    Raises:
        TypeError: If ``config`` is not a mapping.
        ValueError: If it names no likelihood, or its arguments are not those of the class.

    Example:
        >>> likelihood_from_config({"class": "CategoricalLikelihood", "n_classes": 3})
        CategoricalLikelihood(n_classes=3)
    """
    if not isinstance(config, Mapping):
        raise TypeError(f"config must be a mapping, got {type(config).__name__}")
    arguments = dict(config)
    name = arguments.pop("class", None)
    kinds = Likelihood._by_name
    known = [known for known, kind in kinds.items() if not getattr(kind, "__abstractmethods__", ())]
    if name not in known:
        raise ValueError(f"config['class'] must be one of {', '.join(known)}, got {name!r}")
    try:
        return kinds[name].from_config(**arguments)
    except TypeError as error:
        raise ValueError(
            f"config must hold the arguments of {name}, got {config}: {error}"
        ) from None


def checked_levels(levels: Any, outputs: Tensor) -> Tensor:
    """Probabilities as a tensor of no axis or one, of the outputs' dtype and device."""
    single = isinstance(levels, (int, float)) and not isinstance(levels, bool)
    if not single and not isinstance(levels, (Tensor, list, tuple)):
        raise TypeError(
            f"levels must be a number, or a sequence or tensor of them, got {levels!r} "
            f"of type {type(levels).__name__}"
        )
    try:
        alpha: Tensor = torch.as_tensor(levels, dtype=outputs.dtype, device=outputs.device)
    except (TypeError, ValueError) as error:
        raise TypeError(f"levels must hold numbers, got {levels!r}: {error}") from None
    if alpha.ndim > 1:
        raise ValueError(f"levels must have at most one axis, got shape {tuple(alpha.shape)}")
    if has_values(alpha):
        inside = (alpha >= 0) & (alpha <= 1)
        if not bool(inside.all()):
            raise ValueError(f"levels must lie within [0, 1], got {float(alpha[~inside][0])}")
    return alpha


def has_values(tensor: Tensor) -> bool:
    """Whether the tensor can be looked at: not while a program is traced, mapped or shaped."""
    return not (
        torch.compiler.is_compiling() or tensor.is_meta or is_functorch_wrapped_tensor(tensor)
    )
