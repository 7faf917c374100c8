"""What every public function does first: check its arguments and trace the model."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from provenn.verify.backward import Objective
from provenn.verify.graph import Graph
from provenn.verify.lowering import UnsupportedOperatorError
from provenn.verify.region import Region
from provenn.verify.tracing import trace


def traced(model: nn.Module, region: Region) -> Graph:
    """The model's graph, once it is seen to compute what the model computes.

    Raises:
        TypeError: If ``model`` is not a module.
        ValueError: If the model and the region do not fit, or the model cannot be bounded.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}")
    given = region.lo
    for name, parameter in model.named_parameters():
        if parameter.dtype != given.dtype or parameter.device != given.device:
            raise ValueError(
                f"x must have the dtype and device of the model ({parameter.dtype} on "
                f"{parameter.device}, see {name!r}), got {given.dtype} on {given.device}"
            )
    points = torch.cat([region.lo[:4], region.hi[:4]])
    with torch.no_grad():
        expected = _output(model, points)
        graph = trace(model, given[:0])
        found = graph.values(points)[-1]
    tolerance = 1e3 * torch.finfo(given.dtype).eps * max(1.0, float(expected.abs().max()))
    if found.shape != expected.shape or not bool(((found - expected).abs() <= tolerance).all()):
        raise UnsupportedOperatorError(
            "model must compute what its traced program says, got different outputs; replace "
            "in-place operations whose input is read again, and branches on values"
        )
    return graph


def every_output(graph: Graph, batch: int) -> Objective:
    """One unit row vector for each output, the same for each batch element."""
    like = graph.like
    eye = torch.eye(graph.n_outputs, dtype=like.dtype, device=like.device)
    return eye.expand(batch, -1, -1)


def groups(graph: Graph, region: Region, memory_budget: int) -> Iterator[Region]:
    """Parts of the batch that are bounded at once: one where a single input fills the budget."""
    rows = max(graph.nodes[0].size, *(node.size for node in graph.relus.values()), 1)
    _, width = graph.widths()
    each = 6 * rows * graph.n_outputs * width * graph.like.element_size()
    size = max(1, memory_budget // each)
    for i in range(0, len(region), size):
        yield region[i : i + size]


def check_choice(value: object, accepted: Sequence[object], name: str) -> None:
    """Raise ``ValueError`` unless ``value`` is one of ``accepted``."""
    if isinstance(value, bool) or not any(value == choice for choice in accepted):
        raise ValueError(f"{name} must be one of {', '.join(map(repr, accepted))}, got {value!r}")


def check_integer(value: object, name: str, least: int = 0, below: int | None = None) -> None:
    """Raise unless ``value`` is an integer from ``least`` on, and less than ``below``."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an integer, got {type(value).__name__}")
    if value < least or (below is not None and value >= below):
        end = "" if below is None else f" and less than {below}"
        raise ValueError(f"{name} must be at least {least}{end}, got {value}")


def _output(model: nn.Module, points: Tensor) -> Tensor:
    try:
        output = model(points)
    except Exception as error:
        raise ValueError(
            f"x must have a shape that the model accepts, got {tuple(points.shape[1:])} for each "
            f"input: {error}"
        ) from error
    if not isinstance(output, Tensor) or output.ndim != 2 or output.shape[0] != len(points):
        shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise ValueError(f"model must return one tensor of shape (batch, outputs), got {shape}")
    return output
