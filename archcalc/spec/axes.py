"""Axes as specs write them: by number or by word, in the layout of the file.

Numbers from 0 on count from the channels in every layout. The last axis (``last``, -1) is the last one as the file
writes its shapes: the last spatial axis with ``chw``, the channels with ``hwc``.
"""

from __future__ import annotations

from archcalc.ops.fields import AXIS_WORDS, Argument

Axis = int | str
"""The number of an axis, or a word."""

FROM_END = -2
"""The number of the last spatial axis with ``hwc``."""


def stored_axis(written: Axis, argument: Argument, layout: str, rank: int) -> Axis | None:
    """Return an axis, written in a layout, as its operator stores it: channels first, a number or a word.

    The result is ``None`` if the operator has no word for a number.

    Args:
        written: a number or a word.
        argument: the declaration of the attribute.
        layout: the layout of the file.
        rank: the number of spatial axes.
    """
    if layout == "hwc":
        if isinstance(written, str):
            written = "channels" if written == "last" else written
        elif -rank - 1 <= written < 0:
            written = (written + 1) % (rank + 1)
    if argument.form == "word":
        return written if isinstance(written, str) else _word(written, rank)
    return AXIS_WORDS[written] if isinstance(written, str) else written


def _word(number: int, rank: int) -> str | None:
    if number in (0, -rank - 1) and number != -1:
        return "channels"
    return "last" if number in (-1, rank) else None


def written_axis(stored: Axis, layout: str) -> Axis:
    """Return an axis, as its operator stores it, in the notation of a layout."""
    if layout != "hwc":
        return stored
    if isinstance(stored, int):
        return stored - 1 if stored < 0 else stored
    if stored == "last":
        return FROM_END
    return "last" if stored == "channels" else stored
