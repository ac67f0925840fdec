"""What a mistake is: a code, a clause to say it with, and what it makes of a network or of a number."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import TypeAlias

from archcalc.analysis.counts import Counts
from archcalc.diagnosis.variation import Change, Rewrite, Site
from archcalc.numeric import Number
from archcalc.query.targets import Values


class Prior(IntEnum):
    """How often a mistake is made, from what teachers and the issue trackers of profilers report: it orders
    explanations that are equally simple."""

    COMMON = 1
    USUAL = 2
    RARE = 3


class Scope(Enum):
    """Where a mistake is made."""

    HERE = "in the layers that are asked for"
    ALL = "in all layers before, too"
    LATER = "in all layers but the first with a window"


WEIGHTS = frozenset({"params", "trainable"})
COSTS = frozenset({"macs", "mults", "flops", "connections"})
SIZES = frozenset({"shape", "activations"})
FIELDS = frozenset({"rf", "rf_stride", "rf_padding"})


@dataclass(frozen=True, eq=False, kw_only=True)
class Mistake:
    """Something that people get wrong, or count otherwise."""

    code: str
    """Stable: reports, keys and statistics name it."""
    clause: str
    """How it goes on after "this is what one gets if …"."""
    of: frozenset[str]
    """The quantities that it touches."""
    prior: Prior = Prior.USUAL


@dataclass(frozen=True, eq=False, kw_only=True)
class Misreading(Mistake):
    """Takes layers for other ones. Nothing is computed here: the operators' own formulas run on what was changed."""

    changes: tuple[Change, ...]
    """The forms that it takes."""
    flows: bool = True
    """Whether later layers read what comes out; see `Rewrite`."""
    pairs: bool = True
    """Whether it is plausible together with another one."""
    scopes: tuple[Scope, ...] = (Scope.HERE, Scope.ALL)
    """Where it is made."""

    def rewrites(self) -> Iterable[Rewrite]:
        return (Rewrite(change, self.flows) for change in self.changes)


Tally: TypeAlias = Callable[[Site, Counts, str], Number | None]
"""What a layer contributes to a quantity under a convention; ``None``: what it does without."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Convention(Mistake):
    """Counts layers in another way, or leaves some out."""

    tally: Tally
    pairs: bool = True


Conversion: TypeAlias = Callable[[Number], Number]


@dataclass(frozen=True, eq=False, kw_only=True)
class Scaling(Mistake):
    """Gets the right number, and writes it in another unit or multiplies it."""

    by: Conversion
    pairs: bool = True
    least: int = 0
    """The least right value at which it is plausible."""
    only_rounded: bool = field(default=False)
    """Whether it is a matter of suffixes: plausible for values with one only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a target comes out as: under no mistake, one or several, or by somebody's convention."""

    codes: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    """One per code: how it goes on after "this is what one gets if …"."""
    values: Values
    prior: int = 0
    """The sum of the priors of the mistakes."""

    @property
    def code(self) -> str:
        return "+".join(self.codes)

    @property
    def clause(self) -> str:
        return " and ".join(self.clauses)

    def then(self, last: Outcome) -> Outcome:
        """Return the outcome under these mistakes and the last one, which leads to its values."""
        return Outcome(
            codes=self.codes + last.codes,
            clauses=self.clauses + last.clauses,
            values=last.values,
            prior=self.prior + last.prior,
        )


SHAPES_AND_COSTS = SIZES | COSTS
EVERYTHING = WEIGHTS | COSTS | SIZES | FIELDS
