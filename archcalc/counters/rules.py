"""How a tool counts, as data: what it watches, and by which formula it counts that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias

from archcalc.counters.trace import ModuleCall, Operation, Trace


class CountedPart(NamedTuple):
    """A part of what a rule counts."""

    amount: int
    note: str = ""
    """How it was counted: ``2 per element``."""
    covers: Sequence[Operation] = ()
    """The operations whose multiply–accumulates it counts."""
    what: str = ""
    """What it counts, if that is not what the rule says."""
    needs_gradients: bool = False
    """Whether it is counted only if the model runs with gradients."""


@dataclass(frozen=True)
class Formula:
    """A formula with its text."""

    text: str
    parts: Callable[[Operation | ModuleCall], Iterator[CountedPart]]


Watched: TypeAlias = Literal["module", "function", "operator"]
"""What a rule is about: calls of modules of exact classes, of functions that the model names, or of operators of ATen,
whoever calls them."""


@dataclass(frozen=True)
class CountingRule:
    """What a tool counts for some modules, functions or operators."""

    watched: Watched
    names: str
    """Their names, separated by spaces: classes (``Conv2d``), functions (``F.relu``) or operators (``linear``)."""
    what: str
    """What it is, in a term: ``batch norm``."""
    formula: Formula
    source: str
    """The function in the tool's source that says so."""


@dataclass(frozen=True)
class Charge:
    """An amount that a layer adds to a quantity, with its meaning."""

    label: str
    amount: int
    layer: str


Measure: TypeAlias = Callable[[Trace], Iterator[Charge]]
"""What a quantity consists of that is no count of operations: parameters or bytes."""


class Unit(NamedTuple):
    """How a tool prints a number."""

    suffix: str = ""
    divisor: int = 1
    digits: int = 0
    smaller: tuple[tuple[str, int], ...] = ()
    """Suffixes and divisors of units for smaller values, in descending order, where the tool prints no text itself."""

    def text(self, value: int) -> str:
        """Return a value as the tool prints it."""
        if self.divisor == 1:
            return f"{value:,}{self.suffix}"
        units = (self.suffix, self.divisor), *self.smaller
        suffix, divisor = next((unit for unit in units if value * 100 >= unit[1]), units[-1])
        return f"{value / divisor:,.{self.digits}f}{suffix}"


EXACT = Unit()
MEGABYTES = Unit(" MB", 10**6, 2)
BINARY_MEGABYTES = Unit(" MB", 2**20, 2)


@dataclass(frozen=True)
class ToolQuantity:
    """A number that a tool prints."""

    name: str
    """Its name on the command line: ``macs``."""
    title: str
    """What the tool calls it."""
    start: Literal["macs", "backward_macs", "training_macs", "params", ""]
    """The figure of archcalc from which its terms start; empty if there is none."""
    unit: Unit = EXACT
    rules: tuple[CountingRule, ...] = ()
    measure: Measure | None = None
    otherwise: Measure | None = None
    """The measure if something holds that the source does not show."""
    source: str = ""

    @property
    def has_forward(self) -> bool:
        """Whether it counts the forward pass."""
        return self.start != "backward_macs"

    @property
    def has_backward(self) -> bool:
        """Whether it counts the backward pass, so that there is none of it without gradients."""
        return self.start in ("backward_macs", "training_macs")


@dataclass(frozen=True)
class Tool:
    """A tool in one version and one way to use it."""

    name: str
    version: str
    package: str
    """What is installed, and where it comes from."""
    use: str
    """The call that prints the numbers."""
    watches: str
    """What it sees of a model, in a sentence."""
    quantities: tuple[ToolQuantity, ...]
    reads: str = ""
    """The only format of files that it reads: ``onnx``; empty: it takes any network, as a model of PyTorch."""
    setting: str = ""
    """How it is used, if that matters: ``no_grad``, ``meta``."""
    gradients: bool = True
    """Whether the model runs with gradients; without, attention and encoder layers may be one native call each."""
    failure_without_gradients: Callable[[Trace], str] | None = None
    """The same if it is called without gradients."""
    caller_decides: bool = False
    """Whether the caller decides about gradients; a tool that turns them off itself leaves no choice."""
    title: str = ""
    """How sentences call it; by default by its name and version."""
    failure: Callable[[Trace], str] | None = None
    """Returns why it fails on a model, for which there is only what its rules would give; empty: it does not."""
    native_layers: bool = False
    """Whether encoder layers can be native calls, which they are only if no module in them has hooks."""
    enters_counted: bool = True
    """Whether modules in a module that it counts are counted, too."""

    @property
    def key(self) -> str:
        """Its name, version and setting, by which a command chooses it."""
        return " ".join(filter(None, (self.name, self.version, self.setting)))

    @property
    def sources(self) -> str:
        """The files of its source that have the rules."""
        named = [rule.source for quantity in self.quantities for rule in quantity.rules]
        named += [quantity.source for quantity in self.quantities if not quantity.rules]
        files = [word.strip(",:") for source in named for word in source.split() if "/" in word]
        return ", ".join(dict.fromkeys(files))

    def without_gradients(self) -> Tool:
        """Return the same tool, called without gradients."""
        use = f"with torch.no_grad(): {self.use}"
        return replace(
            self,
            setting="no_grad",
            use=use,
            gradients=False,
            failure=self.failure_without_gradients,
            quantities=tuple([each for each in self.quantities if not each.has_backward]),
        )


class Rules:
    """The rules of a quantity, ready for looking up."""

    def __init__(self, rules: tuple[CountingRule, ...]) -> None:
        self.rules = rules

    @cached_property
    def by_name(self) -> Mapping[Watched, Mapping[str, CountingRule]]:
        """The rules by what they watch and by its name."""
        found: dict[Watched, dict[str, CountingRule]] = {"module": {}, "function": {}, "operator": {}}
        for rule in self.rules:
            found[rule.watched].update(dict.fromkeys(rule.names.split(), rule))
        return found
