"""What is asked of a spec in many configurations: quantities by name, and a condition on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from archcalc.analysis.quantities import QUANTITIES, Quantities
from archcalc.analysis.sweep import Refused, Settings, Subject
from archcalc.claims.conditions import Condition, Name, holds
from archcalc.graph import Graph, input_axes
from archcalc.numeric import Impossible, NeedsPlain
from archcalc.spec import Given, Source, SpecError, read_spec
from archcalc.spec.errors import Problem, fail, suggest
from archcalc.spec.limits import DEFAULT, Limits

ABOUT_VALUES = frozenset({"shape", "argument", "arithmetic", "limit"})
"""Codes of errors that other settings may not have; the others are mistakes in the text."""


class Written(NamedTuple):
    """A spec that was located: its text, and whether it is an inline expression."""

    source: Source
    inline: bool


@dataclass
class Question:
    """Which spec, which quantities, which configurations."""

    spec: Written
    names: Sequence[Name]
    where: Condition | None = None
    given: Given = field(default_factory=Given)
    """What is the same in all configurations."""
    shapes: Mapping[str, str] = field(default_factory=dict)
    """Settings that are the shape of a whole input, to its name."""
    training: bool = False
    dtype: str = "float32"
    limits: Limits = DEFAULT
    absent: SpecError | None = None
    """Some network does not have what is asked for: an error if none has it."""

    def subject(self) -> Subject:
        """The question in the form that sweeps ask it."""
        keep = None if self.where is None else self.keep
        return Subject(self.read, self.measure, keep)

    def read(self, settings: Settings, observe: Callable[[int], None] | None = None) -> Graph:
        """The network of settings. Names joined by ``=`` are set to the same.

        Raises:
            Refused: there is none.
            NeedsPlain: its structure depends on a number that is an array.
            SpecError: the spec is wrong whatever the settings.
        """
        texts, shapes, numbers = dict(self.given.set), dict(self.given.shapes), dict(self.given.numbers)
        for joint, value in settings.items():
            if joint in self.shapes:
                shapes[self.shapes[joint]] = value
                continue
            for name in joint.split("="):
                if isinstance(value, str):
                    texts[name] = value
                else:
                    numbers[name] = value
        given = Given(texts, shapes, self.given.layout, numbers, observe)
        try:
            return read_spec(self.spec.source, given, inline=self.spec.inline, limits=self.limits).graph
        except SpecError as error:
            codes = {problem.code for problem in error.problems}
            if "needs-number" in codes:
                raise NeedsPlain(str(error)) from None
            if codes <= ABOUT_VALUES:
                raise Refused(error.problems[0].message, _requirement(error)) from error
            raise

    def measure(self, graph: Graph, settings: Settings) -> list[Any]:
        """What the names stand for."""
        lookup = self.lookup(graph, settings)
        return [lookup(name) for name in self.names]

    def keep(self, graph: Graph, settings: Settings) -> Any:
        """Whether the condition holds."""
        assert self.where is not None
        return holds(self.where, self.lookup(graph, settings))

    def lookup(self, graph: Graph, settings: Settings) -> Callable[[Name], Any]:
        """What names stand for in a network: settings, quantities, variables, sizes of inputs."""
        quantities = Quantities(graph, training=self.training, dtype=self.dtype)
        set_to = {name: value for joint, value in settings.items() for name in joint.split("=")}
        known: dict[Name, Any] = {}

        def found(name: Name) -> Any:
            key = name._replace(span=None)  # type: ignore[arg-type]  # wherever it stands
            if key not in known:
                known[key] = self.find(name, graph, set_to, quantities)
            return known[key]

        return found

    def find(self, name: Name, graph: Graph, set_to: Mapping[str, Any], quantities: Quantities) -> Any:
        place, word, span = name
        if place is None and word in set_to:
            return set_to[word]
        axes = input_axes(graph.inputs)
        whole = word if place is None else f"{place}.{word}"
        if whole in graph.variables:
            return graph.variables[whole]
        if whole in axes:
            node, axis = axes[whole]
            return graph.inputs[node][axis]
        if word in QUANTITIES:
            try:
                return quantities.of(place or "", word)
            except LookupError as error:
                known = [*graph.stages, *(node.name for node in graph.nodes)]
                hint = suggest(place or "", known, "`archcalc show --depth all` lists the layers")
                self.absent = SpecError([Problem("unknown-name", str(error.args[0]), span, hint)])
                raise Refused(error.args[0], error.args[0]) from None
        if self.is_word(word, set_to, graph):
            return word
        known_names = [*set_to, *QUANTITIES, *graph.variables, *axes]
        hint = suggest(word, known_names, f"quantities are {', '.join(QUANTITIES[:9])} …")
        fail("unknown-name", f"no quantity, variable or input size '{word[:40]}'", span, hint)

    def is_word(self, word: str, set_to: Mapping[str, Any], graph: Graph) -> bool:
        """Whether some variable holds words: then it is compared with words that are no names."""
        from archcalc.spec.build import words

        held = [*set_to.values(), *graph.variables.values()]
        return word in words() and any(isinstance(value, str) for value in held)


def _requirement(error: SpecError) -> str:
    """The requirement that does not hold, before its numbers are filled in: the same for many configurations."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, Impossible):
        cause = cause.__context__
    return error.problems[0].message if cause is None else str(cause.args[0])
