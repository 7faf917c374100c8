"""Networks that are saved as ``model.safetensors`` beside ``config.json``, and built from them."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

WEIGHTS = "model.safetensors"
CONFIG = "config.json"

Model = TypeVar("Model", bound="PretrainedModule")


class PretrainedModule(nn.Module):
    """A module with a ``config``: the keyword arguments, plain data, that build it again."""

    config: dict[str, Any]

    def save_pretrained(self, directory: str | Path) -> None:
        """Write parameters, buffers and config into a directory; each file appears whole or not.

        Args:
            directory: Where to; made if it is missing.

        Raises:
            TypeError: If ``directory`` is not a path.
            OSError: If it cannot be written.
        """
        path = _as_path(directory)
        path.mkdir(parents=True, exist_ok=True)
        state = {name: t.detach().cpu().contiguous() for name, t in self.state_dict().items()}
        config = {"class": type(self).__name__, "arguments": self.config}
        with tempfile.TemporaryDirectory(dir=path, prefix=".saving-") as scratch:
            weights, text = Path(scratch) / WEIGHTS, Path(scratch) / CONFIG
            save_file(state, weights)
            text.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
            for file in (weights, text):
                with file.open("rb") as handle:
                    os.fsync(handle.fileno())
                file.replace(path / file.name)

    @classmethod
    def from_pretrained(cls: type[Model], directory: str | Path) -> Model:
        """Build the network that :meth:`save_pretrained` wrote, in evaluation mode.

        Args:
            directory: Where it was written.

        Returns:
            The network, with the parameters' stored dtype, on the CPU.

        Raises:
            TypeError: If ``directory`` is not a path.
            FileNotFoundError: If a file is missing.
            ValueError: If a file is damaged or is of another class.
        """
        path = _as_path(directory)
        for name in (CONFIG, WEIGHTS):
            if not (path / name).is_file():
                raise FileNotFoundError(f"directory must hold {name}, got {path} without it")
        arguments = _read_config(path / CONFIG, cls.__name__)
        try:
            with torch.device("meta"):
                model = cls(**arguments)
        except TypeError as error:
            raise ValueError(
                f"{path / CONFIG} must have the arguments of {cls.__name__}: {error}"
            ) from None
        try:
            model.load_state_dict(load_file(path / WEIGHTS), assign=True)
        except (SafetensorError, RuntimeError) as error:
            raise ValueError(f"{path / WEIGHTS} must fit its config: {error}") from None
        return model.eval()


def _as_path(directory: Any) -> Path:
    if not isinstance(directory, (str, Path)):
        raise TypeError(f"directory must be a str or a Path, got {type(directory).__name__}")
    return Path(directory)


def _read_config(path: Path, class_name: str) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} must be JSON: {error}") from None
    if not isinstance(config, dict) or not isinstance(config.get("arguments"), dict):
        raise ValueError(f"{path} must be an object with 'class' and 'arguments'")
    if config.get("class") != class_name:
        raise ValueError(f"{path} must be of class {class_name}, got {config.get('class')!r}")
    return dict(config["arguments"])
