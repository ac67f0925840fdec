"""Selections of the rows of a sweep, in bounded memory: the first rows, the best by some columns, or a Pareto front.

Rows come in blocks of columns, one NumPy array per column (int64, or objects: exact numbers, texts, tuples of them).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

Columns: TypeAlias = tuple[Any, ...]
"""One array per column, all of the same length."""

MAX_FRONT = 1_000_000
"""The maximum number of rows of a Pareto front."""


class SortKey(NamedTuple):
    """The index of a column to rank by; small values come first unless ``descending``."""

    column: int
    descending: bool = False


class RowSelection(Protocol):
    """Takes blocks of rows and keeps some of them."""

    @property
    def kept(self) -> Columns | None:
        """The rows kept so far, in order; ``None`` before the first block."""

    def add(self, block: Columns) -> None:
        """Take a block of rows."""


class FirstRows:
    """The first ``count`` rows."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.kept: Columns | None = None

    def add(self, block: Columns) -> None:
        missing = self.count - (0 if self.kept is None else _rows(self.kept))
        if missing > 0 or self.kept is None:
            self.kept = _joined(self.kept, tuple(column[: max(0, missing)] for column in block))


class BestRows:
    """The best ``count`` rows by some keys; of equal rows, those that came first."""

    def __init__(self, count: int, keys: Sequence[SortKey]) -> None:
        self.count = count
        self.keys = keys
        self.kept: Columns | None = None

    def add(self, block: Columns) -> None:
        if self.kept is not None and _rows(self.kept) >= self.count and len(self.keys) == 1:
            block = self._candidates(block, self.kept)
        rows = _joined(self.kept, block)
        order = ordering([_comparable(rows[key.column], key.descending) for key in self.keys])[: self.count]
        self.kept = _taken(rows, order)

    def _candidates(self, block: Columns, kept: Columns) -> Columns:
        """Return the rows of a block that are better than the worst one kept; only these need sorting, which saves
        time."""
        (key,) = self.keys
        values, worst = block[key.column], kept[key.column][-1]
        if values.dtype == object:
            return block
        return _taken(block, np.flatnonzero(values > worst if key.descending else values < worst))


class ParetoFront:
    """The Pareto front: the rows that no other row dominates.

    A row dominates another if it is at least as good in all keys and better in one. Of rows that are equal in all keys,
    the first is kept. The front is sorted by its first key.
    """

    def __init__(self, keys: Sequence[SortKey]) -> None:
        self.keys = keys
        self.kept: Columns | None = None

    def add(self, block: Columns) -> None:
        """Take a block of rows.

        Raises:
            OverflowError: the front has more than `MAX_FRONT` rows.
        """
        rows = _joined(self.kept, block)
        front = pareto_front([_comparable(rows[key.column], key.descending) for key in self.keys])
        if len(front) > MAX_FRONT:
            raise OverflowError(f"the front has more than {MAX_FRONT:,} configurations")
        self.kept = _taken(rows, front)


def ordering(keys: Sequence[Any]) -> Any:
    """Return the order that sorts rows by keys, the first key being the most significant; the sort is stable."""
    order = np.argsort(keys[-1], kind="stable")
    for key in reversed(keys[:-1]):
        order = order[np.argsort(key[order], kind="stable")]
    return order


def pareto_front(keys: Sequence[Any]) -> Any:
    """Return the rows of a Pareto front (all keys are minimised), sorted by the keys.

    In that order no row is dominated by a later one. With two keys, the rows stay whose second key is less than all
    before; with more, every row that stays removes those that it dominates.
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
    """Return a column as numbers to sort in ascending order.

    A global receptive field is larger than any number; shapes are compared size by size, texts alphabetically.
    """
    if column.dtype == object and not all(type(value) is int for value in column):
        numbers = [_number(value) for value in column]
        ranks = {value: rank for rank, value in enumerate(sorted(set(numbers)))}
        column = np.array([ranks[value] for value in numbers], np.int64)
    return -column if descending else column


def _number(value: Any) -> Any:
    return (
        math.inf
        if value in ("global", "causal", "unknown")
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
