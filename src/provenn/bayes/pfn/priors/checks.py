"""What the priors accept, said in one sentence each."""

import torch
from torch import Tensor

from provenn.checks import check_float_tensor

DTYPES = (torch.float32, torch.float64)


def check_data(
    n_features: int, x: Tensor, y: Tensor, x_query: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Context and query points in float64, once their shapes fit each other and the prior.

    Raises:
        TypeError: If one of them is not a tensor of floating-point numbers.
        ValueError: If shapes do not fit or the context holds NaN or infinity.
    """
    for name, value in (("x", x), ("y", y), ("x_query", x_query)):
        check_float_tensor(name, value)
        if not bool(value.isfinite().all()):
            raise ValueError(f"{name} must be finite, got NaN or infinity")
    for name, value in (("x", x), ("x_query", x_query)):
        if value.ndim < 2 or value.shape[-1] != n_features:
            raise ValueError(
                f"{name} must have shape (*batch, points, n_features={n_features}), "
                f"got {tuple(value.shape)}"
            )
    if y.shape != x.shape[:-1]:
        raise ValueError(
            f"y must have the shape of x without features, {tuple(x.shape[:-1])}, "
            f"got {tuple(y.shape)}"
        )
    if x_query.shape[:-2] != x.shape[:-2]:
        raise ValueError(
            f"x_query must have the batch shape of x, {tuple(x.shape[:-2])}, "
            f"got {tuple(x_query.shape[:-2])}"
        )
    return x.double(), y.double(), x_query.double()
