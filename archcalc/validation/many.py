"""All specs of a run, in order: in this process, or in several where they are many."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from functools import partial

from archcalc.spec.errors import fail
from archcalc.validation.examine import Asked, Outcome, Task, examine

FEWEST = 250
"""Specs from which on further processes pay for their start."""
CHUNK = 16
"""Specs that a process gets at once."""


def examine_all(asked: Asked, tasks: Sequence[Task], jobs: int | None = None) -> Iterator[Outcome]:
    """The outcomes of all tasks, in their order, each as soon as it is its turn.

    Args:
        asked: of every spec.
        tasks: the specs.
        jobs: processes; ``None``: as many as there are processors, if there are enough specs.

    Raises:
        SpecError: a process was ended from outside.
    """
    if jobs is None:
        jobs = processors() if len(tasks) >= FEWEST else 1
    if jobs == 1:
        yield from map(partial(examine, asked), tasks)
        return
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_ignore_interrupts)
    try:
        yield from pool.map(partial(examine, asked), tasks, chunksize=CHUNK)
    except BrokenProcessPool:
        hint = "--jobs 1 shows at which spec"
        fail("limit", "a process was ended from outside; perhaps the memory was short", hint=hint, origin="validate")
    finally:
        pool.shutdown(cancel_futures=True)


def _ignore_interrupts() -> None:
    """An interrupt is for the process that people see: it ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
