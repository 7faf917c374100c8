"""The statistics of the effective theory, measured on random networks with standard errors.

Given the layer before, preactivations of a layer are exactly Gaussian and independent over neurons,
with the random kernel ``Ĝ_ab = C_b + (C_W / n) Σ_j σ(z_ja) σ(z_jb)``. So statistics of
preactivations need no weights: neurons are drawn from ``N(0, Ĝ)``, layer by layer, and
``V / n = Cov(Ĝ)`` over networks. Statistics of the neural tangent kernel do need weights.
"""

from dataclasses import dataclass
from itertools import combinations_with_replacement

import torch
from jaxtyping import Float
from torch import Tensor

from provenn.checks import check_generator, check_integer
from provenn.theory.activations import Activation
from provenn.theory.door import check_matrix
from provenn.theory.effective_theory import EffectiveTheory, PerLayer
from provenn.theory.flow import Hyperparameters

NUMBERS_AT_ONCE = 2**20
"""Random numbers held at once."""


@dataclass(frozen=True, eq=False)
class MeasuredFlow:
    """Kernel and vertex of each layer over random networks; entry ``ℓ - 1`` is layer ``ℓ``'s.

    Args:
        K: Mean kernel over networks.
        K_error: Standard error of it.
        V: ``n_{ℓ-1}`` times the connected four-point correlation over unordered pairs of inputs.
        V_error: Standard error of it.
        pairs: The inputs ``(a, b)`` of each row of ``V``.
        n_nets: Networks drawn.
    """

    K: Float[Tensor, "depth inputs inputs"]
    K_error: Float[Tensor, "depth inputs inputs"]
    V: Float[Tensor, "depth pairs pairs"]
    V_error: Float[Tensor, "depth pairs pairs"]
    pairs: tuple[tuple[int, int], ...]
    n_nets: int


@dataclass(frozen=True, eq=False)
class MeasuredNetworks:
    """Statistics of each layer of networks with explicit weights, for one input.

    Every field is a pair of a mean over networks and its standard error, each ``(depth,)``; those
    of finite width are multiplied by ``n_{ℓ-1}``, so that they compare with :class:`Flow`'s.
    """

    K: Float[Tensor, "two depth"]
    V: Float[Tensor, "two depth"]
    Theta: Float[Tensor, "two depth"]
    F: Float[Tensor, "two depth"]
    D: Float[Tensor, "two depth"]
    B: Float[Tensor, "two depth"]
    A: Float[Tensor, "two depth"]
    n_nets: int


@torch.no_grad()
def measure_flow(
    theory: EffectiveTheory,
    x: Float[Tensor, "inputs features"],
    depth: int,
    width: int,
    *,
    n_nets: int = 10_000,
    C_b: PerLayer | None = None,
    C_W: PerLayer | None = None,
    gamma: PerLayer = 0.0,
    generator: torch.Generator | None = None,
) -> MeasuredFlow:
    """Measure kernel and four-point vertex by conditional sampling, without drawing weights.

    The cost of a layer is ``O(n)`` for each network instead of ``O(n²)``.

    Args:
        theory: Theory of the activation.
        x: Inputs, one a row.
        depth: Number of affine layers.
        width: Width of the hidden layers, at least 2.
        n_nets: Networks to draw, at least 2.
        C_b: Variance of biases, as in :meth:`EffectiveTheory.flow`.
        C_W: Variance of weights times the number of inputs.
        gamma: Strength of the skips.
        generator: Source of randomness, on the device to compute on.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a value is out of range, or there is no critical initialisation.

    Reference:
        Roberts, Yaida, Hanin: The Principles of Deep Learning Theory, chapter 4.

    Example:
        >>> found = measure_flow(
        ...     EffectiveTheory("relu"), torch.ones(1, 1), 3, 100, n_nets=1000,
        ...     generator=torch.Generator().manual_seed(0),
        ... )
        >>> bool((found.K[-1] - 2.0).abs() < 5 * found.K_error[-1])
        True
    """
    given = _checked(theory, x, depth, width, n_nets, C_b, C_W, gamma, (1.0, 1.0), generator)
    n_inputs = len(x)
    pairs = tuple(combinations_with_replacement(range(n_inputs), 2))
    device = generator.device if generator is not None else torch.device("cpu")
    first = theory.kernels(x, 1, C_b=given.C_b[:1], C_W=given.C_W[:1]).K[0].to(device)
    at_once = max(1, NUMBERS_AT_ONCE // (width * n_inputs))
    chunks = [
        _sample_chunk(
            theory.activation, first, given, width, min(at_once, n_nets - i), pairs, generator
        )
        for i in range(0, n_nets, at_once)
    ]
    kernels = torch.cat([kernel for kernel, _ in chunks], 1)
    own = torch.cat([within for _, within in chunks], 1)
    mean = kernels.mean(1)
    centred = kernels - mean[:, None]
    products = centred[..., :, None] * centred[..., None, :] - own
    scale = float(width)
    V, V_error = _mean_and_error(products, 1)
    _, K_error = _mean_and_error(kernels, 1)
    V[0], V_error[0] = 0.0, 0.0
    return MeasuredFlow(
        K=_as_matrix(mean, pairs, n_inputs),
        K_error=_as_matrix(K_error, pairs, n_inputs),
        V=scale * V,
        V_error=scale * V_error,
        pairs=pairs,
        n_nets=n_nets,
    )


def _sample_chunk(
    activation: Activation,
    first: Tensor,
    given: Hyperparameters,
    n: int,
    n_nets: int,
    pairs: tuple[tuple[int, int], ...],
    generator: torch.Generator | None,
) -> tuple[Tensor, Tensor]:
    """Kernel of each layer and network over pairs, and what of its square is one neuron's own."""
    a, b = torch.tensor(pairs, device=first.device).T
    kernels = [first[a, b].expand(n_nets, -1)]
    own = [first.new_zeros(n_nets, len(pairs), len(pairs))]
    G = first.expand(n_nets, -1, -1)
    z: Tensor | None = None
    for layer in range(1, len(given.C_W)):
        noise = torch.randn(n_nets, n, len(first), generator=generator, device=first.device)
        drawn = noise @ _root(G).float().mT
        z = drawn if z is None else drawn + given.gamma[layer - 1] * z
        s = activation(z)
        G = given.C_b[layer] + (given.C_W[layer] / n) * (s.mT @ s).double()
        skip = given.gamma[layer] ** 2
        if skip:
            q = skip * (z[..., a] * z[..., b]).double()
            mean = q.mean(1)
            kernels.append(G[:, a, b] + mean)
            own.append(((q.mT @ q) / n - mean[:, :, None] * mean[:, None, :]) / (n - 1))
        else:
            kernels.append(G[:, a, b])
            own.append(torch.zeros_like(own[0]))
    return torch.stack(kernels), torch.stack(own)


@torch.no_grad()
def measure_networks(
    theory: EffectiveTheory,
    x: Float[Tensor, "one features"],
    depth: int,
    width: int,
    *,
    n_nets: int = 1000,
    C_b: PerLayer | None = None,
    C_W: PerLayer | None = None,
    gamma: PerLayer = 0.0,
    lr: tuple[PerLayer, PerLayer] = (1.0, 1.0),
    generator: torch.Generator | None = None,
) -> MeasuredNetworks:
    """Measure preactivations and the neural tangent kernel on networks with explicit weights.

    The tangent kernel ``H`` of all pairs of neurons is carried forward layer by layer,
    ``H' = λ_b + (λ_W / n) Σ σ² + J H Jᵀ`` with ``J = W diag(σ') + γ``, in batched products.

    Args:
        theory: Theory of the activation.
        x: One input, ``(1, features)``.
        depth: Number of affine layers.
        width: Width of every layer, the last one too; at least 2.
        n_nets: Networks to draw, at least 2.
        C_b: Variance of biases, as in :meth:`EffectiveTheory.flow`.
        C_W: Variance of weights times the number of inputs.
        gamma: Strength of the skips.
        lr: ``(λ_b, λ_W)``, as in :meth:`EffectiveTheory.flow`.
        generator: Source of randomness, on the device to compute on.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a value is out of range, or there is no critical initialisation.

    Reference:
        Roberts, Yaida, Hanin: The Principles of Deep Learning Theory, chapter 8.

    Example:
        >>> found = measure_networks(
        ...     EffectiveTheory("linear"), torch.ones(1, 1), 2, 32, n_nets=500,
        ...     generator=torch.Generator().manual_seed(0),
        ... )
        >>> mean, error = found.Theta[:, -1]  # λ_b + λ_W K + Θ^(1) = 4
        >>> bool((mean - 4.0).abs() < 5 * error)
        True
    """
    given = _checked(theory, x, depth, width, n_nets, C_b, C_W, gamma, lr, generator)
    if len(x) != 1:
        raise ValueError(f"x must have one row, got {len(x)}")
    mean_square = float(x.double().square().mean())
    at_once = max(1, NUMBERS_AT_ONCE // width**2)
    chunks = [
        _draw_chunk(
            theory.activation, mean_square, given, width, min(at_once, n_nets - i), generator
        )
        for i in range(0, n_nets, at_once)
    ]
    rows = torch.cat(chunks, 2)  # statistic, layer, network
    z2, z4, θ, θz2, hzz, hh, θθ = rows
    n = float(width)
    scale = torch.full((depth,), n, dtype=rows.dtype, device=rows.device)
    scale[0] = 0.0  # the first layer's correlations are exactly Gaussian

    def scaled(values: Tensor, factor: Tensor | float = 1.0) -> Tensor:
        return torch.stack(_mean_and_error(values, 1)) * factor

    def covariance(product: Tensor, a: Tensor, b: Tensor) -> Tensor:
        m_a, m_b = a.mean(1, keepdim=True), b.mean(1, keepdim=True)
        return scaled(product - m_a * b - m_b * a + m_a * m_b, scale)

    return MeasuredNetworks(
        K=scaled(z2),
        V=covariance(z4, z2, z2),
        Theta=scaled(θ),
        F=scaled(hzz, scale),
        D=covariance(θz2, θ, z2),
        B=scaled(hh, scale),
        A=covariance(θθ, θ, θ),
        n_nets=n_nets,
    )


def _draw_chunk(
    activation: Activation,
    mean_square: float,
    given: Hyperparameters,
    n: int,
    n_nets: int,
    generator: torch.Generator | None,
) -> Tensor:
    """Averages over neurons and pairs of neurons, ``(statistic, layer, network)``."""
    device = generator.device if generator is not None else torch.device("cpu")

    def normal(*shape: int) -> Tensor:
        return torch.randn(n_nets, *shape, generator=generator, device=device)

    K = given.C_b[0] + given.C_W[0] * mean_square
    z = K**0.5 * normal(n)
    unit = torch.eye(n, device=device)
    H = (given.lr_bias[0] + given.lr_weight[0] * mean_square) * unit.expand(n_nets, -1, -1)
    layers = [_averages(z, H)]
    for layer in range(1, len(given.C_W)):
        s, d = activation(z), activation.derivative(z)
        W = (given.C_W[layer] / n) ** 0.5 * normal(n, n)
        J = W * d[:, None, :] + given.gamma[layer] * unit
        own = given.lr_bias[layer] + given.lr_weight[layer] * s.square().mean(1)
        bias = given.C_b[layer] ** 0.5 * normal(n)
        z = bias + (W @ s[..., None])[..., 0] + given.gamma[layer] * z
        H = own[:, None, None] * unit + J @ H @ J.mT
        layers.append(_averages(z, H))
    return torch.stack(layers, 1)


def _averages(z: Tensor, H: Tensor) -> Tensor:
    z, H = z.double(), H.double()
    n = z.shape[1]
    pairs = n * (n - 1)
    z2, θ = z.square(), H.diagonal(dim1=1, dim2=2)
    crossed = (H * z[:, :, None] * z[:, None, :]).sum((1, 2)) - (θ * z2).sum(1)
    squared = H.square().sum((1, 2)) - θ.square().sum(1)
    return torch.stack(
        (
            z2.mean(1),
            (z2.sum(1) ** 2 - z2.square().sum(1)) / pairs,
            θ.mean(1),
            (θ.sum(1) * z2.sum(1) - (θ * z2).sum(1)) / pairs,
            crossed / pairs,
            squared / pairs,
            (θ.sum(1) ** 2 - θ.square().sum(1)) / pairs,
        )
    )


def _checked(
    theory: EffectiveTheory,
    x: Tensor,
    depth: int,
    width: int,
    n_nets: int,
    C_b: PerLayer | None,
    C_W: PerLayer | None,
    gamma: PerLayer,
    lr: tuple[PerLayer, PerLayer],
    generator: torch.Generator | None,
) -> Hyperparameters:
    if not isinstance(theory, EffectiveTheory):
        raise TypeError(f"theory must be an EffectiveTheory, got {type(theory).__name__}")
    check_matrix("x", x)
    check_integer("width", width, least=2)
    check_integer("n_nets", n_nets, least=2)
    check_generator(generator)
    return theory.hyperparameters(depth, C_b=C_b, C_W=C_W, gamma=gamma, lr=lr)


def _root(G: Tensor) -> Tensor:
    """A square root of each positive semi-definite matrix, singular ones among them."""
    if G.shape[-1] == 1:
        return G.sqrt()
    values, vectors = torch.linalg.eigh(G)
    root: Tensor = vectors * values.clamp(min=0).sqrt()[..., None, :]
    return root


def _mean_and_error(values: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    return values.mean(dim), values.std(dim) / values.shape[dim] ** 0.5


def _as_matrix(values: Tensor, pairs: tuple[tuple[int, int], ...], n: int) -> Tensor:
    a, b = torch.tensor(pairs, device=values.device).T
    full = values.new_zeros(len(values), n, n)
    full[:, a, b] = values
    full[:, b, a] = values
    return full
