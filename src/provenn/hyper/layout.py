"""How the flat output of a hypernetwork is cut into the parameters that it predicts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from provenn.checks import check_float_tensor


@dataclass(frozen=True)
class Piece:
    """One predicted parameter, and how many entries of the flat output make it.

    Args:
        name: Dotted name of the parameter.
        shape: Its shape.
        rank: ``r`` where two factors are predicted, ``out x r`` and ``r x rest``; 0 where the
            parameter is predicted entry by entry.
    """

    name: str
    shape: tuple[int, ...]
    rank: int = 0

    @property
    def sizes(self) -> tuple[int, ...]:
        """Entries of the flat output, one number for each factor."""
        if not self.rank:
            return (math.prod(self.shape),)
        return (self.shape[0] * self.rank, self.rank * math.prod(self.shape[1:]))

    @property
    def entries(self) -> int:
        """Entries of the flat output together."""
        return sum(self.sizes)

    def assemble(self, flat: Float[Tensor, "*batch entries"]) -> Float[Tensor, "..."]:
        """The parameter's change, from its entries of the flat output."""
        batch = flat.shape[:-1]
        if not self.rank:
            return flat.reshape(*batch, *self.shape)
        left, right = flat.split(self.sizes, dim=-1)
        product: Tensor = left.unflatten(-1, (-1, self.rank)) @ right.unflatten(-1, (self.rank, -1))
        return product.reshape(*batch, *self.shape)


def lay_out(shapes: Mapping[str, Sequence[int]], rank: int) -> tuple[Piece, ...]:
    """Pieces of the parameters, in the order of the flat output.

    Args:
        shapes: Name to shape.
        rank: Rank of the change of parameters with two axes or more, where that takes fewer
            numbers than the parameter has; 0 for none.
    """
    pieces: list[Piece] = []
    for name, shape in shapes.items():
        whole, factors = Piece(name, tuple(shape)), Piece(name, tuple(shape), rank)
        saves = rank and len(shape) > 1 and factors.entries < whole.entries
        pieces.append(factors if saves else whole)
    return tuple(pieces)


def matching_parameters(primary: nn.Module, patterns: Any) -> dict[str, nn.Parameter]:
    """Floating-point parameters whose dotted name matches one of the patterns; all for ``None``.

    Raises:
        TypeError: If ``patterns`` is no sequence of strings.
        ValueError: If there is no parameter, or a pattern matches none.
    """
    known = {n: p for n, p in primary.named_parameters() if p.is_floating_point()}
    if not known:
        raise ValueError(
            f"primary must have a floating-point parameter, got {type(primary).__name__} without"
        )
    if patterns is None:
        return known
    if isinstance(patterns, str) or not isinstance(patterns, Sequence):
        raise TypeError(
            "parameters must be None or a sequence of names or patterns such as '*.weight', got "
            f"{patterns!r} of type {type(patterns).__name__}"
        )
    for pattern in patterns:
        if not isinstance(pattern, str):
            raise TypeError(f"parameters must hold names or patterns (str), got {pattern!r}")
        if not any(fnmatchcase(name, pattern) for name in known):
            raise ValueError(
                f"parameters must match names of the primary's parameters ({', '.join(known)}), "
                f"got {pattern!r}"
            )
    if not patterns:
        raise ValueError("parameters must name at least one parameter, got an empty sequence")
    return {n: p for n, p in known.items() if any(fnmatchcase(n, pat) for pat in patterns)}


def check_theta(theta: Any, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse anything but a mapping of the given names to tensors of the given shapes."""
    if not isinstance(theta, Mapping):
        raise TypeError(f"theta must be a mapping of names to tensors, got {type(theta).__name__}")
    if set(theta) != set(shapes):
        given = ", ".join(map(str, theta))
        raise ValueError(f"theta must have the names {', '.join(shapes)}, got {given}")
    for name, shape in shapes.items():
        check_float_tensor(f"theta[{name!r}]", theta[name])
        if tuple(theta[name].shape) != shape:
            raise ValueError(
                f"theta[{name!r}] must have shape {shape}, got {tuple(theta[name].shape)}"
            )
