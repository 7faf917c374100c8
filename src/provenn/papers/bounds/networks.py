"""The networks that are bounded: what they learn, how, and the radii that they are bounded at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from provenn.evidence.page import Context
from provenn.papers.classification import Split, split_images


@dataclass(frozen=True)
class Network:
    """A network, its data and its training.

    Args:
        label: What the page calls it.
        data: Data set; ``random-k`` for the synthetic one.
        build: Makes the untrained network.
        eps: Radii of the boxes, as fractions or decimals.
        clip: Least and largest valid input.
        epochs: Passes over the training set.
        lr: Learning rate of Adam.
        batch_size: Examples of each step.
    """

    label: str
    data: str
    build: Callable[[], nn.Module]
    eps: Sequence[str]
    clip: tuple[float, float] = (0.0, 1.0)
    epochs: int = 10
    lr: float = 1e-3
    batch_size: int = 256


def radius(eps: str) -> float:
    """The number that a radius such as ``8/255`` stands for."""
    return float(Fraction(eps))


def tag(eps: str) -> str:
    """A radius as part of a metric's name."""
    return eps.replace("/", "-").replace(".", "-")


def mlp(*widths: int) -> nn.Sequential:
    """Dense layers with ReLUs between them, on flattened inputs."""
    layers: list[nn.Module] = [nn.Flatten()]
    for n, m in pairwise(widths):
        layers += [nn.Linear(n, m), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def mnist_cnn() -> nn.Sequential:
    """Two 4x4 convolutions of 8 filters and two dense layers."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 4), nn.ReLU(), nn.Conv2d(8, 8, 4), nn.ReLU(),
        nn.Flatten(), nn.Linear(3872, 100), nn.ReLU(), nn.Linear(100, 10),
    )  # fmt: skip


def cifar_cnn(convolutions: int) -> nn.Sequential:
    """3x3 convolutions of 32 filters without padding and two dense layers."""
    layers: list[nn.Module] = []
    for i in range(convolutions):
        layers += [nn.Conv2d(32 if i else 3, 32, 3), nn.ReLU()]
    side = 32 - 2 * convolutions
    return nn.Sequential(
        *layers, nn.Flatten(), nn.Linear(32 * side * side, 256), nn.ReLU(), nn.Linear(256, 10)
    )


_DIGITS = ("1/255", "8/255", "0.1", "0.3")

NETWORKS = {
    "digits-2": Network(
        "digits, 2 hidden layers", "digits", partial(mlp, 64, 64, 64, 10), _DIGITS,
        epochs=60, lr=2e-3, batch_size=64,
    ),
    "digits-3": Network(
        "digits, 3 hidden layers", "digits", partial(mlp, 64, 32, 32, 32, 10), _DIGITS,
        epochs=60, lr=2e-3, batch_size=64,
    ),
    "mnist-mlp": Network(
        "MNIST 784-20-20-10", "mnist", partial(mlp, 784, 20, 20, 10), ("1/255", "8/255")
    ),
    "mnist-cnn": Network("MNIST CNN", "mnist", mnist_cnn, ("1/255", "8/255")),
    **{
        f"width-{w}": Network(
            f"random-K 16-{w}-{w}-10", "random-k", partial(mlp, 16, w, w, 10), ("0.1",)
        )
        for w in (16, 32, 64, 128)
    },
    **{
        f"depth-{d}": Network(
            f"random-K, {d} hidden layers of 32", "random-k",
            partial(mlp, 16, *(32,) * d, 10), ("0.1",),
        )
        for d in range(2, 7)
    },
    "cifar-4": Network(
        "CIFAR-10 CNN, 4 layers", "cifar10", partial(cifar_cnn, 2), ("1/255", "2/255")
    ),
    "cifar-6": Network(
        "CIFAR-10 CNN, 6 layers", "cifar10", partial(cifar_cnn, 4), ("1/255", "2/255")
    ),
}  # fmt: skip


def load_split(network: Network, ctx: Context) -> Split:
    """The network's training and test examples."""
    if network.data == "random-k":
        return random_k(ctx.device)
    return split_images(
        network.data, ctx, train=0, test=360 if network.data == "digits" else 10_000
    )


def random_k(device: torch.device, d: int = 16, n: int = 10_000, classes: int = 10) -> Split:
    """Points of the unit cube that take the random label of the nearest of ``5 d`` leaders."""
    leaders, labels = torch.rand(5 * d, d), torch.randint(classes, (5 * d,))
    x = torch.rand(n, d)
    y = labels[torch.cdist(x, leaders).argmin(1)]
    x, y = x.to(device), y.to(device)
    cut = 7 * n // 10
    return Split(x[:cut], y[:cut], x[cut:], y[cut:])


def train(network: Network, split: Split, device: torch.device) -> nn.Module:
    """The network after training with Adam and cross-entropy, in evaluation mode."""
    model = network.build().to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=network.lr)
    for _ in range(network.epochs):
        order = torch.randperm(len(split.train_y), device=device)
        for batch in order.split(network.batch_size):
            optimiser.zero_grad()
            logits = model(split.train_x[batch])
            nn.functional.cross_entropy(logits, split.train_y[batch]).backward()
            optimiser.step()
    return model.eval()


def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """Share of examples that are classified right."""
    with torch.no_grad():
        return float((model(x).argmax(1) == y).double().mean())


def random_network(widths: Sequence[int]) -> nn.Module:
    """An untrained network whose weights keep the size of activations and whose biases do not."""
    model = mlp(*widths).double()
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.normal_(layer.bias, std=0.5)
    return model


def dense_form(model: nn.Sequential, shape: Sequence[int]) -> nn.Sequential:
    """The same network with every convolution written out as the matrix that it is."""
    layers: list[nn.Module] = [nn.Flatten()]
    for layer in model:
        if isinstance(layer, nn.Conv2d):
            size = int(torch.Size(shape).numel())
            like = layer.weight
            unit = torch.eye(size, dtype=like.dtype, device=like.device).reshape(size, *shape)
            with torch.no_grad():
                zero = layer(torch.zeros_like(unit[:1]))
                rows = (layer(unit) - zero).flatten(1)
                linear = nn.Linear(size, rows.shape[1], dtype=like.dtype, device=like.device)
                linear.weight.copy_(rows.T)
                linear.bias.copy_(zero.flatten())
            layers.append(linear)
            shape = tuple(zero.shape[1:])
        elif not isinstance(layer, nn.Flatten):
            layers.append(layer)
    return nn.Sequential(*layers)
