"""Workers, and the part of every layer that each evaluates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Protocol

from archcalc.executor.kernel import Array, Sizes, uninitialised

MIN_POSITIONS, MIN_ROWS = 1024, 8
"""The minimum size of maps that are divided by rows. In smaller maps, too many numbers are in cache lines that two
workers write to; fewer rows cannot be divided evenly."""


def by_rows(shape: Sizes) -> bool:
    """Return whether workers divide a tensor by the rows of its maps (along their first axis) rather than by channels.

    They do if there are at least as many positions as channels, because that gives larger matrix products.
    """
    return len(shape) > 2 and prod(shape[2:]) >= max(shape[1], MIN_POSITIONS) and shape[2] >= MIN_ROWS


def no_wait() -> None:
    """Do nothing: a single worker has no others to wait for."""


@dataclass(frozen=True, slots=True)
class Worker:
    """One of the processes that divide every layer among them."""

    number: int = 0
    count: int = 1
    barrier: Callable[[], None] = no_wait
    """A function that waits until every worker has reached the barrier."""

    def part(self, length: int) -> slice:
        """Return the part of a range of a given length that belongs to this worker."""
        return slice(length * self.number // self.count, length * (self.number + 1) // self.count)

    def share(self, shape: Sizes) -> tuple[slice, ...]:
        """Return the part of a tensor that belongs to this worker, as an index: some rows if `by_rows`, else some
        channels.

        While shapes stay the same, a worker has the same part in every layer, so its data is in the cache.
        """
        whole = slice(None)
        if by_rows(shape):
            return whole, whole, self.part(shape[2])
        return whole, self.part(shape[1])


class Team(Protocol):
    """The workers that evaluate a program."""

    @property
    def workers(self) -> Sequence[Worker]: ...

    def allocate(self, size: int) -> Array:
        """Return ``size`` bytes of memory that all workers share."""
        ...

    def start(self, tasks: Sequence[Callable[[], None]]) -> Callable[[], None]:
        """Prepare a task for each worker, and return a function that performs all of them once, in parallel."""
        ...

    def close(self) -> None:
        """End the workers."""
        ...


class SingleProcess:
    """This process as the only worker, with the default number of BLAS threads."""

    workers: Sequence[Worker] = (Worker(),)

    def allocate(self, size: int) -> Array:
        return uninitialised(size)

    def start(self, tasks: Sequence[Callable[[], None]]) -> Callable[[], None]:
        return tasks[0]

    def close(self) -> None:
        pass
