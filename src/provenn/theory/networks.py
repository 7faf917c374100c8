"""A multilayer perceptron that starts at criticality, with or without skip connections."""

from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from provenn.checks import check_dtype, check_flag, check_integer, check_number
from provenn.nn.hypercomplex.checks import check_input
from provenn.nn.pretrained import PretrainedModule
from provenn.theory.activations import as_activation
from provenn.theory.criticality import Criticality, critical


class CriticalMLP(PretrainedModule):
    """Residual multilayer perceptron at its critical initialisation.

    ``z^(1) = b + W x``, ``z^(ℓ+1) = b + W σ(z^(ℓ)) + γ z^(ℓ)``, output ``b + W σ(z^(L-1))``.
    Signals and gradients neither explode nor vanish with depth; ``gamma`` close to 1 lets very deep
    networks of a given width train.

    Args:
        in_features: Size of each input.
        hidden_features: Width of the hidden layers.
        out_features: Size of each output.
        depth: Number of affine layers ``L``, at least 1.
        bias: Whether layers have biases; without, the critical ``C_b`` must be 0.
        device: Device of the parameters.
        dtype: Floating-point type of the parameters.
        activation: Name of the activation, as :class:`EffectiveTheory` knows it.
        gamma: Strength ``γ`` of the skips between hidden layers, in [0, 1).

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a number is out of range, or the activation has no critical initialisation
            (without biases: none with ``C_b = 0``).

    Reference:
        Roberts, Yaida, Hanin: The Principles of Deep Learning Theory, appendix B; arXiv 2106.10165.

    Example:
        >>> model = CriticalMLP(8, 64, 3, depth=30, activation="tanh", gamma=0.9)
        >>> model(torch.ones(5, 8)).shape
        torch.Size([5, 3])
    """

    def __init__(
        self,
        in_features: int,
        hidden_features: int,
        out_features: int,
        depth: int,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        activation: str = "relu",
        gamma: float = 0.0,
    ) -> None:
        super().__init__()
        sizes = {
            "in_features": in_features,
            "hidden_features": hidden_features,
            "out_features": out_features,
            "depth": depth,
        }
        for name, size in sizes.items():
            check_integer(name, size)
        check_flag("bias", bias)
        check_dtype(dtype)
        check_number("gamma", gamma, least=0, below=1)
        if not isinstance(activation, str):
            raise TypeError(
                f"activation must be the name of an activation, got {activation!r:.80} of type "
                f"{type(activation).__name__}"
            )
        self._activation = as_activation(activation)
        self.in_features = in_features
        self.hidden_features = hidden_features
        self.out_features = out_features
        self.depth = depth
        self.activation = activation
        self.gamma = float(gamma)
        self.config = {**sizes, "bias": bias, "activation": activation, "gamma": self.gamma}
        if not bias and self._criticality(0.0).C_b > 0:
            raise ValueError(
                f"bias must be True for {activation}, whose critical C_b is not 0, got False"
            )
        widths = [in_features, *(hidden_features,) * (depth - 1), out_features]
        self.layers = nn.ModuleList(
            nn.Linear(n, m, bias, device, dtype) for n, m in pairwise(widths)
        )
        self.reset_parameters()

    @property
    def affine(self) -> list[nn.Linear]:
        """The affine layers."""
        return list(self.layers)  # type: ignore[arg-type]

    def skip_into(self, layer: int) -> float:
        """``γ`` of the skip into a layer, counted from 0: none into the first and the last."""
        return self.gamma if 0 < layer < self.depth - 1 else 0.0

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw weights and biases from the critical normal distributions."""
        for i, layer in enumerate(self.affine):
            found = self._criticality(self.skip_into(i))
            nn.init.normal_(layer.weight, std=(found.C_W / layer.in_features) ** 0.5)
            if self.config["bias"]:
                nn.init.normal_(layer.bias, std=found.C_b**0.5)

    def forward(
        self, x: Float[Tensor, "*batch in_features"]
    ) -> Float[Tensor, "*batch out_features"]:
        """Outputs of the network.

        Args:
            x: Inputs, shape (..., in_features).

        Returns:
            Outputs, shape (..., out_features).
        """
        check_input(x, self.in_features, -1, None, self.affine[0].weight)
        z: Tensor = self.layers[0](x)
        for i in range(1, self.depth):
            branch = self.layers[i](self._activation(z))
            skip = self.skip_into(i)
            z = branch + skip * z if skip else branch
        return z

    def extra_repr(self) -> str:
        """Arguments of the constructor."""
        return (
            f"{self.in_features}, {self.hidden_features}, {self.out_features}, depth={self.depth}, "
            f"activation={self.activation!r}, gamma={self.gamma}"
        )

    def _criticality(self, gamma: float) -> Criticality:
        found = critical(self._activation, gamma)
        if found.klass == "none":
            raise ValueError(
                f"activation must have a critical initialisation, got {self.activation!r}: "
                f"{found.reason}"
            )
        return found

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_activation"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._activation = as_activation(self.activation)
