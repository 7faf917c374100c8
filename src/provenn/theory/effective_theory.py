"""The effective theory of deep fully-connected networks with one activation function."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from jaxtyping import Float
from torch import Tensor

from provenn.checks import check_integer, check_number
from provenn.theory import flow, kernels
from provenn.theory.activations import ActivationLike, as_activation
from provenn.theory.criticality import Criticality, critical, moments
from provenn.theory.door import check_matrix, per_layer
from provenn.theory.flow import Flow, Hyperparameters
from provenn.theory.kernels import Kernels, Vertices

PerLayer = float | Sequence[float]


class Susceptibilities(NamedTuple):
    """How deviations of a kernel change from a layer to the next.

    ``parallel`` and ``perp`` are ``χ_∥`` and ``χ_⊥``; ``h = dχ_⊥/dK / 2``; ``j = 4 K² d²K'/dK²``.
    """

    parallel: float
    perp: float
    h: float
    j: float


class EffectiveTheory:
    """What a random or trained multilayer perceptron does, computed without running one.

    The network is ``z^(1) = b + W x``, ``z^(ℓ+1) = b + W σ(z^(ℓ)) + γ z^(ℓ)``, its output the last
    ``z``, so that ``depth`` counts affine layers. Biases have variance ``C_b``, weights ``C_W``
    divided by their number of inputs. ``C_b`` and ``C_W`` are the critical ones where they are not
    given. Everything is computed in float64 on the CPU.

    Args:
        activation: A name (``linear``, ``relu``, ``leaky_relu``, ``abs``, ``tanh``, ``sin``,
            ``erf``, ``scaled_erf``, ``gelu``, ``silu`` or ``swish``, ``softplus``, ``sigmoid``), a
            module such as ``nn.GELU()``, or any function that acts on each number alone.

    Raises:
        TypeError: If ``activation`` is none of these.
        ValueError: If it is not known, or does not act on each number alone.

    Reference:
        Roberts, Yaida, Hanin: The Principles of Deep Learning Theory; arXiv 2106.10165.

    Example:
        >>> theory = EffectiveTheory("tanh")
        >>> theory.critical().klass
        'K*=0'
        >>> theory.flow(0.5, depth=3).K
        tensor([0.5000, 0.2737, 0.1851], dtype=torch.float64)
    """

    def __init__(self, activation: ActivationLike) -> None:
        self.activation = as_activation(activation)

    def __repr__(self) -> str:
        return f"EffectiveTheory({self.activation.name!r})"

    def critical(self, gamma: float = 0.0) -> Criticality:
        """Universality class and critical initialisation; see :func:`critical`."""
        return critical(self.activation, gamma)

    def susceptibilities(
        self, kernel: float, *, C_W: float | None = None, gamma: float = 0.0
    ) -> Susceptibilities:
        """``χ_∥``, ``χ_⊥``, ``h`` and ``j`` at a kernel.

        Args:
            kernel: ``K``, positive.
            C_W: Variance of weights times the number of inputs; the critical one if ``None``.
            gamma: Strength of the skip; ``χ_∥`` and ``χ_⊥`` include its ``γ²``.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If a value is out of range, or there is no critical ``C_W``.

        Example:
            >>> round(EffectiveTheory("relu").susceptibilities(1.0, C_W=1.0).parallel, 12)
            0.5
        """
        check_number("kernel", kernel, above=0)
        check_number("gamma", gamma, least=0, below=1)
        if C_W is None:
            C_W = self._critical(gamma, "C_W").C_W
        check_number("C_W", C_W, least=0)
        m = moments(self.activation, float(kernel))
        skip = gamma**2
        return Susceptibilities(C_W * m.zsd + skip, C_W * m.d2 + skip, C_W * m.d2z, C_W * m.s2q)

    def flow(
        self,
        mean_square: float,
        depth: int,
        *,
        width: int | Sequence[int] | None = None,
        C_b: PerLayer | None = None,
        C_W: PerLayer | None = None,
        gamma: PerLayer = 0.0,
        lr: tuple[PerLayer, PerLayer] = (1.0, 1.0),
    ) -> Flow:
        """Kernel, vertex, mean correction, tangent kernel and its fluctuations, layer by layer.

        Args:
            mean_square: ``x·x / n_0``, mean square of the input's features; positive.
            depth: Number of affine layers.
            width: Width of the hidden layers, or one for each of ``depth - 1``.
            C_b: Variance of biases, or one for each layer.
            C_W: Variance of weights times the number of inputs, or one for each layer.
            gamma: Strength of the skips, in [0, 1), or one for each layer; the first has none.
            lr: ``(λ_b, λ_W)``: learning rates of biases, and of weights times the number of inputs,
                each a number or one for each layer.

        Returns:
            Statistics of every layer; the coefficients of 1/width are those of the book.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If a value is out of range, sequences have the wrong length, widths differ
                under skips, or there is no critical initialisation to fall back on.

        Example:
            >>> relu = EffectiveTheory("relu").flow(1.0, depth=4, width=100)
            >>> relu.V / relu.K**2  # 5 (ℓ - 1)
            tensor([ 0.0000,  5.0000, 10.0000, 15.0000], dtype=torch.float64)
        """
        check_number("mean_square", mean_square, above=0)
        given = self.hyperparameters(depth, C_b, C_W, gamma, lr)
        widths = _widths(width, depth, given)
        return flow.run(self.activation, float(mean_square), given, widths)

    def kernels(
        self,
        x: Float[Tensor, "inputs features"],
        depth: int,
        *,
        C_b: PerLayer | None = None,
        C_W: PerLayer | None = None,
        gamma: PerLayer = 0.0,
        lr: tuple[PerLayer, PerLayer] = (1.0, 1.0),
    ) -> Kernels:
        """Kernel and neural tangent kernel of many inputs at infinite width, layer by layer.

        Args:
            x: Inputs, one a row.
            depth: Number of affine layers.
            C_b: Variance of biases, as in :meth:`flow`.
            C_W: Variance of weights times the number of inputs.
            gamma: Strength of the skips.
            lr: ``(λ_b, λ_W)``.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If a value is out of range, or there is no critical initialisation.

        Example:
            >>> import torch
            >>> EffectiveTheory("relu").kernels(torch.eye(2), depth=2).K[-1]
            tensor([[1.0000, 0.3183],
                    [0.3183, 1.0000]], dtype=torch.float64)
        """
        check_matrix("x", x)
        given = self.hyperparameters(depth, C_b, C_W, gamma, lr)
        return kernels.run(self.activation, x, given)

    def vertices(
        self,
        x: Float[Tensor, "inputs features"],
        depth: int,
        *,
        width: int | Sequence[int] | None = None,
        C_b: PerLayer | None = None,
        C_W: PerLayer | None = None,
    ) -> Vertices:
        """Four-point vertex of many inputs, layer by layer, in networks without skips.

        Products of one or two inputs are integrated to about ten digits; those of three or four by
        Gauss-Hermite to about five, for kinked activations quasi-randomly to about three.

        Args:
            x: Inputs, one a row, none of them 0; the cost grows with the fourth power of their
                number.
            depth: Number of affine layers.
            width: Widths of the hidden layers where they differ.
            C_b: Variance of biases, as in :meth:`flow`.
            C_W: Variance of weights times the number of inputs.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If a value is out of range, or there is no critical initialisation.

        Example:
            >>> import torch
            >>> found = EffectiveTheory("linear").vertices(torch.eye(2), depth=2)
            >>> found.pairs, found.V[-1].diagonal()
            (((0, 0), (0, 1), (1, 1)), tensor([0.5000, 0.2500, 0.5000], dtype=torch.float64))
        """
        check_matrix("x", x)
        if not bool((x != 0).any(1).all()):
            raise ValueError("x must have no row of zeros, got one")
        given = self.hyperparameters(depth, C_b, C_W, 0.0, (1.0, 1.0))
        return kernels.run_vertices(self.activation, x, given, _widths(width, depth, given))

    def hyperparameters(
        self,
        depth: int,
        C_b: PerLayer | None,
        C_W: PerLayer | None,
        gamma: PerLayer,
        lr: Any,
    ) -> Hyperparameters:
        """What :meth:`flow` takes, checked, the critical variances filled in, layer by layer."""
        check_integer("depth", depth)
        skips = per_layer("gamma", gamma, depth, least=0, below=1)
        skips = (0.0, *skips[1:])
        fallback = [self._critical(γ, "C_W") for γ in skips] if None in (C_b, C_W) else []
        biases = C_b if C_b is not None else [c.C_b for c in fallback]
        weights = C_W if C_W is not None else [c.C_W for c in fallback]
        if not isinstance(lr, tuple) or len(lr) != 2:
            raise TypeError(f"lr must be a tuple (lr_bias, lr_weight), got {lr!r:.80}")
        return Hyperparameters(
            per_layer("C_b", biases, depth, least=0),
            per_layer("C_W", weights, depth, above=0),
            skips,
            per_layer("lr[0]", lr[0], depth, least=0),
            per_layer("lr[1]", lr[1], depth, least=0),
        )

    def _critical(self, gamma: float, missing: str) -> Criticality:
        found = self.critical(gamma)
        if found.klass == "none":
            raise ValueError(
                f"{missing} must be given, got None: {self.activation.name} has no critical "
                f"initialisation ({found.reason})"
            )
        return found


def _widths(width: Any, depth: int, given: Hyperparameters) -> tuple[int, ...] | None:
    if width is None:
        return None
    if isinstance(width, str | bool) or not isinstance(width, int | Sequence):
        raise TypeError(f"width must be an int or a sequence of ints, got {width!r:.80}")
    widths = (width,) * (depth - 1) if isinstance(width, int) else tuple(width)
    if len(widths) != depth - 1:
        raise ValueError(
            f"width must have one number for each of {depth - 1} hidden layers, got {len(widths)}"
        )
    for n in widths:
        check_integer("width", n)
    if given.has_skips and len(set(widths)) > 1:
        raise ValueError(f"width must be the same for all layers with skips, got {widths}")
    return widths
