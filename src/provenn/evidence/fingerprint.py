"""The code that a page's measurements rest on, as one hash: evidence of other code is stale.

Hashed are the part of the page module that ``trial``, ``Config`` and ``PRESETS`` reach, and every
module of the method that it imports, directly or not. ``from provenn.nn import PHConv2d`` leads
through the room's ``__init__`` to the module that defines ``PHConv2d``, so that another method in
the room changes nothing. Comments, docstrings and layout do not count, nor does what cannot change
a measurement: claims (``claims.lock`` guards them), figures, captions.

Left out, with the reason:

* ``provenn.data``: the arrays that a trial read are identified by their own SHA-256.
* ``provenn.evidence``: verdicts are drawn anew from stored metrics; that the runner repeats itself
  bit by bit is held by its tests.
* ``provenn.report``, ``provenn.cli``, ``provenn.testing``: they run after, around or beside it.
"""

import ast
import hashlib
import importlib.util
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from pathlib import Path

from provenn.evidence.page import Page

EXCLUDED = (
    "provenn.cli",
    "provenn.data",
    "provenn.evidence",
    "provenn.report",
    "provenn.testing",
)
ROOTS = ("trial", "Config", "PRESETS")
"""What a measurement starts from."""

_Import = ast.Import | ast.ImportFrom


def fingerprint(page: Page) -> str:
    """SHA-256 of the code that the page's measurements rest on, computed once a process."""
    return _cached(page.module, page.path)


def compute(module: str, path: Path) -> str:
    """SHA-256 of the code that a page module's measurements rest on, from the files as they are.

    Args:
        module: Full name of the page module.
        path: Its file.
    """
    return _Reach(module).fingerprint(path)


@cache
def _cached(module: str, path: Path) -> str:
    return compute(module, path)


class _Reach:
    """The modules that a page reaches, within provenn and the page's own package."""

    def __init__(self, page: str) -> None:
        self._page = page
        self._packages = {"provenn", page.partition(".")[0]}
        self._texts: dict[str, str] = {}

    def fingerprint(self, path: Path) -> str:
        kept = _measured(_parse(path))
        self._texts[self._page] = "".join(map(_normal, kept))
        for statement in kept:
            self._follow(self._page, False, statement)
        digest = hashlib.sha256()
        for module, text in sorted(self._texts.items()):
            digest.update(f"{module}\n{text}\n".encode())
        return digest.hexdigest()

    def _follow(self, module: str, is_package: bool, tree: ast.AST) -> None:
        for statement in _imports(tree):
            if isinstance(statement, ast.Import):
                for alias in statement.names:
                    self._include(alias.name)
            else:
                base = _absolute(statement, module, is_package)
                for alias in statement.names:
                    for target in self._defining(base, alias.name, set()):
                        self._include(target)

    def _include(self, module: str) -> None:
        """Hash the whole module, and what it imports."""
        path = self._source(module)
        if path is None or module in self._texts:
            return
        tree, is_package = _parse(path), path.name == "__init__.py"
        self._texts[module] = _text(path)
        self._follow(module, is_package, tree)
        if is_package and "__getattr__" in _bound(tree):
            self._include_all(module, path)

    def _include_all(self, package: str, path: Path) -> None:
        """Hash every module of a package that makes its names when they are asked for."""
        for entry in sorted(path.parent.iterdir()):
            if entry.suffix == ".py" or (entry / "__init__.py").is_file():
                self._include(f"{package}.{entry.stem}")

    def _defining(self, base: str, name: str, seen: set[tuple[str, str]]) -> Iterator[str]:
        """Modules that ``from base import name`` leads to."""
        path = self._source(base)
        if path is None or (base, name) in seen:
            return
        seen.add((base, name))
        if path.name != "__init__.py":
            yield base
            return
        tree = _parse(path)
        passed_on = False
        for statement in _imports(tree):
            if isinstance(statement, ast.ImportFrom):
                for alias in statement.names:
                    if (alias.asname or alias.name) == name:
                        passed_on = True
                        origin = _absolute(statement, base, True)
                        yield from self._defining(origin, alias.name, seen)
        if passed_on:
            return
        if name not in _bound(tree) and self._source(f"{base}.{name}") is not None:
            yield f"{base}.{name}"
        else:
            yield base

    def _source(self, module: str) -> Path | None:
        """File of a module that counts, else ``None``."""
        package, *rest = module.split(".")
        if package not in self._packages or _is_excluded(module):
            return None
        for folder in _folders(package):
            stem = folder.joinpath(*rest)
            for path in (stem / "__init__.py", stem.with_suffix(".py")):
                if path.is_file():
                    return path
        return None


def _is_excluded(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in EXCLUDED)


def _folders(package: str) -> list[Path]:
    spec = importlib.util.find_spec(package)
    locations = spec.submodule_search_locations if spec is not None else None
    return [Path(location) for location in locations or ()]


def _parse(path: Path) -> ast.Module:
    return _parsed(path, path.stat().st_mtime_ns)


def _text(path: Path) -> str:
    return _normalised(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=512)
def _parsed(path: Path, changed_ns: int) -> ast.Module:
    return ast.parse(path.read_bytes())


@lru_cache(maxsize=512)
def _normalised(path: Path, changed_ns: int) -> str:
    return _normal(_parsed(path, changed_ns))


def _measured(tree: ast.Module) -> list[ast.stmt]:
    """Top-level statements of a page that can change a measurement, imports one name each."""
    running = [statement for statement in tree.body if not _is_inert(statement)]
    statements = [part for statement in running for part in _one_name_each(statement)]
    binding: dict[str, list[int]] = {}
    kept = set()
    names = list(ROOTS)
    for index, statement in enumerate(statements):
        bound = _bound_by(statement)
        for name in bound:
            binding.setdefault(name, []).append(index)
        if not bound or _is_registered(statement):
            kept.add(index)
            names.extend(_used(statement))
    seen: set[str] = set()
    while names:
        name = names.pop()
        if name not in seen:
            seen.add(name)
            for index in binding.get(name, ()):
                kept.add(index)
                names.extend(_used(statements[index]))
    return [statements[index] for index in sorted(kept)]


def _one_name_each(statement: ast.stmt) -> list[ast.stmt]:
    if isinstance(statement, ast.Import):
        return [ast.Import(names=[alias]) for alias in statement.names]
    if isinstance(statement, ast.ImportFrom):
        return [
            ast.ImportFrom(module=statement.module, names=[alias], level=statement.level)
            for alias in statement.names
        ]
    return [statement]


def _bound_by(statement: ast.stmt) -> set[str]:
    """Names that a top-level statement defines; none for one that runs for its effect."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, _Import):
        return {a.asname or a.name.partition(".")[0] for a in statement.names} - {"*"}
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        inside = [node for target in targets for node in ast.walk(target)]
        if not any(isinstance(node, ast.Attribute | ast.Subscript) for node in inside):
            return {node.id for node in inside if isinstance(node, ast.Name)}
    return set()


def _bound(tree: ast.Module) -> set[str]:
    return {name for statement in tree.body for name in _bound_by(statement)}


def _is_registered(statement: ast.stmt) -> bool:
    """Whether a decorator may have handed the function to something that a trial reaches."""
    return isinstance(statement, ast.FunctionDef) and bool(statement.decorator_list)


def _used(statement: ast.stmt) -> Iterator[str]:
    return (node.id for node in ast.walk(statement) if isinstance(node, ast.Name))


def _imports(tree: ast.AST) -> Iterator[_Import]:
    """Every import statement that runs, wherever it stands."""
    if isinstance(tree, _Import):
        yield tree
    elif isinstance(tree, ast.If) and _is_type_checking(tree.test):
        yield from _all_imports(tree.orelse)
    elif isinstance(tree, ast.mod | ast.stmt | ast.ExceptHandler | ast.match_case):
        yield from _all_imports(ast.iter_child_nodes(tree))


def _all_imports(nodes: Iterable[ast.AST]) -> Iterator[_Import]:
    for node in nodes:
        yield from _imports(node)


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def _absolute(statement: ast.ImportFrom, module: str, is_package: bool) -> str:
    """Full name of the module that ``statement``, found in ``module``, imports from."""
    if not statement.level:
        return statement.module or ""
    parts = module.split(".")
    up = statement.level - 1 if is_package else statement.level
    base = parts[: len(parts) - up]
    return ".".join([*base, statement.module] if statement.module else base)


def _normal(node: object) -> str:
    """Text of a syntax tree that is the same in every Python version, without what does nothing."""
    if isinstance(node, ast.AST):
        fields = (
            f"{name}={_normal(value)}"
            for name, value in ast.iter_fields(node)
            if value is not None and value != [] and name not in ("ctx", "kind", "type_comment")
        )
        return f"{type(node).__name__}({','.join(fields)})"
    if isinstance(node, list):
        return f"[{','.join(_normal(item) for item in node if not _is_inert(item))}]"
    return repr(node)


def _is_inert(node: object) -> bool:
    """Whether a statement does nothing when it runs: a docstring, an import for type checkers."""
    if isinstance(node, ast.If):
        return _is_type_checking(node.test) and not node.orelse
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
