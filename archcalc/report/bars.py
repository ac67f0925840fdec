"""Horizontal bars in text: a few numbers to compare at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple, TypeVar

EIGHTHS = " ▏▎▍▌▋▊▉█"
MOST_BARS = 24

Item = TypeVar("Item")


class Bar(NamedTuple):
    """One line: its label, its length (``None``: without end), and the text beside it."""

    label: str
    length: Fraction | int | None
    text: str


def draw_bars(
    bars: Sequence[Bar], *, mark: Fraction | int, mark_text: str, width: int = 80, blocks: bool = True
) -> str:
    """Bars below one another, at most `MOST_BARS` of them (a selection of more), with a mark at one length.

    Args:
        bars: what to draw, in order.
        mark: the length at which a line stands beside all bars.
        mark_text: what it means.
        width: columns of text.
        blocks: draw with block characters; else with ``#``, ``.`` and ``|``.
    """
    bars = select(bars, MOST_BARS)
    label_width = min(max((len(bar.label) for bar in bars), default=0), max(12, width * 2 // 5))
    text_width = max((len(bar.text) for bar in bars), default=0)
    room = max(10, width - label_width - text_width - 4)
    longest = max([mark, *(bar.length for bar in bars if bar.length is not None)])
    column = min(int(room * mark / longest), room - 1)
    sign = "│" if blocks else "|"
    lines = []
    for bar in bars:
        share = 1 if bar.length is None else bar.length / Fraction(longest)
        drawn = list(_bar(share, room, endless=bar.length is None, blocks=blocks))
        if drawn[column] == " ":
            drawn[column] = sign
        label = _cut(bar.label, label_width).ljust(label_width)
        lines.append(f"{label}  {bar.text.rjust(text_width)}  {''.join(drawn)}".rstrip())
    below = f"{sign} = {mark_text}"
    start = label_width + text_width + 4 + column
    lines.append(" " * max(0, min(start, width - len(below))) + below)
    return "\n".join(lines) + "\n"


def _bar(share: Fraction | int, room: int, *, endless: bool, blocks: bool) -> str:
    """A bar of a share of the room; it is never quite without length."""
    if not blocks:
        return (("." if endless else "#") * max(1, int(room * share))).ljust(room)
    if endless:
        return "░" * room
    whole, part = divmod(max(1, int(room * 8 * share)), 8)
    return ("█" * whole + EIGHTHS[part].strip()).ljust(room)


def _cut(text: str, width: int) -> str:
    """A text of at most this width: its end, which tells layers apart."""
    return text if len(text) <= width else "…" + text[1 - width :]


def select(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many of the items, evenly spread, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(index * (len(items) - 1) / (most - 1))] for index in range(most)]
