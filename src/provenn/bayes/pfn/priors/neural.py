"""Bayesian neural networks: data sets labelled by networks with random weights."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor
from torch.nn import functional

from provenn.bayes.pfn.priors.binarized import above_median
from provenn.bayes.pfn.priors.distributions import Beta, Gamma, sample_or_repeat
from provenn.bayes.pfn.priors.prior import check_request
from provenn.checks import check_integer, check_number

ACTIVATIONS: dict[str | None, Callable[[Tensor], Tensor]] = {
    None: lambda z: z,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "gelu": functional.gelu,
}
"""Nonlinearities by name; ``None`` is the identity."""


def check_activation(name: Any) -> None:
    """Refuse anything but a name of ``ACTIVATIONS``."""
    if name is not None and not isinstance(name, str):
        raise TypeError(f"activation must be a str or None, got {name!r:.80}")
    if name not in ACTIVATIONS:
        accepted = ", ".join(map(repr, ACTIVATIONS))
        raise ValueError(f"activation must be one of {accepted}, got {name!r}")


class BNNWeights(NamedTuple):
    """Weights of one network for each data set, as :class:`BNNPrior` draws them.

    Attributes:
        first: Weights of the first layer, ``(batch, n_features, hidden)``.
        first_bias: Its biases, ``(batch, hidden)``.
        second: Weights of the second layer, ``(batch, hidden, 2)``.
        second_bias: Its biases, ``(batch, 2)``.
    """

    first: Tensor
    first_bias: Tensor
    second: Tensor
    second_bias: Tensor


@dataclass(frozen=True)
class BNNPrior:
    """Labels drawn from the softmax output of a network of two layers with random weights.

    With all weights and biases i.i.d. ``N(0, 1)``, drawn anew for each data set, and
    ``x ~ N(0, I)``,

        ``logits = W₂ φ(W₁ x + b₁) + b₂ ∈ R²``, ``y ~ Categorical(softmax(logits))``.

    The points are exchangeable. The inputs are returned as drawn; a network that is fitted
    standardises them by itself, from its context alone.

    Args:
        n_features: Number of features.
        hidden: Number of hidden units.
        activation: ``φ``: ``"tanh"``, ``"relu"``, ``"gelu"``, or ``None`` for the identity, which
            makes the network a linear logistic regression (as in the paper's experiments).

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of its range.

    Reference:
        Müller et al., Transformers Can Do Bayesian Inference (arXiv 2112.10510), section 5.3:
        ``BNNPrior(3, 5)`` is its small network, ``BNNPrior(8, 64)`` its big one.

    Example:
        >>> import torch
        >>> x, y = BNNPrior(3, 5).sample(4, 100, generator=torch.Generator().manual_seed(0))
        >>> x.shape, y.unique()
        (torch.Size([4, 100, 3]), tensor([0., 1.]))
    """

    n_features: int = 3
    hidden: int = 5
    activation: str | None = "tanh"

    def __post_init__(self) -> None:
        check_integer("n_features", self.n_features)
        check_integer("hidden", self.hidden)
        check_activation(self.activation)

    @property
    def n_classes(self) -> int:
        """Two classes."""
        return 2

    def sample(
        self,
        batch: int,
        n: int,
        *,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> tuple[Float[Tensor, "batch n n_features"], Float[Tensor, "batch n"]]:
        """Draw ``batch`` data sets of ``n`` points; see :class:`Prior`."""
        place = check_request(batch, n, generator, device, dtype)
        x = torch.randn(batch, n, self.n_features, generator=generator, device=place, dtype=dtype)
        weights = self.sample_weights(batch, generator=generator, device=place, dtype=dtype)
        logits = self.logits(x, weights)
        one = (logits[..., 1] - logits[..., 0]).sigmoid()
        u = torch.rand(batch, n, generator=generator, device=place, dtype=dtype)
        return x, (u < one).to(dtype)

    def sample_weights(
        self,
        batch: int,
        *,
        generator: torch.Generator | None = None,
        device: torch.device | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> BNNWeights:
        """Weights of ``batch`` networks.

        Args:
            batch: Number of networks.
            generator: Source of randomness; ``None`` for torch's global one.
            device: Where to draw; ``None`` for torch's default.
            dtype: Type of the weights.
        """

        def normal(*size: int) -> Tensor:
            return torch.randn(batch, *size, generator=generator, device=device, dtype=dtype)

        d, h = self.n_features, self.hidden
        return BNNWeights(normal(d, h), normal(h), normal(h, 2), normal(2))

    def logits(
        self, x: Float[Tensor, "batch n n_features"], weights: BNNWeights
    ) -> Float[Tensor, "batch n 2"]:
        """Outputs of each data set's network at its points.

        Args:
            x: Points of each data set.
            weights: Weights of each data set's network.

        Example:
            >>> import torch
            >>> prior = BNNPrior()
            >>> prior.logits(torch.zeros(4, 7, 3), prior.sample_weights(4)).shape
            torch.Size([4, 7, 2])
        """
        hidden = torch.baddbmm(weights.first_bias.unsqueeze(1), x, weights.first)
        hidden = ACTIVATIONS[self.activation](hidden)
        return torch.baddbmm(weights.second_bias.unsqueeze(1), hidden, weights.second)


class Architectures(NamedTuple):
    """One architecture for each data set, as :class:`TabularBNNPrior` draws them.

    Attributes:
        hidden: Number of units of each hidden layer, ``(batch,)``.
        used_features: Number of features in use, ``(batch,)``.
        weight_std: Standard deviation of the weights, ``(batch,)``.
        noise_std: Standard deviation of the noise, ``(batch,)``.
    """

    hidden: Int64[Tensor, "batch"]
    used_features: Int64[Tensor, "batch"]
    weight_std: Float[Tensor, "batch"]
    noise_std: Float[Tensor, "batch"]


class Layer(NamedTuple):
    """A linear layer of each data set's network.

    Attributes:
        weight: ``(batch, fan_in, fan_out)``.
        bias: ``(batch, 1, fan_out)``.
    """

    weight: Tensor
    bias: Tensor


HIDDEN = Beta(2.0, 4.0)
USED_FEATURES = Beta(1.0, 1.6)
WEIGHT_STD = Gamma(3.6188, 1 / 0.06774)
NOISE_STD = Gamma(1.8663, 1 / 0.05275)


@dataclass(frozen=True)
class TabularBNNPrior:
    """Binary tabular data: networks over random architectures, cut at the median.

    Each ``group`` of data sets draws an architecture:

    * hidden units ``h = 2 + round((max_hidden - 1) z - 1/2)`` with ``z`` from ``hidden``,
    * features in use ``d = 2 + round((n_features - 1) z - 1/2)`` with ``z`` from ``used_features``,
    * a standard deviation ``σ_w`` of weights and biases and ``σ`` of noise.

    Each data set then draws its own weights ``N(0, σ_w²)`` and inputs ``x ~ N(0, I_d)``, padded
    with zeros to ``n_features``. The layers are ``z₁ = W₁ x + b₁`` and
    ``z_{l+1} = W_{l+1} φ(z_l) + b_{l+1} + ε`` with noise ``ε ~ N(0, σ²)`` at each unit of each
    point, and the label is 1 where the last output exceeds the data set's median, which is exactly
    ``n // 2`` times.

    The points are exchangeable: the two classes do not alternate. As with
    :class:`MedianBinarized`, the last label follows from all others. The inputs are returned as
    drawn; a network that is fitted standardises them by itself, from its context alone.

    Args:
        n_features: Number of features after padding, at least 2.
        n_layers: Number of linear layers, at least 2.
        activation: ``φ``: ``"tanh"``, ``"relu"``, ``"gelu"`` or ``None`` for the identity.
        max_hidden: Largest number of hidden units, at least 2.
        hidden: Distribution of the number of hidden units on its range.
        used_features: Distribution of the number of features in use on its range.
        weight_std: ``σ_w``: a number or a distribution.
        noise_std: ``σ``: a number or a distribution.
        sparsity: Share ``p`` of the weights behind the first layer that are 0; the standard
            deviation of the others is ``σ_w / (1 - p)``.
        group: Number of data sets that share an architecture.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of its range.

    Reference:
        Müller et al., Transformers Can Do Bayesian Inference (arXiv 2112.10510), section 6 and
        appendix G; the defaults are those of its final model.

    Example:
        >>> import torch
        >>> x, y = TabularBNNPrior().sample(16, 50, generator=torch.Generator().manual_seed(0))
        >>> x.shape, bool((y.sum(-1) == 25).all())
        (torch.Size([16, 50, 60]), True)
    """

    n_features: int = 60
    n_layers: int = 3
    activation: str | None = "tanh"
    max_hidden: int = 150
    hidden: Beta = HIDDEN
    used_features: Beta = USED_FEATURES
    weight_std: float | Gamma = WEIGHT_STD
    noise_std: float | Gamma = NOISE_STD
    sparsity: float = 0.0
    group: int = 8

    def __post_init__(self) -> None:
        check_integer("n_features", self.n_features, 2)
        check_integer("n_layers", self.n_layers, 2)
        check_activation(self.activation)
        check_integer("max_hidden", self.max_hidden, 2)
        for name in ("hidden", "used_features"):
            if not isinstance(getattr(self, name), Beta):
                raise TypeError(f"{name} must be a Beta, got {getattr(self, name)!r}")
        if not isinstance(self.weight_std, Gamma):
            check_number("weight_std", self.weight_std, above=0.0)
        if not isinstance(self.noise_std, Gamma):
            check_number("noise_std", self.noise_std, least=0.0)
        check_number("sparsity", self.sparsity, least=0.0, below=1.0)
        check_integer("group", self.group)

    @property
    def n_classes(self) -> int:
        """Two classes."""
        return 2

    def sample(
        self,
        batch: int,
        n: int,
        *,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> tuple[Float[Tensor, "batch n n_features"], Float[Tensor, "batch n"]]:
        """Draw ``batch`` data sets of ``n`` points; see :class:`Prior`."""
        place = check_request(batch, n, generator, device, dtype)
        architectures = self.sample_architectures(batch, generator=generator, device=place)
        x = torch.randn(batch, n, self.n_features, generator=generator, device=place, dtype=dtype)
        features = torch.arange(self.n_features, device=place)
        x = x * (features < architectures.used_features[:, None, None])
        layers = self.sample_layers(architectures, generator=generator, dtype=dtype)
        outputs = self.outputs(x, layers, architectures.noise_std, generator=generator)
        return x, above_median(outputs).to(dtype)

    def sample_architectures(
        self,
        batch: int,
        *,
        generator: torch.Generator | None = None,
        device: torch.device | None = None,
    ) -> Architectures:
        """Architecture of each of ``batch`` data sets, the same for each ``group`` of them.

        Args:
            batch: Number of data sets.
            generator: Source of randomness; ``None`` for torch's global one.
            device: Where to draw; ``None`` for torch's default.

        Example:
            >>> sizes = TabularBNNPrior(group=2).sample_architectures(4).hidden
            >>> bool(sizes[0] == sizes[1] and sizes[2] == sizes[3])
            True
        """
        groups = (math.ceil(batch / self.group),)

        def size(of: Beta, largest: int) -> Tensor:
            z = of.sample(groups, generator, device)
            return 2 + (z * (largest - 1) - 0.5).round().long()

        drawn = (
            size(self.hidden, self.max_hidden),
            size(self.used_features, self.n_features),
            sample_or_repeat(self.weight_std, groups, generator, device),
            sample_or_repeat(self.noise_std, groups, generator, device),
        )
        return Architectures(*(each.repeat_interleave(self.group)[:batch] for each in drawn))

    def sample_layers(
        self,
        architectures: Architectures,
        *,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> list[Layer]:
        """Weights of networks that are all as wide as the widest of them.

        Units beyond a network's own width have no way out: the weights behind them are 0.

        Args:
            architectures: The architecture of each network.
            generator: Source of randomness; ``None`` for torch's global one.
            dtype: Type of the weights.

        Returns:
            Weights and biases of each layer, all of ``N(0, σ_w²)``.
        """
        width = int(architectures.hidden.max())
        device = architectures.hidden.device
        unit = torch.arange(width, device=device).unsqueeze(-1)
        alive = unit < architectures.hidden[:, None, None]
        std = architectures.weight_std.to(dtype)[:, None, None]

        def normal(*size: int) -> Tensor:
            size = (len(std), *size)
            return torch.randn(size, generator=generator, device=device, dtype=dtype) * std

        layers = [Layer(normal(self.n_features, width), normal(1, width))]
        for fan_out in [width] * (self.n_layers - 2) + [1]:
            weight = normal(width, fan_out) * alive
            if self.sparsity:
                u = torch.rand(weight.shape, generator=generator, device=device)
                weight = weight * (u >= self.sparsity) / (1 - self.sparsity)
            layers.append(Layer(weight, normal(1, fan_out)))
        return layers

    def outputs(
        self,
        x: Float[Tensor, "batch n n_features"],
        layers: Sequence[Layer],
        noise_std: Float[Tensor, "batch"],
        *,
        generator: torch.Generator | None = None,
    ) -> Float64[Tensor, "batch n"]:
        """Noisy output of each data set's network at its points.

        Args:
            x: Points of each data set.
            layers: Layers of each data set's network.
            noise_std: ``σ`` of each data set.
            generator: Source of the noise; ``None`` for torch's global one.
        """
        noise_std = noise_std[:, None, None]

        def noise(like: Tensor, dtype: torch.dtype) -> Tensor:
            z = torch.randn(like.shape, generator=generator, device=like.device, dtype=dtype)
            return z * noise_std.to(dtype)

        first, *hidden, last = layers
        z = torch.baddbmm(first.bias, x, first.weight)
        for layer in hidden:
            z = torch.baddbmm(layer.bias, ACTIVATIONS[self.activation](z), layer.weight)
            z = z + noise(z, z.dtype)
        z = torch.baddbmm(last.bias, ACTIVATIONS[self.activation](z), last.weight)
        # Noise in float64 leaves no two outputs equal, so that the median halves them exactly.
        return (z + noise(z, torch.float64)).squeeze(-1)
