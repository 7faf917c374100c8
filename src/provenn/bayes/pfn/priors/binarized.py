"""Classification priors made from regression priors: which targets lie above the median."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from provenn.bayes.pfn.priors.prior import Prior, check_prior, check_request, draw


@dataclass(frozen=True)
class MedianBinarized:
    """Labels ``1[y > median(y)]`` of the data sets of another prior.

    Where targets do not tie, exactly half of the labels are 1 if ``n`` is even. If ``n`` is odd,
    the median itself is labelled 0, so ``(n - 1) / 2`` labels are 1; a single point has label 0.
    The points stay exchangeable, but the last label follows from all others: leave several queries.

    Args:
        prior: A prior with numbers as targets. They are drawn in float64, where rounding makes no
            ties.

    Raises:
        TypeError: If ``prior`` is not a prior.
        ValueError: If it has classes already.

    Reference:
        Müller et al., Transformers Can Do Bayesian Inference (arXiv 2112.10510), section 6.

    Example:
        >>> from provenn.bayes.pfn.priors import GaussianProcessPrior
        >>> prior = MedianBinarized(GaussianProcessPrior(n_features=2))
        >>> x, y = prior.sample(3, 10)
        >>> y.sum(-1)
        tensor([5., 5., 5.])
    """

    prior: Prior

    def __post_init__(self) -> None:
        check_prior(self.prior)
        if self.prior.n_classes is not None:
            raise ValueError(
                "prior must have n_classes None (numbers as targets), "
                f"got {self.prior!r} with {self.prior.n_classes} classes"
            )

    @property
    def n_features(self) -> int:
        """Number of features of the prior within."""
        return self.prior.n_features

    @property
    def n_classes(self) -> int:
        """Two classes."""
        return 2

    def sample(
        self,
        batch: int,
        n: int,
        *,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> tuple[Float[Tensor, "batch n n_features"], Float[Tensor, "batch n"]]:
        """Draw ``batch`` data sets of ``n`` points; see :class:`Prior`."""
        place = check_request(batch, n, generator, device, dtype)
        x, y = draw(self.prior, batch, n, generator=generator, device=place, dtype=torch.float64)
        return x.to(dtype), above_median(y).to(dtype)


def above_median(y: Float[Tensor, "*batch n"]) -> Bool[Tensor, "*batch n"]:
    """Which of the last dimension's values exceed their (lower) median.

    Args:
        y: Values; ``n`` is at least 1.

    Example:
        >>> import torch
        >>> above_median(torch.tensor([3.0, 1.0, 2.0, 4.0]))
        tensor([ True, False, False,  True])
    """
    return y > y.median(dim=-1, keepdim=True).values
