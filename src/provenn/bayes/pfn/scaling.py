"""From the units of the user's data to those of a network's prior, by statistics of the context."""

import warnings
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float64

from provenn.bayes.pfn.bars import BarDistribution
from provenn.bayes.pfn.likelihoods import Likelihood
from provenn.bayes.pfn.network import PriorFittedNetwork

SCALINGS = ("auto", "none")
CONSTANT = 1e-12
"""Least spread, relative to the largest magnitude, of numbers that differ by more than rounding."""


class ExtrapolationWarning(UserWarning):
    """The data are beyond what the network was fitted to, and its answers may be wrong."""


class InputScaling(NamedTuple):
    """An affine map of each feature: ``(x - shift) * scale + offset``."""

    shift: Float64[np.ndarray, "d"]
    scale: Float64[np.ndarray, "d"]
    offset: float = 0.0
    cube: tuple[Float64[np.ndarray, "d"], Float64[np.ndarray, "d"]] | None = None
    """Least and largest values of the context, where it is mapped to the unit cube."""

    @classmethod
    def of_context(
        cls, x: Float64[np.ndarray, "n d"], network: PriorFittedNetwork, scaling: str
    ) -> "InputScaling":
        """Map for a context, once it is seen to fit the network.

        Args:
            x: Inputs of the context.
            network: The network that will read it.
            scaling: ``"auto"`` or ``"none"``.

        Returns:
            The map: to mean 0 and variance 1 for a network that standardises, to the unit cube for
            another, and no change for ``"none"``. A constant feature becomes 0 or 0.5.

        Raises:
            ValueError: If there are more features than the network reads.
        """
        n, d = x.shape
        if d > network.n_features:
            raise ValueError(
                f"X must have at most {network.n_features} features, as many as the network "
                f"reads, got {d}"
            )
        most = network.config["max_context"]
        if most is not None and n > most:
            warnings.warn(
                f"the context has {n} points, but the network was fitted to at most {most} "
                f"(max_context): its answers may be worse than from {most} of them",
                ExtrapolationWarning,
                stacklevel=3,  # where fit was called
            )
        if scaling == "none":
            return cls(np.zeros(d), np.ones(d))
        low, high = x.min(0), x.max(0)
        varies = high - low > CONSTANT * np.maximum(abs(low), abs(high))
        if network.config["standardize"]:
            return cls(x.mean(0), varies / np.where(varies, x.std(0), 1.0))
        return cls((low + high) / 2, varies / np.where(varies, high - low, 1.0), 0.5, (low, high))

    def __call__(self, x: Float64[np.ndarray, "m d"]) -> Float64[np.ndarray, "m d"]:
        """Inputs in the prior's units."""
        scaled: np.ndarray = (x - self.shift) * self.scale + self.offset
        return scaled

    def warn_outside(self, x: Float64[np.ndarray, "m d"]) -> None:
        """Warn of queries that leave the unit cube."""
        if self.cube is None:
            return
        low, high = self.cube
        outside = int(((x < low) | (x > high)).any(1).sum())
        if outside:
            warnings.warn(
                f"{outside} of {len(x)} queries lie outside of the range of the context, beyond "
                "which the network's prior has no inputs: its answers there may be wrong",
                ExtrapolationWarning,
                stacklevel=4,  # where predict was called
            )


def target_scaling(y: Float64[np.ndarray, "n"], likelihood: Likelihood) -> tuple[float, float]:
    """Shift and scale with which ``(y - shift) / scale`` is in the prior's units.

    Args:
        y: Targets of the context.
        likelihood: What the network's outputs mean.

    Returns:
        Shift and scale, in units of y. With them, targets have the mean and the standard deviation
        of a bar distribution whose buckets are equally probable, or 0 and 1 for a likelihood
        without bars. The scale is 1 for targets that are all the same.
    """
    centre, width = 0.0, 1.0
    if isinstance(likelihood, BarDistribution):
        equal = torch.zeros(likelihood.n_outputs, device=likelihood.borders.device)
        centre, width = float(likelihood.mean(equal)), float(likelihood.variance(equal).sqrt())
    mean, std = float(y.mean()), float(y.std())
    scale = std / width if std > CONSTANT * abs(y).max() else 1.0
    return mean - scale * centre, scale
