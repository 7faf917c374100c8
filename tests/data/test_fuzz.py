"""Damaged bytes: every reader answers with arrays or with ``DataError``, nothing else."""

import contextlib
import gzip

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenn.data.errors import DataError
from provenn.data.graph_files import read_npz, read_planetoid
from provenn.data.images import cifar_batches, read_idx, read_parquet
from provenn.data.tables import read_csv, read_keel, read_libsvm

from .files import (
    COLOUR,
    GREY,
    archive,
    expected,
    idx,
    image_file,
    npz_graph,
    pixels,
    planetoid_graph,
)

CASES = {
    "parquet-png": (read_parquet, [image_file(9, GREY)], expected(9, GREY, 3)),
    "parquet-jpeg": (read_parquet, [image_file(9, COLOUR, "JPEG")], expected(9, COLOUR, 3)),
    "idx": (read_idx, idx(pixels(9, GREY), np.arange(9) % 3), expected(9, GREY, 3)),
    "cifar": (
        cifar_batches("one"),
        [archive({"one": bytes(3 * 91)})],
        expected(3, COLOUR, 3),
    ),
    "libsvm": (
        read_libsvm,
        [b"+1 1:0.5 3:2\n-1 2:-1 3:1e-3\n" * 3],
        expected(6, (3,), ("-1", "1")),
    ),
    "csv": (
        read_csv,
        [b'age,"sex",ill\n63,1,no\n37.5,0,yes\n'],
        expected(2, (2,), ("no", "yes")),
    ),
    "keel": (read_keel, [b"@data\n1.5, b, g\n2, a, h\n"], expected(2, (3,), ("g", "h"))),
    "npz": (read_npz, [npz_graph()], expected(6, (4,), 3)),
    "planetoid": (read_planetoid, planetoid_graph(), expected(512, (4,), 3)),
}


@st.composite
def damages(draw, files: list[bytes]) -> list[bytes]:
    """One of the files with bytes changed, cut out, put in, or cut off."""
    which = draw(st.integers(0, len(files) - 1))
    content = bytearray(files[which])
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        removed = draw(st.sampled_from([0, 1, 1, 1, 4, len(content)]))
        content[at : at + removed] = draw(st.binary(min_size=0, max_size=max(1, removed % 99)))
    return [*files[:which], bytes(content), *files[which + 1 :]]


@pytest.mark.reliability
@pytest.mark.parametrize("case", CASES)
def test_damaged_files_raise_only_the_documented_error(case):
    read, files, known = CASES[case]
    read(files, known)

    @settings(
        max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(damages(files))
    def check(damaged):
        with contextlib.suppress(DataError):
            read(damaged, known)

    check()


@pytest.mark.reliability
@pytest.mark.parametrize("case", CASES)
def test_any_bytes_raise_only_the_documented_error(case):
    read, files, known = CASES[case]

    @settings(max_examples=60, deadline=None, database=None)
    @given(st.binary(max_size=300), st.sampled_from(["", "gzip"]))
    def check(content, packed):
        content = gzip.compress(content) if packed else content
        with pytest.raises(DataError):
            read([content] * len(files), known)

    check()
