"""Hypernetworks over any module: the weights of a network as a function of a few numbers.

A hypernetwork ``h`` predicts the parameters of a primary network ``f`` from a conditioning input,

    theta(g) = theta0 + W z(E(g)),    f_g(x) = f(x; theta(g)),

where ``E`` encodes the input, ``z`` is the last hidden layer of a small MLP, ``W`` the weight of
its output layer, and ``theta0`` the output layer's bias, one number for each predicted one. The
bias lives where it is read, in the primary network's own parameters: it is zero at the start of an
ordinary hypernetwork, and an ordinarily initialised or a trained network in a residual one.

Magnitude invariant parametrisation (MIP) is ``encoding="circle"`` with ``residual=True``.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.utils._pytree import tree_map

from provenn.checks import check_choice, check_flag, check_integer, check_module
from provenn.hyper.conditions import Condition, Value, as_conditions, gather, mean_square_norm
from provenn.hyper.encodings import FEATURES, Encoding, encode
from provenn.hyper.hidden import (
    ACTIVATIONS,
    NORMS,
    Activation,
    Norm,
    build_hidden,
    gain,
    init_hidden_,
)
from provenn.hyper.initialization import OUTPUT_INITS, OutputInit, init_base_, init_output_
from provenn.hyper.layout import check_theta, lay_out, matching_parameters


class HyperNetwork(nn.Module):
    """Predicts parameters of a network from conditioning inputs.

    The defaults are magnitude invariant parametrisation. ``encoding="none", residual=False`` is the
    ordinary hypernetwork, whose predicted weights are proportional to its input at the start.

    Args:
        primary: Network whose parameters are predicted. It is copied; the copy is
            ``hyper.primary``, and its predicted parameters hold ``theta0``.
        inputs: Name of each conditioning input to a :class:`Condition`, or to the number of its
            entries if they lie in [0, 1].
        hidden: Units of the hidden layers.
        encoding: ``"circle"``: a point on a quarter circle for each entry; ``"complement"``: the
            entry and what it lacks to 1; ``"none"``: the values as they come, not even rescaled.
        residual: Whether ``theta0`` starts as an ordinary network (see ``base``) or at zero.
        parameters: Names or patterns (``"*.weight"``) of the parameters to predict; all by
            default. The others are trained as they are.
        activation: ``"leaky_relu"``, ``"relu"``, ``"gelu"``, ``"silu"`` or ``"tanh"``.
        norm: Normalisation in the hidden layers: ``"none"``, ``"layer"``, ``"batch"`` (which needs
            a batch of conditions in training) or ``"weight"``.
        unit_norm: Whether the encoding is divided by ``sqrt(d)``, ``d`` entries in all. Without,
            the first predicted change grows as ``sqrt(d)`` and drowns ``theta0`` if ``d`` is large.
        base: Start of ``theta0`` if ``residual``: ``"kaiming"`` (weights Kaiming normal, biases
            zero, others as they are) or ``"given"`` (the primary's own values).
        output_init: ``"per_tensor"`` (the change of every parameter has the same norm),
            ``"hyperfan_in"``, ``"hyperfan_out"`` or ``"zero"`` (no change at the start).
        zero_bias: Whether ``"per_tensor"`` starts without a change of biases.
        rank: Rank of the predicted change of weights, the product of two predicted factors; entry
            by entry if not given.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of range; the message names it.

    Reference:
        arXiv 2304.07645.

    Example:
        >>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
        >>> hyper = HyperNetwork(net, {"lam": 1})
        >>> theta = hyper(lam=0.3)
        >>> theta["2.weight"].shape
        torch.Size([3, 8])
        >>> hyper.call(torch.ones(5, 4), lam=0.3).shape
        torch.Size([5, 3])
        >>> hyper.call(torch.ones(5, 4), lam=torch.rand(5, 1)).shape  # weights for each row
        torch.Size([5, 3])
    """

    _own: dict[str, Tensor] | None = None
    """``theta0`` while other parameters stand in its place, else ``None``."""

    def __init__(
        self,
        primary: nn.Module,
        inputs: Mapping[str, int | Condition],
        hidden: Sequence[int] = (16, 128),
        *,
        encoding: Encoding = "circle",
        residual: bool = True,
        parameters: Sequence[str] | None = None,
        activation: Activation = "leaky_relu",
        norm: Norm = "none",
        unit_norm: bool = False,
        base: str = "kaiming",
        output_init: OutputInit = "per_tensor",
        zero_bias: bool = True,
        rank: int | None = None,
    ) -> None:
        super().__init__()
        check_module("primary", primary)
        self.inputs = as_conditions(inputs)
        sizes = _hidden_sizes(hidden)
        check_choice("encoding", encoding, tuple(FEATURES))
        check_choice("activation", activation, tuple(ACTIVATIONS))
        check_choice("norm", norm, NORMS)
        check_choice("base", base, ("kaiming", "given"))
        check_choice("output_init", output_init, OUTPUT_INITS)
        for name, flag in (
            ("residual", residual),
            ("unit_norm", unit_norm),
            ("zero_bias", zero_bias),
        ):
            check_flag(name, flag)
        if rank is not None:
            check_integer("rank", rank)
            if output_init.startswith("hyperfan"):
                raise ValueError(f"rank must be None with output_init={output_init!r}, got {rank}")
        self.encoding = encoding
        self.residual = residual
        self.activation = activation
        self.norm = norm
        self.unit_norm = unit_norm
        self.base = base
        self.output_init = output_init
        self.zero_bias = zero_bias
        self.rank = rank
        self.primary = copy.deepcopy(primary)
        predicted = matching_parameters(self.primary, parameters)
        self._pieces = lay_out({name: p.shape for name, p in predicted.items()}, rank or 0)
        self._paths = {
            path: name
            for name, base in predicted.items()
            for path, p in self.primary.named_parameters(remove_duplicate=False)
            if p is base
        }
        first = next(iter(predicted.values()))
        factory = {"device": first.device, "dtype": first.dtype}
        features = FEATURES[encoding] * self.d
        self.hidden = build_hidden(features, sizes, activation, norm, factory)
        entries = sum(piece.entries for piece in self._pieces)
        self.output = nn.Linear(sizes[-1], entries, bias=False, **factory)
        self._init_layers()

    @classmethod
    def from_pretrained(
        cls,
        primary: nn.Module,
        inputs: Mapping[str, int | Condition],
        hidden: Sequence[int] = (16, 128),
        *,
        zero_init: bool = True,
        **options: Any,
    ) -> "HyperNetwork":
        """Residual hypernetwork around a trained network.

        Args:
            primary: The trained network; its parameters are ``theta0``.
            inputs: As of the class.
            hidden: As of the class.
            zero_init: Whether the predicted change starts at zero, so that the conditioned network
                is the given one, bit by bit, whatever the condition.
            options: Further arguments of the class.

        Returns:
            The hypernetwork.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If an argument is out of range.

        Example:
            >>> net = nn.Linear(4, 3)
            >>> hyper = HyperNetwork.from_pretrained(net, {"lam": 1})
            >>> bool((hyper.call(torch.ones(4), lam=0.7) == net(torch.ones(4))).all())
            True
        """
        check_flag("zero_init", zero_init)
        if zero_init:
            options.setdefault("output_init", "zero")
        return cls(primary, inputs, hidden, residual=True, base="given", **options)

    @property
    def d(self) -> int:
        """Entries of all conditioning inputs together."""
        return sum(condition.size for condition in self.inputs.values())

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each predicted parameter by its name in the primary network."""
        return {piece.name: piece.shape for piece in self._pieces}

    @property
    def theta0(self) -> dict[str, Tensor]:
        """What the predicted change is added to, by name: parameters of ``primary``."""
        if self._own is not None:
            return self._own
        return {piece.name: getattr(*self._place(piece.name)) for piece in self._pieces}

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw new parameters, ``theta0`` and the primary's other parameters included."""
        for layer in (*self.primary.modules(), *self.hidden):
            reset = getattr(layer, "reset_parameters", None)
            if callable(reset):
                reset()
        self._init_layers()

    def forward(self, values: Value | None = None, /, **inputs: Value) -> dict[str, Tensor]:
        """Predict parameters.

        Args:
            values: All conditioning inputs side by side in the order of ``inputs``, shape ``(d,)``
                or ``(batch, d)``; or give them by name.
            inputs: Conditioning inputs by name: tensors of shape ``(size,)``, of shape
                ``(batch, size)`` for a batch of conditions, or a number (or tensor without axes)
                where the size is 1.

        Returns:
            Name to parameter, with a leading axis if a batch of conditions is given.

        Raises:
            TypeError: If an input is missing, unknown, no tensor, or of the wrong dtype.
            ValueError: If an input has the wrong shape, device or values.
        """
        change = self.change(values, **inputs)
        return {name: base + change[name] for name, base in self.theta0.items()}

    def change(self, values: Value | None = None, /, **inputs: Value) -> dict[str, Tensor]:
        """Predicted change ``theta(g) - theta0``; arguments, result and errors as of the call."""
        weight, encoded = self.output.weight, self.encoding != "none"
        gamma = gather(self.inputs, values, inputs, weight, encoded=encoded)
        features = encode(gamma, self.encoding)
        if self.unit_norm:
            features = features / self.d**0.5
        flat = self.output(self.hidden(torch.atleast_2d(features)))
        flat = flat if features.ndim == 2 else flat[0]
        parts = flat.split([piece.entries for piece in self._pieces], dim=-1)
        return {p.name: p.assemble(part) for p, part in zip(self._pieces, parts, strict=True)}

    def call(self, *args: Any, **inputs: Value) -> Any:
        """Output of the primary network with the parameters predicted for a condition.

        Args:
            args: Arguments of the primary network. With a batch of conditions, tensors among them
                have as many rows, and each row meets the parameters of its own condition.
            inputs: Conditioning inputs by name, as of the call.

        Returns:
            What the primary network returns.

        Raises:
            TypeError: If an input is missing, unknown, no tensor, or of the wrong dtype.
            ValueError: If an input has the wrong shape, device or values, if rows and conditions
                differ in number, or if batch norm in training would mix rows.
        """
        theta = self(**inputs)
        batch = self._batch(theta)
        if batch is None:
            return functional_call(self.primary, theta, args)
        self._check_rows(args, batch)
        rows = [a.unsqueeze(1) if isinstance(a, Tensor) else a for a in args]

        def one_row(parameters: dict[str, Tensor], *row: Any) -> Any:
            return functional_call(self.primary, parameters, row)

        axes = (0, *(0 if isinstance(a, Tensor) else None for a in args))
        output = vmap(one_row, in_dims=axes, randomness="different")(theta, *rows)
        return tree_map(lambda y: y.squeeze(1) if isinstance(y, Tensor) else y, output)

    @contextmanager
    def using(self, theta: Mapping[str, Tensor]) -> Iterator[nn.Module]:
        """Context in which the primary network has the given parameters.

        Args:
            theta: Name to parameter, as the call returns them for one condition.

        Yields:
            The primary network; on leaving it has its own parameters again.

        Raises:
            TypeError: If ``theta`` is no mapping of names to floating-point tensors.
            ValueError: If names or shapes are not those of the predicted parameters.

        Example:
            >>> hyper = HyperNetwork(nn.Linear(4, 3), {"lam": 1})
            >>> with hyper.using(hyper(lam=0.3)) as net:
            ...     y = net(torch.ones(4))
            >>> bool((y == hyper.call(torch.ones(4), lam=0.3)).all())
            True
        """
        check_theta(theta, self.shapes)
        outer, self._own = self._own, self.theta0
        places = {self._place(path): theta[name] for path, name in self._paths.items()}
        saved = {(owner, key): getattr(owner, key) for owner, key in places}
        try:
            for (owner, key), value in places.items():
                owner._parameters[key] = value  # type: ignore[assignment]
            yield self.primary
        finally:
            for (owner, key), value in saved.items():
                owner._parameters[key] = value
            self._own = outer

    @torch.no_grad()
    def materialize(self, **inputs: Value) -> nn.Module:
        """Ordinary network for one condition: a copy of the primary with predicted parameters.

        Args:
            inputs: Conditioning inputs by name, as of the call, no batch.

        Returns:
            The network, in the primary's mode.

        Raises:
            TypeError: If an input is missing, unknown, no tensor, or of the wrong dtype.
            ValueError: If an input has the wrong shape, device or values, or is a batch.
        """
        theta = self(**inputs)
        for name, shape in self.shapes.items():
            if theta[name].ndim > len(shape):
                raise ValueError(f"inputs must be one condition, got a batch of {len(theta[name])}")
        network = copy.deepcopy(self.primary)
        for name, value in theta.items():
            network.get_parameter(name).copy_(value)
        return network

    def sample_inputs(
        self, batch: int | None = None, *, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Draw conditions from the domains of the inputs.

        Args:
            batch: Number of conditions; one, without a batch axis, if not given.
            generator: Source of randomness; PyTorch's own if not given.

        Returns:
            Name to values in their own units, shape ``(size,)`` or ``(batch, size)``.

        Raises:
            TypeError: If ``batch`` is no int.
            ValueError: If it is less than 1.
        """
        if batch is not None:
            check_integer("batch", batch)
        axes = () if batch is None else (batch,)
        like = self.output.weight
        return {
            name: condition.sample(*axes, generator=generator, device=like.device, dtype=like.dtype)
            for name, condition in self.inputs.items()
        }

    def extra_repr(self) -> str:
        """Inputs, what is predicted, and arguments that differ from their defaults."""
        inputs = ", ".join(f"{name}: {c.size}" for name, c in self.inputs.items())
        numbers = sum(p.numel() for p in self.theta0.values())
        options = {
            "activation": (self.activation, "leaky_relu"),
            "norm": (self.norm, "none"),
            "unit_norm": (self.unit_norm, False),
            "base": (self.base, "kaiming"),
            "output_init": (self.output_init, "per_tensor"),
            "zero_bias": (self.zero_bias, True),
            "rank": (self.rank, None),
        }
        other = "".join(f", {k}={v!r}" for k, (v, default) in options.items() if v != default)
        return (
            f"inputs={{{inputs}}}, encoding={self.encoding!r}, residual={self.residual}{other}, "
            f"predicts {len(self._pieces)} parameters of {numbers} numbers"
        )

    def _init_layers(self) -> None:
        init_hidden_(self.hidden, self.activation)
        power = mean_square_norm(self.encoding, self.inputs)
        init_output_(
            self.output.weight,
            self._pieces,
            self.output_init,
            gain=gain(self.activation),
            zero_bias=self.zero_bias,
            mean_square_norm=power / self.d if self.unit_norm else power,
        )
        if not self.residual or self.base == "kaiming":
            init_base_(self.theta0, residual=self.residual)

    def _place(self, path: str) -> tuple[nn.Module, str]:
        """Part of the primary that holds a parameter, and the parameter's name in it."""
        owner, _, key = path.rpartition(".")
        return self.primary.get_submodule(owner), key

    def _batch(self, theta: Mapping[str, Tensor]) -> int | None:
        """Number of conditions that parameters were predicted for; ``None`` without a batch."""
        name, shape = next(iter(self.shapes.items()))
        return len(theta[name]) if theta[name].ndim > len(shape) else None

    def _check_rows(self, args: tuple[Any, ...], batch: int) -> None:
        for i, a in enumerate(args):
            if isinstance(a, Tensor) and (a.ndim == 0 or len(a) != batch):
                raise ValueError(
                    f"args[{i}] must have a row for each of {batch} conditions, got shape "
                    f"{tuple(a.shape)}"
                )
        for name, layer in self.primary.named_modules():
            if isinstance(layer, nn.modules.batchnorm._BatchNorm) and layer.training:
                raise ValueError(
                    f"inputs must be one condition while batch norm {name!r} of the primary is in "
                    f"training mode, got a batch of {batch}"
                )


def _hidden_sizes(hidden: Any) -> tuple[int, ...]:
    if isinstance(hidden, str) or not isinstance(hidden, Sequence):
        raise TypeError(f"hidden must be a sequence of ints, got {hidden!r:.80}")
    if not hidden:
        raise ValueError("hidden must have at least one layer, got an empty sequence")
    for size in hidden:
        check_integer("each size in hidden", size)
    return tuple(hidden)
