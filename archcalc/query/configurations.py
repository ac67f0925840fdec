"""Queries about a spec in many configurations: quantities by name, and a condition on the configurations."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

from archcalc.analysis.training.setup import DEFAULT_SETUP, TrainingSetup
from archcalc.graph import Graph
from archcalc.numeric import PlainNumberRequired
from archcalc.query.conditions import holds
from archcalc.query.grid import GridAxis
from archcalc.query.lookup import AbsentTarget, NetworkNames
from archcalc.query.places import find_place, heads_in
from archcalc.query.quantities import is_size
from archcalc.query.settings import require_positive
from archcalc.query.sweep import ImpossibleConfiguration, Settings, SweepSubject
from archcalc.query.targets import Evaluator
from archcalc.spec import GivenSettings, Source, SpecError, read_spec
from archcalc.spec.argument_values import NUMERIC
from archcalc.spec.errors import fail, suggest
from archcalc.spec.limits import DEFAULT, Limits
from archcalc.spec.network import TrainingHeads
from archcalc.spec.syntax import Condition, Name, names_in

SETTING_CODES = frozenset({"shape", "argument", "arithmetic", "limit"})
"""The codes of errors that may depend on the settings; errors with other codes are faults of the text itself."""


BATCH = "batch"
"""The setting that is the size of the batch, unless a spec has a variable of this name."""


class LocatedSpec(NamedTuple):
    """A spec that was located: its text, and whether that is an inline expression."""

    source: Source
    inline: bool


class Attribute(NamedTuple):
    """An attribute of a layer."""

    node: int
    """The index of the layer among the nodes of the graph."""
    layer: str
    name: str


@dataclass
class ConfigurationQuery:
    """A query: the spec, the quantities, and the condition on configurations."""

    spec: LocatedSpec
    names: Sequence[Name]
    """The quantities and settings to evaluate."""
    where: Condition | None = None
    given: GivenSettings = field(default_factory=GivenSettings)
    """The options that apply to all configurations, as written on a command line."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """The settings with one value, the same in all configurations."""
    shapes: Mapping[str, str] = field(default_factory=dict)
    """The settings that are the complete shape of an input, with the name of that input."""
    training: bool = False
    batch: int | None = None
    dtype: str = "float32"
    setup: TrainingSetup = DEFAULT_SETUP
    limits: Limits = DEFAULT
    attributes: dict[str, Attribute] = field(default_factory=dict)
    """The attributes of layers that settings refer to, as far as they have been looked up."""
    absent: SpecError | None = None
    """Set if some configuration lacks a target; it is an error if all of them do."""

    @property
    def training_heads(self) -> TrainingHeads:
        """The training heads that the query needs; the others must not make configurations impossible."""
        if self.training:
            return "all"
        settings = [name for joint in self.fixed for name in joint.split("=")]
        layers = [f"{attribute.layer}.{attribute.name}" for attribute in self.attributes.values()]
        names = [name.name for name in (*self.names, *names_in(self.where))]
        return heads_in([*names, *settings, *layers])

    def subject(self) -> SweepSubject:
        """Return the query in the form that `sweep` takes."""
        keep = None if self.where is None else self.keep
        return SweepSubject(self.read, self.measure, keep)

    def read(
        self,
        settings: Settings,
        observe: Callable[[int], None] | None = None,
        training_heads: TrainingHeads | None = None,
    ) -> Graph:
        """Return the network for given settings. Names joined by ``=`` are set to the same value.

        Args:
            settings: the settings.
            observe: called with the index of every layer before its formulas are evaluated.
            training_heads: the training heads to build; by default those that the query needs.

        Raises:
            ImpossibleConfiguration: no network exists with these settings.
            PlainNumberRequired: the structure of the network depends on a number that is an array.
            SpecError: the spec has an error that does not depend on the settings.
        """
        texts, shapes, numbers = dict(self.given.set), dict(self.given.shapes), dict(self.given.numbers)
        layers: dict[int, str] = {}
        attributes: dict[int, dict[str, Any]] = {}
        for joint, value in {**self.fixed, **settings}.items():
            if joint in self.shapes:
                shapes[self.shapes[joint]] = value
                continue
            for name in joint.split("="):
                if self.is_batch(name):
                    continue
                if isinstance(value, str):
                    texts[name] = value
                elif (attribute := self.attribute(name)) is not None:
                    layers[attribute.node] = attribute.layer
                    attributes.setdefault(attribute.node, {})[attribute.name] = value
                else:
                    numbers[name] = value
        given = self.given._replace(
            set=texts,
            shapes=shapes,
            numbers=numbers,
            observe=observe,
            attributes=attributes,
            training_heads=self.training_heads if training_heads is None else training_heads,
        )
        try:
            spec = read_spec(self.spec.source, given, inline=self.spec.inline, limits=self.limits)
            graph = spec.in_layout(given.layout).graph
            for node, layer in layers.items():
                if graph.nodes[node].name != layer:
                    fail("shape", f"'{layer}' has another position in the network")
            return graph
        except SpecError as error:
            codes = {problem.code for problem in error.problems}
            if "needs-number" in codes:
                raise PlainNumberRequired(str(error)) from None
            if codes <= SETTING_CODES:
                message = error.problems[0].message
                raise ImpossibleConfiguration(message, _requirement(message)) from error
            raise

    def is_batch(self, name: str) -> bool:
        """Return whether a setting is the size of the batch: ``batch``, unless the spec has a variable of this name."""
        return name == BATCH and self._has_no_variable_batch

    def require_batches(self, axes: Sequence[GridAxis]) -> None:
        """Require that all sizes of the batch that are set or varied are positive integers.

        Raises:
            SpecError: one is not.
        """
        varied = [(axis.name, axis.values) for axis in axes]
        for joint, values in (*varied, *((name, (value,)) for name, value in self.fixed.items())):
            if BATCH in joint.split("=") and self.is_batch(BATCH):
                require_positive(values, joint)

    @cached_property
    def _has_no_variable_batch(self) -> bool:
        try:
            graph = read_spec(self.spec.source, self.given, inline=self.spec.inline, limits=self.limits).graph
        except SpecError:  # settings give values to other variables
            return BATCH not in self.spec.source.text
        return BATCH not in graph.variables

    def attribute(self, name: str) -> Attribute | None:
        """Return the attribute of a layer that a setting refers to (``conv1.p``); ``None`` for any other setting.

        Raises:
            SpecError: there is no such layer, or it has no such attribute.
        """
        place, dot, word = name.rpartition(".")
        if not dot or is_size(word):
            return None
        if name not in self.attributes:
            self.attributes[name] = find_attribute(self.as_written(), place, word, name)
        return self.attributes[name]

    def as_written(self) -> Graph:
        """Return the network with the attributes of its layers as they are written.

        Raises:
            SpecError: no such network exists.
        """
        sizes = {name: value for name, value in self.fixed.items() if "." not in name}
        try:
            return replace(self, fixed=sizes).read({}, training_heads="possible")
        except ImpossibleConfiguration as refused:
            hint = "attributes can be varied only if the network is possible as written"
            fail("shape", str(refused), hint=hint, origin=self.spec.source.name)

    def measure(self, graph: Graph, settings: Settings) -> list[Any]:
        """Return the values of the names."""
        lookup = self.lookup(graph, settings)
        return [lookup(name) for name in self.names]

    def keep(self, graph: Graph, settings: Settings) -> Any:
        """Return whether the condition holds."""
        assert self.where is not None
        return holds(self.where, self.lookup(graph, settings))

    def lookup(self, graph: Graph, settings: Settings) -> Callable[[Name], Any]:
        """Return a function that looks up names in a network.

        Raises `ImpossibleConfiguration` for targets that the network lacks.
        """
        set_to = {name: value for joint, value in {**self.fixed, **settings}.items() for name in joint.split("=")}
        batch = set_to[BATCH] if BATCH in set_to and self.is_batch(BATCH) else self.batch
        evaluator = Evaluator(graph, training=self.training, batch=batch, dtype=self.dtype, setup=self.setup)
        names = NetworkNames(graph, evaluator, set_to)

        def found(name: Name) -> Any:
            try:
                return names(name)
            except AbsentTarget as error:
                self.absent = error
                raise ImpossibleConfiguration(str(error.args[0]), str(error.args[0])) from None

        return found


def find_attribute(graph: Graph, place: str, word: str, origin: str) -> Attribute:
    """Return the attribute with a name or letter, of the only layer of a place that has it.

    Raises:
        SpecError: no layer has it, or several have it.
    """
    try:
        indices = find_place(place, graph, training=True).layers
    except LookupError as error:
        fail("unknown-name", error.args[0], hint=error.args[1], origin=origin[:60])
    found, known = [], []
    for index in indices:
        node = graph.nodes[index]
        for parameter in node.op.parameters():
            if parameter.argument.form in NUMERIC:
                known.append(parameter.argument.sugar or parameter.name)
                if word in (parameter.name, parameter.argument.sugar):
                    found.append(Attribute(index, node.name, parameter.name))
    if not found:
        hint = suggest(word, known, f"it has {', '.join(dict.fromkeys(known))}" if known else "")
        fail("unknown-name", f"'{place[:60]}' has no numeric attribute '{word[:40]}'", hint=hint, origin=origin[:60])
    if len(found) > 1:
        hint = f"name one of them: {', '.join(f'{each.layer}.{word}' for each in found[:8])}"
        fail(
            "argument",
            f"{len(found):,} layers of '{place[:60]}' have the attribute '{found[0].name}'",
            hint=hint,
            origin=origin[:60],
        )
    return found[0]


def _requirement(message: str) -> str:
    """Return a message without its numbers, so that it applies to all configurations."""
    return re.sub(r"\d+(?:/\d+)?", "…", message)
