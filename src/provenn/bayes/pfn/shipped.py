"""Networks that come with the package, each with its weights in ``weights/<name>/``."""

import copy
import difflib
import functools
from importlib import resources
from pathlib import Path
from typing import Any

from provenn.bayes.pfn.network import PriorFittedNetwork
from provenn.nn.pretrained import CONFIG

FOLDER = Path(str(resources.files("provenn.bayes.pfn"))) / "weights"


def shipped_names() -> tuple[str, ...]:
    """Names of the shipped networks, in alphabetical order."""
    return tuple(sorted(config.parent.name for config in FOLDER.glob(f"*/{CONFIG}")))


def load_shipped(name: str) -> PriorFittedNetwork:
    """Load a network that comes with the package.

    Its files are read once in a process; every call returns a network of its own.

    Args:
        name: One of :func:`shipped_names`.

    Returns:
        The network, in evaluation mode, on the CPU.

    Raises:
        TypeError: If ``name`` is not a string.
        ValueError: If no network of that name is shipped.

    Example:
        >>> for name in shipped_names():
        ...     network = load_shipped(name)
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be a str, got {name!r} of type {type(name).__name__}")
    names = shipped_names()
    if name not in names:
        nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
        hint = f"; the nearest is {nearest[0]!r}" if nearest else ""
        raise ValueError(
            f"name must be one of {', '.join(names) or 'no shipped networks'}, got {name!r}{hint}"
        )
    return copy.deepcopy(_read(name))


def find_network(model: Any) -> PriorFittedNetwork:
    """The network that a name or a directory stands for.

    Args:
        model: A network, the name of a shipped one, or a directory that ``save_pretrained`` wrote.

    Returns:
        The network that was given, or the one that was loaded.

    Raises:
        TypeError: If ``model`` is none of these.
        FileNotFoundError: If a file is missing in the directory.
        ValueError: If there is neither a shipped network of that name nor such a directory.
    """
    if isinstance(model, PriorFittedNetwork):
        return model
    if not isinstance(model, (str, Path)):
        raise TypeError(
            "model must be a PriorFittedNetwork, the name of a shipped network or a directory, "
            f"got {model!r} of type {type(model).__name__}"
        )
    if model not in shipped_names() and Path(model).is_dir():
        return PriorFittedNetwork.from_pretrained(model)
    try:
        return load_shipped(str(model))
    except ValueError as error:
        raise ValueError(
            f"model must be the name of a shipped network or a directory that exists: {error}"
        ) from None


@functools.cache
def _read(name: str) -> PriorFittedNetwork:
    return PriorFittedNetwork.from_pretrained(FOLDER / name)
