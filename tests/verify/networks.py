"""Small random networks of every supported kind, and what the tests measure on them."""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from provenn.verify.baselines import jacobians


class Residual(nn.Module):
    """A dense network with a skip around a block, and one around the rest."""

    def __init__(self, d: int, width: int, outputs: int) -> None:
        super().__init__()
        self.first, self.a, self.b = (
            nn.Linear(d, width),
            nn.Linear(width, width),
            nn.Linear(width, width),
        )
        self.last, self.skip = nn.Linear(width, outputs), nn.Linear(d, outputs, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.first(x))
        h = torch.relu(self.b(self.a(h).relu()) + h)
        return self.last(h) - self.skip(x)


class ConvResidual(nn.Module):
    """Convolutions with batch normalisation, a skip, pooling and arithmetic with constants."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.a = nn.Conv2d(4, 4, 3, padding="same", groups=2)
        self.down = nn.Conv2d(4, 4, 3, stride=2, padding=1, dilation=1)
        self.shortcut = nn.Conv2d(4, 4, 1, stride=2)
        self.last = nn.Linear(4, 3)
        self.register_buffer("mean", torch.tensor(0.4))

    def forward(self, x: Tensor) -> Tensor:
        x = (x - self.mean) / 0.3
        h = nn.functional.relu(self.norm(self.first(x)))
        h = h + nn.functional.leaky_relu(self.a(h), 0.2)
        h = torch.relu(self.down(h) + self.shortcut(h))
        h = nn.functional.adaptive_avg_pool2d(h, 1)
        return self.last(torch.flatten(h, 1))


def mlp(*widths: int, activation: Callable[[], nn.Module] = nn.ReLU) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n, m in itertools.pairwise(widths):
        layers += [nn.Linear(n, m), activation()]
    return nn.Sequential(*layers[:-1])


ARCHITECTURES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "shallow": (lambda: mlp(3, 9, 2), (3,)),
    "mlp": (lambda: mlp(4, 8, 8, 3), (4,)),
    "deep": (lambda: mlp(3, 6, 6, 6, 6, 2), (3,)),
    "leaky": (lambda: mlp(4, 8, 8, 3, activation=lambda: nn.LeakyReLU(0.1)), (4,)),
    "ends-in-relu": (lambda: nn.Sequential(mlp(3, 6, 4), nn.ReLU()), (3,)),
    "linear": (lambda: nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 2)), (3,)),
    "residual": (lambda: Residual(3, 6, 2), (3,)),
    "batch-norm": (
        lambda: nn.Sequential(
            nn.Linear(3, 7), nn.BatchNorm1d(7), nn.ReLU(), nn.Dropout(0.5), nn.Linear(7, 2)
        ),
        (3,),
    ),
    "conv": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 3, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(3, 4, 2, dilation=2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(4, 3),
        ),
        (2, 5, 5),
    ),
    "conv1d": (
        lambda: nn.Sequential(
            nn.Conv1d(2, 4, 3, padding=2, dilation=2, groups=2),
            nn.LeakyReLU(0.05),
            nn.AvgPool1d(3, stride=2, padding=1),
            nn.Conv1d(4, 3, 3),
            nn.ReLU(),
            nn.AdaptiveAvgPool1d(1),
            nn.Flatten(),
            nn.Linear(3, 2),
        ),
        (2, 9),
    ),
    "avg-pool": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 3, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(12, 2)
        ),
        (1, 6, 6),
    ),
    "conv-residual": (ConvResidual, (1, 6, 6)),
}


def network(
    name: str, seed: int, dtype: torch.dtype = torch.float64
) -> tuple[nn.Module, tuple[int, ...]]:
    """A network of that kind with weights of ordinary size and biases that leave kinks around."""
    build, shape = ARCHITECTURES[name]
    generator = torch.Generator().manual_seed(seed)
    model = build()
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.is_floating_point() and tensor.ndim:
            fan_in = max(1, tensor[0].numel())
            tensor.data = torch.randn(tensor.shape, generator=generator) * (2 / fan_in) ** 0.5
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.running_var = torch.rand(module.num_features, generator=generator) + 0.5
    return model.to(dtype).eval(), shape


def inputs(
    shape: tuple[int, ...], batch: int, seed: int, dtype: torch.dtype = torch.float64
) -> Tensor:
    return torch.rand((batch, *shape), generator=torch.Generator().manual_seed(seed)).to(dtype)


def points_in_box(lo: Tensor, hi: Tensor, n: int, seed: int) -> Tensor:
    """``n`` points between two corners, half of them with elements on the faces."""
    u = torch.rand((n, *lo.shape), generator=torch.Generator().manual_seed(seed)).to(lo.dtype)
    u[n // 2 :] = u[n // 2 :].mul(2).sub(0.5).clamp(0, 1)
    return lo + u * (hi - lo)


def points_in_ball(centre: Tensor, radius: float, n: int, seed: int) -> Tensor:
    """``n`` points of a Euclidean ball, half of them on its sphere."""
    generator = torch.Generator().manual_seed(seed)
    step = torch.randn((n, centre.numel()), generator=generator).to(centre.dtype)
    step = step / step.norm(dim=1, keepdim=True) * radius
    step[n // 2 :] *= torch.rand((n - n // 2, 1), generator=generator).to(centre.dtype)
    return centre + step.reshape(n, *centre.shape)


def jacobians_at(model: nn.Module, points: Tensor) -> Tensor:
    """Autograd Jacobians, ``(n, outputs, *features)``."""
    with torch.no_grad():
        n_outputs = model(points[:1]).shape[1]
    return jacobians(model, points, n_outputs)
