"""What an infinitely wide network predicts once it is trained."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from provenn.theory.door import check_matrix


class Prediction(NamedTuple):
    """Mean ``(test, outputs)`` and covariance ``(test, test)`` of the outputs over networks."""

    mean: Float[Tensor, "test outputs"]
    covariance: Float[Tensor, "test test"]


def infinite_width_prediction(
    kernel: Float[Tensor, "inputs inputs"],
    ntk: Float[Tensor, "inputs inputs"],
    y: Float[Tensor, "train outputs"],
    *,
    time: float = math.inf,
) -> Prediction:
    """Predictions of infinitely wide networks after gradient flow on the squared error.

    The first ``len(y)`` inputs are those trained on. With ``a`` over them, ``β`` over the others
    and ``M = Θ_βa Θ_aa⁻¹ (1 - exp(-Θ_aa t))``, the outputs are Gaussian over networks with

        mean        M y
        covariance  K_ββ - M K_aβ - (M K_aβ)ᵀ + M K_aa Mᵀ.

    Exact Bayesian inference is the same with ``Θ`` replaced by ``K``: pass the kernel twice.

    Args:
        kernel: ``K`` of the last layer, of training inputs and then of test inputs.
        ntk: ``Θ`` of the last layer.
        y: Targets of the training inputs.
        time: Training time ``t``, the global learning rate times the number of steps.

    Returns:
        Mean and covariance at the test inputs, each output alike and independent.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If shapes do not fit or a matrix is not symmetric.

    Reference:
        The Principles of Deep Learning Theory, chapter 10.

    Example:
        >>> from provenn.theory import EffectiveTheory
        >>> x = torch.tensor([[1.0], [2.0]])
        >>> found = EffectiveTheory("linear").kernels(x, depth=2, lr=(0.0, 1.0))
        >>> infinite_width_prediction(found.K[-1], found.Theta[-1], torch.tensor([[3.0]])).mean
        tensor([[6.]], dtype=torch.float64)
    """
    for name, matrix in (("kernel", kernel), ("ntk", ntk)):
        check_matrix(name, matrix, "(inputs, inputs)")
        if matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"{name} must be square, got shape {tuple(matrix.shape)}")
        if not torch.allclose(matrix, matrix.T, rtol=1e-6):
            raise ValueError(f"{name} must be symmetric, got a matrix that is not")
    check_matrix("y", y, "(train, outputs)")
    if kernel.shape != ntk.shape:
        raise ValueError(
            f"ntk must have the shape of kernel {tuple(kernel.shape)}, got {tuple(ntk.shape)}"
        )
    n = len(y)
    if n >= len(kernel):
        raise ValueError(
            f"y must have fewer rows than the {len(kernel)} inputs of kernel, got {n}: test inputs "
            "follow those trained on"
        )
    if isinstance(time, bool) or not isinstance(time, int | float):
        raise TypeError(f"time must be a number, got {time!r:.80} of type {type(time).__name__}")
    if not time > 0:
        raise ValueError(f"time must be above 0, got {time}")
    K, Θ = kernel.double(), ntk.double()
    rates, vectors = torch.linalg.eigh(Θ[:n, :n])
    # What training cannot see, where inputs coincide, stays as it was.
    seen = rates > 1e-12 * rates[-1]
    learned = torch.where(seen, -torch.expm1(-rates * time) / rates, 0.0)
    M = Θ[n:, :n] @ (vectors * learned) @ vectors.T
    crossed = M @ K[:n, n:]
    return Prediction(M @ y.to(K), K[n:, n:] - crossed - crossed.T + M @ K[:n, :n] @ M.T)
