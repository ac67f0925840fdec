"""The types of mistakes and conventions: a code, how common it is, and its effect on a network or figure.

Their sentences are in `archcalc.claims.sentences`, by code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import TypeAlias

from archcalc.analysis.counts import Counts
from archcalc.claims.feedback import Reason
from archcalc.diagnosis.variation import Change, OutputChange, Rewrite, Site
from archcalc.numeric import Number
from archcalc.query import quantities
from archcalc.query.targets import Values


class Prior(IntEnum):
    """How often a mistake is made, according to teachers and the issue trackers of profilers.

    It orders the explanations of a value.
    """

    COMMON = 1
    OCCASIONAL = 2
    RARE = 3


class MistakeScope(Enum):
    """The layers in which a mistake is made."""

    TARGET = "in the layers of the target"
    NEAREST = "in the last layer before them in which it can be made"
    ALL = "in these and in all layers before them"
    AFTER_FIRST = "in all layers but the first one with a window"


WEIGHTS = frozenset({"params", "trainable", "weights"})
COSTS = frozenset({"macs", "mults", "flops", "connections"})
SIZES = frozenset({"shape", "channels", "neurons", *quantities.SIZES})
"""The quantities that are read off the shape of an output."""
OUTPUT_SIZES = SIZES | {"activations"}
"""The quantities that the sizes of outputs affect."""
NUMBERS = "numbers"
"""The numbers of an output themselves, in place of a quantity."""
FIELDS = frozenset({"rf", "rf_stride", "rf_padding"})


@dataclass(frozen=True, eq=False, kw_only=True)
class Mistake:
    """A known way to get a quantity wrong, or to count it differently."""

    code: str
    """A stable identifier, used in reports, keys and statistics."""
    affects: frozenset[str]
    """The quantities that it affects."""
    prior: Prior = Prior.OCCASIONAL
    priors: Mapping[str, Prior] = field(default_factory=dict)
    """The priors of the quantities for which it is more or less common."""

    def prior_for(self, quantity: str) -> Prior:
        """Return how common the mistake is for a quantity."""
        return self.priors.get(quantity, self.prior)


@dataclass(frozen=True, eq=False, kw_only=True)
class LayerMistake(Mistake):
    """A mistake that takes layers for others; the formulas of the operators run on the changed layers."""

    changes: tuple[Change, ...] = ()
    """The forms of the mistake that change a layer."""
    outputs: tuple[OutputChange, ...] = ()
    """The forms of the mistake that keep a layer, but take its output for another one."""
    kind: str = ""
    """The kind of its sentence, if that is not the one of the target."""
    propagates: bool = True
    """Whether later layers read the changed output; see `Rewrite`."""
    combinable: bool = True
    """Whether it is plausible together with another mistake."""
    scopes: tuple[MistakeScope, ...] = (MistakeScope.TARGET, MistakeScope.NEAREST, MistakeScope.ALL)
    """The sets of layers in which it is tried, in this order."""

    def rewrites(self) -> Iterable[Rewrite]:
        yield from (Rewrite(change=change, propagates=self.propagates) for change in self.changes)
        yield from (Rewrite(output=output) for output in self.outputs)


Contribution: TypeAlias = Callable[[Site, Counts, str], Number | None]
"""Returns what a layer contributes to a quantity under a convention; ``None`` if the convention does not affect it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Convention(Mistake):
    """A way to count layers differently, or to leave some out."""

    contribution: Contribution
    combinable: bool = True


Conversion: TypeAlias = Callable[[Number], Number]


@dataclass(frozen=True, eq=False, kw_only=True)
class Scaling(Mistake):
    """A mistake that multiplies the correct figure, or writes it in another unit."""

    conversion: Conversion
    combinable: bool = True
    min_value: int = 0
    """The minimum correct figure for which it is plausible."""
    only_rounded: bool = field(default=False)
    """Whether it concerns the suffix of the number, and is plausible for rounded values only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The values of a target under no mistake, one or several, or under the counting rules of a tool."""

    reasons: tuple[Reason, ...] = ()
    """The mistakes or conventions; empty for the correct values."""
    values: Values
    prior: int = 0
    """The sum of the priors of the mistakes."""
    alternatives: int = 1
    """The number of outcomes of the same kind: one for each part of a sum that may be left out, for example."""

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple([reason.code for reason in self.reasons])

    @property
    def code(self) -> str:
        return "+".join(self.codes)

    def then(self, last: Outcome) -> Outcome:
        """Return the outcome under these mistakes followed by the last one, with the values of the last one."""
        return Outcome(
            reasons=self.reasons + last.reasons,
            values=last.values,
            prior=self.prior + last.prior,
            alternatives=self.alternatives * last.alternatives,
        )


SHAPES_AND_COSTS = OUTPUT_SIZES | COSTS
