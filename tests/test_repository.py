"""Nothing committed names a path of one machine, is unfinished, or runs what a file asks for."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|root|home)/")
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME)\b")
UNSAFE = re.compile(
    r"(?<!safetensors\.)torch\.load\b(?!_)|\bpickle\.loads?\b|\bpickle\._?Unpickler\b"
    r"|allow_pickle\s*=\s*True"
)
"""What runs code that a file asks for."""

UNPICKLED = {
    "src/provenn/testing/checks/saving.py": "a check unpickles what it has just pickled itself",
    "src/provenn/data/graph_files.py": "an unpickler that knows a handful of inert stand-ins only",
}
"""File to the reason why it may name an unpickler."""


def committed() -> list[Path]:
    """Files under version control, or about to be."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is not a checkout of the repository")
    listing = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True).stdout
    return [path for name in names.decode().split("\0") if name and (path := ROOT / name).is_file()]


def found(pattern: re.Pattern[str], paths: list[Path]) -> dict[str, str]:
    """Place to line, of all lines in which a pattern occurs."""
    return {
        f"{path.relative_to(ROOT)}:{number}": line.strip()
        for path in paths
        for number, line in enumerate(path.read_text("utf-8", "ignore").splitlines(), start=1)
        if pattern.search(line)
    }


def source() -> list[Path]:
    return [path for path in committed() if path.is_relative_to(ROOT / "src")]


def test_no_path_of_a_machine():
    assert found(MACHINE_PATH, committed()) == {}


def test_nothing_unfinished_in_the_source():
    assert found(UNFINISHED, source()) == {}


def test_nothing_is_unpickled():
    places = {place.partition(":")[0] for place in found(UNSAFE, source())}
    assert places == set(UNPICKLED)


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (MACHINE_PATH, "see /" + "home/someone/data"),
        (MACHINE_PATH, 'open("/' + 'work/x")'),
        (UNFINISHED, "# TO" + "DO later"),
        (UNSAFE, "weights = torch.load(path)"),
        (UNSAFE, "pickle.load(file)"),
        (UNSAFE, "np.load(path, allow_pickle=True)"),
    ],
)
def test_patterns_notice(pattern, line):
    assert pattern.search(line)


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (MACHINE_PATH, "https://example.org/home/page"),
        (UNSAFE, "safetensors.torch.load_file(path)"),
        (UNSAFE, "np.load(path, allow_pickle=False)"),
    ],
)
def test_patterns_pass_over(pattern, line):
    assert not pattern.search(line)
