"""Domains that the tests of the room share."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import strategies as st


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@st.composite
def domains(draw) -> dict[str, Any]:
    """Arguments of operators on small grids of any dimension: any walls, air and open sides."""
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple))
    cells = draw(
        st.lists(
            st.sampled_from("ffffsa"), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))
        )
    )
    kinds = np.array(cells).reshape(shape)
    if not (kinds == "f").any():
        kinds.flat[0] = "f"
    sides = draw(
        st.lists(st.tuples(st.booleans(), st.booleans()), min_size=len(shape), max_size=len(shape))
    )
    return {
        "grid_shape": shape,
        "solid": kinds == "s",
        "air": kinds == "a",
        "open_sides": sides,
    }
