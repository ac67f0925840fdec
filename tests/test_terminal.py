"""The width of texts on a terminal."""

from __future__ import annotations

import pytest

from archcalc.terminal import display_width


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("", 0),
        ("conv 6 k5", 9),
        ("3×32×32 → ⌊H/2⌋ …", 17),
        ("层", 2),
        ("conv_層", 7),
        ("e\u0301tage", 5),
        ("👩‍🔬", 2),
        ("C\x07", 2),  # a control character has no width of its own; texts are cleaned of them before
    ],
)
def test_characters_take_the_columns_that_terminals_give_them(text: str, width: int) -> None:
    assert display_width(text) == width
