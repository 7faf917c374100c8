"""A transformer that reads a data set and answers with posterior predictive distributions.

Points of the context are tokens that attend to each other; a query attends to the context and to
itself, so an answer depends neither on the order of the context nor on the other queries:

    context i:  h_i <- attention(h_i; context),
    query j:    h_j <- attention(h_j; context, h_j).

Trained on data sets drawn from a prior to maximise ``log q(y | x, D)``, its minimiser is the exact
posterior predictive distribution of that prior (arXiv 2112.10510).
"""

import copy
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from provenn.bayes.pfn.likelihoods import CategoricalLikelihood, Likelihood, likelihood_from_config
from provenn.checks import (
    check_flag,
    check_float_tensor,
    check_integer,
    check_like,
    check_number,
)
from provenn.nn.pretrained import PretrainedModule

if TYPE_CHECKING:
    from provenn.bayes.pfn.estimators import PFNClassifier, PFNRegressor
    from provenn.bayes.pfn.priors import Prior


CONSTANT = 1e-6
"""Least standard deviation, relative to the mean, of a feature that counts as varying."""


class Context(NamedTuple):
    """All that queries need of a context, from :meth:`PriorFittedNetwork.encode`."""

    keys: tuple[Tensor, ...]
    """Of each layer, (batch, heads, n, width of a head)."""
    values: tuple[Tensor, ...]
    """The same for the values."""
    shift: Tensor
    """What is subtracted from each feature, (batch, 1, d)."""
    scale: Tensor
    """What each feature is then multiplied with, (batch, 1, d)."""
    batch_shape: tuple[int, ...]
    """The context's leading dimensions."""


class PriorFittedNetwork(PretrainedModule):
    """Transformer that approximates the posterior predictive distribution of a prior.

    Args:
        n_features: Most features of an input; narrower inputs count as padded with zeros.
        likelihood: What the outputs mean: bars, a Gaussian, Bernoulli or categorical; or its
            ``config``.
        d_model: Width of a token.
        n_layers: Transformer layers, with the normalisation after each residual sum.
        n_heads: Attention heads; divides ``d_model``.
        d_ff: Width of the feed-forward part; twice ``d_model`` by default.
        dropout: Probability of dropping activations in training.
        standardize: Whether each feature is shifted and scaled by its mean and standard deviation
            over the context. A feature that is constant there counts as zero everywhere; with
            fewer than two points the inputs are read as they are.
        rescale_features: Whether standardised inputs are multiplied by ``n_features`` over the
            number of features that vary, so that their sum of squares does not depend on it.
        positional: Whether context points carry sinusoidal encodings of their positions, which
            makes the answer depend on their order (the ablation of the paper's figure 9).
        max_context: Most context points that it was fitted to; set by :meth:`fit_prior`.
        device: Device of the parameters.
        dtype: Their dtype.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a number is out of range, or ``n_heads`` does not divide ``d_model``.

    Reference:
        arXiv 2112.10510, section 4 and appendix E.

    Example:
        >>> from provenn.bayes import GaussianLikelihood, PriorFittedNetwork
        >>> network = PriorFittedNetwork(1, GaussianLikelihood(), d_model=16, n_layers=2)
        >>> x, y, x_query = torch.rand(8, 5, 1), torch.randn(8, 5), torch.rand(8, 3, 1)
        >>> network(x, y, x_query).shape
        torch.Size([8, 3, 2])
    """

    likelihood: Likelihood

    def __init__(
        self,
        n_features: int,
        likelihood: Likelihood | Mapping[str, Any],
        d_model: int = 128,
        n_layers: int = 4,
        n_heads: int = 4,
        d_ff: int | None = None,
        dropout: float = 0.0,
        *,
        standardize: bool = False,
        rescale_features: bool = False,
        positional: bool = False,
        max_context: int | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        if isinstance(likelihood, Mapping):
            likelihood = likelihood_from_config(dict(likelihood))
        if not isinstance(likelihood, Likelihood):
            raise TypeError(
                f"likelihood must be a Likelihood or its config, got {type(likelihood).__name__}"
            )
        sizes = {"n_features": n_features, "d_model": d_model, "n_layers": n_layers}
        for name, size in (*sizes.items(), ("n_heads", n_heads)):
            check_integer(name, size)
        if d_model % n_heads:
            raise ValueError(f"d_model must be divisible by n_heads = {n_heads}, got {d_model}")
        if d_ff is None:
            d_ff = 2 * d_model
        check_integer("d_ff", d_ff)
        check_number("dropout", dropout, least=0.0, most=1.0)
        if max_context is not None:
            check_integer("max_context", max_context, least=0)
        flags = {
            "standardize": standardize,
            "rescale_features": rescale_features,
            "positional": positional,
        }
        for name, flag in flags.items():
            check_flag(name, flag)
        if rescale_features and not standardize:
            raise ValueError("rescale_features needs standardize=True, got standardize=False")
        super().__init__()
        self.n_features = n_features
        self.config = {
            **sizes,
            "likelihood": likelihood.config,
            "n_heads": n_heads,
            "d_ff": d_ff,
            "dropout": float(dropout),
            **flags,
            "max_context": max_context,
        }
        factory: dict[str, Any] = {"device": device, "dtype": dtype}
        self.likelihood = copy.deepcopy(likelihood).to(device=device, dtype=dtype)
        self.x_encoder = nn.Linear(n_features, d_model, **factory)
        self.y_encoder: nn.Module = (
            _LabelEncoder(likelihood.n_outputs, d_model, **factory)
            if isinstance(likelihood, CategoricalLikelihood)
            else _TargetEncoder(1, d_model, **factory)
        )
        self.layers = nn.ModuleList(
            _Layer(d_model, n_heads, d_ff, dropout, **factory) for _ in range(n_layers)
        )
        self.head = nn.Sequential(
            nn.Linear(d_model, d_ff, **factory),
            nn.GELU(),
            nn.Linear(d_ff, likelihood.n_outputs, **factory),
        )

    def forward(
        self,
        x: Float[Tensor, "*batch n d"],
        y: Float[Tensor, "*batch n"],
        x_query: Float[Tensor, "*batch m d"],
    ) -> Float[Tensor, "*batch m outputs"]:
        """Parameters of the predictive distribution of each query.

        Args:
            x: Inputs of the context, shape ``(*batch, n, d)`` with d at most ``n_features``; n may
                be 0, which asks for the prior predictive.
            y: Its targets, or its classes as numbers 0, 1, ..., shape ``(*batch, n)``. A class
                that does not exist makes the answer NaN.
            x_query: Inputs of the queries, shape ``(*batch, m, d)``.

        Returns:
            What ``likelihood`` reads: shape ``(*batch, m, likelihood.n_outputs)``.

        Raises:
            TypeError: If an argument is not a floating-point tensor of the parameters' dtype.
            ValueError: If the shapes do not fit or a device differs.
        """
        self._check_context(x, y)
        self._check_queries(x_query, x.shape[:-2], x.shape[-1])
        n, shape = x.shape[-2], (*x_query.shape[:-1], self.likelihood.n_outputs)
        x, y, x_query = _as_batch(x, 2), _as_batch(y, 1), _as_batch(x_query, 2)
        shift, scale = self._statistics(x)
        h = torch.cat([self._tokens(x, y, shift, scale), self._embed(x_query, shift, scale)], 1)
        for layer in self.layers[:-1]:
            h, _, _ = layer(h, n)
        h, _, _ = self.layers[-1](h, n, queries_only=True)
        outputs: Tensor = self.head(h)
        return outputs.reshape(shape)

    def encode(self, x: Float[Tensor, "*batch n d"], y: Float[Tensor, "*batch n"]) -> Context:
        """Read a context once, for any number of later queries.

        Args:
            x: Inputs of the context, as in :meth:`forward`.
            y: Its targets.

        Returns:
            Keys and values of the context in each layer, for :meth:`decode`.

        Raises:
            TypeError: If an argument is not a floating-point tensor of the parameters' dtype.
            ValueError: If the shapes do not fit or a device differs.
        """
        self._check_context(x, y)
        batch_shape, n = tuple(x.shape[:-2]), x.shape[-2]
        x, y = _as_batch(x, 2), _as_batch(y, 1)
        shift, scale = self._statistics(x)
        h = self._tokens(x, y, shift, scale)
        read = []
        for layer in self.layers[:-1]:
            h, *keys_values = layer(h, n)
            read.append(keys_values)
        read.append(cast(_Layer, self.layers[-1]).read(h))
        keys, values = zip(*read, strict=True)
        return Context(keys, values, shift, scale, batch_shape)

    def decode(
        self, context: Context, x_query: Float[Tensor, "*batch m d"]
    ) -> Float[Tensor, "*batch m outputs"]:
        """Answer queries about a context that :meth:`encode` has read.

        Args:
            context: The context.
            x_query: Inputs of the queries, shape ``(*batch, m, d)``.

        Returns:
            The same as :meth:`forward`.

        Raises:
            TypeError: If ``context`` is not a ``Context``, or ``x_query`` not a floating-point
                tensor of the parameters' dtype.
            ValueError: If the shapes do not fit or a device differs.
        """
        if not isinstance(context, Context):
            raise TypeError(f"context must come from encode, got {type(context).__name__}")
        self._check_queries(x_query, context.batch_shape, context.shift.shape[-1])
        h = self._embed(_as_batch(x_query, 2), context.shift, context.scale)
        for layer, *cached in zip(self.layers, context.keys, context.values, strict=True):
            h, _, _ = layer(h, 0, cached=cached)
        outputs: Tensor = self.head(h)
        return outputs.reshape(*x_query.shape[:-1], self.likelihood.n_outputs)

    def fit_prior(self, prior: "Prior", steps: int, **options: Any) -> "PriorFittedNetwork":
        """Fit to data sets drawn from a prior, in place.

        Args:
            prior: Where data sets come from.
            steps: Optimiser steps.
            options: Those of :class:`PriorFitting`.

        Returns:
            The network itself, in evaluation mode.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If the prior does not fit the network or a number is out of range.

        Example:
            >>> from provenn.bayes import BernoulliLikelihood, BetaBernoulliPrior
            >>> network = PriorFittedNetwork(1, BernoulliLikelihood(), d_model=16, n_layers=2)
            >>> network = network.fit_prior(BetaBernoulliPrior(), steps=3, n_points=9)
        """
        from provenn.bayes.pfn.fitting import PriorFitting

        fitting = PriorFitting(self, prior, steps, **options)
        while not fitting.done:
            fitting.step()
        return self.eval()

    def as_regressor(self, **options: Any) -> "PFNRegressor":
        """A scikit-learn regressor that answers with this network; see :class:`PFNRegressor`."""
        from provenn.bayes.pfn.estimators import PFNRegressor

        return PFNRegressor(self, **options)

    def as_classifier(self, **options: Any) -> "PFNClassifier":
        """A scikit-learn classifier that answers with this network; see :class:`PFNClassifier`."""
        from provenn.bayes.pfn.estimators import PFNClassifier

        return PFNClassifier(self, **options)

    def extra_repr(self) -> str:
        """The arguments that its parts do not show."""
        flags = [f for f in ("standardize", "rescale_features", "positional") if self.config[f]]
        return ", ".join([f"n_features={self.n_features}", *(f"{flag}=True" for flag in flags)])

    def _check_context(self, x: Any, y: Any) -> None:
        weight = self.x_encoder.weight
        for name, value in (("x", x), ("y", y)):
            check_float_tensor(name, value)
            check_like(name, value, weight)
        if x.ndim < 2 or not 1 <= x.shape[-1] <= self.n_features:
            raise ValueError(
                f"x must have shape (*batch, n, d) with d from 1 to n_features = "
                f"{self.n_features}, got {tuple(x.shape)}"
            )
        if y.shape != x.shape[:-1]:
            raise ValueError(
                f"y must have the shape of x without its last dimension, {tuple(x.shape[:-1])}, "
                f"got {tuple(y.shape)}"
            )

    def _check_queries(self, x_query: Any, batch_shape: tuple[int, ...], d: int) -> None:
        check_float_tensor("x_query", x_query)
        check_like("x_query", x_query, self.x_encoder.weight)
        if x_query.ndim < 2 or x_query.shape[:-2] != batch_shape or x_query.shape[-1] != d:
            leading = "".join(f"{size}, " for size in batch_shape)
            raise ValueError(
                f"x_query must have shape ({leading}m, {d}), as the context has, "
                f"got {tuple(x_query.shape)}"
            )

    def _statistics(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Shift and scale of each feature, (batch, 1, d)."""
        batch, n, d = x.shape
        if not self.config["standardize"] or n < 2 or batch == 0:
            return x.new_zeros(batch, 1, d), x.new_ones(batch, 1, d)
        shift, std = x.mean(1, keepdim=True), x.std(1, keepdim=True, correction=0)
        varies = std > CONSTANT * shift.abs()
        scale = torch.where(varies, 1 / torch.where(varies, std, 1.0), 0.0)
        if self.config["rescale_features"]:
            scale = scale * (self.n_features / varies.sum(-1, keepdim=True).clamp(min=1).to(x))
        return shift, scale

    def _embed(self, x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        weight, bias = self.x_encoder.weight, self.x_encoder.bias
        return functional.linear((x - shift) * scale, weight[:, : x.shape[-1]], bias)

    def _tokens(self, x: Tensor, y: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        tokens: Tensor = self._embed(x, shift, scale) + self.y_encoder(y)
        if self.config["positional"]:
            tokens = tokens + _sinusoids(tokens)
        return tokens


class _TargetEncoder(nn.Linear):
    """Linear in one real target."""

    def forward(self, y: Tensor) -> Tensor:
        return super().forward(y[..., None])


class _LabelEncoder(nn.Embedding):
    """One vector for each class; NaN for a class that does not exist."""

    def forward(self, y: Tensor) -> Tensor:
        is_class = y[..., None] == torch.arange(self.num_embeddings, device=y.device)
        one_hot = is_class.to(self.weight.dtype)
        return one_hot / one_hot.sum(-1, keepdim=True) @ self.weight


class _Layer(nn.Module):
    """Attention of context and queries to the context, and a feed-forward part.

    At the start both parts add zero, so that the layer only normalises.
    """

    def __init__(
        self, d_model: int, n_heads: int, d_ff: int, dropout: float, **factory: Any
    ) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.dropout = dropout
        self.in_proj = nn.Linear(d_model, 3 * d_model, **factory)
        self.out_proj = nn.Linear(d_model, d_model, **factory)
        self.norm1 = nn.LayerNorm(d_model, **factory)
        self.linear1 = nn.Linear(d_model, d_ff, **factory)
        self.linear2 = nn.Linear(d_ff, d_model, **factory)
        self.norm2 = nn.LayerNorm(d_model, **factory)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """As ``nn.MultiheadAttention`` and ``nn.Linear`` start, with zero output projections."""
        nn.init.xavier_uniform_(self.in_proj.weight)
        nn.init.zeros_(self.in_proj.bias)
        self.linear1.reset_parameters()
        for norm in (self.norm1, self.norm2):
            norm.reset_parameters()
        for linear in (self.out_proj, self.linear2):
            nn.init.zeros_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(
        self,
        h: Tensor,
        n: int,
        *,
        queries_only: bool = False,
        cached: Sequence[Tensor] | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One layer on tokens of which the first n are the context.

        Args:
            h: Tokens, (batch, tokens, d_model).
            n: Size of the context among them.
            queries_only: Whether the context's own outputs are left out.
            cached: Keys and values of the context when it is not among the tokens.

        Returns:
            Tokens, and the keys and values of the context.
        """
        query, key, value = self._heads(self.in_proj(h), 3)
        keys, values = cached or (key[:, :, :n], value[:, :, :n])
        first = n if queries_only else 0
        h = h[:, first:]
        attended = self._attend(
            query[:, :, first:], keys, values, key[:, :, first:], value[:, :, first:], n - first
        )
        h = self.norm1(h + self._drop(self.out_proj(attended.transpose(1, 2).flatten(2))))
        inner = self._drop(functional.gelu(self.linear1(h)))
        return self.norm2(h + self._drop(self.linear2(inner))), keys, values

    def read(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of context tokens."""
        d_model = h.shape[-1]
        weight, bias = self.in_proj.weight[d_model:], self.in_proj.bias[d_model:]
        key, value = self._heads(functional.linear(h, weight, bias), 2)
        return key, value

    def _heads(self, h: Tensor, parts: int) -> tuple[Tensor, ...]:
        """Split features into parts of (batch, heads, tokens, width of a head)."""
        batch, tokens, _ = h.shape
        width = self.out_proj.in_features // self.n_heads
        return h.view(batch, tokens, parts, self.n_heads, width).permute(2, 0, 3, 1, 4).unbind()

    def _attend(
        self,
        query: Tensor,
        keys: Tensor,
        values: Tensor,
        own_key: Tensor,
        own_value: Tensor,
        n_context: int,
    ) -> Tensor:
        """Attention to the context, and of tokens beyond the first ``n_context`` to themselves.

        Scores lie with the attended tokens before the attending ones: for few tokens, softmax over
        the second to last dimension is several times faster than over the last.
        """
        query = query * query.shape[-1] ** -0.5
        own = (query * own_key).sum(-1)
        if n_context:
            nothing = torch.full_like(own[..., :n_context], -math.inf)
            own = torch.cat([nothing, own[..., n_context:]], -1)
        scores = torch.cat([keys @ query.transpose(-1, -2), own[..., None, :]], -2)
        weights = self._drop(scores.softmax(-2))
        to_context, to_self = weights[..., :-1, :], weights[..., -1, :, None]
        return to_context.transpose(-1, -2) @ values + to_self * own_value

    def _drop(self, h: Tensor) -> Tensor:
        return functional.dropout(h, self.dropout, self.training) if self.dropout else h


def _as_batch(x: Tensor, dims: int) -> Tensor:
    """All leading dimensions before the last ``dims`` as one."""
    return x.reshape(math.prod(x.shape[:-dims]), *x.shape[-dims:])


def _sinusoids(tokens: Tensor) -> Tensor:
    """Sines and cosines of the position at geometric frequencies, (n, d_model)."""
    _, n, d_model = tokens.shape
    position = torch.arange(n, dtype=torch.float64, device=tokens.device)[:, None]
    channel = torch.arange(d_model, device=tokens.device)
    angle = position * 1e-4 ** (2 * (channel // 2) / d_model)
    return torch.where(channel % 2 == 0, angle.sin(), angle.cos()).to(tokens.dtype)
