"""Split attention against the dense mask, cached contexts, posteriors and priors by the batch.

One thread, float32, the network of the shipped sizes (width 64, 4 layers, 4 heads) with random
weights. The official way is `nn.TransformerEncoder` on the whole sequence under an additive mask,
MLE-II is scikit-learn's, and the official priors build one `nn.Module` for each data set.
"""

import warnings

import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from torch import Tensor, nn

from benchmarks.table import Row, compare, show
from provenn.bayes import (
    BarDistribution,
    BNNPrior,
    GaussianProcessPrior,
    PriorFittedNetwork,
    TabularBNNPrior,
)

D_MODEL, LAYERS, HEADS, D_FF = 64, 4, 4, 128
BARS = BarDistribution(torch.linspace(-4, 4, 101))
ROUNDS = 5
"""Pairs of timings; some of these take a second."""


def build() -> PriorFittedNetwork:
    return PriorFittedNetwork(1, BARS, D_MODEL, LAYERS, HEADS, D_FF)


class Masked(nn.Module):
    """The same network as in the paper's code."""

    def __init__(self, network: PriorFittedNetwork) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            D_MODEL, HEADS, D_FF, dropout=0.0, activation="gelu", batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self.x_encoder, self.y_encoder = network.x_encoder, network.y_encoder
        self.head = network.head

    def forward(self, x: Tensor, y: Tensor, x_query: Tensor) -> Tensor:
        """What the queries are answered."""
        n, total = x.shape[1], x.shape[1] + x_query.shape[1]
        mask = torch.full((total, total), -torch.inf)
        mask[:, :n] = 0
        mask.fill_diagonal_(0)
        context = self.x_encoder(x) + self.y_encoder(y)
        tokens = torch.cat([context, self.x_encoder(x_query)], 1)
        outputs: Tensor = self.head(self.encoder(tokens, mask)[:, n:])
        return outputs


def points(batch: int, n: int, m: int) -> tuple[Tensor, Tensor, Tensor]:
    return torch.rand(batch, n, 1), torch.randn(batch, n), torch.rand(batch, m, 1)


def training(total: int, n: int) -> Row:
    network = build()
    masked = Masked(network)
    x, y, x_query = points(16, n, total - n)
    target = torch.randn(16, total - n)

    def step(module: nn.Module) -> None:
        module.zero_grad()
        BARS(module(x, y, x_query), target).mean().backward()

    return compare(
        f"training step, split attention against a dense mask, 16 x {total}, n = {n}",
        lambda: step(network),
        lambda: step(masked),
        rounds=ROUNDS,
    )


@torch.no_grad()
def answering(n: int, m: int) -> Row:
    network = build().eval()
    x, y, x_query = points(1, n, m)
    context = network.encode(x, y)
    torch.testing.assert_close(network.decode(context, x_query), network(x, y, x_query))
    return compare(
        f"{m} new queries of a context of {n}, cached against the whole sequence",
        lambda: network.decode(context, x_query),
        lambda: network(x, y, x_query),
        rounds=ROUNDS,
    )


@torch.no_grad()
def posteriors(batch: int) -> Row:
    network = build().eval()
    prior = GaussianProcessPrior.with_hyperprior(1)
    x, y = prior.sample(batch, 60, generator=torch.Generator().manual_seed(0))

    def amortised() -> None:
        outputs = network(x[:, :30], y[:, :30], x[:, 30:])
        BARS.mean(outputs)

    def mle_ii() -> None:
        for inputs, targets in zip(x.double().numpy(), y.double().numpy(), strict=True):
            kernel = ConstantKernel() * Matern(nu=2.5) + WhiteKernel(1e-2)
            process = GaussianProcessRegressor(kernel).fit(inputs[:30], targets[:30])
            process.predict(inputs[30:], return_std=True)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return compare(
            f"{batch} posteriors of 30 points at 30 queries against scikit-learn's MLE-II",
            amortised,
            mle_ii,
            at_least=200.0,
            rounds=ROUNDS,
        )


class OneNetwork(nn.Module):
    """The official BNN prior: one module for each data set."""

    def __init__(self, d: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(d, hidden), nn.Tanh(), nn.Linear(hidden, 2))
        for parameter in self.parameters():
            nn.init.normal_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """Labels of the points."""
        return torch.distributions.Categorical(logits=self.layers(x)).sample()


class OneTable(nn.Module):
    """The official tabular prior: one module for each data set, cut at its median."""

    def __init__(self, d: int, hidden: int, weight_std: float, noise_std: float) -> None:
        super().__init__()
        sizes = ((d, hidden), (hidden, hidden), (hidden, 1))
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in sizes)
        self.noise_std = noise_std
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=weight_std)

    def forward(self, x: Tensor) -> Tensor:
        """Labels of the points."""
        for i, layer in enumerate(self.layers):
            x = layer(x.tanh() if i else x)
            x = x + self.noise_std * torch.randn_like(x)
        return x.squeeze(-1) > x.median()


@torch.no_grad()
def priors(batch: int, n: int) -> list[Row]:
    bnn, tabular = BNNPrior(8, 64), TabularBNNPrior()

    def networks() -> None:
        torch.stack([OneNetwork(8, 64)(torch.randn(n, 8)) for _ in range(batch)])

    def tables() -> None:
        drawn = tabular.sample_architectures(batch)
        rows = []
        for hidden, used, weight_std, noise_std in zip(*(p.tolist() for p in drawn), strict=True):
            x = torch.randn(n, used)
            rows.append(OneTable(used, hidden, weight_std, noise_std)(x))
        torch.stack(rows)

    return [
        compare(
            f"{batch} data sets of {n} points of the {name} prior against one module each",
            lambda p=prior: p.sample(batch, n),
            one_by_one,
            rounds=ROUNDS,
        )
        for name, prior, one_by_one in (("BNN", bnn, networks), ("tabular", tabular, tables))
    ]


def main() -> int:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows = [
        training(100, 50),
        training(500, 250),
        answering(50, 1),
        answering(500, 10),
        posteriors(256),
        *priors(256, 50),
    ]
    print(show("pfn", rows))
    return int(not all(row.reached for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
