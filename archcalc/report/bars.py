"""Horizontal bars as text, for comparing a few figures."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple, TypeVar

EIGHTHS = " ▏▎▍▌▋▊▉█"
MAX_BARS = 24

Item = TypeVar("Item")


class Bar(NamedTuple):
    """A bar: its label, its length (``None`` if it is unbounded), and the text next to it."""

    label: str
    length: Fraction | int | None
    text: str


def draw_bars(
    bars: Sequence[Bar], *, mark: Fraction | int, mark_text: str, width: int = 80, blocks: bool = True
) -> str:
    """Draw bars below one another, with a mark at one length; of more than `MAX_BARS` bars, draw a sample.

    Args:
        bars: the bars, in order.
        mark: the length of the mark, a vertical line through all bars.
        mark_text: the meaning of the mark.
        width: the width of the text in columns.
        blocks: whether to draw with block characters instead of ``#``, ``.`` and ``|``.
    """
    bars = sample_evenly(bars, MAX_BARS)
    label_width = min(max((len(bar.label) for bar in bars), default=0), max(12, width * 2 // 5))
    text_width = max((len(bar.text) for bar in bars), default=0)
    room = max(10, width - label_width - text_width - 4)
    longest = max([mark, *(bar.length for bar in bars if bar.length is not None)])
    column = min(int(room * mark / longest), room - 1)
    sign = "│" if blocks else "|"
    lines = []
    for bar in bars:
        share = 1 if bar.length is None else bar.length / Fraction(longest)
        drawn = list(_bar(share, room, unbounded=bar.length is None, blocks=blocks))
        if drawn[column] == " ":
            drawn[column] = sign
        label = _cut(bar.label, label_width).ljust(label_width)
        lines.append(f"{label}  {bar.text.rjust(text_width)}  {''.join(drawn)}".rstrip())
    below = f"{sign} = {mark_text}"
    start = label_width + text_width + 4 + column
    lines.append(" " * max(0, min(start, width - len(below))) + below)
    return "\n".join(lines) + "\n"


def bar_text(share: Fraction | None, width: int, *, blocks: bool) -> str:
    """Return a bar that fills a share of a width, of block characters or of ``#``; ``None`` stands for no bound."""
    return _bar(1 if share is None else share, width, unbounded=share is None, blocks=blocks).rstrip()


def _bar(share: Fraction | int, room: int, *, unbounded: bool, blocks: bool) -> str:
    """Return a bar that fills a share of the room; even the shortest one is visible."""
    if not blocks:
        return (("." if unbounded else "#") * max(1, int(room * share))).ljust(room)
    if unbounded:
        return "░" * room
    full, part = divmod(max(1, int(room * 8 * share)), 8)
    return ("█" * full + EIGHTHS[part].strip()).ljust(room)


def _cut(text: str, width: int) -> str:
    """Return a text of at most this width: its end, because the names of layers differ at the end."""
    return text if len(text) <= width else "…" + text[1 - width :]


def sample_evenly(items: Sequence[Item], max_items: int) -> list[Item]:
    """Return at most ``max_items`` of the items, evenly spaced, including the first and the last."""
    if len(items) <= max_items:
        return list(items)
    return [items[round(index * (len(items) - 1) / (max_items - 1))] for index in range(max_items)]
