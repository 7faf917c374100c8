"""Conditional sampling against explicit weights, and flows against a plain quadrature loop.

One thread. The reference for sampling draws every weight matrix of every network; that for the flow
integrates each expectation of each layer by SciPy's adaptive quadrature; that for kernels of many
inputs loops over pairs with a two-dimensional Gauss-Hermite rule.
"""

import math

import numpy as np
import torch
from scipy.integrate import quad
from scipy.special import erf

from benchmarks.table import Row, compare, show
from provenn.theory import EffectiveTheory, measure_flow, measure_networks

ROUNDS = 5


def sampling(width: int, depth: int, n_nets: int) -> Row:
    theory, x = EffectiveTheory("tanh"), torch.ones(1, 1)

    def conditional() -> None:
        measure_flow(theory, x, depth, width, n_nets=n_nets)

    def explicit() -> None:
        for start in range(0, n_nets, 50):
            n = min(50, n_nets - start)
            z = torch.randn(n, width)
            for _ in range(depth - 1):
                W = torch.randn(n, width, width) / math.sqrt(width)
                z = (W @ torch.tanh(z)[..., None])[..., 0]

    return compare(
        f"{n_nets} tanh networks of width {width}, depth {depth}: sampling against weights",
        conditional,
        explicit,
        at_least=3.0,
        rounds=ROUNDS,
    )


def gelu(z: float) -> float:
    return float(0.5 * z * (1 + erf(z / math.sqrt(2))))


def gelu_slope(z: float) -> float:
    density = math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return float(0.5 * (1 + erf(z / math.sqrt(2))) + z * density)


def flow(depth: int) -> Row:
    theory = EffectiveTheory("gelu")
    found = theory.critical()
    x = 0.5

    def ours() -> None:
        theory.flow(x, depth)

    def naive() -> list[float]:
        K, V = found.C_b + found.C_W * x, 0.0
        kernels = [K]
        for _ in range(depth - 1):
            root = math.sqrt(K)

            def over(function, root=root):  # type: ignore[no-untyped-def]
                def integrand(u: float) -> float:
                    return function(root * u) * math.exp(-(u**2) / 2) / math.sqrt(2 * math.pi)

                return quad(integrand, -12, 12, epsabs=1e-12, epsrel=1e-12)[0]

            s2 = over(lambda z: gelu(z) ** 2)
            s4 = over(lambda z: gelu(z) ** 4)
            chi = found.C_W * over(lambda z: z * gelu(z) * gelu_slope(z)) / K
            over(lambda z: gelu_slope(z) ** 2)
            K, V = found.C_b + found.C_W * s2, found.C_W**2 * (s4 - s2**2) + chi**2 * V
            kernels.append(K)
        return kernels

    assert np.allclose(naive(), theory.flow(x, depth).K.numpy(), rtol=1e-9)
    return compare(
        f"flow of a GELU network of depth {depth} against adaptive quadrature",
        ours,
        naive,
        at_least=3.0,
        rounds=ROUNDS,
    )


def kernels(n: int, depth: int) -> Row:
    theory = EffectiveTheory("tanh")
    x = torch.randn(n, 10, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    t, w = np.polynomial.hermite_e.hermegauss(90)
    u, v = np.meshgrid(t, t, indexing="ij")
    weights = np.outer(w, w) / (2 * math.pi)

    def pairwise() -> np.ndarray:
        K = (x @ x.T / 10).numpy()
        slopes = np.empty_like(K)
        for _ in range(depth - 1):
            new = np.empty_like(K)
            for i in range(n):
                for j in range(i, n):
                    a = math.sqrt(K[i, i])
                    b = K[i, j] / a
                    c = math.sqrt(max(K[j, j] - b**2, 0.0))
                    first, second = np.tanh(a * u), np.tanh(b * u + c * v)
                    new[i, j] = new[j, i] = (weights * first * second).sum()
                    slopes[i, j] = (weights * (1 - first**2) * (1 - second**2)).sum()
            K = new
        return K

    ours = theory.kernels(x, depth).K[-1].numpy()
    assert np.allclose(pairwise(), ours, rtol=1e-7)
    return compare(
        f"kernels of {n} inputs at depth {depth} against Gauss-Hermite pair by pair",
        lambda: theory.kernels(x, depth),
        pairwise,
        rounds=ROUNDS,
    )


def tangent(width: int, n_nets: int) -> Row:
    """Batched products against one network after another with autograd's Jacobian."""
    theory, x, depth = EffectiveTheory("tanh"), torch.ones(1, width), 4

    def batched() -> None:
        measure_networks(theory, x, depth, width, n_nets=n_nets)

    def one_by_one() -> None:
        for _ in range(n_nets):
            weights = [torch.randn(width, width, requires_grad=True) for _ in range(depth)]

            def output(*given: torch.Tensor) -> torch.Tensor:
                z = given[0] @ x[0] / math.sqrt(width)
                for W in given[1:]:
                    z = W @ torch.tanh(z) / math.sqrt(width)
                return z

            jacobian = torch.autograd.functional.jacobian(output, tuple(weights))
            sum(J.flatten(1) @ J.flatten(1).T for J in jacobian)  # type: ignore[misc]

    return compare(
        f"tangent kernels of {n_nets} networks of width {width} against autograd one by one",
        batched,
        one_by_one,
        at_least=3.0,
        rounds=ROUNDS,
    )


def main() -> int:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows = [
        sampling(64, 10, 500),
        sampling(256, 10, 200),
        flow(30),
        kernels(12, 4),
        tangent(32, 20),
    ]
    print(show("pdlt", rows))
    return int(not all(row.reached for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
