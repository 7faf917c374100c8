"""Learning the rules of an algebra from products."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from provenn.evidence.metrics import Metrics
from provenn.nn import PHLinear, algebra, ph_linear

ALGEBRAS = ("complex", "quaternion", "octonion")


def learn_algebra(
    name: str, device: torch.device, *, steps: int, joint_steps: int, fixed: bool
) -> Metrics:
    """Learn A from products with known filters, then A and F together from inputs and outputs.

    Args:
        name: Algebra that the products follow.
        device: Where to compute.
        steps: Steps of Adam with known filters.
        joint_steps: Steps of Adam with unknown filters.
        fixed: Whether A stays at unit matrices instead (negative control).

    Returns:
        The largest error of A and the mean squared error of the joint task, both with their
        curves, one point every 20 steps, and the learned and the true matrices.
    """
    true = algebra(name).to(device, torch.float32)
    n = true.shape[0]
    start = torch.eye(n).expand(n, n, n).clone() if fixed else 0.14 * torch.rand(n, n, n) - 0.07
    A = start.to(device).requires_grad_(not fixed)
    products = torch.vmap(ph_linear, in_dims=(0, None, 0))

    def product_loss() -> Tensor:
        S, x = torch.randn(64, n, 1, 1, device=A.device), torch.randn(64, n, device=A.device)
        loss: Tensor = (products(x, A, S) - products(x, true, S)).square().mean()
        return loss

    errors: list[float] = []
    _minimize(
        [A], product_loss, steps,
        lambda: errors.append(float((A.detach() - true).abs().max())),
    )  # fmt: skip

    target, layer = (
        PHLinear(
            4 * n, 4 * n, bias=False, device=device, n=n, init="variance_preserving",
            algebra=given, learn_algebra=learn,
        )
        for given, learn in ((true, False), (start if fixed else None, not fixed))
    )  # fmt: skip

    def joint_loss() -> Tensor:
        x = torch.randn(64, 4 * n, device=A.device)
        loss: Tensor = (layer(x) - target(x).detach()).square().mean()
        return loss

    losses: list[float] = []
    _minimize(
        [*layer.parameters()], joint_loss, joint_steps,
        lambda: losses.append(float(joint_loss().detach())),
    )  # fmt: skip
    return Metrics(
        values={f"recovery_error_{name}": errors[-1], f"joint_loss_{name}": losses[-1]},
        series={
            f"recovery-{name}": np.array(errors),
            f"joint-{name}": np.array(losses),
            f"algebra-learned-{name}": A.detach().cpu().numpy(),
            f"algebra-true-{name}": true.cpu().numpy(),
        },
    )


def _minimize(
    variables: list[Tensor], loss: Callable[[], Tensor], steps: int, note: Callable[[], None]
) -> None:
    """Adam from 0.02 along half a cosine to zero; ``note`` is called every 20 steps and at last."""
    learned = [v for v in variables if v.requires_grad]
    optimizer = torch.optim.Adam(learned, lr=0.02) if learned else None
    for step in range(steps):
        if optimizer is not None:
            optimizer.param_groups[0]["lr"] = 0.01 * (1 + math.cos(math.pi * step / steps))
            optimizer.zero_grad()
            loss().backward()
            optimizer.step()
        if step % 20 == 19 or step == steps - 1:
            note()
