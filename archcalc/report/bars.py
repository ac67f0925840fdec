"""Horizontal bar charts as text."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple, TypeVar

EIGHTHS = " ▏▎▍▌▋▊▉█"
MAX_BARS = 24

Item = TypeVar("Item")


class Bar(NamedTuple):
    """A bar: its label, its length (``None``: unbounded), and the text beside it."""

    label: str
    length: Fraction | int | None
    text: str


def draw_bars(
    bars: Sequence[Bar], *, mark: Fraction | int, mark_text: str, width: int = 80, blocks: bool = True
) -> str:
    """Return a bar chart with a mark at one length. Of more than `MAX_BARS` bars, a selection is drawn.

    Args:
        bars: the bars, in order.
        mark: the length that a vertical line marks.
        mark_text: its meaning.
        width: the width of the chart in columns.
        blocks: whether to use block characters instead of ``#``, ``.`` and ``|``.
    """
    bars = select(bars, MAX_BARS)
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
    """Return a bar that takes a share of the room, and at least a minimal length."""
    if not blocks:
        return (("." if endless else "#") * max(1, int(room * share))).ljust(room)
    if endless:
        return "░" * room
    full, part = divmod(max(1, int(room * 8 * share)), 8)
    return ("█" * full + EIGHTHS[part].strip()).ljust(room)


def _cut(text: str, width: int) -> str:
    """Return a text cut to this width; its end is kept, because names of layers differ there."""
    return text if len(text) <= width else "…" + text[1 - width :]


def select(items: Sequence[Item], most: int) -> list[Item]:
    """Return at most ``most`` of the items, evenly spaced, including the first and the last."""
    if len(items) <= most:
        return list(items)
    return [items[round(index * (len(items) - 1) / (most - 1))] for index in range(most)]
