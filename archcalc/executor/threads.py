"""Work on large arrays, shared among the processors: NumPy's loops over elements run on one, and let others run."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

WORTHWHILE = 1 << 17
"""Elements below which handing work over takes longer than doing it."""


def processors() -> int:
    """How many processors this process may use: as many threads as OMP_NUM_THREADS allows, where it is set."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdecimal() and int(wanted):
        return int(wanted)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _helpers() -> tuple[ThreadPoolExecutor | None, int]:
    count = processors()
    return (ThreadPoolExecutor(count - 1, "archcalc") if count > 1 else None), count


def share(function: Callable[[int, int], None], length: int, elements: int) -> None:
    """Call a function for ranges (start, stop) that together cover ``length``, at the same time.

    Args:
        function: works on its range only.
        length: what is divided, such as channels.
        elements: how many numbers there are to work on; a few are left to the calling thread.
    """
    helpers, count = _helpers()
    if helpers is None or elements < WORTHWHILE or length < 2:
        function(0, length)
        return

    def work(start: int, stop: int) -> None:
        with np.errstate(all="ignore"):  # which every thread has for itself
            function(start, stop)

    cuts = [part * length // count for part in range(count + 1)]
    others = [helpers.submit(work, *cuts[part : part + 2]) for part in range(1, count)]
    function(*cuts[:2])
    for other in others:
        other.result()
