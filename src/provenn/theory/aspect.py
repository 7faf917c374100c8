"""How deep for its width a network should be.

Fluctuations of the kernel over networks grow like ``ν L / n``. They carry information between the
output neurons; too many of them are noise. For an output layer of ``n_out = m_A + m_B`` neurons and
``v = V / (n K²) = ν L / n`` the mutual information between the two parts is

    I(v) = m_A m_B (v² / 8 - v³ (20 + 3 n_out) / 48) + O(v⁴),

largest at ``v = 4 / (20 + 3 n_out)`` however the neurons are split. That fixes ``L / n``; skip
connections, which lower ``ν``, move it.

Reference:
    Roberts, Yaida, Hanin: The Principles of Deep Learning Theory, appendices A and B; arXiv
    2106.10165.
"""

import math

from provenn.checks import check_integer, check_number
from provenn.theory.activations import ActivationLike
from provenn.theory.criticality import Criticality, critical


def mutual_information(fluctuation: float, m_A: int, m_B: int) -> float:
    """Mutual information in nats between two parts of the output layer, to third order.

    Args:
        fluctuation: ``v = V / (n K²)`` of the output layer.
        m_A: Neurons of one part.
        m_B: Neurons of the other.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a number is out of range.

    Example:
        >>> round(mutual_information(0.08, 5, 5), 6)
        0.006667
    """
    check_number("fluctuation", fluctuation, least=0)
    check_integer("m_A", m_A)
    check_integer("m_B", m_B)
    v = fluctuation
    return m_A * m_B * (v**2 / 8 - v**3 * (20 + 3 * (m_A + m_B)) / 48)


def optimal_aspect_ratio(n_out: int, activation: ActivationLike, *, gamma: float = 0.0) -> float:
    """``r* = L / n`` at which the output neurons share most information.

    It is a heuristic about networks before training, not a law about trained ones.

    Args:
        n_out: Neurons of the output layer.
        activation: Name, module or function.
        gamma: Strength of the skip connections.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a number is out of range, or the activation has no critical initialisation.

    Example:
        >>> [round(optimal_aspect_ratio(10, name), 4) for name in ("relu", "tanh", "linear")]
        [0.016, 0.12, 0.04]
    """
    check_integer("n_out", n_out)
    return _best_fluctuation(n_out) / _known(activation, gamma).nu


def optimal_width(depth: int, n_out: int, activation: ActivationLike, *, gamma: float = 0.0) -> int:
    """Width ``n = L / r*``, rounded up, for a network of ``depth`` affine layers.

    Args:
        depth: Number of affine layers.
        n_out: Neurons of the output layer.
        activation: Name, module or function.
        gamma: Strength of the skip connections.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a number is out of range, or the activation has no critical initialisation.

    Example:
        >>> optimal_width(30, 10, "tanh"), optimal_width(30, 10, "tanh", gamma=0.9)
        (250, 86)
    """
    check_integer("depth", depth)
    ratio = optimal_aspect_ratio(n_out, activation, gamma=gamma)
    return math.ceil(depth / ratio * (1 - 1e-12))


def skip_strength(depth: int, width: int, n_out: int, activation: ActivationLike) -> float:
    """``γ`` at which a network of this depth and width has the optimal aspect ratio.

    It inverts ``ν(γ)``: ``(2/3) (1 - γ⁴)`` in the class ``K*=0``; in the others it is found on the
    side where ``ν`` falls to 0 as ``γ`` rises to 1 (for ReLU, weak skips raise it).

    Args:
        depth: Number of affine layers.
        width: Width of the hidden layers.
        n_out: Neurons of the output layer.
        activation: Name, module or function.

    Returns:
        ``γ`` in [0, 1); 0 where the network is wide enough without skips.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If a number is out of range, or the activation has no critical initialisation.

    Example:
        >>> gamma = skip_strength(30, 64, 10, "tanh")
        >>> round(gamma, 3), optimal_width(30, 10, "tanh", gamma=gamma)
        (0.929, 64)
    """
    check_integer("depth", depth)
    check_integer("width", width)
    check_integer("n_out", n_out)
    plain = _known(activation, 0.0)
    wanted = _best_fluctuation(n_out) * width / depth
    if plain.nu <= wanted:
        return 0.0
    if plain.klass == "K*=0":
        return float((1 - 1.5 * wanted) ** 0.25)
    from scipy.optimize import brentq  # costly to import

    def excess(gamma: float) -> float:
        return critical(activation, gamma).nu - wanted

    grid = [i / 100 for i in range(100)]
    highest = max(grid, key=excess)
    return float(brentq(excess, highest, 1 - 1e-9))


def _best_fluctuation(n_out: int) -> float:
    return 4 / (20 + 3 * n_out)


def _known(activation: ActivationLike, gamma: float) -> Criticality:
    found = critical(activation, gamma)
    if found.klass == "none":
        raise ValueError(
            f"activation must have a critical initialisation, got {activation!r}: {found.reason}"
        )
    return found
