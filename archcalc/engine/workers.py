"""Several processes that evaluate every layer together, each its part.

Threads of one process would wait for Python's interpreter lock and for each other: a layer takes a fraction of a
millisecond, waking a thread a tenth of one. So the others are processes that fork from this one when everything is
recorded: they have the tensors in common with it, and all the rest as it was then. They wait for each other after every
layer; who is early polls for a while before it sleeps. BLAS has one thread in each.
"""

from __future__ import annotations

import mmap
import multiprocessing
import os
import signal
import warnings
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkContext, ForkProcess
from multiprocessing.synchronize import Semaphore
from weakref import WeakSet

import numpy as np
from threadpoolctl import ThreadpoolController

from archcalc.engine.worker import Worker
from archcalc.executor.kernel import Array

POLLS = 20_000
"""How often a worker polls for the others before it sleeps: about two milliseconds."""
PATIENCE = 1.0
"""Seconds of sleep after which it looks whether the others are still there."""

ORDERS: WeakSet[Connection] = WeakSet()
"""The ends of pipes at which this process gives orders to others."""


def close_orders() -> None:
    """Close these ends in a process that has just forked: who waits at the other ends learns when its parent is gone
    only if nobody else holds them."""
    for orders in tuple(ORDERS):
        orders.close()


os.register_at_fork(after_in_child=close_orders)


class WorkerProcesses:
    """This process, which is worker 0, and others. See `archcalc.engine.worker.Team`."""

    def __init__(self, count: int) -> None:
        """Prepare so many workers.

        Raises:
            OSError: the system gives no semaphores.
        """
        self._context = multiprocessing.get_context("fork")
        self._blas = ThreadpoolController()
        self._orders: list[Connection] = []
        self._processes: list[ForkProcess] = []
        self._parent = os.getpid()
        barrier = Barrier(self._context, count)
        self.workers = [Worker(number, count, barrier.wait_of(number, self._check)) for number in range(count)]

    def allocate(self, size: int) -> Array:
        """Return so many bytes that this process has in common with those that fork from it."""
        return np.frombuffer(mmap.mmap(-1, max(size, 1)), np.uint8)

    def start(self, tasks: Sequence[Callable[[], None]]) -> Callable[[], None]:
        """Start the others.

        Args:
            tasks: what each worker does whenever it is told to.

        Returns:
            A function that has all of it done once. It raises an OSError if another process is gone.

        Raises:
            OSError: the system gives no more processes.
        """
        try:
            for task in tasks[1:]:
                ours, theirs = self._context.Pipe()
                self._orders.append(ours)
                ORDERS.add(ours)
                process = self._context.Process(target=self._work, args=(theirs, task), daemon=True)
                with warnings.catch_warnings():  # Python 3.12 warns of threads: these are BLAS's, which is made for it
                    warnings.simplefilter("ignore", DeprecationWarning)
                    process.start()
                theirs.close()
                self._processes.append(process)
        except BaseException:
            self.close()
            raise

        def together() -> None:
            for orders in self._orders:
                orders.send_bytes(b"")
            with self._blas.limit(limits=1, user_api="blas"):
                tasks[0]()

        return together

    def _work(self, orders: Connection, task: Callable[[], None]) -> None:
        """What another process does: its task, once for every order, until there is nobody to give any."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it decides when it ends
        with self._blas.limit(limits=1, user_api="blas"):
            while True:
                try:
                    orders.recv_bytes()
                except (EOFError, OSError):
                    return
                try:
                    task()
                except Exception:
                    os._exit(1)  # the others find it gone

    def _check(self) -> None:
        """Look whether the others are there."""
        if os.getpid() != self._parent:
            if os.getppid() != self._parent:
                os._exit(1)  # nobody is left to work for
            return
        for process in self._processes:
            if not process.is_alive():
                raise ChildProcessError(f"a worker process is gone (exit status {process.exitcode})")

    def close(self) -> None:
        """End the other processes, wherever they are. (A copy of this in a process that forked has none.)"""
        for orders in self._orders:
            orders.close()
        for process in self._processes if os.getpid() == self._parent else ():
            process.kill()
            process.join()
        self._orders, self._processes = [], []


class Barrier:
    """Where workers wait for each other: each releases the semaphores of the others once, and acquires its own as often
    as there are others.

    A worker may come to one barrier while another has not left the one before, which does no harm: whoever passes has
    seen all others arrive.
    """

    def __init__(self, context: ForkContext, count: int) -> None:
        self._semaphores: list[Semaphore] = [context.Semaphore(0) for _ in range(count)]

    def wait_of(self, number: int, check: Callable[[], None]) -> Callable[[], None]:
        """Return what worker ``number`` calls to wait; ``check`` is called while it waits for long."""
        own = self._semaphores[number]
        others = [semaphore for each, semaphore in enumerate(self._semaphores) if each != number]

        def wait() -> None:
            for other in others:
                other.release()
            for _ in others:
                for _ in range(POLLS):
                    if own.acquire(False):
                        break
                else:
                    while not own.acquire(True, PATIENCE):
                        check()

        return wait
