"""Shape and type checks for the whole package while tests run, and one thread for each process."""

import os

import hypothesis
import pytest
import torch

if os.environ.get("PROVENN_TYPECHECK", "1") == "1":
    from jaxtyping import install_import_hook

    import tests.typecheck

    install_import_hook("provenn", f"{tests.typecheck.__name__}.checker")

torch.set_num_threads(1)

# How long an example takes says more about the machine's load than about the code.
hypothesis.settings.register_profile("provenn", deadline=None)
hypothesis.settings.load_profile("provenn")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the longest tests first, so that no worker waits for them at the end."""
    items.sort(key=lambda item: item.get_closest_marker("reliability") is None)
