"""A distribution with one tiny page, found through the entry-point group as any outside page is."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import provenn
from provenn import papers
from provenn.cli import main
from provenn.evidence.attempt import load_page

_HERE = Path(__file__).parent


class Result(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def distribution(tmp_path_factory) -> Path:
    """Directory that holds the distribution ``tiny``."""
    root = tmp_path_factory.mktemp("distribution")
    (root / "tiny_page.py").write_text((_HERE / "tiny_page.py").read_text())
    _write_metadata(root, "tiny")
    return root


@pytest.fixture
def tiny(distribution, monkeypatch) -> Iterator[None]:
    """The page ``tiny`` is installed."""
    monkeypatch.syspath_prepend(str(distribution))
    forget_pages()
    yield
    forget_pages()


@pytest.fixture
def broken(tiny, tmp_path, monkeypatch) -> None:
    """A page that declares nothing is installed beside ``tiny``."""
    (tmp_path / "broken_page.py").write_text("")
    _write_metadata(tmp_path, "broken")
    monkeypatch.syspath_prepend(str(tmp_path))
    forget_pages()


@pytest.fixture
def installed(tiny, tmp_path, monkeypatch):
    """Install a variant of ``tiny`` beside it: ``installed("other", {text: its replacement})``."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(name: str, changes: dict[str, str] | None = None) -> Path:
        text = (_HERE / "tiny_page.py").read_text()
        for old, new in {'slug="tiny"': f'slug="{name}"', **(changes or {})}.items():
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / f"{name}_page.py"
        path.write_text(text)
        _write_metadata(tmp_path, name)
        forget_pages()
        return path

    return install


@pytest.fixture
def store(tmp_path) -> Path:
    """Where a store may be made."""
    return tmp_path / "store"


@pytest.fixture
def provenn_command(tiny, capsys):
    """Run the command in this process."""

    def run(*words: object) -> Result:
        with pytest.raises(SystemExit) as exit_:
            main([str(w) for w in words])
        out, err = capsys.readouterr()
        return Result(int(exit_.value.code or 0), out, err)

    return run


@pytest.fixture
def environment(distribution) -> dict[str, str]:
    """Environment in which a fresh process finds provenn and the page ``tiny``."""
    source = str(Path(provenn.__file__).parents[1])
    return {**os.environ, "PYTHONPATH": os.pathsep.join([source, str(distribution)])}


@pytest.fixture
def provenn_process(environment, tmp_path):
    """Run the command in a fresh process."""

    def run(*words: object, **variables: str) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "provenn", *map(str, words)],
            env={**environment, **variables},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    return run


def _write_metadata(root: Path, name: str) -> None:
    info = root / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[provenn.papers]\n{name} = {name}_page\n")


def forget_pages() -> None:
    """Let pages be looked for and read anew."""
    for name in [name for name in sys.modules if name.endswith("_page")]:
        del sys.modules[name]
    load_page.cache_clear()
    papers._modules.cache_clear()
    papers._load.cache_clear()
