"""Readers of tables: what they give, and what they refuse."""

import io
import zipfile

import numpy as np
import pytest

from provenn.data.errors import DataError
from provenn.data.tables import fixed_split, read_csv, read_keel, read_libsvm

from .files import expected

SIGNS = ("-1", "1")


def test_libsvm_is_read_dense():
    decoded = read_libsvm([b"+1 1:0.5 3:2\n-1 2:-1 \n"], expected(2, (3,), SIGNS))
    np.testing.assert_array_equal(decoded.x, np.array([[0.5, 0, 2], [0, -1, 0]], np.float32))
    assert decoded.x.dtype == np.float32
    assert decoded.y.tolist() == [1, 0]
    assert decoded.features == ("f1", "f2", "f3")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"+1 1:1\n",
        b"+1 1:1\n-1 4:1\n",
        b"+1 1:1\n-1 0:1\n",
        b"+1 1:1\n-1 99999999999:1\n",
        b"+1 1:1\n-1 1:x\n",
        b"+1 1:1\n-1 1:nan\n",
        b"+1 1:1\n-1 1:1e300\n",
        b"+1 1:1\n2 1:1\n",
        b"+1 1:1\n+1 1:1\n",
        b"\xff\xfe",
    ],
)
def test_text_that_is_not_the_libsvm_table_is_refused(text):
    with pytest.raises(DataError):
        read_libsvm([text], expected(2, (3,), SIGNS))


def test_csv_has_names_in_its_header():
    text = "\ufeffage, sex,ill\n63,1,no\n37.5,0,yes\n".encode()
    decoded = read_csv([text], expected(2, (2,), ("no", "yes")))
    np.testing.assert_array_equal(decoded.x, np.array([[63, 1], [37.5, 0]], np.float32))
    assert decoded.features == ("age", "sex")
    assert decoded.y.tolist() == [0, 1]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"a,b,c\n",
        b"a,b,c\n1,2,no\n",
        b"a,b,c\n1,2,no\n1,yes\n",
        b"a,b,c\n1,2,no\n1,x,yes\n",
        b"a,b,c\n1,2,no\n1,inf,yes\n",
        b"a,b,c\n1,2,no\n1,,yes\n",
        b"a,b,c\n1,2,no\n1,2,maybe\n",
        b"a,b,c,d\n1,2,3,no\n1,2,3,yes\n",
        b"a,b,c\n1,2,no\n1,2," + b"y" * 200_000 + b"\n",
        b"\xff\xfe\x00",
    ],
)
def test_text_that_is_not_the_csv_table_is_refused(text):
    with pytest.raises(DataError):
        read_csv([text], expected(2, (2,), ("no", "yes")))


KEEL = b"@relation r\n@attribute a real\n@data\n1.5, b, g\n2, a, h\n<null>, a, h\n"


def test_keel_words_become_columns():
    decoded = read_keel([KEEL], expected(2, (3,), ("g", "h")))
    np.testing.assert_array_equal(decoded.x, np.array([[1.5, 0, 1], [2, 1, 0]], np.float32))
    assert decoded.features == ("f1", "f2=a", "f2=b")
    assert decoded.y.tolist() == [0, 1]


def zipped(*names: str, content: bytes = KEEL) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name in names:
            file.writestr(name, content)
    return out.getvalue()


def test_keel_may_be_zipped():
    known = expected(2, (3,), ("g", "h"))
    assert read_keel([zipped("r.dat")], known).sha256 == read_keel([KEEL], known).sha256


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"@data\n",
        b"1,2\n3\n",
        b"g\nh\n",
        b"1,b,g\n2,a,h\n3,c,h\n",
        b"1,b,g\n2,c,h\n3,d,h\n",
        zipped("r.txt"),
        zipped("r.dat", "s.dat"),
        zipped("r.dat", content=bytes(70 * 2**20)),
        zipped("r.dat")[:-30],
        b"PK\x03\x04",
    ],
)
def test_text_that_is_not_the_keel_table_is_refused(content):
    with pytest.raises(DataError):
        read_keel([content], expected(2, (3,), ("g", "h")))


def test_many_words_are_refused_before_they_become_columns():
    text = b"".join(b"w%d,%s\n" % (i, b"gh"[i % 2 : i % 2 + 1]) for i in range(20_000))
    with pytest.raises(DataError, match="it has more"):
        read_keel([text], expected(20_000, (3,), ("g", "h")))


def test_the_fixed_split_is_fixed():
    train, test = fixed_split(np.arange(50) % 2, 10)
    assert test.tolist() == [0, 6, 17, 19, 24, 30, 33, 39, 41, 42]
    assert sorted([*train, *test]) == list(range(50))
    again, _ = fixed_split(np.arange(50) % 2, 10)
    np.testing.assert_array_equal(train, again)
