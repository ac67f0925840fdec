"""Selecting rows block by block gives the same as sorting, or comparing, all rows at once."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.query import ranking
from archcalc.query.grid import value_array
from archcalc.query.ranking import BestRows, FirstRows, ParetoFront, RowSelection, SortKey, pareto_front

NUMBER = st.one_of(st.integers(-5, 5), st.integers(0, 2**70), st.fractions(-3, 3, max_denominator=4))
ROWS = st.lists(st.tuples(st.integers(-4, 4), NUMBER, st.integers(0, 3), NUMBER), max_size=40)
KEYS = st.lists(
    st.builds(SortKey, st.integers(0, 3), st.booleans()), min_size=1, max_size=4, unique_by=lambda key: key.column
)


def fed(keeper: RowSelection, rows: list[tuple[Any, ...]], cuts: list[int]) -> list[tuple[Any, ...]]:
    """Feed rows block by block, and return those that are kept."""
    ends = sorted({0, len(rows), *(cut % (len(rows) + 1) for cut in cuts)})
    for start, stop in pairwise(ends):
        keeper.add(tuple(value_array(column) for column in zip(*rows[start:stop], strict=True)))
    return [] if keeper.kept is None else list(zip(*(column.tolist() for column in keeper.kept), strict=True))


def numbered(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return rows with their numbers, so that no two are equal."""
    return [(*row, number) for number, row in enumerate(rows)]


def signed(row: tuple[Any, ...], keys: list[SortKey]) -> tuple[Any, ...]:
    return tuple(-row[key.column] if key.descending else row[key.column] for key in keys)


@pytest.mark.slow
@given(rows=ROWS, cuts=st.lists(st.integers(0, 50), max_size=4), most=st.integers(1, 12))
def test_the_first_rows_are_kept(rows: list[tuple[Any, ...]], cuts: list[int], most: int) -> None:
    assert fed(FirstRows(most), numbered(rows), cuts) == numbered(rows)[:most]


@pytest.mark.slow
@given(rows=ROWS, cuts=st.lists(st.integers(0, 50), max_size=4), most=st.integers(1, 12), keys=KEYS)
def test_the_best_rows_are_kept(rows: list[tuple[Any, ...]], cuts: list[int], most: int, keys: list[SortKey]) -> None:
    expected = sorted(numbered(rows), key=lambda row: signed(row, keys))[:most]
    assert fed(BestRows(most, keys), numbered(rows), cuts) == expected


@given(rows=ROWS, cuts=st.lists(st.integers(0, 50), max_size=4), keys=KEYS)
def test_the_pareto_front_is_kept(rows: list[tuple[Any, ...]], cuts: list[int], keys: list[SortKey]) -> None:
    def beats(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
        return a != b and all(x <= y for x, y in zip(a, b, strict=True))

    points = [signed(row, keys) for row in rows]
    expected = {point for point in points if not any(beats(other, point) for other in points)}
    found = fed(ParetoFront(keys), numbered(rows), cuts)
    assert [signed(row, keys) for row in found] == sorted(expected)
    for row in found:  # of equal rows, the first
        assert row[-1] == next(number for number, point in enumerate(points) if point == signed(row, keys))


def test_global_fields_are_wider_than_any_number_and_words_are_ordered() -> None:
    rows = [(("global",), "relu"), ((7,), "gelu"), ((3, 9), "tanh"), ((3, 5), "elu")]
    assert [row[0] for row in fed(BestRows(9, [SortKey(0)]), rows, [])] == [(3, 5), (3, 9), (7,), ("global",)]
    assert [row[1] for row in fed(BestRows(9, [SortKey(1, descending=True)]), rows, [])] == [
        "tanh",
        "relu",
        "gelu",
        "elu",
    ]


def test_a_front_of_three_in_a_large_block() -> None:
    generator = np.random.default_rng(1)
    keys = [generator.integers(0, 1000, 5000) for _ in range(3)]
    points = np.stack(keys, axis=1)
    found = points[pareto_front(keys)]
    for point in points[::50]:
        dominated = (found <= point).all(axis=1)
        assert dominated.any()


def test_a_front_that_is_too_wide_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "MAX_FRONT", 10)
    rows = [(number, -number, Fraction(1, 2)) for number in range(11)]
    with pytest.raises(OverflowError, match="more than 10"):
        fed(ParetoFront([SortKey(0), SortKey(1)]), rows, [])
