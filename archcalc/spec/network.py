"""Everything that a graph is built from: the parsed sections of a spec."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Literal, NamedTuple, TypeAlias

from archcalc.graph import Graph
from archcalc.numeric import Number
from archcalc.ops.base import Shape
from archcalc.spec import syntax
from archcalc.spec.argument_values import Tables
from archcalc.spec.errors import Problem, Span
from archcalc.spec.values import Names

Observer: TypeAlias = Callable[[int], None]
"""Called with the index of each layer before its formulas are evaluated, so that a kind of number can attribute the
requirements that follow to this layer."""

Attributes: TypeAlias = Mapping[int, Mapping[str, Number]]
"""Numbers of any kind in place of attributes of layers: the index of the layer, then the name of the attribute."""


VALUE_CODES = frozenset({"shape", "argument", "arithmetic", "sharing"})
"""The codes of errors that depend on shapes and values: names and arguments have been checked before."""

TrainingHeads: TypeAlias = Literal["all", "possible"] | Collection[str]
"""Which training heads are built: all, those that are possible, or those with these names. Inference does not need
them, so what they require must not limit it."""


class Block(NamedTuple):
    """A block of the spec: its signature and its chain."""

    signature: syntax.Signature
    body: syntax.Chain
    shared: bool = False
    """Whether all of its calls use the same weights."""


class Stage(NamedTuple):
    """A chain of the network and its name, with its place; ``None`` for an unnamed one."""

    name: str | None
    chain: syntax.Chain
    span: Span | None = None


class ParsedNetwork(NamedTuple):
    """Everything that a graph is built from."""

    name: str
    inputs: Mapping[str, Shape]
    variables: Names
    blocks: Mapping[str, Block]
    tables: Tables
    stages: tuple[Stage, ...]
    heads: tuple[Stage, ...]
    training_heads: tuple[Stage, ...]
    layout: str


class LocatedGraph(NamedTuple):
    """A graph, and the place of each of its nodes in the text (``None`` for inputs)."""

    graph: Graph
    places: tuple[Span | None, ...]
    impossible_heads: tuple[Problem, ...] = ()
    """The errors of the training heads that are left out."""
