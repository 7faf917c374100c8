"""Bar distribution: a histogram whose bar heights a network chooses (arXiv 2112.10510, section 4).

Borders ``b_0 < ... < b_K`` cut the line into K buckets of widths ``w_k = b_{k+1} - b_k``. With
``p = softmax(outputs)`` the density of bucket k is ``p_k / w_k``. With full support the two outer
bars are half-normal tails instead, that begin at the inner border of their bucket and have half of
their mass within it; everything here, moments, quantiles and improvements, is exact for them too.
"""

import math
from typing import Any

import torch
from jaxtyping import Float, Real
from torch import Tensor
from torch.nn import functional

from provenn.bayes.pfn.borders import (
    at_bucket,
    bucket_of,
    equal_mass_borders,
    mass_before,
    problem_of,
    with_ends,
)
from provenn.bayes.pfn.likelihoods import (
    Levels,
    RegressionLikelihood,
    checked_levels,
    has_values,
)
from provenn.bayes.pfn.priors.prior import Prior, check_prior, draw
from provenn.checks import check_flag, check_float_tensor, check_integer

HALF_NORMAL_MEDIAN = 0.6744897501960817
HALF_NORMAL_MEAN = math.sqrt(2 / math.pi)
DATASETS_AT_ONCE = 1000


class BarDistribution(RegressionLikelihood):
    """Piecewise constant density over fixed borders, with half-normal tails or without.

    ``log q(y) = log p_k - log w_k`` for ``b_k < y <= b_{k+1}`` (and ``b_0`` belongs to bucket 0).
    With full support, ``q(y) = p_0 HN(b_1 - y; s_0)`` for ``y <= b_1`` and
    ``q(y) = p_{K-1} HN(y - b_{K-1}; s_{K-1})`` for ``y > b_{K-1}``, where
    ``HN(z; s) = sqrt(2 / pi) / s exp(-z^2 / (2 s^2))`` and ``s_k = w_k / 0.6744897502``, so that
    half of the tail lies within its bucket. The density jumps at the borders.

    The borders are a buffer: they follow the module to its device and are part of its state dict,
    but stay in float32 where the module is cast to less.

    Args:
        borders: ``(K + 1,)``, strictly increasing, in units of the target.
        full_support: Whether the outer buckets are half-normal tails; needs K >= 2.
        device: Device of the buffer; PyTorch's default device if ``None``.
        dtype: Type of the buffer, float32 or float64; that of ``borders`` if ``None``.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the borders are too few, not finite or not strictly increasing.

    Reference:
        arXiv 2112.10510, section 4 and appendix E.2.

    Example:
        >>> bars = BarDistribution(torch.tensor([0.0, 1.0, 3.0]), full_support=False)
        >>> outputs = torch.tensor([[0.25, 0.75]]).log()
        >>> bars.log_prob(outputs, torch.tensor([2.0])).exp()
        tensor([0.3750])
        >>> bars.mean(outputs), bars.median(outputs)
        (tensor([1.6250]), tensor([1.6667]))
    """

    borders: Tensor

    def __init__(
        self,
        borders: Float[Tensor, "n_borders"],
        full_support: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_flag("full_support", full_support)
        if dtype not in (None, torch.float32, torch.float64):
            raise TypeError(f"dtype must be torch.float32 or torch.float64, got {dtype!r}")
        check_float_tensor("borders", borders)
        if borders.is_meta:
            raise ValueError("borders must have values, got a tensor on the meta device")
        borders = borders.to(dtype or torch.promote_types(borders.dtype, torch.float32))
        problem = problem_of(borders, 2 if full_support else 1)
        if problem:
            raise ValueError(f"borders {problem}")
        self.full_support = full_support
        self.n_outputs = len(borders) - 1
        # An array, because a buffer on the meta device loses what reset_parameters needs.
        self._values = borders.detach().to("cpu", torch.float64, copy=True).numpy()
        self.register_buffer(
            "borders", torch.empty_like(borders, device=device or torch.get_default_device())
        )
        self.reset_parameters()

    @classmethod
    def from_samples(
        cls, y: Float[Tensor, "..."], n_buckets: int, full_support: bool = True
    ) -> "BarDistribution":
        """Borders between which equally many samples lie.

        As many samples as there are in a multiple of ``n_buckets`` are sorted into groups of the
        same size. Inner borders are halfway between neighbouring groups, outer ones at the least
        and the largest sample.

        Args:
            y: Samples of the target in random order, of any shape, in units of the target.
            n_buckets: Number K of buckets.
            full_support: Whether the outer buckets are half-normal tails.

        Returns:
            The distribution, with borders of the samples' dtype.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If there are fewer samples than buckets, one is not finite, or they repeat
                so often that borders would coincide.

        Example:
            >>> BarDistribution.from_samples(torch.arange(6.0), 3).borders
            tensor([0.0000, 1.5000, 3.5000, 5.0000])
        """
        check_float_tensor("y", y)
        check_integer("n_buckets", n_buckets)
        if not bool(y.isfinite().all()):
            raise ValueError("y must be finite, got NaN or inf")
        y = y.detach().flatten().to(torch.promote_types(y.dtype, torch.float32))
        return cls(equal_mass_borders(y, n_buckets), full_support)

    @classmethod
    def from_prior(
        cls,
        prior: Prior,
        n_buckets: int = 100,
        full_support: bool = True,
        *,
        datasets: int = 100_000,
        n_points: int = 20,
        seed: int = 0,
    ) -> "BarDistribution":
        """Borders between which the prior puts equal mass, from the targets of its data sets.

        Args:
            prior: Regression prior.
            n_buckets: Number K of buckets.
            full_support: Whether the outer buckets are half-normal tails.
            datasets: Number of data sets to draw.
            n_points: Points of each data set.
            seed: Seed of the draws.

        Returns:
            The distribution.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If the prior is one of classes, a number is out of range, or the targets
                repeat so often that borders would coincide.

        Example:
            >>> from provenn.bayes.pfn.priors import GaussianProcessPrior
            >>> bars = BarDistribution.from_prior(GaussianProcessPrior(1), 10, datasets=1000)
            >>> bars.cdf(torch.zeros(1, 10), torch.zeros(1)).round(decimals=1)
            tensor([0.5000])
        """
        check_prior(prior)
        if prior.n_classes is not None:
            raise ValueError(
                f"prior must be of regression, with n_classes None, got {prior.n_classes} classes"
            )
        check_integer("datasets", datasets)
        check_integer("n_points", n_points)
        check_integer("seed", seed, 0)
        generator = torch.Generator().manual_seed(seed)
        targets = []
        for start in range(0, datasets, DATASETS_AT_ONCE):
            count = min(DATASETS_AT_ONCE, datasets - start)
            targets.append(draw(prior, count, n_points, generator=generator)[1].flatten())
        return cls.from_samples(torch.cat(targets), n_buckets, full_support)

    @property
    def config(self) -> dict[str, Any]:
        """Class, ``n_buckets`` and ``full_support``; the borders are in the state dict."""
        return {
            "class": "BarDistribution",
            "n_buckets": self.n_outputs,
            "full_support": self.full_support,
        }

    @classmethod
    def from_config(cls, n_buckets: int, full_support: bool = True) -> "BarDistribution":  # type: ignore[override]
        """Distribution with borders 0, 1, ..., K, to be replaced by those of a state dict."""
        check_integer("n_buckets", n_buckets)
        return cls(torch.arange(n_buckets + 1, dtype=torch.float32, device="cpu"), full_support)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Put back the borders that were given, or loaded last."""
        self.borders.copy_(torch.from_numpy(self._values))

    def log_prob(
        self, outputs: Float[Tensor, "*batch n_outputs"], y: Real[Tensor, "*batch"]
    ) -> Float[Tensor, "*batch"]:
        """Log density of each target.

        Args:
            outputs: Unnormalised log probabilities of the buckets, ``(*batch, m, K)``.
            y: Targets, ``(*batch, m)``.

        Returns:
            Shape ``(*batch, m)``, in nats per unit of the target.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If shapes do not fit; without full support also if a target is NaN or lies
                outside the borders (under ``torch.compile`` and ``torch.func``, which cannot look
                at values, its log density is NaN or ``-inf`` instead).
        """
        outputs, y = self._checked_with(outputs, y)
        borders = self._borders(outputs)
        bucket = bucket_of(y, borders)
        log_p = at_bucket(functional.log_softmax(outputs, -1), bucket)
        log_height = -borders.diff().log()
        if self.full_support:
            (first, s_0), (last, s_K) = _tails(borders)
            tail = math.log(HALF_NORMAL_MEAN * HALF_NORMAL_MEDIAN)
            log_height = with_ends(log_height, log_height[:1] + tail, log_height[-1:] + tail)
            z = (first - y).clamp(min=0) / s_0 + (y - last).clamp(min=0) / s_K
            return log_p + (log_height[bucket] - 0.5 * z.square())
        inside = (y >= borders[0]) & (y <= borders[-1])
        if has_values(y) and not bool(inside.all()):
            raise ValueError(
                f"y must lie within the borders [{float(borders[0]):g}, {float(borders[-1]):g}] "
                f"of a distribution without full support, got {float(y[~inside][0]):g}"
            )
        outside = torch.full_like(y, -math.inf).masked_fill(y.isnan(), math.nan)
        return torch.where(inside, log_p + log_height[bucket], outside)

    def mean(self, outputs: Float[Tensor, "*batch n_outputs"]) -> Float[Tensor, "*batch"]:
        """Expected target ``sum_k p_k c_k``, ``(*batch, m)``; ``c_k`` is the mean of bucket k."""
        outputs = self._checked(outputs)
        return (outputs.softmax(-1) * self._centres(self._borders(outputs))).sum(-1)

    def variance(self, outputs: Float[Tensor, "*batch n_outputs"]) -> Float[Tensor, "*batch"]:
        """Variance of the target, within and between buckets, ``(*batch, m)``."""
        outputs = self._checked(outputs)
        borders = self._borders(outputs)
        p, centres = outputs.softmax(-1), self._centres(borders)
        within = borders.diff().square() / 12
        if self.full_support:
            tails = borders.diff().square() * ((1 - 2 / math.pi) / HALF_NORMAL_MEDIAN**2)
            within = with_ends(within, tails[:1], tails[-1:])
        mean = (p * centres).sum(-1, keepdim=True)
        variance: Tensor = (p * (within + (centres - mean).square())).sum(-1)
        return variance

    def mode(self, outputs: Float[Tensor, "*batch n_outputs"]) -> Float[Tensor, "*batch"]:
        """Mean ``c_k`` of the most probable bucket (not of the highest bar), ``(*batch, m)``."""
        outputs = self._checked(outputs)
        best = outputs.max(-1)
        centre = self._centres(self._borders(outputs))[best.indices]
        return torch.where(best.values.isnan(), best.values, centre)

    def cdf(
        self, outputs: Float[Tensor, "*batch n_outputs"], y: Real[Tensor, "*batch"]
    ) -> Float[Tensor, "*batch"]:
        """Probability of a target of at most ``y``, ``(*batch, m)``."""
        outputs, y = self._checked_with(outputs, y)
        borders = self._borders(outputs)
        bucket = bucket_of(y, borders)
        p = outputs.softmax(-1)
        left = borders[bucket]
        share = ((y - left) / (borders[bucket + 1] - left)).clamp(0, 1)
        if self.full_support:
            (first, s_0), (last, s_K) = _tails(borders)
            below = torch.special.erfc((first - y).clamp(min=0) / (s_0 * math.sqrt(2)))
            above = torch.special.erf((y - last).clamp(min=0) / (s_K * math.sqrt(2)))
            share = torch.where(bucket == 0, below, share)
            share = torch.where(bucket == self.n_outputs - 1, above, share)
        return (mass_before(p.cumsum(-1), bucket) + at_bucket(p, bucket) * share).clamp(max=1)

    def quantile(
        self, outputs: Float[Tensor, "*batch n_outputs"], levels: Levels
    ) -> Float[Tensor, "..."]:
        """Exact inverse of :meth:`cdf`.

        Args:
            outputs: Unnormalised log probabilities of the buckets, ``(*batch, m, K)``.
            levels: Probabilities from 0 to 1: a number, or a sequence or tensor of L of them.

        Returns:
            Shape ``(*batch, m)`` for a number, ``(*batch, m, L)`` otherwise. Levels 0 and 1 give
            the outer borders, or infinity with full support.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If the outputs' shape does not fit or a level lies outside [0, 1].

        Example:
            >>> bars = BarDistribution(torch.tensor([0.0, 1.0, 3.0]), full_support=False)
            >>> bars.quantile(torch.zeros(2), [0.25, 0.5, 0.75])
            tensor([0.5000, 1.0000, 2.0000])
        """
        outputs = self._checked(outputs)
        alpha = checked_levels(levels, outputs)
        borders, p = self._borders(outputs), outputs.softmax(-1)
        single, alpha = alpha.ndim == 0, torch.zeros_like(p[..., :1]) + alpha
        cumulative = p.cumsum(-1)
        bucket = torch.searchsorted(cumulative, alpha).clamp(max=self.n_outputs - 1)
        if self.full_support:
            # By the mass above, because the sum of all others is rounded.
            is_last = 1 - alpha < p[..., -1:]
            bucket = bucket.clamp(max=self.n_outputs - 2)
            bucket = torch.where(is_last, self.n_outputs - 1, bucket)
        tiny = torch.finfo(p.dtype).tiny
        before, own = mass_before(cumulative, bucket), at_bucket(p, bucket).clamp(min=tiny)
        share = ((alpha - before) / own).clamp(0, 1)
        value = borders[bucket] + share * borders.diff()[bucket]
        if self.full_support:
            (first, s_0), (last, s_K) = _tails(borders)
            below = torch.where(bucket == 0, share, 1.0)
            above = torch.where(is_last, (1 - alpha) / own, 1.0)
            value = torch.where(bucket == 0, first + s_0 * torch.special.ndtri(below / 2), value)
            value = torch.where(is_last, last - s_K * torch.special.ndtri(above / 2), value)
        return value.squeeze(-1) if single else value

    def expected_improvement(
        self,
        outputs: Float[Tensor, "*batch n_outputs"],
        best: float | Tensor,
        maximize: bool = True,
    ) -> Float[Tensor, "*batch"]:
        """Expected amount by which the target is better than the best so far.

        ``E[max(y - best, 0)]``, or ``E[max(best - y, 0)]`` where small targets are good.

        Args:
            outputs: Unnormalised log probabilities of the buckets, ``(*batch, m, K)``.
            best: Best target so far: a number, or a tensor that broadcasts to ``(*batch, m)``.
            maximize: Whether large targets are good.

        Returns:
            Shape ``(*batch, m)``, in units of the target.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If shapes do not fit.

        Example:
            >>> bars = BarDistribution(torch.tensor([0.0, 1.0, 3.0]), full_support=False)
            >>> bars.expected_improvement(torch.zeros(2), 2.0)
            tensor(0.1250)
            >>> bars.expected_improvement(torch.zeros(2), 0.0) - bars.mean(torch.zeros(2))
            tensor(0.)
        """
        outputs = self._checked(outputs)
        if isinstance(best, bool) or not isinstance(best, (int, float, Tensor)):
            raise TypeError(f"best must be a number or a tensor, got {type(best).__name__}")
        check_flag("maximize", maximize)
        threshold = torch.as_tensor(best, dtype=outputs.dtype, device=outputs.device)
        try:
            threshold.expand(outputs.shape[:-1])
        except RuntimeError:
            raise ValueError(
                f"best must be a number or broadcast to {tuple(outputs.shape[:-1])}, that of "
                f"outputs without the last axis, got {tuple(threshold.shape)}"
            ) from None
        threshold = threshold.unsqueeze(-1)
        borders, p = self._borders(outputs), outputs.softmax(-1)
        if not maximize:
            borders, p, threshold = -borders.flip(-1), p.flip(-1), -threshold
        return (p * self._excess(borders, threshold)).sum(-1)

    @torch.no_grad()
    def sample(
        self,
        outputs: Float[Tensor, "*batch n_outputs"],
        n_samples: int,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, "n_samples *batch"]:
        """Independent draws, ``(n_samples, *batch, m)``, without gradients.

        Args:
            outputs: Unnormalised log probabilities of the buckets, ``(*batch, m, K)``.
            n_samples: Number of draws for each target.
            generator: Source of randomness on the outputs' device; PyTorch's own if ``None``.

        Returns:
            Draws from exactly this density, in units of the target.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If ``n_samples`` is less than 1 or the outputs do not fit.
        """
        outputs = self._checked(outputs)
        check_integer("n_samples", n_samples)
        p = outputs.softmax(-1).reshape(-1, self.n_outputs)
        if bool(p.isnan().any()):
            raise ValueError("outputs must be numbers, got NaN")
        borders = self._borders(outputs)
        bucket = torch.multinomial(p, n_samples, replacement=True, generator=generator).T
        kind: dict[str, Any] = {"dtype": outputs.dtype, "device": outputs.device}
        u = torch.rand(bucket.shape, generator=generator, **kind)
        value = borders[bucket] + u * borders.diff()[bucket]
        if self.full_support:
            (first, s_0), (last, s_K) = _tails(borders)
            z = torch.randn(bucket.shape, generator=generator, **kind).abs()
            value = torch.where(bucket == 0, first - s_0 * z, value)
            value = torch.where(bucket == self.n_outputs - 1, last + s_K * z, value)
        return value.reshape(n_samples, *outputs.shape[:-1])

    def extra_repr(self) -> str:
        """Number of buckets and kind of support."""
        return f"n_buckets={self.n_outputs}, full_support={self.full_support}"

    def _borders(self, outputs: Tensor) -> Tensor:
        if outputs.device != self.borders.device:
            raise ValueError(
                f"outputs must be on the device of the borders {self.borders.device}, "
                f"got {outputs.device}"
            )
        return self.borders.to(outputs.dtype)

    def _centres(self, borders: Tensor) -> Tensor:
        """Mean of each bucket, ``(K,)``."""
        centres = (borders[:-1] + borders[1:]) / 2
        if not self.full_support:
            return centres
        (first, s_0), (last, s_K) = _tails(borders)
        offsets = HALF_NORMAL_MEAN * s_0, HALF_NORMAL_MEAN * s_K
        return with_ends(centres, (first - offsets[0])[None], (last + offsets[1])[None])

    def _excess(self, borders: Tensor, threshold: Tensor) -> Tensor:
        """``E[max(y - threshold, 0)]`` for y within each bucket, ``(*batch, m, K)``."""
        left, right = borders[:-1], borders[1:]
        share = ((right - threshold) / (right - left)).clamp(0, 1)
        excess = share * ((right - threshold).clamp(min=0) + (left - threshold).clamp(min=0)) / 2
        if not self.full_support:
            return excess
        (first, s_0), (last, s_K) = _tails(borders)
        # y = first - s z, z half-normal
        u = ((first - threshold) / s_0).clamp(min=0)
        root = math.sqrt(2)
        below = u * torch.special.erf(u / root) + HALF_NORMAL_MEAN * torch.expm1(-0.5 * u.square())
        # y = last + s z
        v = (threshold - last) / s_K
        w = v.clamp(min=0)
        mills = math.sqrt(math.pi / 2) * torch.special.erfcx(w / root)
        above = HALF_NORMAL_MEAN * torch.exp(-0.5 * w.square()) * (1 - w * mills)
        return with_ends(excess, s_0 * below, s_K * (above + (-v).clamp(min=0)))

    def _apply(self, fn: Any, recurse: bool = True) -> "BarDistribution":
        """Move or cast; borders in less than float32 could coincide."""
        before = self.borders
        super()._apply(fn, recurse)
        if torch.finfo(self.borders.dtype).bits < 32:
            self.borders = before.to(self.borders.device)
        return self

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        """Load the borders of a state dict, once they are seen to be in order."""
        super()._load_from_state_dict(state_dict, prefix, *args)
        borders, errors = state_dict.get(f"{prefix}borders"), args[-1]
        fits = isinstance(borders, Tensor) and borders.shape == self.borders.shape
        if not fits or borders.is_meta:
            return
        problem = problem_of(borders, self.n_outputs)
        if problem:
            errors.append(f"{prefix}borders {problem}")
        else:
            self._values = borders.detach().to("cpu", torch.float64, copy=True).numpy()


def _tails(borders: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Start and scale of the left tail and of the right one."""
    left, right = borders[1] - borders[0], borders[-1] - borders[-2]
    return (borders[1], left / HALF_NORMAL_MEDIAN), (borders[-2], right / HALF_NORMAL_MEDIAN)
