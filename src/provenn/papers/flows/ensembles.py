"""Random networks measured beside the theory: kernels, vertices, skips and tangent kernels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from provenn.evidence.metrics import Metrics
from provenn.theory import EffectiveTheory, critical, measure_flow, measure_networks
from provenn.theory.criticality import moments

BOOK = {
    "gelu": (0.17292239, 1.98305826, 3.56155281),
    "silu": (0.55514317, 1.98800468, 14.32017362),
}
"""Critical ``C_b``, ``C_W`` and ``K*`` as published, to eight decimals."""

FALLING = ("tanh", "sin", "scaled_erf")
NORMS = (0.3, 1.0, 4.0)
"""Mean squares of the inputs whose kernels must forget them."""
DEEP = 1000
SKIPS = (0.5, 0.9)


@dataclass(frozen=True)
class Ensemble:
    """Networks of one activation that are drawn.

    Args:
        activation: Name of the activation.
        depth: Number of affine layers.
        width: Width of the hidden layers.
        n_nets: Networks.
    """

    activation: str
    depth: int
    width: int
    n_nets: int


class Variances(TypedDict):
    """``C_b`` and ``C_W`` of each layer."""

    C_b: tuple[float, ...]
    C_W: tuple[float, ...]


@dataclass(frozen=True)
class Sampler:
    """How networks are drawn.

    Args:
        device: Device to draw on.
        seed: Seed of the random numbers.
        factor: What the critical variance of weights is multiplied by in the networks that are
            drawn, and not in the theory (1 but for a negative control).
    """

    device: torch.device
    seed: int
    factor: float = 1.0

    def generator(self) -> torch.Generator:
        """A generator at its start."""
        return torch.Generator(self.device).manual_seed(self.seed)


def one_input(ensembles: Sequence[Ensemble], sampler: Sampler) -> Metrics:
    """Kernel and vertex of one input of mean square 1, layer by layer, beside the recursion.

    For each activation: ``slope``, ``V / K² (ℓ - 1)`` at the last layer; ``log_slope``, the same of
    ``n log(1 + V / n K²)``, at layers 4, 8, ... on average; ``vertex_error`` and ``kernel_error``,
    the largest relative deviation from the recursion at a quarter, half and all of the depth.
    """
    values: dict[str, float] = {}
    series: dict[str, NDArray[np.float64]] = {}
    for e in ensembles:
        theory = EffectiveTheory(e.activation)
        flow = theory.flow(1.0, e.depth, width=e.width)
        found = measure_flow(
            theory, torch.ones(1, 1), e.depth, e.width, n_nets=e.n_nets,
            generator=sampler.generator(), **_first_critical(sampler, theory, e.depth),
        )  # fmt: skip
        K, V, error = (t.flatten().cpu() for t in (found.K, found.V, found.V_error))
        at = [e.depth // 4 - 1, e.depth // 2 - 1, e.depth - 1]
        layers = torch.arange(e.depth, dtype=torch.float64)
        logarithm = e.width * torch.log1p(V / (e.width * K**2))
        name = e.activation
        values |= {
            f"slope_{name}": float((V / K**2)[-1] / layers[-1]),
            f"log_slope_{name}": float((logarithm[3::4] / layers[3::4]).mean()),
            f"vertex_error_{name}": _worst(V[at], flow.V[at]),
            f"kernel_error_{name}": _worst(K[at], flow.mean_kernel[at]),
        }
        series |= {
            f"k-theory-{name}": flow.mean_kernel.numpy(),
            f"k-measured-{name}": K.numpy(),
            f"k-error-{name}": found.K_error.flatten().cpu().numpy(),
            f"v-theory-{name}": flow.fluctuation.numpy(),
            f"v-measured-{name}": (V / (e.width * K**2)).numpy(),
            f"v-error-{name}": (error / (e.width * K**2)).numpy(),
            f"depth-over-width-{name}": ((layers + 1) / e.width).numpy(),
        }
    return Metrics(values=values, series=series)


def collapse(widths: Sequence[int], n_nets: int, sampler: Sampler) -> Metrics:
    """Fluctuations of ReLU kernels over ``ℓ / n`` for several widths, to ``(ℓ - 1) / n = 1/8``.

    ``collapse_error`` is how far apart ``log(1 + V / n K²)`` of the widths lie there, relatively.
    """
    theory = EffectiveTheory("relu")
    series, ends = {}, []
    for n in widths:
        depth = n // 8 + 1
        found = measure_flow(
            theory, torch.ones(1, 1), depth, n, n_nets=n_nets, generator=sampler.generator(),
            **_first_critical(sampler, theory, depth),
        )  # fmt: skip
        K, V = found.K.flatten().cpu(), found.V.flatten().cpu()
        series[f"collapse-{n}"] = torch.log1p(V / (n * K**2)).numpy()
        ends.append(float(series[f"collapse-{n}"][-1]))
    return Metrics(values={"collapse_error": max(ends) / min(ends) - 1}, series=series)


def two_inputs(ensembles: Sequence[Ensemble], sampler: Sampler) -> Metrics:
    """Vertex of two inputs against the recursion: ``pair_excess``.

    It is the largest deviation over what is allowed: 10 % of ``√(V_ii V_jj)``, or 4 standard
    errors.
    """
    x = torch.tensor([[1.0, 0.2], [0.5, -0.8]])
    worst = {}
    for e in ensembles:
        theory = EffectiveTheory(e.activation)
        expected = theory.vertices(x, e.depth).V[-1]
        found = measure_flow(
            theory, x, e.depth, e.width, n_nets=e.n_nets, generator=sampler.generator(),
            **_first_critical(sampler, theory, e.depth),
        )  # fmt: skip
        scale = expected.diagonal().sqrt()
        allowed = torch.maximum(0.1 * scale[:, None] * scale, 4 * found.V_error[-1].cpu())
        deviation = (found.V[-1].cpu() - expected).abs()
        worst[f"pair_excess_{e.activation}"] = float((deviation / allowed).max())
    return Metrics(values={**worst, "pair_excess": max(worst.values())})


def skips(ensembles: Sequence[Ensemble], sampler: Sampler) -> Metrics:
    """Vertex of residual networks against the published recursion and against the complete one.

    For each activation the largest relative deviation of ``V`` at the last layer over ``γ``:
    ``published_error`` and ``complete_error``.
    """
    values: dict[str, float] = {}
    series: dict[str, NDArray[np.float64]] = {}
    for e in ensembles:
        theory, name = EffectiveTheory(e.activation), e.activation
        errors: dict[str, list[float]] = {"published": [], "complete": []}
        for gamma in SKIPS:
            flow = theory.flow(1.0, e.depth, gamma=gamma)
            found = measure_flow(
                theory, torch.ones(1, 1), e.depth, e.width, n_nets=e.n_nets, gamma=gamma,
                generator=sampler.generator(), **_first_critical(sampler, theory, e.depth, gamma),
            )  # fmt: skip
            V = found.V.flatten().cpu()
            published = torch.tensor(published_vertices(theory, flow.K, gamma))
            errors["published"].append(_worst(V[-1:], published[-1:]))
            errors["complete"].append(_worst(V[-1:], flow.V[-1:]))
            tag = f"{name}-{str(gamma).replace('.', '-')}"
            series |= {
                f"skip-measured-{tag}": (V / flow.K**2).numpy(),
                f"skip-error-{tag}": (found.V_error.flatten().cpu() / flow.K**2).numpy(),
                f"skip-published-{tag}": (published / flow.K**2).numpy(),
                f"skip-complete-{tag}": (flow.V / flow.K**2).numpy(),
            }
        values |= {f"{what}_error_{name}": max(e) for what, e in errors.items()}
    return Metrics(values=values, series=series)


def published_vertices(theory: EffectiveTheory, K: Tensor, gamma: float) -> list[float]:
    """``V' = C_W² (<σ⁴> - <σ²>²) + 4 γ² K² (χ_∥ - γ²) + χ_∥² V`` at criticality, layer by layer."""
    C_W, skip = theory.critical(gamma).C_W, gamma**2
    V = [0.0]
    for kernel in K[:-1].tolist():
        m = moments(theory.activation, kernel)
        own = C_W * m.zsd
        fresh = C_W**2 * (m.s4 - m.s2**2) + 4 * skip * kernel**2 * own
        V.append(fresh + (own + skip) ** 2 * V[-1])
    return V


def tangent_kernels(ensembles: Sequence[Ensemble], sampler: Sampler) -> Metrics:
    """Tangent kernel and its fluctuations with explicit weights: ``tangent_excess``.

    It is the largest deviation of ``Θ``, ``F``, ``D``, ``B``, ``A`` at the last layer over what is
    allowed: 10 % of the prediction, or 4 standard errors.
    """
    values: dict[str, float] = {}
    lr = (0.3, 0.7)
    for e in ensembles:
        theory = EffectiveTheory(e.activation)
        flow = theory.flow(1.0, e.depth, lr=lr)
        found = measure_networks(
            theory, torch.ones(1, 1), e.depth, e.width, n_nets=e.n_nets, lr=lr,
            generator=sampler.generator(), **_first_critical(sampler, theory, e.depth),
        )  # fmt: skip
        for field in ("Theta", "F", "D", "B", "A"):
            mean, error = (float(row[-1]) for row in getattr(found, field))
            expected = float(getattr(flow, field)[-1])
            allowed = max(0.1 * abs(expected), 4 * error)
            tag = f"{field.lower()}_{e.activation}"
            values[f"tangent_{tag}"] = mean / expected
            values[f"tangent_excess_{tag}"] = abs(mean - expected) / allowed
    worst = max(v for k, v in values.items() if k.startswith("tangent_excess_"))
    return Metrics(values={**values, "tangent_excess": worst})


def tangent_by_width(widths: Sequence[int], n_nets: int, sampler: Sampler) -> Metrics:
    """``A / n Θ²``, the squared relative spread of the tangent kernel of ReLU, over widths."""
    theory = EffectiveTheory("relu")
    spreads = []
    for n in widths:
        found = measure_networks(
            theory, torch.ones(1, 1), 4, n, n_nets=n_nets, generator=sampler.generator(),
            **_first_critical(sampler, theory, 4),
        )  # fmt: skip
        spreads.append(float(found.A[0, -1]) / n / float(found.Theta[0, -1]) ** 2)
    return Metrics(series={"tangent_widths": np.array(widths), "tangent_spread": np.array(spreads)})


def universality() -> Metrics:
    """What the theory alone says of classes, constants and limits.

    ``universality_error`` is the largest of ``|K^(ℓ) (-a_1) ℓ - 1|`` at layer 1000 over activations
    and norms; ``relu_drift`` the largest change of a ReLU kernel; ``constant_error`` that of the
    critical constants of GELU and SiLU from the published ones; ``uncritical`` the number of
    activations without a critical point for which one is found.
    """
    layers = torch.arange(1, DEEP + 1, dtype=torch.float64)
    shown = np.unique(np.geomspace(1, DEEP, 60).astype(int)) - 1
    limits, series = [], {"universal_layers": layers[shown].numpy()}
    for name in FALLING:
        for norm in NORMS:
            flow = EffectiveTheory(name).flow(norm, DEEP)
            reached = flow.K * -critical(name).a_1 * layers
            limits.append(abs(float(reached[-1]) - 1))
            tag = f"{name}-{str(norm).replace('.', '-')}"
            series[f"universal-{tag}"] = reached[shown].numpy()
    relu = EffectiveTheory("relu").flow(1.0, 100)
    errors = []
    for name, published in BOOK.items():
        found = critical(name)
        ours = (found.C_b, found.C_W, found.K_star)
        errors += [abs(a - b) for a, b in zip(ours, published, strict=True)]
    return Metrics(
        values={
            "universality_error": max(limits),
            "relu_drift": float((relu.K / relu.K[0] - 1).abs().max()),
            "constant_error": max(errors),
            "uncritical": sum(critical(name).klass != "none" for name in ("softplus", "sigmoid")),
        },
        series=series,
    )


def _first_critical(
    sampler: Sampler, theory: EffectiveTheory, depth: int, gamma: float = 0.0
) -> Variances:
    """Variances of each layer; the first, which fixes what comes in, is always the theory's."""
    own, later = theory.critical(), theory.critical(gamma)
    return {
        "C_b": (own.C_b, *(later.C_b,) * (depth - 1)),
        "C_W": (own.C_W, *(sampler.factor * later.C_W,) * (depth - 1)),
    }


def _worst(found: Tensor, expected: Tensor) -> float:
    return float((found / expected - 1).abs().max())
