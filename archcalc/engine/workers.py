"""Worker processes that divide every layer among them.

Threads of one process would be slowed down by Python's global interpreter lock and by being woken up: that takes a
tenth of a millisecond, and a layer only a fraction of one. So the workers are processes that are forked from this one
after the recording; they share the memory of tensors with it and have copies of everything else. Workers wait for each
other after every layer; those that finish early poll for a while before they sleep. BLAS has one thread in each.
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

MAX_POLLS = 20_000
"""How often a worker polls before it sleeps: for about two milliseconds."""
CHECK_INTERVAL = 1.0
"""The seconds of sleep after which a worker checks whether the other processes still exist."""

ORDERS: WeakSet[Connection] = WeakSet()
"""The ends of pipes through which this process sends orders to others."""


def close_orders() -> None:
    """Close the pipes to other workers in a process that was just forked.

    A worker detects the end of its parent by its pipe being closed, so no other process may keep that open.
    """
    for orders in tuple(ORDERS):
        orders.close()


os.register_at_fork(after_in_child=close_orders)


class WorkerProcesses:
    """This process as worker 0, and other processes as the other workers. See `archcalc.engine.worker.Team`."""

    def __init__(self, count: int) -> None:
        """Prepare ``count`` workers.

        Raises:
            OSError: the system cannot create semaphores.
        """
        self._context = multiprocessing.get_context("fork")
        self._blas = ThreadpoolController()
        self._orders: list[Connection] = []
        self._processes: list[ForkProcess] = []
        self._parent = os.getpid()
        barrier = Barrier(self._context, count)
        self.workers = [Worker(number, count, barrier.wait_of(number, self._check)) for number in range(count)]

    def allocate(self, size: int) -> Array:
        """Return ``size`` bytes of memory that this process shares with those forked from it."""
        return np.frombuffer(mmap.mmap(-1, max(size, 1)), np.uint8)

    def start(self, tasks: Sequence[Callable[[], None]]) -> Callable[[], None]:
        """Start the other processes.

        Args:
            tasks: the task of each worker.

        Returns:
            A function that performs all tasks once, in parallel. It raises an OSError if another process has ended.

        Raises:
            OSError: the system cannot create more processes.
        """
        try:
            for task in tasks[1:]:
                ours, theirs = self._context.Pipe()
                self._orders.append(ours)
                ORDERS.add(ours)
                process = self._context.Process(target=self._work, args=(theirs, task), daemon=True)
                with warnings.catch_warnings():  # Python 3.12 warns about threads; those of BLAS are safe
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
        """Perform a task once for every order, until the pipe is closed; runs in the other processes."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when the process ends
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the handlers of the parent clean up what is the parent's
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        with self._blas.limit(limits=1, user_api="blas"):
            while True:
                try:
                    orders.recv_bytes()
                except (EOFError, OSError):
                    return
                try:
                    task()
                except Exception:
                    os._exit(1)  # the other workers will notice

    def _check(self) -> None:
        """Raise an error if another process has ended; in a worker process, exit if the parent has."""
        if os.getpid() != self._parent:
            if os.getppid() != self._parent:
                os._exit(1)  # there is no parent to work for
            return
        for process in self._processes:
            if not process.is_alive():
                raise ChildProcessError(f"a worker process has ended (exit status {process.exitcode})")

    def close(self) -> None:
        """End the other processes at once. (A copy of this object in a forked process has none.)"""
        for orders in self._orders:
            orders.close()
        for process in self._processes if os.getpid() == self._parent else ():
            process.kill()
            process.join()
        self._orders, self._processes = [], []


class Barrier:
    """A barrier: each worker releases the semaphores of all others once, and acquires its own once for each of them.

    A worker may reach the next barrier before another has left the current one. This is safe, because every worker that
    passes a barrier has been released by all others.
    """

    def __init__(self, context: ForkContext, count: int) -> None:
        self._semaphores: list[Semaphore] = [context.Semaphore(0) for _ in range(count)]

    def wait_of(self, number: int, check: Callable[[], None]) -> Callable[[], None]:
        """Return the function by which worker ``number`` waits; it calls ``check`` during long waits."""
        own = self._semaphores[number]
        others = [semaphore for each, semaphore in enumerate(self._semaphores) if each != number]

        def wait() -> None:
            for other in others:
                other.release()
            for _ in others:
                for _ in range(MAX_POLLS):
                    if own.acquire(False):
                        break
                else:
                    while not own.acquire(True, CHECK_INTERVAL):
                        check()

        return wait
