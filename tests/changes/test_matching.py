"""Matching two lists."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.changes import matching
from archcalc.changes.matching import gaps, matches

LISTS = st.lists(st.sampled_from("abcd"), max_size=12)


def longest(old: list[str], new: list[str]) -> int:
    """The length of a longest common subsequence, by its recursion."""
    best = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i, one in enumerate(old):
        for j, other in enumerate(new):
            best[i + 1][j + 1] = best[i][j] + 1 if one == other else max(best[i][j + 1], best[i + 1][j])
    return best[-1][-1]


def in_order(pairs: list[tuple[int, int]]) -> bool:
    return all(a < c and b < d for (a, b), (c, d) in pairwise(pairs))


@given(LISTS, LISTS)
def test_as_many_items_as_possible_match_in_order(old: list[str], new: list[str]) -> None:
    pairs = matches(old, new)
    assert in_order(pairs)
    assert all(old[i] == new[j] for i, j in pairs)
    assert len(pairs) == longest(old, new)


@given(LISTS, LISTS)
def test_gaps_are_what_is_not_matched(old: list[str], new: list[str]) -> None:
    pairs = matches(old, new)
    left = [len(old[a]) + len(new[b]) for a, b in gaps(pairs, len(old), len(new))]
    assert sum(left) == len(old) + len(new) - 2 * len(pairs)
    assert all(left)


def test_what_is_inserted_into_a_repetition_stands_at_its_end() -> None:
    assert matches("abab", "ababab") == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert matches("xababy", "xabababy") == [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 7)]


def test_none_matches_nothing() -> None:
    assert matches([None, "a", None], [None, "a", None]) == [(1, 1)]


def test_lists_that_differ_a_lot_are_matched_by_what_is_unique(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "MAX_EDITS", 3)
    chosen = random.Random(0)
    old = [*range(100), *[-1] * 20]
    new = [chosen.choice([n, n, n, -2]) for n in range(100)] + [-1] * 10
    pairs = matches(old, new)
    assert in_order(pairs)
    assert all(old[i] == new[j] for i, j in pairs)
    assert len(pairs) >= sum(n >= 0 for n in new)
