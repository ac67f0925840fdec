"""A worker: which part of every layer it evaluates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Protocol

from archcalc.executor.kernel import Array, Sizes, uninitialised

LEAST_POSITIONS, LEAST_ROWS = 1024, 8
"""Of maps that are divided by rows: of smaller ones too much lies in lines of the cache that two workers write to, and
fewer rows cannot be divided evenly."""


def by_rows(shape: Sizes) -> bool:
    """Whether workers divide a tensor by the rows of its maps (along their first axis): where there are at least as
    many positions as channels, which makes the larger matrix products."""
    return len(shape) > 2 and prod(shape[2:]) >= max(shape[1], LEAST_POSITIONS) and shape[2] >= LEAST_ROWS


def no_wait() -> None:
    """Do nothing: there is nobody to wait for."""


@dataclass(frozen=True, slots=True)
class Worker:
    """One of several processes that evaluate every layer together."""

    number: int = 0
    count: int = 1
    barrier: Callable[[], None] = no_wait
    """Waits until every worker has come to the barrier."""

    def part(self, length: int) -> slice:
        """This worker's part of so many neighbours."""
        return slice(length * self.number // self.count, length * (self.number + 1) // self.count)

    def share(self, shape: Sizes) -> tuple[slice, ...]:
        """This worker's part of a tensor, as an index: of all channels some rows if `by_rows`, some channels otherwise.

        What a worker did of one layer it goes on with in the next, as long as shapes stay: it is in its cache.
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
        """Return so many bytes of memory that all of them have in common."""
        ...

    def start(self, tasks: Sequence[Callable[[], None]]) -> Callable[[], None]:
        """Prepare a task of each worker; what is returned does all of them once, at the same time."""
        ...

    def close(self) -> None:
        """End: no more is to be done."""
        ...


class SingleProcess:
    """This process as the only worker, with as many threads of BLAS as that likes."""

    workers: Sequence[Worker] = (Worker(),)

    def allocate(self, size: int) -> Array:
        return uninitialised(size)

    def start(self, tasks: Sequence[Callable[[], None]]) -> Callable[[], None]:
        return tasks[0]

    def close(self) -> None:
        pass
