"""What is known of a symbol before a calculation: which numbers it may stand for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from archcalc.numeric.symbolic.domain import Domain, Interval, from_low
from archcalc.numeric.symbolic.number import Plain


@dataclass(frozen=True)
class Free:
    """What is known of the number x that a symbol stands for."""

    name: str
    domain: Domain | Interval
    """Where x lies; with ``step``, where t lies."""
    step: Plain | None = None
    """x = step·t + offset for a whole t; ``None``: any real number."""
    offset: Plain = 0

    @classmethod
    def size(cls, name: str) -> Free:
        """A positive whole number."""
        return cls(name, from_low(1), 1)

    @classmethod
    def variable(cls, name: str) -> Free:
        """A positive number."""
        return cls(name, Interval(0, True))

    def on_grid(self, step: Plain, offset: Plain) -> Free:
        """The same, of which x (or, if it is on a grid already, its t) is step·t + offset."""
        if isinstance(self.domain, Interval):
            return Free(self.name, self.domain.whole(step, offset), step, offset)
        assert self.step is not None
        assert type(step) is int
        assert type(offset) is int
        inner = self.domain.through(step, offset)
        return replace(self, domain=inner, step=self.step * step, offset=self.offset + self.step * offset)

    @property
    def is_plain_size(self) -> bool:
        """Whether t is x itself."""
        return self.step == 1 and self.offset == 0


class Refined(Exception):
    """More became known of a symbol than the calculation started with: it has to start again."""

    def __init__(self, free: Free) -> None:
        super().__init__(free.name)
        self.free = free
