"""Parameterized hypercomplex layers: about 1/n of the weights of the layers that they replace.

A layer of ``in`` to ``out`` features has the weight ``H = sum_{i=1..n} A_i (x) F_i``, a sum of n
Kronecker products whose two factors are learned: the n x n matrices ``A_i``, an algebra, and the n
banks of filters ``F_i`` with ``out in k / n^2`` entries each. That makes ``n^3 + out in k / n``
numbers instead of ``out in k``. The complex product (n = 2), the Hamilton product (n = 4) and every
other algebra are special cases; n = 3 takes RGB images as they are.

Parameters are saved, memory for them and their optimiser state is saved; the floating-point
operations of the product with ``H`` are those of the ordinary layer.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from provenn.nn.hypercomplex.algebra import ALGEBRAS, check_cube
from provenn.nn.hypercomplex.algebra import algebra as named_algebra
from provenn.nn.hypercomplex.checks import (
    check_choice,
    check_divisible,
    check_flag,
    check_input,
    check_positive_int,
    is_constant,
    per_axis,
)
from provenn.nn.hypercomplex.functional import check_padding, convolve, kronecker_sum

Init = Literal["official", "variance_preserving"]
INITS = ("official", "variance_preserving")
Layer = TypeVar("Layer", bound="_PHLayer")
PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _PHLayer(nn.Module):
    """Algebra, filters and bias of a layer, their initialisation and the weight they make."""

    algebra: Tensor
    filters: nn.Parameter
    bias: nn.Parameter | None

    _kept: "_DenseWeight | None" = None

    def _build(
        self,
        n: int,
        sizes: tuple[int, int],
        kernel_size: tuple[int, ...],
        groups: int,
        bias: bool,
        init: Init,
        algebra: str | Tensor | None,
        learn_algebra: bool,
        factory: dict[str, Any],
    ) -> None:
        """Check the arguments that all layers share, and make and fill the parameters."""
        check_flag("bias", bias)
        check_flag("learn_algebra", learn_algebra)
        check_choice("init", init, INITS)
        dtype = factory["dtype"]
        if dtype is not None and not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
            raise TypeError(f"dtype must be a floating-point torch.dtype, got {dtype!r}")
        self.n = n
        self.init = init
        self._groups = groups
        self.learn_algebra = learn_algebra
        self._given_algebra = _given_algebra(algebra, n)
        values = torch.empty(n, n, n, **factory)
        if learn_algebra:
            self.algebra = nn.Parameter(values)
        else:
            self.register_buffer("algebra", values)
        inputs, outputs = sizes
        shape = (n, outputs // n, inputs // (n * groups), *kernel_size)
        self.filters = nn.Parameter(torch.empty(shape, **factory))
        if bias:
            self.bias = nn.Parameter(torch.empty(outputs, **factory))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw new parameters; a given algebra is put back.

        ``"official"`` is Xavier-uniform on the tensors ``A`` and ``F`` as they are, as in the
        authors' code: the variance of ``H`` comes out about ``out / n + n`` times below He's, so
        that it needs a normalisation layer behind. ``"variance_preserving"`` gives ``H`` the
        variance ``2 / (in k)``.
        """
        if self._given_algebra is None:
            nn.init.xavier_uniform_(self.algebra)
        else:
            self.algebra.copy_(torch.from_numpy(self._given_algebra))
        fan_in = math.prod(self.filters.shape[2:]) * self.n
        if self.init == "official":
            nn.init.xavier_uniform_(self.filters)
        else:
            # mean over (a, c) of sum_i A_i[a, c]^2, the factor from Var F to Var H
            gain = 1 / self.n
            if self._given_algebra is not None:
                gain = float(np.square(self._given_algebra).sum(0).mean()) or 1.0
            bound = math.sqrt(3 * 2 / (fan_in * gain))
            nn.init.uniform_(self.filters, -bound, bound)
        if self.bias is not None:
            bound = 1 / math.sqrt(fan_in // math.prod(self.filters.shape[3:]))
            nn.init.uniform_(self.bias, -bound, bound)

    @property
    def weight(self) -> Tensor:
        """Dense weight ``H``, of the shape of the replaced layer's; differentiable."""
        algebra, filters = self.algebra, self.filters
        if not torch.compiler.is_compiling():
            kept = self._kept
            if kept is not None and kept.is_of(algebra, filters):
                return kept.weight
            # Not on an accelerator, where looking at values would make the host wait.
            own = isinstance(filters, nn.Parameter)  # not one that functional_call lends
            if own and not self.training and is_constant(algebra) and is_constant(filters):
                self._kept = kept = _DenseWeight(algebra, filters, self._groups)
                return kept.weight
        return kronecker_sum(algebra, filters, self._groups)

    def train(self: Layer, mode: bool = True) -> Layer:
        """Set the training mode; the dense weight that evaluation keeps is dropped."""
        self._kept = None
        return super().train(mode)

    def extra_repr(self) -> str:
        """Arguments of the constructor that differ from their defaults, after the sizes."""
        given = "" if self._given_algebra is None else ", algebra=given"
        fixed = "" if self.learn_algebra else ", learn_algebra=False"
        init = "" if self.init == "official" else f", init={self.init!r}"
        bias = "" if self.bias is not None else ", bias=False"
        return f"{bias}, n={self.n}{init}{given}{fixed}"

    def _apply(self: Layer, fn: Any, recurse: bool = True) -> Layer:
        # Flat, because `to(memory_format=...)` takes tensors of 4 or 5 dimensions for images.
        self._kept = None
        moved: Layer = super()._apply(lambda t: fn(t.flatten()).view(t.shape), recurse)
        return moved

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_kept"}

    @torch.no_grad()
    def _fill(self, dense: Any) -> Any:
        """Copy the weight and the bias into a layer of ``torch.nn``."""
        dense.weight.copy_(kronecker_sum(self.algebra, self.filters, self._groups))
        if self.bias is not None:
            dense.bias.copy_(self.bias)
        return dense.train(self.training)


class PHLinear(_PHLayer):
    """Parameterized hypercomplex multiplication, a drop-in for ``torch.nn.Linear``.

    ``y = x H^T + b`` with ``H = sum_i A_i (x) F_i``. In evaluation on the CPU and without
    gradients, ``H`` is kept until a parameter changes; :meth:`to_dense` is the way to deploy
    anywhere.

    Args:
        in_features: Size of each input; divisible by ``n``.
        out_features: Size of each output; divisible by ``n``.
        bias: Whether to add a bias.
        device: Device of the parameters.
        dtype: Floating-point type of the parameters.
        n: Number of blocks; the layer has about 1/n of the weights of ``torch.nn.Linear``.
        init: ``"official"`` (for networks with normalisation layers) or ``"variance_preserving"``
            (for networks without); see :meth:`reset_parameters`.
        algebra: Initial algebra: random if ``None``; a name that
            :func:`~provenn.nn.algebra` knows; or matrices of left multiplication, shape (n, n, n).
        learn_algebra: Whether the algebra is a parameter; otherwise it is a buffer.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If ``n`` does not divide a size, or an argument is out of range.

    Reference:
        arXiv 2102.08597, equations 2 and 3.

    Example:
        >>> layer = PHLinear(8, 12, n=4)
        >>> layer(torch.ones(5, 8)).shape, layer.weight.shape
        (torch.Size([5, 12]), torch.Size([12, 8]))
        >>> sum(p.numel() for p in layer.parameters())  # n^3 + in out / n + out
        100
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        n: int,
        init: Init = "official",
        algebra: str | Tensor | None = None,
        learn_algebra: bool = True,
    ) -> None:
        super().__init__()
        check_positive_int("n", n)
        for name, size in (("in_features", in_features), ("out_features", out_features)):
            check_positive_int(name, size)
            check_divisible(name, size, n, "n")
        self.in_features = in_features
        self.out_features = out_features
        factory = {"device": device, "dtype": dtype}
        sizes = (in_features, out_features)
        self._build(n, sizes, (), 1, bias, init, algebra, learn_algebra, factory)

    def forward(
        self, x: Float[Tensor, "*batch in_features"]
    ) -> Float[Tensor, "*batch out_features"]:
        """Multiply by the weight and add the bias.

        Args:
            x: Input, shape ``(*, in_features)``.

        Returns:
            Output, shape ``(*, out_features)``.
        """
        check_input(x, self.in_features, -1, None, self.filters)
        return functional.linear(x, self.weight, self.bias)

    def to_dense(self) -> nn.Linear:
        """``torch.nn.Linear`` with the same output."""
        dense = nn.utils.skip_init(
            nn.Linear,
            self.in_features,
            self.out_features,
            bias=self.bias is not None,
            device=self.filters.device,
            dtype=self.filters.dtype,
        )
        return self._fill(dense)  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        """Sizes, and arguments of the constructor that differ from their defaults."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}"
            + super().extra_repr()
        )


class _PHConv(_PHLayer):
    """Parameterized hypercomplex convolution along ``axes`` axes."""

    axes: int
    dense: type[nn.Conv1d] | type[nn.Conv2d] | type[nn.Conv3d]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] | str = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        n: int,
        init: Init = "official",
        algebra: str | Tensor | None = None,
        learn_algebra: bool = True,
    ) -> None:
        super().__init__()
        check_positive_int("n", n)
        check_positive_int("groups", groups)
        for name, size in (("in_channels", in_channels), ("out_channels", out_channels)):
            check_positive_int(name, size)
            check_divisible(name, size, n, "n")
            check_divisible(f"{name} / n", size // n, groups, "groups")
        check_choice("padding_mode", padding_mode, PADDING_MODES)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = per_axis("kernel_size", kernel_size, self.axes, 1)
        self.stride = per_axis("stride", stride, self.axes, 1)
        self.dilation = per_axis("dilation", dilation, self.axes, 1)
        self.padding = check_padding(padding, self.axes, self.stride)
        self.groups = groups
        self.padding_mode = padding_mode
        factory = {"device": device, "dtype": dtype}
        sizes = (in_channels, out_channels)
        self._build(n, sizes, self.kernel_size, groups, bias, init, algebra, learn_algebra, factory)

    def forward(self, x: Float[Tensor, "*shape_in"]) -> Float[Tensor, "*shape_out"]:
        """Convolve with the weight and add the bias.

        Args:
            x: Input, shape ``(batch, in_channels, *size)``, or without the batch.

        Returns:
            Output, shape ``(batch, out_channels, *size_out)``, or without the batch.
        """
        axes = self.axes
        check_input(x, self.in_channels, -1 - axes, (axes + 1, axes + 2), self.filters)
        padding: tuple[int, ...] | str | int = self.padding
        if self.padding_mode != "zeros" and padding != "valid":
            x = functional.pad(x, self._pad_widths(), mode=self.padding_mode)
            padding = 0
        return convolve(
            axes, x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )

    def to_dense(self) -> nn.Module:
        """Convolution of ``torch.nn`` with the same output."""
        dense = nn.utils.skip_init(
            self.dense,
            self.in_channels,
            self.out_channels,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
            self.bias is not None,
            self.padding_mode,
            device=self.filters.device,
            dtype=self.filters.dtype,
        )
        return self._fill(dense)  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        """Sizes, and arguments of the constructor that differ from their defaults."""
        ones, zeros = (1,) * self.axes, (0,) * self.axes
        optional = {
            "padding": (self.padding, zeros),
            "dilation": (self.dilation, ones),
            "groups": (self.groups, 1),
            "padding_mode": (self.padding_mode, "zeros"),
        }
        shown = "".join(f", {k}={v!r}" for k, (v, default) in optional.items() if v != default)
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}{shown}" + super().extra_repr()
        )

    def _pad_widths(self) -> list[int]:
        """Widths before and behind of each axis, the last axis first."""
        if isinstance(self.padding, str):  # "same": the odd one goes behind
            totals = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
        else:
            totals = [2 * p for p in self.padding]
        return [w for total in reversed(totals) for w in (total // 2, total - total // 2)]


class PHConv1d(_PHConv):
    """Parameterized hypercomplex convolution, a drop-in for ``torch.nn.Conv1d``.

    Arguments as of :class:`PHConv2d`.

    Example:
        >>> PHConv1d(8, 12, 3, padding="same", n=4)(torch.ones(2, 8, 20)).shape
        torch.Size([2, 12, 20])
    """

    axes = 1
    dense = nn.Conv1d


class PHConv2d(_PHConv):
    """Parameterized hypercomplex convolution, a drop-in for ``torch.nn.Conv2d``.

    ``y = conv2d(x, H) + b`` with ``H[:, :, p, q] = sum_i A_i (x) F_i[:, :, p, q]``. In evaluation
    on the CPU and without gradients, ``H`` is kept until a parameter changes; :meth:`to_dense` is
    the way to deploy anywhere.

    Args:
        in_channels: Channels of the input; divisible by ``n``.
        out_channels: Channels of the output; divisible by ``n``.
        kernel_size: As in ``torch.nn.Conv2d``, and so are the next arguments up to ``dtype``.
        stride: Step of the kernel.
        padding: Integers, ``"same"`` or ``"valid"``.
        dilation: Spacing of the kernel's elements.
        groups: Each group is a hypercomplex convolution of its own with the common algebra, so it
            must divide ``in_channels / n`` and ``out_channels / n``.
        bias: Whether to add a bias (the authors' code makes one and does not add it).
        padding_mode: ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.
        device: Device of the parameters.
        dtype: Floating-point type of the parameters.
        n: Number of blocks; the layer has about 1/n of the weights of ``torch.nn.Conv2d``.
        init: ``"official"`` (for networks with normalisation layers) or ``"variance_preserving"``
            (for networks without; with normalisation and SGD it acts as a smaller learning rate).
        algebra: Initial algebra: random if ``None``; a name that
            :func:`~provenn.nn.algebra` knows; or matrices of left multiplication, shape (n, n, n).
        learn_algebra: Whether the algebra is a parameter; otherwise it is a buffer.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If ``n`` does not divide the channels, or an argument is out of range.

    Reference:
        arXiv 2110.04176.

    Example:
        >>> layer = PHConv2d(3, 12, 3, padding=1, n=3)
        >>> layer(torch.ones(2, 3, 8, 8)).shape
        torch.Size([2, 12, 8, 8])
        >>> PHConv2d(8, 12, 3, n=4, algebra="quaternion", learn_algebra=False)
        PHConv2d(8, 12, kernel_size=(3, 3), stride=(1, 1), n=4, algebra=given, learn_algebra=False)
    """

    axes = 2
    dense = nn.Conv2d


class PHConv3d(_PHConv):
    """Parameterized hypercomplex convolution, a drop-in for ``torch.nn.Conv3d``.

    Arguments as of :class:`PHConv2d`.

    Example:
        >>> PHConv3d(4, 8, (1, 3, 3), n=2)(torch.ones(2, 4, 5, 5, 5)).shape
        torch.Size([2, 8, 5, 3, 3])
    """

    axes = 3
    dense = nn.Conv3d


def _given_algebra(algebra: str | Tensor | None, n: int) -> NDArray[np.float64] | None:
    """Float64 matrices, or ``None`` for a random algebra.

    An array, because a tensor that is no buffer would look as if it followed ``to`` and
    ``state_dict``, and a buffer on the meta device would lose what ``reset_parameters`` needs.
    """
    if algebra is None:
        return None
    if isinstance(algebra, str):
        check_choice("algebra", algebra, ALGEBRAS)
        matrices = named_algebra(algebra)
    else:
        check_cube("algebra", algebra)
        if algebra.device.type == "meta":
            raise ValueError("algebra must have values, got a tensor on the meta device")
        matrices = algebra.detach().to("cpu", torch.float64, copy=True)
    if matrices.shape[0] != n:
        raise ValueError(f"algebra must have n = {n} matrices, got {matrices.shape[0]}")
    return matrices.numpy()


class _DenseWeight:
    """The weight of two parameters as they were, and what tells that they still are.

    Version counters and addresses see every edit but those through ``.data``, which PyTorch hides
    from them; of these, samples spread over the parameter find any that touches more than a few
    entries. Little is done here, because after a convolution all of it has left the processor's
    cache.
    """

    def __init__(self, algebra: Tensor, filters: Tensor, groups: int) -> None:
        # Outside of inference mode, so that a later pass with gradients may use the result.
        with torch.inference_mode(False), torch.no_grad():
            self.weight = kronecker_sum(algebra, filters, groups)
        self._algebra, self._filters = algebra, filters
        self._state = _state(algebra, filters)
        self._views = _samples(algebra), _samples(filters)
        self._values = self._views[0].clone(), self._views[1].clone()

    def is_of(self, algebra: Tensor, filters: Tensor) -> bool:
        """Whether it may stand for the weight of the parameters, here and now."""
        return (
            algebra is self._algebra
            and filters is self._filters
            and not (torch.is_grad_enabled() and (algebra.requires_grad or filters.requires_grad))
            and self._state == _state(algebra, filters)
            and torch.equal(self._views[0], self._values[0])
            and torch.equal(self._views[1], self._values[1])
        )


def _state(algebra: Tensor, filters: Tensor) -> tuple[int, ...]:
    return algebra._version, algebra.data_ptr(), filters._version, filters.data_ptr()


def _samples(tensor: Tensor) -> Tensor:
    """About 256 entries spread over a tensor, in its own memory."""
    return tensor.detach().reshape(-1)[:: -(-tensor.numel() // 256)]
