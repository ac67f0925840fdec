"""Free symbols: the numbers that a name may stand for, as far as they are known before a calculation."""

from __future__ import annotations

from dataclasses import dataclass, replace

from archcalc.numeric.symbolic.domain import Domain, RealInterval, integers_from
from archcalc.numeric.symbolic.number import Plain


@dataclass(frozen=True)
class FreeSymbol:
    """A name x for an unknown number, with the set of its possible values.

    A real x lies in an interval. A discrete x lies on a grid, x = step·t + offset for an integer t from a domain; the
    calculation then computes with t, and results are written in x.
    """

    name: str
    domain: Domain | RealInterval
    """The values of x if it is real, of t if x is on a grid."""
    step: Plain | None = None
    """The step of the grid; ``None`` for a real x."""
    offset: Plain = 0

    @classmethod
    def size(cls, name: str) -> FreeSymbol:
        """Return a symbol for a positive integer."""
        return cls(name, integers_from(1), 1)

    @classmethod
    def variable(cls, name: str) -> FreeSymbol:
        """Return a symbol for a positive real number."""
        return cls(name, RealInterval(0, True))

    def unbounded(self) -> FreeSymbol:
        """Return a symbol of the same name for any integer, if it is on a grid, or any real number."""
        if self.step is None:
            return FreeSymbol(self.name, RealInterval())
        return FreeSymbol(self.name, integers_from(None), 1)

    def on_grid(self, step: Plain, offset: Plain) -> FreeSymbol:
        """Return the symbol restricted to a grid: x, or t if x is on a grid already, is step·u + offset, u integer."""
        if isinstance(self.domain, RealInterval):
            return FreeSymbol(self.name, self.domain.on_grid(step, offset), step, offset)
        assert self.step is not None
        assert type(step) is int
        assert type(offset) is int
        inner = self.domain.preimage(step, offset)
        return replace(self, domain=inner, step=self.step * step, offset=self.offset + self.step * offset)

    @property
    def is_own_index(self) -> bool:
        """Whether t is x itself."""
        return self.step == 1 and self.offset == 0


class SymbolRefined(Exception):
    """A calculation found a restriction of a symbol with which it has to start again."""

    def __init__(self, symbol: FreeSymbol) -> None:
        super().__init__(symbol.name)
        self.symbol = symbol
