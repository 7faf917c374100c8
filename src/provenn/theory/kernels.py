"""Kernel, neural tangent kernel and four-point vertex of many inputs.

    K'_ab = C_b + C_W <σ_a σ_b> + γ² K_ab
    Θ'_ab = λ_b + λ_W <σ_a σ_b> + (C_W <σ'_a σ'_b> + γ²) Θ_ab
    V'    = C_W² Cov(σ_a σ_b, σ_c σ_d) + r J V Jᵀ                 without skips

``V`` is a matrix over unordered pairs of inputs; ``J = ∂K' / ∂K`` over the independent entries of
the symmetric kernel, by Price's theorem.

Reference:
    Roberts, Yaida, Hanin: The Principles of Deep Learning Theory, chapters 4 and 8; arXiv
    2106.10165.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import torch
from jaxtyping import Float
from torch import Tensor

from provenn.theory.activations import Activation
from provenn.theory.flow import Hyperparameters
from provenn.theory.quadrature import cloud, line, plane

PAIRS_AT_ONCE = 16
"""Pairs whose quadrature nodes are held at once, 4,608 nodes each."""

Gram = Float[Tensor, "inputs inputs"]
PerPair = Float[Tensor, "pairs pairs"]


@dataclass(frozen=True, eq=False)
class Kernels:
    """Kernels of every layer; entry ``ℓ - 1`` is layer ``ℓ``'s.

    Args:
        K: Kernel ``E[z_a z_b]`` at infinite width.
        Theta: Frozen neural tangent kernel.
    """

    K: Float[Tensor, "depth inputs inputs"]
    Theta: Float[Tensor, "depth inputs inputs"]


@dataclass(frozen=True, eq=False)
class Vertices:
    """Four-point vertex of every layer, over unordered pairs of inputs.

    Args:
        K: Kernel of every layer.
        V: ``V_(ab)(cd)``; divided by ``n_{ℓ-1}`` it is the covariance of the kernel's entries over
            networks.
        pairs: The inputs ``(a, b)`` of each row of ``V``.
    """

    K: Float[Tensor, "depth inputs inputs"]
    V: Float[Tensor, "depth pairs pairs"]
    pairs: tuple[tuple[int, int], ...]


def run(
    activation: Activation, x: Float[Tensor, "inputs features"], given: Hyperparameters
) -> Kernels:
    """Iterate ``K`` and ``Θ`` from the inputs on."""
    inner = _inner(x)
    K = given.C_b[0] + given.C_W[0] * inner
    Θ = given.lr_bias[0] + given.lr_weight[0] * inner
    K_layers, Θ_layers = [K], [Θ]
    for layer in range(1, len(given.C_W)):
        C_W, skip = given.C_W[layer], given.gamma[layer] ** 2
        s, d = products(activation, K)
        Θ = given.lr_bias[layer] + given.lr_weight[layer] * s + (C_W * d + skip) * Θ
        K = given.C_b[layer] + C_W * s + skip * K
        K_layers.append(K)
        Θ_layers.append(Θ)
    return Kernels(torch.stack(K_layers), torch.stack(Θ_layers))


def run_vertices(
    activation: Activation,
    x: Float[Tensor, "inputs features"],
    given: Hyperparameters,
    widths: Sequence[int] | None,
) -> Vertices:
    """Iterate ``K`` and ``V`` from the inputs on."""
    depth = len(given.C_W)
    K = given.C_b[0] + given.C_W[0] * _inner(x)
    pairs = tuple(combinations_with_replacement(range(len(K)), 2))
    V = K.new_zeros(len(pairs), len(pairs))
    K_layers, V_layers = [K], [V]
    for layer in range(1, depth):
        r = widths[layer - 1] / widths[layer - 2] if widths and layer > 1 else 1.0
        C_W = given.C_W[layer]
        J = C_W * responses(activation, K, pairs)
        V = C_W**2 * fourth_cumulant(activation, K, pairs) + r * J @ V @ J.T
        K = given.C_b[layer] + C_W * products(activation, K)[0]
        K_layers.append(K)
        V_layers.append(V)
    return Vertices(torch.stack(K_layers), torch.stack(V_layers), pairs)


def products(activation: Activation, K: Gram) -> tuple[Gram, Gram]:
    """``<σ_a σ_b>`` and ``<σ'_a σ'_b>`` for every pair of inputs."""
    a, b = torch.triu_indices(len(K), len(K), device=K.device)
    variances = K.diagonal()
    given = (variances[a], variances[b], K[a, b])
    if activation.pair is not None:
        s, d = activation.pair(*given)
    else:
        parts = [
            _by_quadrature(activation, *(part[i : i + PAIRS_AT_ONCE] for part in given))
            for i in range(0, len(a), PAIRS_AT_ONCE)
        ]
        s, d = (torch.cat(column) for column in zip(*parts, strict=True))
    return _symmetric(s, a, b, len(K)), _symmetric(d, a, b, len(K))


def responses(activation: Activation, K: Gram, pairs: Sequence[tuple[int, int]]) -> PerPair:
    """``∂<σ_a σ_b> / ∂K_(cd)`` over the independent entries of ``K``.

    ``∂<σ_1 σ_2>/∂K_12 = <σ'_1 σ'_2>`` and ``∂<σ_1 σ_2>/∂K_11 = <σ''_1 σ_2> / 2``, the latter by
    parts: ``K_11 <σ''_1 σ_2> = <z_1 σ'_1 σ_2> - K_12 <σ'_1 σ'_2>``, which also holds at a kink.
    """
    index = {pair: i for i, pair in enumerate(pairs)}
    J = K.new_zeros(len(pairs), len(pairs))
    for i, (a, b) in enumerate(pairs):
        if a == b:
            z, w = line(float(K[a, a]))
            J[i, i] = (w * z * activation(z) * activation.derivative(z)).sum() / K[a, a]
            continue
        z_1, z_2, w = (nodes[0] for nodes in plane(K[a, a, None], K[b, b, None], K[a, b, None]))
        s_1, s_2 = activation(z_1), activation(z_2)
        d_1, d_2 = activation.derivative(z_1), activation.derivative(z_2)
        both = (w * d_1 * d_2).sum()
        J[i, i] = both
        J[i, index[a, a]] = ((w * z_1 * d_1 * s_2).sum() - K[a, b] * both) / (2 * K[a, a])
        J[i, index[b, b]] = ((w * z_2 * d_2 * s_1).sum() - K[a, b] * both) / (2 * K[b, b])
    return J


def fourth_cumulant(activation: Activation, K: Gram, pairs: Sequence[tuple[int, int]]) -> PerPair:
    """``Cov(σ_a σ_b, σ_c σ_d)`` over ``z ~ N(0, K)``."""
    means = products(activation, K)[0]
    known: dict[tuple[int, ...], Tensor] = {}
    rows = []
    for a, b in pairs:
        row = []
        for c, d in pairs:
            inputs = tuple(sorted((a, b, c, d)))
            if inputs not in known:
                known[inputs] = _fourth_moment(activation, K, inputs)
            row.append(known[inputs] - means[a, b] * means[c, d])
        rows.append(torch.stack(row))
    return torch.stack(rows)


def _fourth_moment(activation: Activation, K: Gram, inputs: tuple[int, ...]) -> Tensor:
    distinct = sorted(set(inputs))
    powers = [inputs.count(i) for i in distinct]
    own = K[distinct][:, distinct]
    if len(distinct) == 1:
        z, w = line(float(own[0, 0]))
        nodes = [z]
    elif len(distinct) == 2:
        z_1, z_2, w = (part[0] for part in plane(own[0, :1], own[1, 1:], own[0, 1:]))
        nodes = [z_1, z_2]
    else:
        z, w = cloud(own, activation)
        nodes = list(z)
    product = w
    for z, power in zip(nodes, powers, strict=True):
        product = product * activation(z) ** power
    return product.sum()


def _by_quadrature(
    activation: Activation, K_11: Tensor, K_22: Tensor, K_12: Tensor
) -> tuple[Tensor, Tensor]:
    z_1, z_2, w = plane(K_11, K_22, K_12)
    s = (w * activation(z_1) * activation(z_2)).sum(1)
    d = (w * activation.derivative(z_1) * activation.derivative(z_2)).sum(1)
    return s, d


def _symmetric(values: Tensor, a: Tensor, b: Tensor, n: int) -> Gram:
    full = values.new_zeros(n, n)
    full[a, b] = values
    full[b, a] = values
    return full


def _inner(x: Float[Tensor, "inputs features"]) -> Gram:
    x = x.detach().to("cpu", torch.float64)
    return x @ x.T / x.shape[1]
