"""Gymnasium environments of the plants, under their ids."""

import importlib.util

from provenn.control.simulation.pendulum import ClippedPendulum
from provenn.control.simulation.reactor import Reactor

ENVIRONMENTS = {
    "provenn/ClippedPendulum-v0": ClippedPendulum(),
    "provenn/Reactor-v0": Reactor(),
}


def register_environments() -> None:
    """Register the ids of :data:`ENVIRONMENTS`, where Gymnasium is installed."""
    if importlib.util.find_spec("gymnasium") is None:
        return
    from gymnasium import register, registry

    for name, plant in ENVIRONMENTS.items():
        if name not in registry:
            entry_point = "provenn.control.environments:PlantEnvironment"
            register(id=name, entry_point=entry_point, kwargs={"plant": plant})
