"""The result and the options of reading: a spec that was read, and what is given for it from outside its text."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping as Dictionary
from dataclasses import replace
from typing import NamedTuple

from archcalc.graph import Graph
from archcalc.numeric import Number
from archcalc.ops.base import Shape
from archcalc.spec.about import About
from archcalc.spec.document import YamlMapping
from archcalc.spec.errors import Problem, Source, Span, Text
from archcalc.spec.models import ModelFile
from archcalc.spec.network import Observer, ParsedNetwork, TrainingHeads


class Expectation(NamedTuple):
    """An entry of ``expect:`` as written: a target and the expected value."""

    target: Text
    value: Text


class SpecOutline(NamedTuple):
    """The parsed text of a graph, for warnings and corrections."""

    document: YamlMapping | None
    """The file; ``None`` for an inline expression."""
    network: ParsedNetwork
    places: tuple[Span | None, ...]
    """The place of each node of the graph; ``None`` for an input."""
    ignored: tuple[Text, ...] = ()
    """The codes of the warnings that the file suppresses."""
    shapes: Dictionary[str, Span] = {}
    """The places of the input shapes, by input name."""
    impossible_heads: tuple[Problem, ...] = ()
    """The errors of the training heads that are left out."""
    replaced: Dictionary[str, Shape] = {}
    """The input shapes in the text, channels first, that others given from outside replace, by input name."""


class Spec(NamedTuple):
    """A spec that was read: its source, graph, expectations and parsed text."""

    source: Source
    graph: Graph
    expectations: tuple[Expectation, ...]
    outline: SpecOutline
    variants: tuple[str, ...] = ()
    """The names of the variants of the network."""
    model: ModelFile | None = None
    """The model that was read in place of a text."""
    about: About = About()
    """What the spec says about its network."""

    def in_layout(self, layout: str | None) -> Spec:
        """Return the spec with shapes that are printed in a layout; ``None`` is the layout of the spec."""
        return self if layout is None else self._replace(graph=replace(self.graph, layout=layout))


class GivenSettings(NamedTuple):
    """What is given for a spec from outside its text: values, shapes and attributes."""

    set: Dictionary[str, str] = {}
    """The values of variables, as written on a command line."""
    shapes: Dictionary[str, str] = {}
    """Input shapes that replace those of the spec, by input name; ``""`` is the only (or first) input."""
    layout: str | None = None
    """The layout of these shapes and of an inline expression; ``None``: the layout of the spec."""
    numbers: Dictionary[str, Number] = {}
    """Numbers of any kind that replace variables and input sizes. Input sizes have the names of
    `archcalc.graph.input_axes`; a variable hides an axis of the same name. The variables of an inline expression are
    the names in it that are among these and those of `set`; a name of a size, or ``i``, only if `set` has it or if it
    occurs in the input shape."""
    observe: Observer | None = None
    """Called with the index of every layer before its formulas are evaluated."""
    attributes: Dictionary[int, Dictionary[str, Number]] = {}
    """Numbers of any kind that replace attributes of layers: by index of the layer, then name of the attribute."""
    training_heads: TrainingHeads = "possible"
    """Which training heads are built. With numbers that are not plain, they must be named."""
    arguments: Dictionary[str, str] = {}
    """The arguments of a class or function in the user's code, as Python literals or texts."""
    partial: bool = False
    """Whether operators of a model that cannot be counted are layers without a cost, instead of an error."""
    batch_axes: Dictionary[str, str] = {}
    """The axes of a model's inputs that are the batch, by name of the input: an index, or ``none``."""
    values: Dictionary[str, str] = {}
    """The numbers that inputs of a model have, by name, as written."""
    layers: Dictionary[str, str] = {}
    """The expressions that declare layers of a model, by name or class."""
    later: tuple[str, ...] = ()
    """The names of sizes, or of inputs, that a question gives later, so that a model which leaves them open is read
    with examples."""
    shared: Collection[str] = ()
    """The names in `set` that are for several networks: a model that has no such size is read without them."""

    def applied_to(self, source: Source) -> GivenSettings:
        """Return what applies to one of several specs: only models have arguments, batch axes and values."""
        return self if source.model is not None else self._replace(arguments={}, batch_axes={}, values={}, layers={})


AS_WRITTEN = GivenSettings()
