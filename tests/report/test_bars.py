"""Bars in text."""

from __future__ import annotations

from fractions import Fraction

from archcalc.report.bars import MAX_BARS, Bar, draw_bars, sample_evenly


def test_bars_are_to_scale_with_a_mark() -> None:
    text = draw_bars([Bar("a", Fraction(1, 2), "5"), Bar("b", 2, "20")], mark=1, mark_text="all", width=28)
    first, second, mark = text.splitlines()
    assert first == "a   5  █████▎    │"
    assert second == "b  20  █████████████████████"
    assert mark.index("│") == first.index("│")
    assert mark.endswith("│ = all")


def test_bars_stay_within_their_width() -> None:
    bars = [Bar("a very long name of a layer in a block" * 3, index, str(index)) for index in range(100)]
    for width in (40, 80):
        lines = draw_bars(bars, mark=10, mark_text="the mark", width=width).splitlines()
        assert max(map(len, lines)) <= width
        assert len(lines) == MAX_BARS + 1


def test_unbounded_bars_fill_their_line() -> None:
    assert "░░░░░" in draw_bars([Bar("a", None, "global")], mark=1, mark_text="all", width=40)


def test_without_block_characters_bars_are_ascii() -> None:
    text = draw_bars([Bar("a", 1, "1"), Bar("b", None, "global")], mark=2, mark_text="all", width=40, blocks=False)
    assert text.isascii()
    assert "###" in text


def test_empty_bars_have_only_the_mark() -> None:
    assert draw_bars([], mark=1, mark_text="all").strip() == "│ = all"


def test_a_selection_keeps_the_ends() -> None:
    assert sample_evenly(range(100), 4) == [0, 33, 66, 99]
    assert sample_evenly(range(3), 4) == [0, 1, 2]
