"""The positions that a window sees, for comparison with those that a framework really uses."""

from __future__ import annotations

from archcalc.ops import Operator, Shapes, Window


def seen(window: Window | None, i: int, n: int) -> set[int]:
    """Return the positions of an axis of n that output position i sees; without a window all of them."""
    if window is None:
        return set(range(n))
    first = (window.stride * i - window.padding) // window.up
    last = (window.stride * i - window.padding + window.size - 1) // window.up
    return set(range(max(first, 0), min(last, n - 1) + 1))


def only_window(op: Operator, inputs: Shapes) -> Window:
    """Return the window of an operator along the one axis of positions of its input."""
    ((_, window),) = op.windows(inputs)
    assert window is not None
    return window
