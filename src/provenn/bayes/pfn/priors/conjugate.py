"""A prior whose exact prediction is a fraction: coins of unknown bias."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from provenn.bayes.pfn.priors.checks import check_data
from provenn.bayes.pfn.priors.distributions import Beta
from provenn.bayes.pfn.priors.prior import check_request
from provenn.checks import check_integer


@dataclass(frozen=True)
class BetaBernoulliPrior:
    """Labels of a coin whose bias is drawn for each data set; the inputs say nothing.

    ``θ ~ Beta(α, β)``, ``y ~ Bernoulli(θ)``, ``x ~ N(0, I)`` independent of both. With ``k`` ones
    among ``n`` labels, the next is one with probability ``(α + k) / (α + β + n)``. The points are
    exchangeable.

    Args:
        alpha: ``α``, greater than 0.
        beta: ``β``, greater than 0.
        n_features: Number of features, all of them noise.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of its range.

    Example:
        >>> import torch
        >>> prior = BetaBernoulliPrior()
        >>> x, y = prior.sample(8, 5, generator=torch.Generator().manual_seed(0))
        >>> x = torch.zeros(3, 1)
        >>> prior.predictive(x, torch.tensor([1.0, 1.0, 0.0]), x[:1])
        tensor([[0.4000, 0.6000]], dtype=torch.float64)
    """

    alpha: float = 1.0
    beta: float = 1.0
    n_features: int = 1

    def __post_init__(self) -> None:
        Beta(self.alpha, self.beta)
        check_integer("n_features", self.n_features)

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
        x = torch.randn(batch, n, self.n_features, generator=generator, device=place, dtype=dtype)
        theta = Beta(self.alpha, self.beta).sample((batch, 1), generator, place)
        u = torch.rand(batch, n, generator=generator, device=place, dtype=torch.float64)
        return x, (u < theta).to(dtype)

    def predictive(
        self,
        x: Float[Tensor, "*batch n n_features"],
        y: Float[Tensor, "*batch n"],
        x_query: Float[Tensor, "*batch m n_features"],
    ) -> Float64[Tensor, "*batch m 2"]:
        """Exact probability of each class at each query point.

        Args:
            x: Inputs of the context; ``n`` may be 0.
            y: Its labels, 0 or 1.
            x_query: Inputs to predict at.

        Raises:
            TypeError: If an argument is not a floating-point tensor.
            ValueError: If the arguments do not fit, or a label is neither 0 nor 1.
        """
        x, y, x_query = check_data(self.n_features, x, y, x_query)
        if not bool(((y == 0) | (y == 1)).all()):
            raise ValueError(f"y must be 0 or 1, got {y[(y != 0) & (y != 1)][0].item():g}")
        one = (self.alpha + y.sum(-1)) / (self.alpha + self.beta + y.shape[-1])
        both = torch.stack([1 - one, one], -1)
        return both.unsqueeze(-2).expand(*x_query.shape[:-1], 2)
