"""Pictures of trajectories and of the regions of a law."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from provenn.control.simulation.plant import Plant
from provenn.control.simulation.rollout import Trajectories, check_plant

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_trajectories(plant: Plant, trajectories: Trajectories) -> "Figure":
    """States, inputs and accumulated costs over time, a line for each trajectory.

    Args:
        plant: The plant, for the names of its states and the length of its steps.
        trajectories: What it did, from :func:`~provenn.control.rollout`.

    Returns:
        A matplotlib figure with a panel for each state, for each input and for the cost. Failed
        trajectories are red; dotted lines are the limits.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the trajectories are of another plant.

    Example:
        >>> import torch
        >>> from provenn.control import ClippedPendulum, rollout
        >>> plant = ClippedPendulum(steps=20)
        >>> starts = plant.starts(3, torch.Generator().manual_seed(0))
        >>> figure = plot_trajectories(plant, rollout(plant, lambda s: 0 * s[:, :1], starts))
        >>> len(figure.axes)
        4
    """
    from matplotlib.figure import Figure

    check_plant(plant)
    if not isinstance(trajectories, Trajectories):
        raise TypeError(f"trajectories must be Trajectories, got {type(trajectories).__name__}")
    shown = trajectories.states.shape[-1], trajectories.inputs.shape[-1]
    if shown != (plant.state_dim, plant.n_inputs):
        raise ValueError(
            f"trajectories must have {plant.state_dim} states and {plant.n_inputs} inputs as the "
            f"plant has, got {shown[0]} and {shown[1]}"
        )
    states, inputs = trajectories.states.cpu().numpy(), trajectories.inputs.cpu().numpy()
    spent = trajectories.costs.cpu().numpy().cumsum(1)[..., None]
    spent = np.concatenate([np.zeros_like(spent[:, :1]), spent], 1)
    names = [*plant.state_names, *plant.input_names, "cost so far"]
    curves = [*np.moveaxis(states, -1, 0), *np.moveaxis(inputs, -1, 0), spent[..., 0]]
    limits = [*zip(*plant.x_bounds, strict=True), *zip(*plant.u_bounds, strict=True), ()]
    figure = Figure(figsize=(6.4, 1.5 * len(curves) + 0.6), layout="constrained")
    panels = figure.subplots(len(curves), 1, sharex=True, squeeze=False)[:, 0]
    for axes, name, curve, bounds in zip(panels, names, curves, limits, strict=True):
        time = plant.dt * np.arange(curve.shape[1])
        for line, failed in zip(curve, trajectories.failed.tolist(), strict=True):
            axes.plot(time, line, color="C3" if failed else "C0", lw=1.0, alpha=0.7)
        low, high = axes.get_ylim()
        for bound in bounds:
            if low <= bound <= high:
                axes.axhline(bound, color="C7", lw=0.8, ls=":")
        axes.set_ylabel(name)
    panels[-1].set_xlabel(f"time ({plant.time_unit})")
    return figure


def as_image(figure: "Figure") -> NDArray[np.uint8]:
    """The figure as an array of red, green and blue, ``(height, width, 3)``."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3].copy()
