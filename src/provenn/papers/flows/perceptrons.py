"""Stacks of multilayer perceptrons that train side by side, one for each learning rate and start.

Every network of a stack has the same shape, data and order of batches; their weights are batched
into one tensor a layer, so that a step of all of them costs little more than the products.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from provenn.theory import CriticalMLP

Activation = Callable[[Tensor], Tensor]
ACTIVATIONS: dict[str, Activation] = {"tanh": torch.tanh, "relu": torch.relu}


@dataclass(frozen=True, eq=False)
class Examples:
    """Training, validation and test examples: rows of mean square 1, and their classes."""

    train_x: Tensor
    train_y: Tensor
    valid_x: Tensor
    valid_y: Tensor
    test_x: Tensor
    test_y: Tensor


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How the networks of a stack are trained: SGD with momentum 0.9, cross-entropy.

    Args:
        lrs: Learning rates, of which validation chooses one.
        steps: Steps.
        batch_size: Examples of each step.
    """

    lrs: tuple[float, ...]
    steps: int
    batch_size: int


@dataclass(frozen=True, eq=False)
class Start:
    """Networks of one setting before training.

    Args:
        name: Identifier of the setting.
        layers: Weight ``(out, in)`` and bias ``(out,)`` of each layer.
        gamma: Strength of the skips.
        norm: Whether hidden layers normalise what they read, as residual blocks in use today do.
    """

    name: str
    layers: Sequence[tuple[Tensor, Tensor]]
    gamma: float = 0.0
    norm: bool = False


@dataclass(frozen=True)
class Outcome:
    """Accuracies of one setting at the learning rate that validation chose."""

    name: str
    test: float
    valid: float
    lr: float
    parameters: int


def train(
    starts: Sequence[Start], activation: str, examples: Examples, recipe: Recipe, seed: int
) -> list[Outcome]:
    """Train every start at every learning rate, and test the better by validation.

    A network that diverges counts as guessing.

    Args:
        starts: Settings of the same shape; all with normalisation, or none.
        activation: ``tanh`` or ``relu``.
        examples: Examples.
        recipe: How to train.
        seed: Seed of the order of examples.
    """
    stack = _Stack(starts, ACTIVATIONS[activation], recipe.lrs)
    order = torch.Generator().manual_seed(seed)
    n = len(examples.train_y)
    for _ in range(recipe.steps):
        batch = torch.randint(n, (recipe.batch_size,), generator=order)
        index = batch.to(examples.train_y.device)
        stack.step(examples.train_x[index], examples.train_y[index])
    valid = stack.accuracies(examples.valid_x, examples.valid_y)
    test = stack.accuracies(examples.test_x, examples.test_y)
    outcomes = []
    for i, start in enumerate(starts):
        best = int(valid[i].argmax())
        size = sum(w.numel() + b.numel() for w, b in start.layers)
        outcomes.append(
            Outcome(start.name, float(test[i, best]), float(valid[i, best]), recipe.lrs[best], size)
        )
    return outcomes


class _Stack:
    """All networks: starts times learning rates."""

    def __init__(
        self, starts: Sequence[Start], activation: Activation, lrs: Sequence[float]
    ) -> None:
        self.shape = (len(starts), len(lrs))
        self.activation, self.norm = activation, starts[0].norm
        self.weights: list[Tensor] = []
        self.biases: list[Tensor] = []
        for layers in zip(*(start.layers for start in starts), strict=True):
            W = torch.stack([w for w, _ in layers]).repeat_interleave(len(lrs), 0)
            b = torch.stack([b for _, b in layers]).repeat_interleave(len(lrs), 0)
            self.weights.append(W.mT.contiguous().requires_grad_())
            self.biases.append(b[:, None, :].contiguous().requires_grad_())
        like = self.weights[0]
        self.lr = torch.tensor(lrs).repeat(len(starts))[:, None, None].to(like)
        gammas = torch.tensor([start.gamma for start in starts])
        self.gamma = gammas.repeat_interleave(len(lrs))[:, None, None].to(like)
        self.has_skips = bool(gammas.any())
        self.momenta = [torch.zeros_like(p) for p in self.parameters]

    @property
    def parameters(self) -> list[Tensor]:
        return [*self.weights, *self.biases]

    def logits(self, x: Tensor) -> Tensor:
        """Outputs ``(networks, batch, classes)``."""
        z = torch.baddbmm(self.biases[0], x.expand(len(self.lr), -1, -1), self.weights[0])
        last = len(self.weights) - 1
        for i in range(1, last + 1):
            read = functional.layer_norm(z, z.shape[-1:]) if self.norm else z
            branch = torch.baddbmm(self.biases[i], self.activation(read), self.weights[i])
            z = branch + self.gamma * z if self.has_skips and i < last else branch
        return z

    def step(self, x: Tensor, y: Tensor) -> None:
        """One step of SGD with momentum for every network on its own."""
        logits = self.logits(x)
        each = functional.cross_entropy(
            logits.flatten(0, 1), y.repeat(len(logits)), reduction="sum"
        )
        gradients = torch.autograd.grad(each / len(y), self.parameters)
        with torch.no_grad():
            for p, v, g in zip(self.parameters, self.momenta, gradients, strict=True):
                v.mul_(0.9).add_(g)
                p.sub_(self.lr * v)

    @torch.no_grad()
    def accuracies(self, x: Tensor, y: Tensor) -> Tensor:
        """Share of examples that each network classifies right, ``(starts, lrs)``."""
        right = torch.zeros(len(self.lr), device=x.device)
        for rows, classes in zip(x.split(500), y.split(500), strict=True):
            logits = self.logits(rows)
            chosen = logits.argmax(-1)
            chosen[~logits.isfinite().all(-1)] = 0
            right += (chosen == classes).sum(1)
        return (right / len(y)).reshape(self.shape).cpu()


def critical_start(
    name: str,
    activation: str,
    sizes: tuple[int, int, int, int],
    *,
    factor: float = 1.0,
    gamma: float = 0.0,
    device: torch.device,
) -> Start:
    """Critical weights of layers behind the first, their variance times ``factor``.

    Args:
        name: Identifier.
        activation: Name of the activation.
        sizes: Inputs, width, outputs, and the number of affine layers.
        factor: What ``C_W`` is of the critical one.
        gamma: Strength of the skips.
        device: Device of the weights.
    """
    model = CriticalMLP(*sizes, device=device, activation=activation, gamma=gamma)
    layers = [(layer.weight.detach(), layer.bias.detach()) for layer in model.affine]
    scaled = [(w if i == 0 else factor**0.5 * w, b) for i, (w, b) in enumerate(layers)]
    return Start(name, scaled, gamma)


def framework_start(
    name: str,
    sizes: tuple[int, int, int, int],
    initialise: Callable[..., object] | None,
    device: torch.device,
    *,
    skip: bool = False,
) -> Start:
    """Layers as ``torch.nn.Linear`` makes them, or with weights by one of ``torch.nn.init``.

    Args:
        name: Identifier.
        sizes: Inputs, width, outputs, and the number of affine layers.
        initialise: Fills a weight in place, with biases 0; ``None`` keeps the framework's own.
        device: Device of the weights.
        skip: Whether hidden layers are residual blocks with layer normalisation.
    """
    inputs, width, outputs, depth = sizes
    shapes = [inputs, *(width,) * (depth - 1), outputs]
    layers = []
    for fan_in, fan_out in pairwise(shapes):
        linear = nn.Linear(fan_in, fan_out, device=device)
        if initialise is not None:
            initialise(linear.weight)
            nn.init.zeros_(linear.bias)
        layers.append((linear.weight.detach(), linear.bias.detach()))
    return Start(name, layers, gamma=1.0 if skip else 0.0, norm=skip)


@torch.no_grad()
def unit_variance_start(
    name: str, activation: str, sizes: tuple[int, int, int, int], x: Tensor
) -> Start:
    """LSUV: orthogonal weights, each layer scaled until its outputs on ``x`` have variance 1."""
    start = framework_start(name, sizes, nn.init.orthogonal_, x.device)
    layers, read = [], x
    for w, b in start.layers:
        scaled = w / (read @ w.T).std().clamp(min=1e-6)
        layers.append((scaled, b))
        read = ACTIVATIONS[activation](read @ scaled.T)
    return Start(name, layers)
