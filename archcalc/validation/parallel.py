"""Validation of all specs of a run in order, in this process or, if there are many, in several."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING

from archcalc.spec.errors import fail
from archcalc.validation.results import Options, ValidationResult, ValidationTask

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

MIN_PARALLEL_SPECS = 250
"""The minimum number of specs for which starting more processes pays."""
HELD_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""The signals that ask a process to end."""
SPECS_PER_CHUNK = 16
"""The number of specs that a process gets at a time."""


def examine_all(
    options: Options, tasks: Sequence[ValidationTask], jobs: int | None = None
) -> Generator[ValidationResult, None, None]:
    """Yield the results of all tasks in their order, each as soon as it is available.

    Args:
        options: the options of the validation.
        tasks: the specs.
        jobs: the number of processes; by default one per processor if there are many specs, else one.

    Raises:
        SpecError: a process was killed.
    """
    if not tasks:
        return
    from archcalc.validation.examine import examine  # imports much that a run without changes does not need

    if jobs is None:
        jobs = processors() if len(tasks) >= MIN_PARALLEL_SPECS else 1
    if jobs == 1:
        yield from map(partial(examine, options), tasks)
        return
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    context = get_context("spawn")
    theirs, ours = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_end_with_parent, initargs=(theirs,))
    try:
        with _signals_held():
            results = pool.map(partial(examine, options), tasks, chunksize=SPECS_PER_CHUNK)
        yield from results
    except BrokenProcessPool:
        hint = "run with --jobs 1 to see at which spec"
        fail("limit", "a process was killed, perhaps because memory ran out", hint=hint, origin="validate")
    finally:
        ours.close()  # the rest of an interrupted run is not awaited
        pool.shutdown(cancel_futures=True)
        theirs.close()


def _end_with_parent(orders: Connection) -> None:
    """End this worker process as soon as the main process closes its end of the pipe, or ends in whatever way."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process decides
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_SIGNALS)
    Thread(target=_exit_at_end_of, args=(orders,), daemon=True).start()


def _exit_at_end_of(orders: Connection) -> None:
    try:
        orders.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)


@contextmanager
def _signals_held() -> Iterator[None]:
    """Hold back signals while processes start; these inherit that, and so print no traceback when interrupted."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def processors() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
