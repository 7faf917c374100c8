"""Decides, step by step, whether the network or the residual gives the next direction.

The network is trusted for as long as it gets on. Its steps are judged in windows of ``patience``.
In a good window the smallest residual norm so far falls by a tenth, or the energy captured so far,
``‖x_0 - x*‖²_A - ‖x_k - x*‖²_A``, grows by a tenth. After a window that is not good the solver
takes steps of conjugate gradients, first ``patience`` of them and after every such window twice as
many, and then trusts the network again.

Whatever the network does, this converges. A spell of ``s`` steps of conjugate gradients multiplies
the error in the norm of ``A`` by ``2 exp(-2s/√κ)`` at most, no other step raises it, and there are
finitely many good windows; ``docs/methods/dcdm.md`` has the proof and the number of steps.
"""

GAIN = 0.1
"""Least relative progress of a good window."""


class Safeguard:
    """Keeps the account of windows and spells.

    Args:
        patience: Steps of a window, and of the first spell.
        residual: Norm of the first residual.
        energy: Energy that one step along the first residual would capture.
    """

    def __init__(self, patience: int, residual: float, energy: float) -> None:
        self._patience = patience
        self._smallest, self._captured = residual, energy
        self._spell = patience
        self._left = 0
        self._start_window()

    @property
    def trusts_network(self) -> bool:
        """Whether the network gives the next direction."""
        return self._left == 0

    def record(self, residual: float, energy: float) -> bool:
        """Take note of a step: the new residual's norm, and the energy that the step captured.

        Returns:
            Whether a spell of conjugate gradients begins.
        """
        self._smallest = min(self._smallest, residual)
        self._captured += energy
        if self._left:
            self._left -= 1
            if not self._left:
                self._start_window()
            return False
        self._steps += 1
        if self._steps < self._patience:
            return False
        begins = not self._is_good()
        if begins:
            self._left = self._spell
            self._spell *= 2
        self._start_window()
        return begins

    def _start_window(self) -> None:
        self._steps = 0
        self._residual_before, self._energy_before = self._smallest, self._captured

    def _is_good(self) -> bool:
        return (
            self._smallest <= (1 - GAIN) * self._residual_before
            or self._captured >= (1 + GAIN) * self._energy_before
        )
