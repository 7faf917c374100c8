"""The actor of YANN-RL: a piecewise-affine law with a trainable network in each of its regions."""

import copy
from functools import partial
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from provenn.checks import check_dtype, check_flag, check_integer
from provenn.control.door import ArrayLike, as_bounds
from provenn.control.piecewise import PiecewiseAffine
from provenn.control.zero import Mode, PairedZero, check_features

Part = Literal["frozen", "trainable"]


class YANNActor(nn.Module):
    r"""A policy that equals a piecewise-affine law at the start and improves it region by region.

    .. math::
        u(θ) = \operatorname{clip}\bigl(K_i θ + r_i + N_i(θ),\, u_{min},\, u_{max}\bigr)
        \quad\text{for } θ \text{ in region } i

    ``N_i`` is a small network of two tanh layers that is zero at the start
    (:class:`~provenn.control.PairedZero`). The regions and their laws are buffers: they are never
    trained. What a state of one region teaches does not change the law of another. Outside every
    region the law alone holds, which is zero there unless it was made otherwise.

    Args:
        law: The law, e.g. that of :func:`~provenn.control.explicit_mpc`; it is copied.
        hidden: Units of each layer of each network.
        device: Device of the parameters and of the copied law; the law's own if ``None``.
        dtype: Their floating-point type; the law's own if ``None``.
        u_bounds: Pair of least and largest inputs, numbers or vectors; ``None`` does not clip.
        coupled: Whether the second layer is one dense matrix over all regions, as the parameter
            counts of the paper imply; regions then share what they learn.
        mode: How the networks are made zero; see :class:`~provenn.control.PairedZero`.
        init_scale: Largest magnitude of their weights at the start.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of range.

    Reference:
        Braniff and Tian, arXiv 2508.16474, section 4.1 and figure 4.

    Example:
        >>> from provenn.control import explicit_mpc
        >>> law = explicit_mpc(
        ...     [[1.0, 1.0], [0.0, 1.0]], [[0.0], [1.0]], torch.eye(2), 1.0, horizon=2,
        ...     u_bounds=(-1.0, 1.0), x_bounds=(-5.0, 5.0),
        ... )
        >>> actor = YANNActor(law, hidden=8, u_bounds=(-1.0, 1.0))
        >>> state = torch.tensor([[1.0, -0.5]], dtype=torch.float64)
        >>> bool((actor(state) == law(state)).all())
        True
    """

    u_low: Tensor | None
    u_high: Tensor | None

    def __init__(
        self,
        law: PiecewiseAffine,
        hidden: int = 16,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        u_bounds: tuple[ArrayLike, ArrayLike] | None = None,
        coupled: bool = False,
        mode: Mode = "paired",
        init_scale: float = 1e-2,
    ) -> None:
        super().__init__()
        if not isinstance(law, PiecewiseAffine):
            raise TypeError(f"law must be a PiecewiseAffine, got {type(law).__name__}")
        check_flag("coupled", coupled)
        check_dtype(dtype)
        self.hidden = check_integer("hidden", hidden, least=2)
        self.coupled = coupled
        self.law = copy.deepcopy(law).to(device=device, dtype=dtype)
        regions, n_inputs, state_dim = self.law.gains.shape
        self.state_dim, self.n_inputs = state_dim, n_inputs
        like = self.law.gains
        build = partial(
            PairedZero, device=like.device, dtype=like.dtype, mode=mode, init_scale=init_scale
        )
        if coupled:
            units, outputs = regions * hidden, regions * n_inputs
            self.network = build(state_dim, outputs, hidden=units, terms=hidden)
        else:
            self.network = build(state_dim, n_inputs, hidden=hidden, blocks=regions)
        bounds = (None, None) if u_bounds is None else as_bounds(u_bounds, "u_bounds", n_inputs)
        for name, bound in zip(("u_low", "u_high"), bounds, strict=True):
            self.register_buffer(name, None if bound is None else like.new_empty(n_inputs))
        given = {f"law.{name}": buffer for name, buffer in law.state_dict().items()}
        self._given = {name: buffer.detach().cpu().numpy() for name, buffer in given.items()}
        if bounds[0] is not None and bounds[1] is not None:
            self._given |= {"u_low": bounds[0], "u_high": bounds[1]}
        self.reset_parameters()

    def extra_repr(self) -> str:
        """Units of each network, and whether regions are coupled."""
        return f"hidden={self.hidden}, coupled={self.coupled}, clipped={self.u_low is not None}"

    def reset_parameters(self) -> None:
        """Draw new networks that are zero, and put back the law and the bounds."""
        self.network.reset_parameters()
        for name, buffer in self.named_buffers():
            buffer.copy_(torch.from_numpy(self._given[name]))

    def forward(self, state: Float[Tensor, "*batch state_dim"]) -> Float[Tensor, "*batch n_inputs"]:
        """Inputs to the plant.

        Args:
            state: States, ``(*batch, state_dim)``.

        Returns:
            ``(*batch, n_inputs)``; outside every region what the law says there, which is zero
            unless it was made otherwise.

        Raises:
            TypeError: If ``state`` is not a floating-point tensor of the actor's dtype.
            ValueError: If ``state`` has another size or device.
        """
        check_features(state, "state", self.state_dim, self.law.gains)
        state = state.to(self.law.gains.dtype)  # automatic mixed precision is not for regions
        region = self.law.locate(state)
        inside = (region >= 0).unsqueeze(-1)
        active = region.clamp(min=0)
        law = self.law.affine(state, active)
        beyond = law * 0 if self.law.outside == "zero" else self.law(state)
        u = torch.where(inside, law + self._learned(state, active), beyond)
        if self.u_low is not None and self.u_high is not None:
            u = u.clamp(self.u_low, self.u_high)
        return u

    def literal_parameters(self) -> dict[Part, int]:
        """Scalars of the same policy written as the paper's network of dense layers.

        There the three parts (indicator, laws, networks) are layers with every connection present,
        most of them zero. With ``coupled=True`` and one input the counts are the paper's.
        """
        p, m, n = self.law.gains.shape
        q = self.law.n_half_spaces
        learned = sum(parameter.numel() for parameter in self.network.parameters())
        indicator = q * (n + 1) + (q + 1) * p + p * p
        laws = 2 * m * p * (n + 1)
        suppression = 2 * m * p * (p + 2 * m * p + m * p * self.hidden) + 2 * m * p
        return {"frozen": indicator + laws + suppression + 2 * m * m * p, "trainable": learned}

    def _learned(self, state: Tensor, active: Int[Tensor, "*batch"]) -> Tensor:
        """Output of the active region's network."""
        if not self.coupled:
            return self.network.of_blocks(state, active)
        of_all = self.network(state).unflatten(-1, (-1, self.n_inputs))
        index = active[..., None, None].expand(*active.shape, 1, self.n_inputs)
        chosen: Tensor = of_all.gather(-2, index).squeeze(-2)
        return chosen
