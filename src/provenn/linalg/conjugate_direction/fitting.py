"""Fits a network to the residuals of one operator, without a single solution.

Each step draws right-hand sides, asks the network for directions, and lowers the residual that an
exact line search along them leaves (:func:`provenn.linalg.conjugate_direction_loss`).
"""

import math
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from provenn.checks import check_choice, check_flag, check_float_tensor, check_integer, check_number
from provenn.linalg.conjugate_direction.data import Spectrum
from provenn.linalg.conjugate_direction.loss import conjugate_direction_loss
from provenn.linalg.conjugate_direction.network import DCDMNet
from provenn.linalg.poisson import PoissonOperator

Schedule = Literal["cosine", "constant"]


class DCDMFitting:
    """The fitting of a network, one optimiser step at a time.

    Adam; the learning rate falls along half a cosine from ``lr`` to ``final_lr``, or stays.

    Args:
        net: Fitted in place; put into training mode.
        A: Operator of the training domain.
        data: Right-hand sides of shape ``(samples, *grid)``, shuffled anew in every pass; or a
            spectrum, from which every batch is drawn fresh.
        steps: Optimiser steps in all.
        batch_size: Right-hand sides of a step.
        lr: First learning rate.
        final_lr: Last learning rate; a tenth of ``lr`` by default.
        schedule: ``cosine`` or ``constant``, as the authors have it with ``lr=1e-4``.
        low_weight: Factor of the lower part of a spectrum, if ``data`` is one.
        seed: Seed of the order of the data, or of the draws.
        autocast: Whether the network computes in bfloat16 where that is safe.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a number is out of range, or data, network and operator do not fit.

    Reference:
        arXiv 2205.10763, section 5, and the authors' ``src/train.py``.

    Example:
        >>> from provenn.linalg import spectrum
        >>> A = PoissonOperator((16, 16))
        >>> fitting = DCDMFitting(DCDMNet(dim=2), A, spectrum(A), steps=2)
        >>> losses = [fitting.step(), fitting.step()]
        >>> fitting.done
        True
    """

    def __init__(
        self,
        net: DCDMNet,
        A: PoissonOperator,
        data: Tensor | Spectrum,
        steps: int,
        *,
        batch_size: int = 10,
        lr: float = 1e-3,
        final_lr: float | None = None,
        schedule: Schedule = "cosine",
        low_weight: float = 9.0,
        seed: int = 0,
        autocast: bool = False,
    ) -> None:
        _check_pair(net, A)
        check_integer("steps", steps)
        check_integer("batch_size", batch_size)
        check_number("lr", lr, least=0.0)
        last = 0.1 * lr if final_lr is None else final_lr
        check_number("final_lr", last, least=0.0, most=lr)
        check_choice("schedule", schedule, ("cosine", "constant"))
        check_number("low_weight", low_weight, least=0.0)
        check_integer("seed", seed, least=0)
        check_flag("autocast", autocast)
        _check_data(data, A)
        self.net, self.A, self.data = net.train(), A, data
        self.steps, self.batch_size, self.low_weight = steps, batch_size, low_weight
        self.autocast = autocast
        self.dtype = next(net.parameters()).dtype
        self.generator = torch.Generator(A.device).manual_seed(seed)
        self.optimizer = torch.optim.Adam(net.parameters(), lr, fused=True)
        ratio = last / lr if schedule == "cosine" and lr > 0 else 1.0
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer,
            lambda step: ratio + (1 - ratio) * 0.5 * (1 + math.cos(math.pi * step / steps)),
        )
        self._order = torch.empty(0, dtype=torch.long, device=A.device)

    @property
    def taken(self) -> int:
        """Steps taken so far."""
        return self.scheduler.last_epoch

    @property
    def done(self) -> bool:
        """Whether all steps are taken."""
        return self.taken >= self.steps

    def step(self) -> float:
        """Take one optimiser step.

        Returns:
            The loss before it.

        Raises:
            RuntimeError: If all steps are taken already, or the loss is not finite.
        """
        if self.done:
            raise RuntimeError(f"all {self.steps} steps are taken")
        r = self._batch()
        with torch.autocast(r.device.type, torch.bfloat16, enabled=self.autocast):
            q = self.net(r[:, None])[:, 0]
        loss = conjugate_direction_loss(q.to(r.dtype), r, self.A.matvec)
        value = loss.item()
        if not math.isfinite(value):
            raise RuntimeError(
                f"the loss of step {self.taken} is {value}; lower lr = "
                f"{self.optimizer.defaults['lr']} or look at the data"
            )
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        return value

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on as if never stopped."""
        return {
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "generator": self.generator.get_state(),
            "order": self._order,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state of :meth:`state_dict`.

        Args:
            state: The state.

        Raises:
            KeyError: If it lacks a part.
            RuntimeError: If the network's part does not fit.
        """
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.generator.set_state(state["generator"])
        self._order = state["order"]

    def _batch(self) -> Float[Tensor, "batch *grid"]:
        if isinstance(self.data, Spectrum):
            return self.data.sample(
                self.batch_size,
                low_weight=self.low_weight,
                generator=self.generator,
                dtype=self.dtype,
            )
        if not len(self._order):
            self._order = torch.randperm(
                len(self.data), generator=self.generator, device=self.A.device
            )
        chosen, self._order = self._order[: self.batch_size], self._order[self.batch_size :]
        return self.data[chosen].to(self.dtype)


def fit_dcdm(
    net: DCDMNet, A: PoissonOperator, data: Tensor | Spectrum, steps: int, **options: Any
) -> list[float]:
    """Fit a network to an operator.

    Args:
        net: Fitted in place; in evaluation mode afterwards.
        A: Operator of the training domain.
        data: Right-hand sides of shape ``(samples, *grid)``, or a spectrum to draw them from.
        steps: Optimiser steps.
        **options: Further arguments of :class:`DCDMFitting`.

    Returns:
        The loss before each step.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a number is out of range, or data, network and operator do not fit.
        RuntimeError: If the loss ceases to be finite.

    Example:
        >>> from provenn.linalg import ritz_rhs
        >>> A = PoissonOperator((16, 16))
        >>> losses = fit_dcdm(DCDMNet(dim=2), A, ritz_rhs(A, n=100), steps=3)
        >>> len(losses)
        3
    """
    fitting = DCDMFitting(net, A, data, steps, **options)
    losses = []
    while not fitting.done:
        losses.append(fitting.step())
    net.eval()
    return losses


def _check_pair(net: Any, A: Any) -> None:
    if not isinstance(net, DCDMNet):
        raise TypeError(f"net must be a DCDMNet, got {type(net).__name__}")
    if not isinstance(A, PoissonOperator):
        raise TypeError(f"A must be a PoissonOperator, got {type(A).__name__}")
    if net.dim != A.dim:
        raise ValueError(f"net must have dim = {A.dim}, as the operator has, got {net.dim}")
    device = next(net.parameters()).device
    if device != A.device:
        raise ValueError(f"net must be on the operator's {A.device}, got {device}")


def _check_data(data: Any, A: PoissonOperator) -> None:
    if isinstance(data, Spectrum):
        return
    check_float_tensor("data", data)
    if tuple(data.shape[1:]) != A.grid_shape or not len(data):
        raise ValueError(
            f"data must have shape (samples, {', '.join(map(str, A.grid_shape))}) with at least "
            f"one sample, got {tuple(data.shape)}"
        )
    if data.device != A.device:
        raise ValueError(f"data must be on the operator's {A.device}, got {data.device}")
    if not bool(data.isfinite().all()):
        raise ValueError("data must be finite, got NaN or infinity in it")
