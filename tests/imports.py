"""The imports among the files of a package, read from the source, and their cycles."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

Imports: TypeAlias = Mapping[str, frozenset[str]]
"""For each file (its path below the folder of the package) the files of the package that it imports."""


def imports_of(package: Path) -> Imports:
    """Return the imports of every file of a package, those inside functions included.

    An import in an ``if TYPE_CHECKING:`` block does not count. ``from a.b import c`` imports ``a/b/c.py`` if there is
    such a module, else ``a/b.py`` or ``a/b/__init__.py``; the packages above are not counted as imported.
    """
    files = {_module(path, package): str(path.relative_to(package)) for path in sorted(package.rglob("*.py"))}
    return {
        file: frozenset(files[found] for found in _imported_modules(package / file, module, files))
        for module, file in files.items()
    }


def cycles(imports: Imports) -> list[list[str]]:
    """Return the groups of files that import one another in a cycle, each group and the list sorted.

    A group is a strongly connected component (Tarjan 1972) of several files, or one file that imports itself.
    """
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(file: str) -> None:
        order[file] = lowest[file] = len(order)
        stack.append(file)
        for other in sorted(imports[file]):
            if other not in order:
                visit(other)
                lowest[file] = min(lowest[file], lowest[other])
            elif other in stack:
                lowest[file] = min(lowest[file], order[other])
        if lowest[file] == order[file]:
            place = stack.index(file)
            group = sorted(stack[place:])
            del stack[place:]
            if len(group) > 1 or file in imports[file]:
                found.append(group)

    for file in imports:
        if file not in order:
            visit(file)
    return sorted(found)


def _module(path: Path, package: Path) -> str:
    """Return the dotted name of a file's module; that of a package for its ``__init__.py``."""
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported_modules(path: Path, module: str, modules: Mapping[str, str]) -> Iterator[str]:
    """Yield the modules of the package that a file imports."""
    for node in _outside_type_checking(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, module, is_package=path.name == "__init__.py")
            for alias in node.names:
                name = f"{base}.{alias.name}"
                if name in modules or base in modules:
                    yield name if name in modules else base


def _base(node: ast.ImportFrom, module: str, *, is_package: bool) -> str:
    """Return the absolute name of the module after ``from``."""
    if not node.level:
        return node.module or ""
    parents = module.split(".")
    above = parents[: len(parents) - node.level + is_package]
    return ".".join([*above, *([node.module] if node.module else [])])


def _outside_type_checking(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all nodes below it, except what only type checkers read."""
    yield node
    children = ast.iter_child_nodes(node)
    if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
        children = iter(node.orelse)
    for child in children:
        yield from _outside_type_checking(child)
