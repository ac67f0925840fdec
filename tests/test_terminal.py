"""Texts on a terminal: their width, and names that are not Unicode text."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.terminal import JSON_BACKSLASH, READABLE, display_width, readable


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


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("net.yaml", "net.yaml"),
        ("ö.yaml", "ö.yaml"),
        ("\udcc3\udcb6.yaml", "ö.yaml"),  # as a locale that knows ASCII only decodes it
        ("\udcff\udcc3\udcb6.yaml", r"\xffö.yaml"),
        ("\ud800", r"\ud800"),  # which stands for no byte
    ],
)
def test_the_bytes_of_names_are_decoded_as_utf8(name: str, shown: str) -> None:
    assert readable(name) == shown


@given(st.binary())
def test_any_name_can_be_written(name: bytes) -> None:
    decoded = name.decode("ascii", "surrogateescape")
    assert readable(decoded) == name.decode("utf-8", "backslashreplace")
    for encoding in ("utf-8", "ascii", "latin-1", "utf-16"):
        decoded.encode(encoding, READABLE).decode(encoding)
    text = readable(json.dumps([decoded], ensure_ascii=False), JSON_BACKSLASH)
    assert json.loads(text.encode()) == [readable(decoded)]
    assert readable(os.fsdecode(name)) == readable(decoded)
