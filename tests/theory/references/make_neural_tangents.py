"""Writes ``neural_tangents.json``: kernels of infinitely wide networks as neural-tangents has them.

It requires TensorFlow and an old jax, so it is not installed beside this package. In an environment
of its own::

    python -m venv reference && . reference/bin/activate
    pip install "jax==0.4.25" "jaxlib==0.4.25" "numpy<2" "scipy<1.13" frozendict typing_extensions
    pip install --no-deps "neural-tangents==0.6.5"
    python tests/theory/references/make_neural_tangents.py

Its parametrisation "ntk" has learning rates ``(λ_b, λ_W) = (C_b, C_W)``.
"""

import json
import sys
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np

X = [[1.0, 0.3, -0.5], [0.2, -1.0, 0.4], [0.9, 0.1, -0.4], [-0.6, 0.5, 0.8]]
VARIANCES = ((0.0, 2.0), (0.2, 1.3))
DEPTHS = (2, 5, 10)


def load():
    """The package's layers, with float64 and without what only its TensorFlow part needs."""
    for absent in ("tensorflow", "tf2jax", "jax.experimental.jax2tf"):
        sys.modules[absent] = MagicMock()
    import jax

    jax.config.update("jax_enable_x64", True)
    from neural_tangents import stax

    return stax


def kernels(stax, activation, depth, C_b, C_W):
    """K and Θ of the last of ``depth`` affine layers."""
    dense = stax.Dense(1, W_std=C_W**0.5, b_std=C_b**0.5, parameterization="ntk")
    layers = [dense] + [layer for _ in range(depth - 1) for layer in (activation, dense)]
    _, _, kernel_fn = stax.serial(*layers)
    found = kernel_fn(np.array(X), None, ("nngp", "ntk"))
    return np.asarray(found.nngp).tolist(), np.asarray(found.ntk).tolist()


def main():
    stax = load()
    activations = {
        "relu": stax.Relu(),
        "leaky_relu": stax.LeakyRelu(0.01),
        "abs": stax.Abs(),
        "erf": stax.Erf(),
        "sin": stax.Sin(),
        "gelu": stax.Gelu(),
    }
    cases = []
    for name, activation in activations.items():
        for C_b, C_W in VARIANCES:
            for depth in DEPTHS:
                K, Theta = kernels(stax, activation, depth, C_b, C_W)
                case = {"activation": name, "depth": depth, "C_b": C_b, "C_W": C_W}
                cases.append({**case, "K": K, "Theta": Theta})
    out = Path(__file__).with_name("neural_tangents.json")
    out.write_text(json.dumps({"x": X, "cases": cases}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
