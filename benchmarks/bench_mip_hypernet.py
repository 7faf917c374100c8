"""Hypernetworks: a step against HyperLight's and an ordinary one, a batch against a loop."""

import copy

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from benchmarks.table import Row, compare, show
from provenn.hyper import HyperNetwork
from provenn.papers.hypernetworks.methods import HYPERLIGHT, MIP, methods
from provenn.papers.hypernetworks.networks import DIGITS, MNIST


def rows() -> list[Row]:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return [*_steps(), *_batches()]


def main() -> int:
    found = rows()
    print(show("mip-hypernet", found))
    return int(not all(row.reached for row in found))


def _steps() -> list[Row]:
    known = methods(MIP)
    found = []
    for what, primary, size in (("digits", DIGITS, 8), ("MNIST", MNIST, 16)):
        x, y = torch.rand(64, 1, size, size), torch.randint(10, (64,))
        gamma = torch.tensor([0.3])

        def step(name, primary=primary, x=x, y=y, gamma=gamma):
            model = known[name].build(primary, 1)
            optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)

            def take():
                loss = cross_entropy(model(x, gamma), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

            return take

        if HYPERLIGHT:
            found.append(
                compare(f"step, {what}: HyperLight", step("mip"), step("hyperlight"), at_most=1.1)
            )
        found.append(
            compare(f"step, {what}: default form", step("mip"), step("default"), at_most=1.1)
        )
        found.append(
            compare(f"step, {what}: ordinary network", step("mip"), step("ordinary"), overhead=True)
        )
    return found


def _batches() -> list[Row]:
    found = []
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 8))
    for what, primary, x in (
        ("linear layers", net, torch.randn(64, 16)),
        ("convolutions", DIGITS.network(), torch.rand(64, 1, 8, 8)),
    ):
        hyper = HyperNetwork(copy.deepcopy(primary), {"lam": 1})
        lam = torch.rand(64, 1)

        def loop(hyper=hyper, x=x, lam=lam):
            return torch.cat([hyper.call(row[None], lam=g) for row, g in zip(x, lam, strict=True)])

        def together(hyper=hyper, x=x, lam=lam):
            return hyper.call(x, lam=lam)

        torch.testing.assert_close(together(), loop(), atol=1e-4, rtol=1e-4)
        found.append(compare(f"64 conditions, {what}: a loop", together, loop, at_least=3.0))
    return found
