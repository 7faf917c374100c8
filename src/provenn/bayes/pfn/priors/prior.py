"""What a prior over data sets must offer, and the one door through which they are drawn."""

from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from provenn.bayes.pfn.priors.checks import DTYPES
from provenn.checks import check_integer


@runtime_checkable
class Prior(Protocol):
    """A prior over data sets: all that is asked of it is that it can be sampled.

    Any object with the two attributes and the method below is a prior; there is nothing to inherit
    from. A data set is ``n`` points ``(x, y)`` that were drawn together: first what is common to
    them (a function, its hyper-parameters), then the points given that. The points must be
    exchangeable, as a fitted network takes the first of them as context and the rest as queries:
    what is common to a data set may not depend on the position of a point.

    Draw all data sets of a batch at once, with tensors whose first dimension is ``batch``; the
    prior is sampled at every step of fitting. Every random number must come from ``generator``.

    Attributes:
        n_features: Number of features ``d`` of a point.
        n_classes: Number of classes of the labels ``0.0, 1.0, ...``; ``None`` for regression.

    Example:
        Straight lines with Gaussian slope, intercept and noise:

        >>> import torch
        >>> class Lines:
        ...     n_features = 1
        ...     n_classes = None
        ...
        ...     def sample(self, batch, n, *, generator=None, device=None, dtype=torch.float32):
        ...         options = {"generator": generator, "device": device, "dtype": dtype}
        ...         x = torch.rand(batch, n, 1, **options)
        ...         slope, intercept = torch.randn(2, batch, 1, **options)
        ...         noise = 0.1 * torch.randn(batch, n, **options)
        ...         return x, slope * x.squeeze(-1) + intercept + noise
        >>> isinstance(Lines(), Prior)
        True
        >>> x, y = draw(Lines(), batch=64, n=20)
        >>> x.shape, y.shape
        (torch.Size([64, 20, 1]), torch.Size([64, 20]))
    """

    @property
    def n_features(self) -> int:
        """Number of features of a point."""
        ...

    @property
    def n_classes(self) -> int | None:
        """Number of classes; ``None`` for regression."""
        ...

    def sample(
        self,
        batch: int,
        n: int,
        *,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> tuple[Float[Tensor, "batch n n_features"], Float[Tensor, "batch n"]]:
        """Draw ``batch`` data sets of ``n`` points each.

        Args:
            batch: Number of data sets.
            n: Number of points of each.
            generator: Source of all randomness; ``None`` for torch's global one.
            device: Where the data are to lie; ``None`` for the generator's device.
            dtype: Type of both results.

        Returns:
            Inputs ``x`` and targets ``y``; class labels are floating-point as well.
        """
        ...


def draw(
    prior: Prior,
    batch: int,
    n: int,
    *,
    generator: torch.Generator | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype = torch.float32,
) -> tuple[Float[Tensor, "batch n n_features"], Float[Tensor, "batch n"]]:
    """Data sets of any prior, once they are seen to be what the prior says they are.

    Args:
        prior: The prior.
        batch: Number of data sets.
        n: Number of points of each.
        generator: Source of all randomness; ``None`` for torch's global one.
        device: Where the data lie; ``None`` for the generator's device.
        dtype: ``torch.float32`` or ``torch.float64``.

    Returns:
        Inputs ``x`` and targets ``y``.

    Raises:
        TypeError: If ``prior`` lacks a part of :class:`Prior` or returns something else than
            tensors of the asked dtype.
        ValueError: If a size is less than 1, or the prior returns tensors of another shape or on
            another device, values that are not finite, or labels that are not classes.

    Example:
        >>> import torch
        >>> from provenn.bayes.pfn.priors import GaussianProcessPrior
        >>> x, y = draw(GaussianProcessPrior(2), 4, 10, generator=torch.Generator().manual_seed(0))
        >>> x.shape, y.dtype
        (torch.Size([4, 10, 2]), torch.float32)
    """
    check_prior(prior)
    place = check_request(batch, n, generator, device, dtype)
    sample: Any = prior.sample(batch, n, generator=generator, device=place, dtype=dtype)
    if not isinstance(sample, tuple) or len(sample) != 2:
        raise TypeError(f"sample of {prior!r} must return a pair (x, y), got {_describe(sample)}")
    x, y = sample
    _check_returned(prior, "x", x, (batch, n, prior.n_features), place, dtype)
    _check_returned(prior, "y", y, (batch, n), place, dtype)
    if prior.n_classes is not None:
        labels = (y == y.round()) & (y >= 0) & (y < prior.n_classes)
        if not bool(labels.all()):
            raise ValueError(
                f"y of {prior!r} must be class labels from 0 to n_classes - 1 = "
                f"{prior.n_classes - 1}, got {y[~labels][0].item():g}"
            )
    return x, y


def check_prior(prior: Any) -> None:
    """Refuse anything that is not a :class:`Prior`, naming the part that it lacks.

    Raises:
        TypeError: If ``prior`` has not the attributes and the method of a prior.
        ValueError: If it has no features, or fewer than two classes.
    """
    for part in ("n_features", "n_classes", "sample"):
        if not hasattr(prior, part):
            raise TypeError(
                "prior must have n_features, n_classes and sample(batch, n, *, generator, device, "
                f"dtype), got {type(prior).__name__} without {part}"
            )
    check_integer("n_features of prior", prior.n_features)
    if prior.n_classes is not None:
        check_integer("n_classes of prior", prior.n_classes, 2)


def check_request(
    batch: int,
    n: int,
    generator: torch.Generator | None,
    device: torch.device | str | None,
    dtype: torch.dtype,
) -> torch.device:
    """The device on which to draw, once the arguments of ``sample`` are seen to make sense.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a size is less than 1, or the generator belongs to another kind of device.
    """
    check_integer("batch", batch)
    check_integer("n", n)
    if generator is not None and not isinstance(generator, torch.Generator):
        raise TypeError(
            f"generator must be a torch.Generator or None, got {type(generator).__name__}"
        )
    if dtype not in DTYPES:
        raise TypeError(f"dtype must be torch.float32 or torch.float64, got {dtype}")
    if device is not None:
        place = torch.device(device)
    else:
        place = torch.get_default_device() if generator is None else generator.device
    if generator is not None and generator.device.type != place.type:
        raise ValueError(
            f"generator must belong to the device {place} on which the data are drawn, "
            f"got one of {generator.device}"
        )
    return place


def _check_returned(
    prior: Prior,
    name: str,
    value: Any,
    shape: tuple[int, ...],
    device: torch.device,
    dtype: torch.dtype,
) -> None:
    if not isinstance(value, Tensor) or value.dtype != dtype:
        raise TypeError(f"{name} of {prior!r} must be a tensor of {dtype}, got {_describe(value)}")
    if value.shape != shape or value.device.type != device.type:
        raise ValueError(
            f"{name} of {prior!r} must have shape {shape} on {device}, got {_describe(value)}"
        )
    if not bool(value.isfinite().all()):
        raise ValueError(f"{name} of {prior!r} must be finite, got NaN or infinity")


def _describe(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"shape {tuple(value.shape)} of {value.dtype} on {value.device}"
    return f"{value!r} of type {type(value).__name__}"
