"""Validation of all specs of a run in order, in this process or, if there are many, in several."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from functools import partial

from archcalc.spec.errors import fail
from archcalc.validation.examine import Options, ValidationResult, ValidationTask, examine

MIN_PARALLEL_SPECS = 250
"""The minimum number of specs for which starting more processes pays."""
SPECS_PER_CHUNK = 16
"""The number of specs that a process gets at a time."""


def examine_all(
    options: Options, tasks: Sequence[ValidationTask], jobs: int | None = None
) -> Iterator[ValidationResult]:
    """Yield the results of all tasks in their order, each as soon as it is available.

    Args:
        options: The options of the validation.
        tasks: The specs.
        jobs: The number of processes; by default one per processor if there are many specs, else one.

    Raises:
        SpecError: A process was killed.
    """
    if jobs is None:
        jobs = processors() if len(tasks) >= MIN_PARALLEL_SPECS else 1
    if jobs == 1:
        yield from map(partial(examine, options), tasks)
        return
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_ignore_interrupts)
    try:
        yield from pool.map(partial(examine, options), tasks, chunksize=SPECS_PER_CHUNK)
    except BrokenProcessPool:
        hint = "run with --jobs 1 to see at which spec"
        fail("limit", "a process was killed, perhaps because memory ran out", hint=hint, origin="validate")
    finally:
        pool.shutdown(cancel_futures=True)


def _ignore_interrupts() -> None:
    """Leave interrupts to the main process, which ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def processors() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
