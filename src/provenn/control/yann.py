"""Y-wise affine neural networks: a piecewise-affine law as a network of five layers.

The weights are written down, not trained. With ``BSF(z) = 1`` where ``z >= 0`` and else 0:

1. ``z = BSF(f - E θ)``: which half-spaces hold;
2. ``d_i = ReLU(Σ z over the rows of i - q_i + 1)``: which regions hold;
3. ``1_i = ReLU(d_i - Σ_{l<i} d_l)``: the first of them;
4. ``a±_i = ReLU(±(K_i θ + r_i) + M (1_i - 1))``: its law, the others suppressed;
5. ``u = Σ_i (a+_i - a-_i)``.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from provenn.checks import check_choice, check_number
from provenn.control.door import ArrayLike, as_bounds
from provenn.control.piecewise import OUTSIDE, PiecewiseAffine, check_points, own_precision
from provenn.nn.pretrained import PretrainedModule


class YANN(PretrainedModule):
    """The exact network of a piecewise-affine law; :meth:`from_pwa` makes it.

    By default :meth:`forward` uses the blocks of the five layers for what they are: layer 2 is a
    segment-wise "all", layer 3 is the first true, layers 4 and 5 fetch one law. This costs a
    fraction of the dense network and has none of its rounding, about ``M`` times the unit.

    Args:
        state_dim: Size of θ.
        n_inputs: Size of u.
        n_regions: Number of regions.
        max_rows: Largest number of half-spaces of a region.
        outside: The output where no region holds, see :class:`PiecewiseAffine`.
        tolerance: The distance by which rows are let pass.
        device: Device of the buffers.
        dtype: Type of the buffers.

    Attributes:
        law: The piecewise-affine law.
        big_m: The constant ``M``.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a size is not positive, or ``outside`` is another word.

    Reference:
        Braniff and Tian, YANNs: Y-wise Affine Neural Networks for Exact and Efficient
        Representations of Piecewise Linear Functions, 2025.

    Example:
        >>> law = PiecewiseAffine.from_regions([
        ...     ([[1.0], [-1.0]], [0.0, 1.0], [[0.0]], [0.0]),
        ...     ([[1.0], [-1.0]], [1.0, 0.0], [[2.0]], [0.0]),
        ... ])
        >>> yann = YANN.from_pwa(law, domain=(-4, 4))
        >>> theta = torch.tensor([[0.25], [3.0]], dtype=torch.float64)
        >>> yann(theta).squeeze(-1)
        tensor([0.5000, 0.0000], dtype=torch.float64)
        >>> torch.equal(yann(theta), yann(theta, literal=True))
        True
    """

    big_m: Tensor

    def __init__(
        self,
        state_dim: int,
        n_inputs: int,
        n_regions: int,
        max_rows: int,
        *,
        outside: str = "zero",
        tolerance: float = 1e-9,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.law = PiecewiseAffine(
            state_dim,
            n_inputs,
            n_regions,
            max_rows,
            outside=outside,
            tolerance=tolerance,
            device=device,
            dtype=dtype,
        )
        self.config: dict[str, Any] = dict(self.law.config)
        self.register_buffer("big_m", torch.ones((), device=device, dtype=dtype))

    @classmethod
    def from_pwa(
        cls,
        law: PiecewiseAffine,
        *,
        big_m: float | None = None,
        domain: tuple[ArrayLike, ArrayLike] | None = None,
        outside: str | None = None,
    ) -> "YANN":
        """The network of a law, in the law's dtype and on its device.

        Args:
            law: The piecewise-affine law.
            big_m: The constant of layer 4; by default the least that the laws need over
                ``domain``.
            domain: Corners ``(low, high)`` of the box over which the dense layers must be exact;
                by default the law's own.
            outside: The output where no region holds; by default as the law has it.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If ``big_m`` is less than what the laws need, or another argument cannot
                be used.
        """
        _check_law(law)
        outside = law.outside if outside is None else check_choice("outside", outside, OUTSIDE)
        config = {**law.config, "outside": outside}
        yann = cls(**config, device=law.normals.device, dtype=law.normals.dtype)
        yann.law.load_state_dict(law.state_dict())
        box = yann.law.domain
        if domain is not None:
            corners = as_bounds(domain, "domain", law.state_dim)
            box = torch.stack([torch.from_numpy(corner) for corner in corners]).to(box)
        least = yann.law.largest(box)
        yann.big_m.copy_(least)
        if big_m is None:
            return yann
        check_number("big_m", big_m, least=0.0)
        if not big_m >= float(least):
            raise ValueError(
                f"big_m must be at least {float(least):g}, the largest value of any law over the "
                f"domain, got {big_m}"
            )
        yann.big_m.fill_(big_m)
        return yann

    def forward(
        self, theta: Float[Tensor, "*batch state_dim"], literal: bool = False
    ) -> Float[Tensor, "*batch n_inputs"]:
        """The output of the network.

        Args:
            theta: Points.
            literal: Whether to go through the five dense layers (see :meth:`layers`).

        Raises:
            TypeError: If ``theta`` is not a tensor of the buffers' dtype.
            ValueError: If its last axis has another size, it is on another device, or ``literal``
                is asked of a network that is not zero outside.
        """
        output: Tensor = self.layers()(theta) if literal else self.law(theta)
        return output

    def layers(self) -> "DenseYANN":
        """The five dense layers, as a network of its own.

        Raises:
            ValueError: If ``outside`` is not ``"zero"``, the only way of the dense layers.
        """
        if self.law.outside != "zero":
            raise ValueError(
                f"outside must be 'zero' for the five dense layers, got {self.law.outside!r}"
            )
        return DenseYANN(self.law, float(self.big_m))


class DenseYANN(nn.Module):
    """The five dense layers of a Y-wise affine network, as in the paper; all weights are buffers.

    Args:
        law: The piecewise-affine law.
        big_m: The constant of layer 4. Nothing but ``big_m`` keeps the laws of other regions out:
            where one of them exceeds it in magnitude the output is wrong. :class:`YANN` chooses it.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If ``big_m`` is negative or not finite.
    """

    def __init__(self, law: PiecewiseAffine, big_m: float) -> None:
        super().__init__()
        _check_law(law)
        check_number("big_m", big_m, least=0.0)
        self.state_dim = law.state_dim
        p, m, n = law.gains.shape
        like = law.normals
        normals, limits = law.normals.transpose(0, 1), law.offsets.T + law._allowance()
        within = torch.arange(law.max_rows, device=like.device) < law.rows.unsqueeze(-1)
        owner = within.nonzero()[:, 0]
        rows = (owner == torch.arange(p, device=like.device).unsqueeze(-1)).to(like)
        gate = torch.eye(p, device=like.device, dtype=like.dtype).repeat_interleave(m, 0)
        gains, intercepts = law.gains.reshape(p * m, n), law.intercepts.flatten()
        add = torch.eye(m, device=like.device, dtype=like.dtype).repeat(1, p)
        self.half_spaces = FixedLinear(-normals[within], limits[within])
        self.regions = FixedLinear(rows, 1 - law.rows.to(like))
        self.first = FixedLinear(
            2 * torch.eye(p, **_like(like)) - torch.ones(p, p, **_like(like)).tril()
        )
        self.laws = FixedLinear(
            torch.cat([torch.cat([big_m * gate, sign * gains], 1) for sign in (1, -1)]),
            torch.cat([sign * intercepts - big_m for sign in (1, -1)]),
        )
        self.sum = FixedLinear(torch.cat([add, -add], 1))

    @own_precision
    def forward(self, theta: Float[Tensor, "*batch state_dim"]) -> Float[Tensor, "*batch n_inputs"]:
        """The output of the five layers, one after the other.

        Args:
            theta: Points.

        Raises:
            TypeError: If ``theta`` is not a tensor of the buffers' dtype.
            ValueError: If its last axis has another size, or it is on another device.
        """
        check_points(theta, self.half_spaces.weight, self.state_dim)
        holds = (self.half_spaces(theta) >= 0).to(theta.dtype)
        one = self.first(self.regions(holds).relu()).relu()
        output: Tensor = self.sum(self.laws(torch.cat([one, theta], -1)).relu())
        return output


class FixedLinear(nn.Module):
    """``x Wᵀ + b`` with weights that are buffers, out of reach of any optimiser."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    def forward(
        self, x: Float[Tensor, "*batch in_features"]
    ) -> Float[Tensor, "*batch out_features"]:
        """The affine map of the last axis."""
        return nn.functional.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Sizes, for ``repr``."""
        out_features, in_features = self.weight.shape
        return (
            f"in_features={in_features}, out_features={out_features}, bias={self.bias is not None}"
        )


def _check_law(law: object) -> None:
    if not isinstance(law, PiecewiseAffine):
        raise TypeError(f"law must be a PiecewiseAffine, got {type(law).__name__}")


def _like(tensor: Tensor) -> dict[str, Any]:
    return {"device": tensor.device, "dtype": tensor.dtype}
