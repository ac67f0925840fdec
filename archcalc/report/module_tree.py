"""The tree of stages, blocks and layers of a network, with the sums of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from archcalc.analysis.propagate import Analysis, Layer, group
from archcalc.report.figures import Row, ranking
from archcalc.report.layers_table import READABLE_ROWS


class Branches(NamedTuple):
    """The texts before a name in a tree, each for one level."""

    middle: str
    """Before a row that another one of the same parent follows."""
    last: str
    """Before the last row of a parent."""
    passing: str
    """Below a row of the first kind."""
    empty: str
    """Below a row of the second kind."""


LINES = Branches("├─ ", "└─ ", "│  ", "   ")
ASCII = Branches("|- ", "`- ", "|  ", "   ")
NO_BREAK = Branches("├─\u00a0", "└─\u00a0", "│\u00a0\u00a0", "\u00a0\u00a0\u00a0")
"""Those for documents in which several blanks are one."""
INDENTED = Branches(*["\u00a0\u00a0\u00a0"] * 4)
"""Those for documents without the characters of lines."""


@dataclass(frozen=True)
class ModuleTree:
    """A tree as rows, each before its children."""

    rows: tuple[Row, ...]
    """The rows in the order of the network: first the root, which contains the layers that count in the totals."""
    children: tuple[tuple[int, ...], ...]
    """The rows that each row contains directly."""

    @property
    def leaves(self) -> list[Row]:
        """The rows without children."""
        return [row for row, children in zip(self.rows, self.children, strict=True) if not children]

    def sorted_by(self, numbers: Sequence[Any]) -> ModuleTree:
        """Return the tree with the children of each row sorted by their numbers, largest first."""
        return replace(
            self,
            children=tuple(
                [tuple(each[at] for at in ranking([numbers[row] for row in each])) for each in self.children]
            ),
        )

    def walk(self, branches: Branches) -> Iterator[tuple[int, int, str]]:
        """Yield each row from the root on: its index, its level, and the text before its name."""
        waiting = [(0, 0, "", "")] if self.rows else []
        while waiting:
            row, level, before, below = waiting.pop()
            yield row, level, before
            children = self.children[row]
            for child in reversed(children):
                is_last = child == children[-1]
                own = below + (branches.last if is_last else branches.middle)
                waiting.append((child, level + 1, own, below + (branches.empty if is_last else branches.passing)))


def module_tree(analysis: Analysis, depth: int | None = None) -> ModuleTree:
    """Return the tree of a network.

    Args:
        analysis: its analysis.
        depth: the number of levels below the root; by default, as many as have at most `READABLE_ROWS` rows, and at
            least one.
    """
    members: dict[tuple[str, ...], list[Layer]] = {}
    for layer in analysis.layers:
        for length in range(1, len(layer.path) + 1):
            members.setdefault(layer.path[:length], []).append(layer)
    if depth is None:
        depth = _readable(members)
    root = analysis.folded(0)
    rows: list[Row] = [*root]
    children: list[list[int]] = [[] for _ in root]
    index_of: dict[tuple[str, ...], int] = {(): 0}
    for path, layers in members.items():
        if len(path) > depth or not root:
            continue
        index_of[path] = len(rows)
        children[index_of[path[:-1]]].append(len(rows))
        is_layer = len(layers) == 1 and layers[0].path == path
        rows.append(layers[0] if is_layer else group(path, layers))
        children.append([])
    return ModuleTree(tuple(rows), tuple(map(tuple, children)))


def _readable(members: dict[tuple[str, ...], list[Layer]]) -> int:
    """Return the depth of the deepest tree that is readable; 1 if none is."""
    deepest = max(map(len, members), default=1)
    for depth in range(deepest, 1, -1):
        if sum(len(path) <= depth for path in members) < READABLE_ROWS:  # one more row is the root
            return depth
    return 1
