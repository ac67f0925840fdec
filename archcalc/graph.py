"""The graph of a network: immutable, with nodes in topological order, independent of the source format.

A node is one layer: an operator, the tensors that it reads, and the shapes of its outputs. A graph may have several
inputs and outputs, and a node several outputs; tensors have any rank.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice, takewhile
from typing import Any, NamedTuple

from archcalc.numeric import Number
from archcalc.ops.base import Operator, Shape, Shapes
from archcalc.ops.fields import Features
from archcalc.ops.view import View
from archcalc.record import record

NAME_PUNCTUATION = str.maketrans("", "", "._")
"""Deletes the characters that names and numbers contain besides letters and digits."""


class Ref(NamedTuple):
    """One tensor: an output of a node."""

    node: int
    output: int = 0


class Input(Operator):
    """An input of the network: a node without inputs. It is not an operator of the language."""

    name = "input"
    arity = 0
    shape: Shape

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape=shape)

    def output(self, inputs: Shapes) -> Shape:
        return self.shape


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a layer comes from in the code that a model was exported from. Empty: not recorded."""

    module: str
    """The path of the module: ``layer1.0.conv1``; also empty for the model itself."""
    classes: str
    """The qualified name of the module's class."""
    function: str
    """The function that was called, such as ``conv2d``."""
    line: str
    """The line of the user's source, ``net.py:12``."""

    def __str__(self) -> str:
        """Return the function and the module, with the class and the line, as far as they are known."""
        parts = [f"'{self.function}'" if self.function else "an operation"]
        parts += [f"of '{self.module}'"] if self.module else []
        details = ", ".join(part for part in (self.classes, self.line) if part)
        return " ".join([*parts, f"({details})"] if details else parts)


@record(frozen=True, slots=True, eq=False)
class Node:
    """A layer in its graph."""

    name: str
    op: Operator
    inputs: tuple[Ref, ...]
    outputs: Shapes
    path: tuple[str, ...] = ()
    """Its path: the stage, the enclosing block calls, and its own name. Reports fold rows along it."""
    stage: str | None = None
    """The named stage (or head) that it belongs to, or ``None`` for an unnamed top-level layer."""
    head: str | None = None
    """The head that it belongs to, or ``None`` on the main path."""
    training: bool = False
    """Whether it is used in training only (auxiliary classifiers)."""
    tied: Mapping[str, int] = field(default_factory=dict)
    """The weights that belong to other layers: the index of the layer by the name of the weight."""
    origin: Origin | None = None
    """Where it comes from in the user's code, if it was read from a model that records it."""
    formats: tuple[str, ...] = ()
    """The number formats of its outputs in the model that it was read from, if they are narrower than float32; ``""``
    for one that is not."""
    precision: str = ""
    """The number format in which it has the results of its steps, if that is narrower than float32."""

    @property
    def output(self) -> Shape:
        """The shape of the first output."""
        return self.outputs[0]

    @property
    def joined(self) -> tuple[Ref, ...]:
        """The tensors that it reads from its chain or branches: its inputs without those that are arguments."""
        return self.inputs[: len(self.inputs) - len(self.op.tensor_arguments())]

    @property
    def is_input(self) -> bool:
        return isinstance(self.op, Input)  # the one class of this file: no trait of the operators of the language


@dataclass(frozen=True, eq=False)
class Graph:
    """A network. ``nodes`` are in topological order, inputs first."""

    name: str
    nodes: tuple[Node, ...]
    outputs: Mapping[str, Ref]
    """The outputs by name: the main output first, then the heads."""
    stages: Mapping[str, Ref] = field(default_factory=dict)
    """The outputs of stages, inputs and heads by name."""
    variables: Mapping[str, Any] = field(default_factory=dict)
    layout: str = "chw"
    """The layout in which shapes are printed: ``chw`` or ``hwc``. Shapes in the graph are channels first."""
    training_outputs: Mapping[str, Ref] = field(default_factory=dict)
    """The outputs of training heads by name."""
    notes: tuple[str, ...] = ()
    """What else there is to know about the model that it was read from, such as parameters that it does not use."""
    impossible_heads: Mapping[str, str] = field(default_factory=dict)
    """The training heads that are left out because they are impossible on this input, with the reason."""
    axis_names: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """The names that the model it was read from has for sizes of inputs: the input and the index by name."""

    @property
    def depth(self) -> int:
        """The maximum number of names in the path of a layer."""
        return max((len(node.path) for node in self.nodes), default=0)

    def shape(self, ref: Ref) -> Shape:
        """Return the shape of a tensor."""
        return self.nodes[ref.node].outputs[ref.output]

    def made_by(self, index: int) -> tuple[Ref, ...]:
        """Return the outputs of a node."""
        return tuple([Ref(index, output) for output in range(len(self.nodes[index].outputs))])

    def impossible_head(self, name: str) -> str:
        """Return the error that a name is in a training head that has been left out; otherwise, an empty text."""
        head = name.partition("/")[0]
        reason = self.impossible_heads.get(head)
        return f"the training head '{head}' is impossible on this input: {reason}" if reason else ""

    def find(self, name: str) -> Ref | None:
        """Return the output of the stage, head, input, layer or block call of this name; ``None`` if there is none."""
        if name in self.stages:
            return self.stages[name]
        path, inside = tuple(name.split("/")), None
        for index, node in enumerate(self.nodes):
            if node.name == name:
                return Ref(index)
            if node.path[: len(path)] == path:
                inside = Ref(index)
        return inside

    def input_shapes(self, node: Node) -> Shapes:
        """Return the shapes of the tensors that a node reads."""
        nodes = self.nodes
        return tuple([nodes[index].outputs[output] for index, output in node.inputs])

    @cached_property
    def alike(self) -> tuple[int, ...]:
        """For every node, the index of the first one with the same operator and the same input shapes, by identity.

        What depends on these alone is computed once for all of them. (Numbers of some kinds cannot be compared.)
        """
        nodes, first = self.nodes, dict[tuple[int, ...], int]()
        found = []
        for index, node in enumerate(nodes):
            key = (id(node.op), *[id(nodes[read].outputs[output]) for read, output in node.inputs])
            found.append(first.setdefault(key, index))
        return tuple(found)

    def positions(self, ref: Ref) -> Shape:
        """Return the sizes of the axes of a tensor that are positions: all but that of its features."""
        shape = self.shape(ref)
        return tuple([shape[axis] for axis in self.position_axes(ref)])

    def position_axes(self, ref: Ref) -> tuple[int, ...]:
        """Return the axes of a tensor that are positions."""
        features = self.features_of(ref)
        return tuple([axis for axis in range(len(self.shape(ref))) if axis != features])

    def features_of(self, ref: Ref) -> int | None:
        """Return the axis of a tensor that holds features; ``None`` if all axes are positions."""
        return self._features_of(ref, self.feature_axes)

    def _features_of(self, ref: Ref, first: Sequence[int | None]) -> int | None:
        """Return the axis of a tensor that holds features, given that of every node's first output.

        An additional output has its features where the operator reads those of its inputs.
        """
        if not ref.output:
            return first[ref.node]
        return _expected(self.nodes[ref.node].op.reads_features, len(self.shape(ref)) - 1)

    @property
    def feature_axes(self) -> tuple[int | None, ...]:
        """The axis of every node's (first) output that holds features, by the index of the node.

        ``None`` if all axes are positions, as in a tensor of indices. What the first reader expects decides about
        inputs and reordered tensors; where it expects nothing, features are first in an input, and followed where
        elements are reordered. Operators decide about all other tensors.
        """
        return self._features[0]

    @property
    def alike_in_features(self) -> tuple[int, ...]:
        """As `alike`, where the same axes hold features in the inputs and in the (first) output as well."""
        return self._features[1]

    @cached_property
    def _features(self) -> tuple[tuple[int | None, ...], tuple[int, ...]]:
        """The axis that holds features and the first node that is alike, for every node."""
        found: list[int | None] = []
        alike: list[int] = []
        wanted = self.features_wanted
        views: dict[int, tuple[Ref, View]] = {}
        first: dict[tuple[int | None, ...], int] = {}
        for index, (node, kind) in enumerate(zip(self.nodes, self.alike, strict=True)):
            read = [self._features_of(ref, found) if ref[1] else found[ref[0]] for ref in node.inputs]
            key = (kind, *read)
            if node.is_input:
                own = _expected(wanted.get(index, "first"), len(node.output) - 1)
                key = (kind, own)
            elif node.op.reorders:
                last = len(node.output) - 1
                (ref,), (before,) = node.inputs, read
                origin, view = views.get(ref.node) or (ref, View.of(self.shape(ref)))
                further = node.op.rearranged(view, node.output)
                if further is not None:
                    views[index] = origin, further
                held = _held(further, self._features_of(origin, found), before, last)
                own = _expected(wanted[index], last) if index in wanted else held
                key = (kind, before, own)
            elif key in first:
                own = found[first[key]]
            else:
                own = node.op.feature_axis(self.input_shapes(node), tuple(read))
            found.append(own)
            alike.append(first.setdefault(key, index))
        return tuple(found), tuple(alike)

    @cached_property
    def features_wanted(self) -> dict[int, Features]:
        """Where the first reader of a node expects features, by the index of the node, if it has a preference.

        Operators without one that keep the axes pass on what is expected of their output.
        """
        wanted: dict[int, Features] = {}
        known: dict[int, list[tuple[Features, bool]]] = {}
        for index in range(len(self.nodes) - 1, -1, -1):
            node, kind = self.nodes[index], self.alike[index]
            if kind not in known:
                known[kind] = self._reads(node)
            for (read, _), (expected, passes) in zip(node.inputs, known[kind], strict=True):
                expects = expected or (wanted.get(index, "") if passes else "")
                if expects:
                    wanted[read] = expects
        return wanted

    def _reads(self, node: Node) -> list[tuple[Features, bool]]:
        """Return where a node expects the features of each input, and whether it keeps the axes of the input."""
        rank, inputs = len(node.output), len(node.inputs)
        return [
            (node.op.features_of(place, inputs), not node.op.reorders and len(shape) == rank)
            for place, shape in enumerate(self.input_shapes(node))
        ]

    @cached_property
    def sharing(self) -> Mapping[int, int]:
        """The layers that use weights of other layers or whose weights others use, by index, with one of those."""
        found: dict[int, int] = {}
        for index, node in enumerate(self.nodes):
            for owner in node.tied.values():
                found.setdefault(owner, index)
                found.setdefault(index, owner)
        return found

    @cached_property
    def inputs(self) -> dict[str, Shape]:
        """The shapes of the inputs by name."""
        return {node.name: node.output for node in takewhile(lambda node: node.is_input, self.nodes)}

    @property
    def input_refs(self) -> dict[str, Ref]:
        """The inputs by name."""
        return {name: Ref(index) for index, name in enumerate(self.inputs)}

    def layers(self) -> Iterator[tuple[int, Node]]:
        """Return the indices and nodes of all layers, that is, without the inputs."""
        return islice(enumerate(self.nodes), len(self.inputs), None)

    def running(self, *, training: bool) -> Iterator[tuple[int, Node]]:
        """Return the indices and nodes of the layers that run: those of training heads only in training."""
        return ((index, node) for index, node in self.layers() if training or not node.training)


def _expected(features: Features, last: int) -> int | None:
    """Return the axis of features that a reader expects, given the last axis."""
    return {"last": last, "none": None}.get(features, 0)


def _held(view: View | None, origin: int | None, before: int | None, last: int) -> int | None:
    """Return the axis that holds features after a view.

    Args:
        view: the view of the tensor that a chain of views begins with.
        origin: the axis of that tensor that holds features.
        before: the axis of the tensor that is read.
        last: the last axis.
    """
    if origin is None or (view is not None and view.is_reduced(origin)):
        return None
    held = None if view is None else view.holder(origin)
    if held is not None:
        return held
    return before if before is not None and before <= last else 0


def write_shape(shape: tuple[Number, ...], layout: str = "chw", batch: Number | None = None) -> str:
    """Return the text of a shape: ``3x224x224``, or ``224x224x3`` in the layout ``hwc``; formulas are in brackets.

    Args:
        shape: the shape of one example, channels first.
        layout: the layout.
        batch: the number of examples, which leads the shape in either layout; ``None`` for one without a batch axis.
    """
    texts = [str(size) for size in (*(() if batch is None else (batch,)), *ordered(shape, layout))]
    return "x".join([text if text.translate(NAME_PUNCTUATION).isalnum() else f"({text})" for text in texts])


def ordered(shape: tuple[Number, ...], layout: str) -> tuple[Number, ...]:
    """Return a channels-first shape in the order of a layout."""
    return (*shape[1:], shape[0]) if layout == "hwc" and len(shape) > 1 else shape


def channels_first(shape: tuple[Number, ...], layout: str) -> tuple[Number, ...]:
    """Return a shape in the order of a layout as a channels-first shape."""
    return (shape[-1], *shape[:-1]) if layout == "hwc" and len(shape) > 1 else shape


_TERM = re.compile(r"(=|->|→|,)")
_AXIS = re.compile(r"\([^()]*\)?|[^\s()]+|\)")


def pattern_ordered(pattern: str, layout: str) -> str:
    """Return a channels-first pattern in einops' notation in the order of a layout."""
    return _reordered(pattern, lambda axes: ordered(axes, layout)) if layout == "hwc" else pattern


def pattern_channels_first(pattern: str, layout: str) -> str:
    """Return a pattern in einops' notation, which is in the order of a layout, as a channels-first pattern."""
    return _reordered(pattern, lambda axes: channels_first(axes, layout)) if layout == "hwc" else pattern


def _reordered(pattern: str, order: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> str:
    """Return a pattern with the axes of each of its tensors in another order."""
    terms = [
        term.strip() if place % 2 else order(tuple(_AXIS.findall(term)))
        for place, term in enumerate(_TERM.split(pattern))
    ]
    texts = [term if isinstance(term, str) else " ".join(term) for term in terms]
    return " ".join(texts).replace(" ,", ",")


AXIS_SYMBOLS = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}


def axis_symbols(rank: int) -> tuple[str, ...]:
    """Return the symbols of the axes of a tensor: C, then L; H, W; or D, H, W; more spatial axes are numbered."""
    return ("C", *AXIS_SYMBOLS.get(rank - 1, tuple(f"n_{axis}" for axis in range(1, rank))))


_NUMBERED = re.compile(r"n([0-9]{1,3})")


def axis_letters(rank: int) -> tuple[str, ...]:
    """Return the letters of the sizes of a tensor of this rank, by which a spec can call them; none from 5 axes on."""
    return ("C", *AXIS_SYMBOLS.get(rank - 1, ())) if rank else ()


def is_size(name: str) -> bool:
    """Return whether this is the name of a size of some tensor: ``n0``, ``n1`` …, or a letter."""
    return name in ("C", "L", "D", "H", "W") or _NUMBERED.fullmatch(name) is not None


def size_axis(name: str, rank: int) -> int | None:
    """Return the axis whose size has this name in a tensor of this rank; ``None`` if there is no such axis."""
    numbered = _NUMBERED.fullmatch(name)
    if numbered is not None:
        return int(numbered[1]) if int(numbered[1]) < rank else None
    letters = axis_letters(rank)
    return letters.index(name) if name in letters else None


def is_axis(name: str) -> bool:
    """Return whether this may be the name of an input size of some network (see `input_axes`)."""
    axis = name.rpartition(".")[2]
    return is_size(axis) or (axis.startswith("n_") and axis[2:].isdecimal())


def input_axes(
    inputs: Mapping[str, Shape], names: Mapping[str, tuple[str, int]] | None = None
) -> dict[str, tuple[str, int]]:
    """Return the input and the axis index of every input size by name: ``H`` of the first input, ``prior.H`` of any.

    Every size has a second name that numbers it, ``n0``, ``n1`` …; models of other formats may have further ones, which
    are given.
    """
    letters: dict[str, tuple[str, int]] = {}
    numbered: dict[str, tuple[str, int]] = {}
    for place, (name, shape) in enumerate(inputs.items()):
        for axis, letter in enumerate(axis_symbols(len(shape))):
            for prefix in (f"{name}.",) if place else ("", f"{name}."):
                letters[f"{prefix}{letter}"] = numbered[f"{prefix}n{axis}"] = name, axis
    return {**(names or {}), **letters, **numbered}
