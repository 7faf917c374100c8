"""Ordinary networks for actors and critics that start from nothing."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from provenn.checks import check_dtype, check_integer
from provenn.control.door import ArrayLike, as_bounds
from provenn.control.zero import check_features


class MLPActor(nn.Module):
    """A policy of dense layers with ReLUs, its output squashed into the bounds by a tanh.

    Args:
        in_features: Size of what it reads.
        n_inputs: Size of the plant's input.
        device: Device of the parameters.
        dtype: Floating-point type of the parameters.
        u_bounds: Pair of least and largest inputs, numbers or vectors.
        hidden: Units of each hidden layer.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of range.

    Example:
        >>> sum(p.numel() for p in MLPActor(3, 1, u_bounds=(-2.0, 2.0)).parameters())
        67073
    """

    u_low: Tensor
    u_high: Tensor

    def __init__(
        self,
        in_features: int,
        n_inputs: int,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        u_bounds: tuple[ArrayLike, ArrayLike],
        hidden: Sequence[int] = (256, 256),
    ) -> None:
        super().__init__()
        self.in_features = check_integer("in_features", in_features)
        self.n_inputs = check_integer("n_inputs", n_inputs)
        low, high = as_bounds(u_bounds, "u_bounds", n_inputs)
        self.layers = _dense(in_features, hidden, n_inputs, device, dtype)
        self._bounds = low, high
        for name in ("u_low", "u_high"):
            self.register_buffer(name, torch.empty(n_inputs, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new layers, and put back the bounds."""
        _reset(self.layers)
        for buffer, bound in zip((self.u_low, self.u_high), self._bounds, strict=True):
            buffer.copy_(torch.from_numpy(bound))

    def extra_repr(self) -> str:
        """Sizes."""
        return f"{self.in_features}, {self.n_inputs}"

    def forward(
        self, state: Float[Tensor, "*batch in_features"]
    ) -> Float[Tensor, "*batch n_inputs"]:
        """Inputs to the plant.

        Args:
            state: What it reads, ``(*batch, in_features)``.

        Raises:
            TypeError: If ``state`` is not a floating-point tensor of the parameters' dtype.
            ValueError: If ``state`` has another size or device.
        """
        check_features(state, "state", self.in_features, self.u_low)
        half = 0.5 * (self.u_high - self.u_low)
        inputs: Tensor = self.u_low + half * (1 + torch.tanh(self.layers(state)))
        return inputs


class MLPCritic(nn.Module):
    """Cost-to-go of a state and an input by dense layers with ReLUs.

    Args:
        in_features: Size of what stands for the state.
        n_inputs: Size of the plant's input.
        device: Device of the parameters.
        dtype: Floating-point type of the parameters.
        hidden: Units of each hidden layer.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of range.

    Example:
        >>> MLPCritic(3, 1)(torch.zeros(5, 3), torch.zeros(5, 1)).shape
        torch.Size([5])
    """

    def __init__(
        self,
        in_features: int,
        n_inputs: int,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        hidden: Sequence[int] = (256, 256),
    ) -> None:
        super().__init__()
        self.in_features = check_integer("in_features", in_features)
        self.n_inputs = check_integer("n_inputs", n_inputs)
        self.layers = _dense(in_features + n_inputs, hidden, 1, device, dtype)

    def reset_parameters(self) -> None:
        """Draw new layers."""
        _reset(self.layers)

    def extra_repr(self) -> str:
        """Sizes."""
        return f"{self.in_features}, {self.n_inputs}"

    def forward(
        self, state: Float[Tensor, "*batch in_features"], u: Float[Tensor, "*batch n_inputs"]
    ) -> Float[Tensor, "*batch"]:
        """Discounted cost of taking input ``u`` now and following the policy from then on.

        Args:
            state: What stands for the state, ``(*batch, in_features)``.
            u: Inputs, ``(*batch, n_inputs)``.

        Raises:
            TypeError: If an argument is not a floating-point tensor of the parameters' dtype.
            ValueError: If an argument has another size or device.
        """
        like = next(self.parameters())
        check_features(state, "state", self.in_features, like)
        check_features(u, "u", self.n_inputs, like)
        value: Tensor = self.layers(torch.cat([state, u], -1)).squeeze(-1)
        return value


def _dense(
    in_features: int,
    hidden: Sequence[int],
    out_features: int,
    device: torch.device | str | None,
    dtype: torch.dtype | None,
) -> nn.Sequential:
    check_dtype(dtype)
    if isinstance(hidden, (int, str)) or not isinstance(hidden, Sequence) or not hidden:
        raise TypeError(f"hidden must be a sequence of at least one size, got {hidden!r}")
    sizes = [in_features, *(check_integer("hidden", size) for size in hidden)]
    layers: list[nn.Module] = []
    for n, m in pairwise(sizes):
        layers += [nn.Linear(n, m, device=device, dtype=dtype), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], out_features, device=device, dtype=dtype))


def _reset(layers: nn.Sequential) -> None:
    for layer in layers:
        if isinstance(layer, nn.Linear):
            layer.reset_parameters()
