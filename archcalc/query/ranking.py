"""The rows of a sweep that are worth keeping, in bounded memory: the first, the best by some columns, a Pareto front.

Rows come in blocks of columns, one NumPy array per column (int64, or objects: exact numbers, texts, tuples of them).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

Columns: TypeAlias = tuple[Any, ...]
"""One array per column, all of one length."""

WIDEST_FRONT = 1_000_000
"""Rows of a Pareto front."""


class Key(NamedTuple):
    """A column to rank by; small numbers come first unless ``descending``."""

    column: int
    descending: bool = False


class Keeper(Protocol):
    """Takes blocks of rows and keeps some."""

    @property
    def kept(self) -> Columns | None:
        """What was kept so far, in its order; ``None`` before the first block."""

    def add(self, block: Columns) -> None:
        """Take a block of rows."""


class First:
    """The first rows, as many as asked for."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.kept: Columns | None = None

    def add(self, block: Columns) -> None:
        missing = self.most - (0 if self.kept is None else _rows(self.kept))
        if missing > 0 or self.kept is None:
            self.kept = _joined(self.kept, tuple(column[: max(0, missing)] for column in block))


class Best:
    """The best rows by some keys, as many as asked for; of equal ones, those that came first."""

    def __init__(self, most: int, keys: Sequence[Key]) -> None:
        self.most = most
        self.keys = keys
        self.kept: Columns | None = None

    def add(self, block: Columns) -> None:
        if self.kept is not None and _rows(self.kept) >= self.most and len(self.keys) == 1:
            block = self._hopeful(block, self.kept)
        rows = _joined(self.kept, block)
        order = ordering([_comparable(rows[key.column], key.descending) for key in self.keys])[: self.most]
        self.kept = _taken(rows, order)

    def _hopeful(self, block: Columns, kept: Columns) -> Columns:
        """The rows of a block that are better than the worst one kept: sorting only these saves most of the time."""
        (key,) = self.keys
        values, worst = block[key.column], kept[key.column][-1]
        if values.dtype == object:
            return block
        return _taken(block, np.flatnonzero(values > worst if key.descending else values < worst))


class Front:
    """The Pareto front: rows that no other row beats in one key without being beaten in another.

    Of rows that are equal in all keys the first is kept. The front is ordered by its first key.
    """

    def __init__(self, keys: Sequence[Key]) -> None:
        self.keys = keys
        self.kept: Columns | None = None

    def add(self, block: Columns) -> None:
        """Take a block of rows.

        Raises:
            OverflowError: the front has become too wide.
        """
        rows = _joined(self.kept, block)
        front = undominated([_comparable(rows[key.column], key.descending) for key in self.keys])
        if len(front) > WIDEST_FRONT:
            raise OverflowError(f"the front has more than {WIDEST_FRONT:,} configurations")
        self.kept = _taken(rows, front)


def ordering(keys: Sequence[Any]) -> Any:
    """The order that sorts rows by keys, the first one counting most; equal rows stay in their order."""
    order = np.argsort(keys[-1], kind="stable")
    for key in reversed(keys[:-1]):
        order = order[np.argsort(key[order], kind="stable")]
    return order


def undominated(keys: Sequence[Any]) -> Any:
    """The rows of a Pareto front (all keys minimised), in the order of the keys.

    In that order no row is beaten by a later one. With two keys, those stay whose second key is less than all before;
    with more, every row that stays strikes out what it beats.
    """
    order = ordering(keys)
    ranks = [np.unique(key, return_inverse=True)[1].reshape(-1)[order] for key in keys]
    if len(keys) <= 2:
        last = ranks[-1] if len(keys) == 2 else ranks[0]
        before = np.concatenate(([len(last)], np.minimum.accumulate(last)[:-1])) if len(last) else last
        return order[last < before] if len(keys) == 2 else order[:1]
    left = np.arange(len(order))
    stays = []
    while len(left):
        first = left[0]
        stays.append(first)
        better = np.zeros(len(left), bool)
        for rank in ranks[1:]:
            better |= rank[left] < rank[first]
        left = left[better]
    return order[np.array(stays, int)]


def _comparable(column: Any, descending: bool) -> Any:
    """A column as numbers that sort upwards. A receptive field that is global is wider than any number; the sizes of a
    shape count one after the other, texts by their alphabet."""
    if column.dtype == object and not all(type(value) is int for value in column):
        numbers = [_number(value) for value in column]
        ranks = {value: rank for rank, value in enumerate(sorted(set(numbers)))}
        column = np.array([ranks[value] for value in numbers], np.int64)
    return -column if descending else column


def _number(value: Any) -> Any:
    return (
        math.inf
        if value in ("global", "unknown")
        else tuple(map(_number, value))
        if isinstance(value, tuple)
        else value
    )


def _rows(columns: Columns) -> int:
    return len(columns[0])


def _joined(kept: Columns | None, block: Columns) -> Columns:
    if kept is None:
        return block
    return tuple(np.concatenate((old, new)) for old, new in zip(kept, block, strict=True))


def _taken(columns: Columns, rows: Any) -> Columns:
    return tuple(column[rows] for column in columns)
