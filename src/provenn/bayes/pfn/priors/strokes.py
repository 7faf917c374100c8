"""A prior over few-shot image tasks: each class is a handful of straight strokes."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn import functional

from provenn.bayes.pfn.priors.prior import check_request
from provenn.checks import check_integer

SIZE = 28
"""Side of an image in pixels."""

MAX_STROKES = 3
BLUR = 0.2
"""Standard deviation of the blur in pixels."""


class Strokes(NamedTuple):
    """Strokes of a class or an image, of which the first ``number`` are drawn.

    Attributes:
        start: Where each stroke starts, in pixels, ``(..., 3, 2)``.
        reach: From there to where it ends, ``(..., 3, 2)``.
        number: Number of strokes, ``(...)``.
    """

    start: Tensor
    reach: Tensor
    number: Tensor


@dataclass(frozen=True)
class StrokesPrior:
    """Images of 28 x 28 pixels that show the strokes of their class, drawn a little differently.

    A class is 1 to 3 strokes. Each starts at a pixel of [2, 25]², is 5 to 20 pixels long and points
    in a uniform direction; start and length are drawn anew after every three directions that leave
    the image. An image of the class is drawn with lines 1 to 4 pixels wide, shifted by up to 4
    pixels, each end moved by up to 2 more along both axes, with pixel values from 200 to 254 and a
    blur of 0.2 pixels. Inputs are the pixels over 255, flattened.

    With ``shots`` given, the first ``n_classes * shots`` points hold each class exactly ``shots``
    times in random order, and the label of each later point is uniform. Support points are
    exchangeable among themselves and so are queries; fit with a context of exactly
    ``n_classes * shots`` points, as the label of a support point that is left out could be found
    by counting. With ``shots=None`` all labels are uniform, and all points exchangeable.

    Args:
        n_classes: Number of classes of a task, at least 2.
        shots: Images of each class in the support, or ``None``.

    Raises:
        TypeError: If an argument is not an integer.
        ValueError: If an argument is out of its range.

    Reference:
        Müller et al., Transformers Can Do Bayesian Inference (arXiv 2112.10510), section 7 and
        figure 11.

    Example:
        >>> import torch
        >>> x, y = StrokesPrior().sample(2, 26, generator=torch.Generator().manual_seed(0))
        >>> x.shape, y[:, :25].long()[0].bincount()
        (torch.Size([2, 26, 784]), tensor([5, 5, 5, 5, 5]))
    """

    n_classes: int = 5
    shots: int | None = 5

    def __post_init__(self) -> None:
        check_integer("n_classes", self.n_classes, 2)
        if self.shots is not None:
            check_integer("shots", self.shots)

    @property
    def n_features(self) -> int:
        """One feature for each pixel."""
        return SIZE**2

    def sample(
        self,
        batch: int,
        n: int,
        *,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> tuple[Float[Tensor, "batch n n_features"], Float[Tensor, "batch n"]]:
        """Draw ``batch`` tasks of ``n`` images; see :class:`Prior`.

        Raises:
            ValueError: If ``n`` is less than the support.
        """
        place = check_request(batch, n, generator, device, dtype)
        labels = self._labels(batch, n, generator, place)
        classes = _draw_classes(batch, self.n_classes, generator, place)
        rows = torch.arange(batch, device=place).unsqueeze(-1)
        strokes = Strokes(*(part[rows, labels] for part in classes))
        images = _draw_images(strokes, generator)
        return images.flatten(2).to(dtype), labels.to(dtype)

    def _labels(
        self, batch: int, n: int, generator: torch.Generator | None, device: torch.device
    ) -> Int64[Tensor, "batch n"]:
        labels = torch.randint(self.n_classes, (batch, n), generator=generator, device=device)
        if self.shots is None:
            return labels
        support = self.n_classes * self.shots
        if n < support:
            raise ValueError(
                f"n must be at least n_classes * shots = {support}, the size of the support, "
                f"got {n}"
            )
        order = torch.rand(batch, support, generator=generator, device=device).argsort(-1)
        labels[:, :support] = order % self.n_classes
        return labels


def _draw_classes(
    batch: int, n_classes: int, generator: torch.Generator | None, device: torch.device
) -> Strokes:
    size = (batch, n_classes, MAX_STROKES)
    number = torch.randint(
        1, MAX_STROKES + 1, (batch, n_classes), generator=generator, device=device
    )
    start = torch.empty(math.prod(size), 2, device=device)
    reach = torch.empty_like(start)
    pending = torch.arange(len(start), device=device)
    while len(pending):
        k = len(pending)
        begin = torch.randint(2, 26, (k, 1, 2), generator=generator, device=device).float()
        length = torch.randint(5, 21, (k, 1, 1), generator=generator, device=device)
        angle = 2 * math.pi * torch.rand(k, 3, generator=generator, device=device)
        tries = length * torch.stack([angle.cos(), angle.sin()], -1)
        end = begin + tries
        inside = ((end >= 0) & (end <= SIZE - 1)).all(-1)
        first = inside.byte().argmax(-1)
        found = inside.any(-1)
        start[pending[found]] = begin[found, 0]
        reach[pending[found]] = tries[torch.arange(k, device=device), first][found]
        pending = pending[~found]
    return Strokes(start.view(*size, 2), reach.view(*size, 2), number)


def _draw_images(
    strokes: Strokes, generator: torch.Generator | None
) -> Float[Tensor, "batch n 28 28"]:
    """One image for each entry of ``strokes``, whose parts are ``(batch, n, ...)``."""
    start, reach, number = strokes
    batch, n = number.shape

    def integers(low: int, high: int, *size: int) -> Tensor:
        return torch.randint(
            low, high + 1, (batch, n, *size), generator=generator, device=start.device
        )

    width = integers(1, 4)
    start = start + integers(-4, 4, 1, 2)
    reach = reach + integers(-2, 2, MAX_STROKES, 2)
    ink = torch.zeros(batch, n, SIZE, SIZE, dtype=torch.bool, device=start.device)
    for i in range(MAX_STROKES):
        ink |= _covered(start[..., i, :], reach[..., i, :], width) & _cells(i < number)
    image = integers(200, 254, SIZE, SIZE) / 255 * ink
    return _blur(image.flatten(0, 1)).view_as(image)


def _covered(
    start: Float[Tensor, "batch n 2"],
    reach: Float[Tensor, "batch n 2"],
    width: Int64[Tensor, "batch n"],
) -> Bool[Tensor, "batch n 28 28"]:
    """Pixels whose centre lies on a line with flat ends, half a pixel beyond its end points."""
    length = reach.norm(dim=-1, keepdim=True)
    direction = reach / length
    pixels = torch.arange(SIZE, device=start.device)
    middle = start + reach / 2
    x, y = (pixels - middle[..., i : i + 1] for i in range(2))
    right, down = direction[..., :1], direction[..., 1:]
    along = (x * right).unsqueeze(-2) + (y * down).unsqueeze(-1)
    across = (x * down).unsqueeze(-2) - (y * right).unsqueeze(-1)
    inside: Tensor = across.abs_() <= _cells(width / 2)
    inside &= along.abs_() <= _cells((length.squeeze(-1) + 1) / 2)
    return inside


def _cells(value: Tensor) -> Tensor:
    """One value for each image, to be broadcast over its pixels."""
    return value[..., None, None]


def _blur(images: Float[Tensor, "images 28 28"]) -> Float[Tensor, "images 28 28"]:
    """Three-tap filter along each axis, of the variance of a Gaussian of ``BLUR`` pixels."""
    side = BLUR**2 / 2
    images = functional.pad(images, (1, 1, 1, 1), mode="replicate")
    for dim in (-1, -2):
        before, here, after = (images.narrow(dim, i, SIZE) for i in range(3))
        images = (before + after).mul_(side).add_(here, alpha=1 - 2 * side)
    return images
