"""Small networks trained on a few digits: tangent kernels before and after, and predictions.

Stacks of networks with explicit backward passes: the gradients of an output by every layer's
preactivations give the empirical tangent kernel, each layer's share in it, and the steps of
gradient descent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from provenn.evidence.metrics import Competitor, Cost, Metrics, Role
from provenn.theory import (
    CriticalMLP,
    EffectiveTheory,
    equal_learning_rates,
    infinite_width_prediction,
    layer_learning_rates,
)
from provenn.theory.activations import as_activation
from provenn.theory.learning_rates import LearningRates

TARGET = 0.02
"""Mean squared error at which training stops."""


@dataclass(frozen=True, eq=False)
class FewExamples:
    """Rows of mean square 1 of two classes, with targets of -1 and 1, to train on and to test."""

    train_x: Tensor
    train_y: Tensor
    test_x: Tensor


class Perceptrons:
    """Networks of one output and one shape, side by side, with learning rates of each layer.

    Args:
        n_nets: Networks.
        sizes: Inputs, width, and the number of affine layers.
        rates: ``λ_b`` and ``λ_W`` of each layer.
        factor: What ``C_W`` is of the critical one.
        device: Device of the weights.
        activation: Name of the activation.
    """

    def __init__(
        self,
        n_nets: int,
        sizes: tuple[int, int, int],
        rates: LearningRates,
        device: torch.device,
        *,
        factor: float = 1.0,
        activation: str = "tanh",
    ) -> None:
        inputs, width, depth = sizes
        self.activation = as_activation(activation)
        drawn = [
            CriticalMLP(inputs, width, 1, depth, device=device, activation=activation).affine
            for _ in range(n_nets)
        ]
        layers = list(zip(*drawn, strict=True))
        self.weights = [torch.stack([v.weight.detach() for v in row]) for row in layers]
        self.biases = [torch.stack([v.bias.detach() for v in row]) for row in layers]
        for W in self.weights[1:]:
            W.mul_(factor**0.5)
        self.lr_bias = torch.tensor(rates.bias, device=device)
        self.lr_weight = torch.tensor(rates.weight, device=device)
        self.lr_weight /= torch.tensor([W.shape[-1] for W in self.weights], device=device)

    def outputs(self, x: Tensor) -> Tensor:
        """Outputs ``(nets, rows)``."""
        return self._run(x)[0]

    def shares(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What each layer's biases, and weights, give: ``(layers, nets, rows, rows)`` each."""
        _, reads, gradients = self._run(x)
        inner = torch.stack([g @ g.mT for g in gradients])
        read = torch.stack([h @ h.mT for h in reads])
        return self.lr_bias[:, None, None, None] * inner, self.lr_weight[
            :, None, None, None
        ] * inner * read

    def kernel(self, x: Tensor) -> Tensor:
        """Empirical tangent kernel ``(nets, rows, rows)``."""
        return sum(self.shares(x)).sum(0)  # type: ignore[union-attr]

    def to_mean_field(self) -> None:
        """Divide the output by the root of the width and let hidden layers learn the faster.

        In this scaling representations change by as much at every width.
        """
        width = self.weights[-1].shape[-1]
        self.weights[-1] /= width**0.5
        self.lr_bias[:-1] *= width
        self.lr_weight[:-1] *= width

    def descend(self, x: Tensor, y: Tensor, lr: Tensor, max_steps: int) -> Tensor:
        """Gradient descent on ``½ Σ (z - y)²`` until the mean squared error is small enough.

        Args:
            x: Rows to train on.
            y: Targets.
            lr: Global learning rate of each network.
            max_steps: Steps after which a network stops in any case.

        Returns:
            Steps that each network took.
        """
        steps = torch.zeros(len(lr), device=x.device)
        for _ in range(max_steps):
            z, reads, gradients = self._run(x)
            error = z - y
            going = (error.square().mean(1) > TARGET).to(z.dtype)
            if not bool(going.any()):
                break
            steps += going
            push = (going * lr)[:, None, None] * error[..., None]
            for i in range(len(self.weights)):
                moved = push * gradients[i]
                self.weights[i] -= self.lr_weight[i] * (moved.mT @ reads[i])
                self.biases[i] -= self.lr_bias[i] * moved.sum(1)
        return steps

    def _run(self, x: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Outputs, what each layer reads, and the output's gradient by each layer's z."""
        h = x.expand(len(self.weights[0]), -1, -1)
        reads, slopes = [], []
        for i, (W, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            reads.append(h)
            z = torch.baddbmm(b[:, None], h, W.mT)
            if i < len(self.weights) - 1:
                h = self.activation(z)
                slopes.append(self.activation.derivative(z))
        gradient = torch.ones_like(z)
        gradients = [gradient]
        for W, slope in zip(self.weights[:0:-1], slopes[::-1], strict=True):
            gradient = gradient @ W * slope
            gradients.append(gradient)
        return z[..., 0], reads, gradients[::-1]


@torch.no_grad()
def learn_representations(
    depth: int,
    widths: Sequence[int],
    n_nets: int,
    few: FewExamples,
    *,
    factor: float = 1.0,
    mean_field: bool = False,
    max_steps: int = 2000,
) -> Metrics:
    """Relative change of the tangent kernel in training, and error of the infinite-width formula.

    Critical tanh networks with ``λ_W = 1`` and ``λ_b = 1/ℓ``, gradient descent at ``1 / λ_max``.
    Of each width, the mean over networks of ``|ΔH| / |H|`` over the training rows; and the root
    mean square over networks and test rows of what the output is off ``z_0 + M (y - z_0)``, with
    the network's own start ``z_0`` and ``M`` of the infinitely wide one after as long a training.
    """
    rates = layer_learning_rates("tanh", depth)
    n = len(few.train_y)
    rows = torch.cat([few.train_x, few.test_x])
    Θ = EffectiveTheory("tanh").kernels(rows, depth, lr=rates).Theta[-1]
    changes, errors = [], []
    for width in widths:
        nets = Perceptrons(n_nets, (rows.shape[1], width, depth), rates, rows.device, factor=factor)
        if mean_field:
            nets.to_mean_field()
        before, start = nets.kernel(few.train_x), nets.outputs(rows).double().cpu()
        lr = 1 / torch.linalg.eigvalsh(before.double().cpu())[:, -1].to(rows)
        steps = nets.descend(few.train_x, few.train_y, lr, max_steps)
        change = torch.linalg.matrix_norm(nets.kernel(few.train_x) - before)
        changes.append(float((change / torch.linalg.matrix_norm(before)).mean()))
        end = nets.outputs(few.test_x).double().cpu()
        off = [
            end[k]
            - start[k, n:]
            - infinite_width_prediction(
                Θ, Θ, (few.train_y.double().cpu() - start[k, :n])[:, None],
                time=max(1e-12, float(lr[k] * steps[k])),
            ).mean[:, 0]
            for k in range(n_nets)
        ]  # fmt: skip
        errors.append(float(torch.stack(off).square().mean().sqrt()))
    return Metrics(
        values={f"error_wide_{depth}": errors[-1], f"error_narrow_{depth}": errors[0]},
        series={
            f"change-{depth}": np.array(changes),
            f"prediction-error-{depth}": np.array(errors),
            f"change-widths-{depth}": np.array(widths),
        },
    )


@torch.no_grad()
def contributions(
    x: Tensor, depth: int, width: int, n_nets: int, seed: int, *, equal: bool
) -> Metrics:
    """How evenly the layers of tanh and ReLU networks share in the tangent kernel of one input.

    ``spread`` is the standard deviation over layers of the mean share of their biases, or of their
    weights, over its mean; the larger of the two, the larger of tanh and ReLU.

    Args:
        x: One row of mean square 1.
        depth: Number of affine layers.
        width: Width of the hidden layers.
        n_nets: Networks.
        seed: Seed of the networks, the same for all schemes.
        equal: Whether the method has the learning rates of the equivalence principle, or uniform
            ones (negative control).
    """
    competitors, series = [], {}
    schemes: tuple[tuple[str, str, Role], ...] = (
        ("equal-rates", "learning rates by the equivalence principle", "method"),
        ("class-rates", "its asymptotic form, 1/layer for tanh's biases", "peer"),
        ("uniform-rates", "the same rates for every layer", "peer"),
    )
    for name, label, role in schemes:
        quality = {}
        for activation in ("tanh", "relu"):
            uniform = LearningRates((1.0,) * depth, (1.0,) * depth)
            rates = uniform
            if name == "class-rates":
                rates = layer_learning_rates(activation, depth)
            elif name == "equal-rates" and equal:
                rates = equal_learning_rates(EffectiveTheory(activation).flow(1.0, depth))
            torch.manual_seed(seed)
            nets = Perceptrons(
                n_nets, (x.shape[1], width, depth), rates, x.device, activation=activation
            )
            shares = torch.stack(nets.shares(x)).mean((2, 3, 4)).double().cpu()
            spread = (shares.std(1) / shares.mean(1)).max()
            quality[f"spread_{activation}"] = float(spread)
            series[f"shares-{name}-{activation}"] = (shares / shares.mean(1, keepdim=True)).numpy()
        competitors.append(
            Competitor(name=name, label=label, role=role, quality=quality, cost=Cost())
        )
    return Metrics(competitors=competitors, series=series)
