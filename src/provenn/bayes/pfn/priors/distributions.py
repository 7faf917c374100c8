"""Distributions of hyper-parameters, drawn from an explicit generator."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from provenn.checks import check_number


@dataclass(frozen=True)
class Gamma:
    """The Gamma distribution with density ``∝ z^(shape-1) exp(-rate z)`` and mean ``shape/rate``.

    Args:
        shape: Shape, greater than 0.
        rate: Rate (one over the scale), greater than 0.

    Raises:
        TypeError: If an argument is not a number.
        ValueError: If an argument is not finite and greater than 0.

    Example:
        >>> import torch
        >>> z = Gamma(3.0, 6.0).sample((1000,), torch.Generator().manual_seed(0))
        >>> bool((z > 0).all()), abs(z.mean().item() - 0.5) < 0.05
        (True, True)
    """

    shape: float
    rate: float

    def __post_init__(self) -> None:
        check_number("shape", self.shape, above=0.0)
        check_number("rate", self.rate, above=0.0)

    def sample(
        self,
        size: Sequence[int],
        generator: torch.Generator | None = None,
        device: torch.device | None = None,
    ) -> Float64[Tensor, "..."]:
        """Independent draws, always greater than 0: what underflows becomes the least float64.

        Args:
            size: Shape of the result.
            generator: Source of randomness; ``None`` for torch's global one.
            device: Where to draw; ``None`` for torch's default.
        """
        shape = torch.full(tuple(size), self.shape, dtype=torch.float64, device=device)
        # torch.distributions.Gamma calls the same function, but cannot take a generator.
        return torch._standard_gamma(shape, generator=generator) / self.rate


@dataclass(frozen=True)
class Beta:
    """The Beta distribution with density ``∝ z^(alpha-1) (1-z)^(beta-1)`` on [0, 1].

    Args:
        alpha: First shape, greater than 0.
        beta: Second shape, greater than 0.

    Raises:
        TypeError: If an argument is not a number.
        ValueError: If an argument is not finite and greater than 0.

    Example:
        >>> import torch
        >>> z = Beta(2.0, 4.0).sample((1000,), torch.Generator().manual_seed(0))
        >>> bool(((z >= 0) & (z <= 1)).all()), abs(z.mean().item() - 1 / 3) < 0.05
        (True, True)
    """

    alpha: float
    beta: float

    def __post_init__(self) -> None:
        check_number("alpha", self.alpha, above=0.0)
        check_number("beta", self.beta, above=0.0)

    def sample(
        self,
        size: Sequence[int],
        generator: torch.Generator | None = None,
        device: torch.device | None = None,
    ) -> Float64[Tensor, "..."]:
        """Independent draws, right for small shapes too, where a Gamma variable underflows.

        Args:
            size: Shape of the result.
            generator: Source of randomness; ``None`` for torch's global one.
            device: Where to draw; ``None`` for torch's default.
        """
        logit = _log_gamma(self.alpha, size, generator, device)
        return (logit - _log_gamma(self.beta, size, generator, device)).sigmoid()


def sample_or_repeat(
    value: float | Sequence[float] | Gamma,
    size: Sequence[int],
    generator: torch.Generator | None,
    device: torch.device | None,
) -> Float64[Tensor, "..."]:
    """Draws of a random hyper-parameter, or the values of a fixed one in the same shape.

    Args:
        value: A distribution, or what broadcasts to ``size``.
        size: Shape of the result.
        generator: Source of randomness; ``None`` for torch's global one.
        device: Where the result lies; ``None`` for torch's default.
    """
    if isinstance(value, Gamma):
        return value.sample(size, generator, device)
    return torch.tensor(value, dtype=torch.float64, device=device).expand(*size)


def _log_gamma(
    shape: float,
    size: Sequence[int],
    generator: torch.Generator | None,
    device: torch.device | None,
) -> Tensor:
    """Logarithm of a standard Gamma variable: G(a) has the law of G(a + 1) U^(1/a)."""
    larger = Gamma(shape + 1, 1.0).sample(size, generator, device)
    u = torch.rand(tuple(size), generator=generator, dtype=torch.float64, device=device)
    return larger.log() + (-u).log1p() / shape
