"""Targets (``LAYER.QUANTITY``, ``STAGE.QUANTITY``, ``QUANTITY`` of the network) and their values.

A target is read once for a graph and evaluated in the kind of number that the graph has: integers, arrays, symbols.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from archcalc.analysis.cache import CACHED, cache_of
from archcalc.analysis.counts import FORMULAS, STORED, repeated, stored_count, tied_weights
from archcalc.analysis.fields import FIELD_QUANTITIES, Fields
from archcalc.analysis.formats import BITS, in_bytes, read_formats, stored_bytes
from archcalc.analysis.memory import peak_elements
from archcalc.analysis.propagate import Analysis, Group, Layer, counted_before, group
from archcalc.analysis.receptive import receptive_fields
from archcalc.analysis.training.setup import DEFAULT_SETUP, TrainingSetup
from archcalc.graph import Graph, Ref, axis_symbols, ordered, size_axis
from archcalc.numeric import Number, PlainNumberRequired, is_plain, product
from archcalc.query.places import Place, find_place
from archcalc.query.quantities import Quantity, find_quantity, is_measured, is_size
from archcalc.spec.errors import listing, suggest

if TYPE_CHECKING:
    from archcalc.analysis.training.cost import TrainingCost

Values: TypeAlias = tuple[Fraction | int | str, ...]
"""The values of a target: a number, one per axis, or words."""


TRAINING = "training"
"""The place in a target that stands for the network with its training heads, unless a stage has this name."""


@dataclass(frozen=True, slots=True)
class Target:
    """A quantity of a layer, of a group of layers, or of the network."""

    place: Place
    quantity: Quantity

    @property
    def name(self) -> str:
        """The target as it is written."""
        return f"{self.place.name}.{self.quantity.name}" if self.place.name else self.quantity.name


class Actual(NamedTuple):
    """The correct values of a target: numbers (or words for receptive fields), and their written form."""

    values: Values
    text: str
    kind: Literal["count", "shape", "field", "ratio"] = "count"
    layout: str = "chw"
    """The layout of a shape."""
    width: int = 0
    """The bytes of each number that is counted, if the numbers are stored in memory; else 0."""


class Evaluator:
    """Reads and evaluates the targets of one graph.

    Args:
        graph: the graph; its sizes may be of any kind of number.
        training: whether training heads count for the network.
        batch: the batch size; ``None`` for a single example without a batch axis.
        dtype: the number formats for quantities in bytes, see `archcalc.analysis.formats.read_formats`.
        setup: how the network is trained; that of the analysis if there is one.
        analysis: the analysis of the graph, if there is one; its figures are used rather than computed again. Without
            one, nothing but the graph is kept, so numbers may be large arrays.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        training: bool = False,
        batch: Number | None = None,
        dtype: str = "float32",
        analysis: Analysis | None = None,
        setup: TrainingSetup = DEFAULT_SETUP,
    ) -> None:
        self.graph = graph
        self.training = training
        self.batch = batch
        self.formats = read_formats(dtype)
        self.analysis = analysis
        self.setup = setup

    @classmethod
    def of(cls, analysis: Analysis, dtype: str = "float32") -> Evaluator:
        """Return an evaluator that uses the figures of an analysis."""
        return cls(analysis.graph, training=analysis.training, batch=analysis.batch, dtype=dtype, analysis=analysis)

    def target(self, written: str) -> Target:
        """Read a target.

        Raises:
            LookupError: there is no such layer, stage or quantity, or the quantity does not apply; the arguments are a
                message and a hint.
        """
        name, _, word = written.rpartition(".")
        quantity = find_quantity(word)
        target = Target(find_place(name, self.graph, training=self.training), quantity)
        check_scope(target)
        return target

    def values(self, target: Target) -> tuple[Any, ...]:
        """Return the values of a target.

        Returns:
            One number; for a shape, its sizes (channels first); for a receptive field, a number or one of the words
            ``global``, ``causal`` and ``unknown`` per axis, or a single one if all axes have the same.

        Raises:
            LookupError: there is no such axis, or no receptive field; the arguments are a message and a hint.
        """
        place, name = target.place, target.quantity.name
        if name in FORMULAS:
            return (self._count(place, target.quantity),)
        if name in FIELD_QUANTITIES:
            return self._field(place, name)
        if name == "shape":
            return self.graph.shape(place.tensor)
        if is_size(name):
            return (self._size(place, name),)
        return (self._number(place, name),)

    def actual(self, target: Target) -> Actual:
        """Return the values of a target with their written form."""
        quantity, values = target.quantity, self.values(target)
        if quantity.unit == "shape":
            values = ordered(values, self.graph.layout)
            return Actual(values, "x".join(map(str, values)), "shape", self.graph.layout)
        if quantity.unit == "positions":
            return Actual(values, "x".join(map(str, values)), "field")
        width = 1 if quantity.unit == "bytes" else self._width(quantity)
        return Actual(values, f"{values[0]:,}", width=width)

    def fields(self, place: Place) -> Fields:
        """Return the receptive fields of the output of a place, by input.

        Raises:
            PlainNumberRequired: sizes or windows are arrays, for which there are no receptive fields.
        """
        layer = None if self.analysis is None else self.analysis.by_node.get(place.tensor.node)
        return self._fields[place.tensor.node] if layer is None else layer.fields

    def _width(self, quantity: Quantity) -> int:
        """Return the bytes of a number that is counted; 0 if it is not in memory, or takes no whole bytes."""
        formats = self.formats
        equal = quantity.name == "activations" or formats.are_equal
        bits = BITS[formats.activations if quantity.name == "activations" else formats.weights]
        return bits // 8 if quantity.stored and equal and not bits % 8 else 0

    @cached_property
    def _training_cost(self) -> TrainingCost:
        """What a training step costs."""
        if self.analysis is not None:
            return self.analysis.training_cost
        from archcalc.analysis.training.cost import TrainingCost  # only where it is asked for

        return TrainingCost(self.graph, self.setup, training=self.training, batch=self.batch)

    def _number(self, place: Place, name: str) -> Number:
        """Return a quantity that is neither a count of layers nor a property of the output."""
        if name == "layers":
            return len(place.layers)
        if name == "channels":
            return self.graph.shape(place.tensor)[0]
        if name == "neurons":
            return product(self.graph.shape(place.tensor))
        formats, examples = self.formats, 1 if self.batch is None else self.batch
        if name == "memory":
            if not formats.are_equal:
                return stored_bytes(self.graph, place.layers, formats)
            return in_bytes(self._count(place, find_quantity("params")), formats.weights)
        if name in CACHED:
            return in_bytes(CACHED[name](cache_of(self.graph, place.layers)) * examples, formats.activations)
        if name == "peak":
            return in_bytes(peak_elements(self.graph, training=self.training) * examples, formats.activations)
        return self._training_cost.figure(name, place.layers, formats)

    def _count(self, place: Place, quantity: Quantity) -> Number:
        name = quantity.name
        if self.analysis is not None:
            if place.scope == "network":
                return self.analysis.totals.of(name)
            rows = [self.analysis.by_node[index] for index in place.layers]
            return sum([row.of(name) for row in rows]) - sum(counted_before(rows, name).values())
        total: Number = 0
        for index in place.layers:
            node = self.graph.nodes[index]
            total = total + FORMULAS[name](node.op, self.graph.input_shapes(node), node.outputs)
        if name in STORED and self.graph.sharing:
            nodes = [(index, self.graph.nodes[index]) for index in place.layers]
            tied = {index: tied_weights(node, self.graph.input_shapes(node)) for index, node in nodes}
            total = total - sum([stored_count(weights, name) for weights in repeated(tied).values()])
        return total * self.batch if quantity.per_example and self.batch is not None else total

    def _size(self, place: Place, axis: str) -> Number:
        shape = self.graph.shape(place.tensor)
        names = axis_symbols(len(shape))
        sizes: dict[str, Number] = dict(zip(names, shape, strict=True))
        numbered = size_axis(axis, len(shape))
        if numbered is not None:
            return shape[numbered]
        if axis not in sizes:
            raise LookupError(f"'{place.name[:60]}' has no axis {axis}", f"its axes are {', '.join(sizes)}")
        return sizes[axis]

    @cached_property
    def _fields(self) -> list[Fields]:
        """The receptive fields of all nodes. They are defined for plain numbers and symbols, not for arrays."""
        for node in self.graph.nodes if self.analysis is None else ():
            for reach in node.op.windows(self.graph.input_shapes(node)):
                for window in reach:
                    numbers = () if window is None else (window.size, window.stride, window.padding, window.up)
                    if not all(map(is_plain, (*numbers, *node.output))):
                        raise PlainNumberRequired("receptive fields need plain numbers")
        return receptive_fields(self.graph)

    def _field(self, place: Place, reading: str) -> tuple[Any, ...]:
        """Return a quantity of the receptive field on the first input that the output depends on."""
        axes = next(iter(self.fields(place).values()), None)
        if axes is None:
            name = self.graph.nodes[place.tensor.node].name
            raise LookupError(f"'{name}' does not depend on any input, so it has no receptive field", "")
        if not axes:
            raise LookupError("the input is a vector without positions, so there is no receptive field", "")
        values = tuple(FIELD_QUANTITIES[reading](axis) if axis.is_local else axis.word for axis in axes)
        return values[:1] if len(set(values)) == 1 else values  # equal values are written once


def check_scope(target: Target) -> None:
    """Check that the quantity of a target applies to its place.

    Raises:
        LookupError: it does not; the arguments are a message and a hint.
    """
    name, scope = target.quantity.name, target.place.scope
    if scope in target.quantity.scopes:
        return
    if scope == "network":
        raise LookupError(f"'{name}' is a quantity of one output, not of the network", f"write LAYER.{name}")
    if "network" not in target.quantity.scopes:
        raise LookupError(f"'{name}' is a quantity of one layer, not of several", f"write LAYER.{name}")
    raise LookupError(f"'{name}' is a quantity of the whole network", f"write it as {name}")


def resolve(target: str, analysis: Analysis) -> Actual:
    """Return the correct values of a target. ``training.macs`` is the total of the network with its training heads.

    Raises:
        LookupError: there is no such layer, stage or quantity; the arguments are a message and a hint.
    """
    target, analysis = split_training(target, analysis)
    evaluator = Evaluator.of(analysis)
    return evaluator.actual(evaluator.target(target))


def split_training(target: str, analysis: Analysis) -> tuple[str, Analysis]:
    """Return the target ``macs`` and the network with its training heads for ``training.macs``; others unchanged.

    Raises:
        LookupError: a training head is impossible; the arguments are a message and a hint.
    """
    place, _, word = target.rpartition(".")
    graph = analysis.graph
    if place != TRAINING or graph.find(TRAINING) is not None:
        return target, analysis
    for head in graph.impossible_heads:
        raise LookupError(graph.impossible_head(head), "")
    return word, analysis.in_training


def resolve_among(target: str, networks: Mapping[str, Analysis]) -> Actual:
    """Return the correct values of a target of several networks: ``A.params``, ``A.c1.macs``, or ``A.params /
    B.params``.

    Raises:
        LookupError: there is no such network, layer, stage or quantity; the arguments are a message and a hint.
    """
    above, ratio, below = target.partition(" / ")
    if ratio:
        return _ratio(resolve_among(above.strip(), networks), resolve_among(below.strip(), networks))
    name, rest = network_of(target, networks)
    try:
        return resolve(rest, networks[name])
    except LookupError as error:
        parts = target.split("/")
        for at, part in enumerate(parts[:-1], 1):
            if is_measured(part.rpartition(".")[2]):
                ratio = f"{'/'.join(parts[:at])} / {'/'.join(parts[at:])}"
                raise LookupError(error.args[0], f"write a ratio with spaces: {ratio[:80]}") from None
        raise


def network_of(target: str, networks: Mapping[str, object]) -> tuple[str, str]:
    """Return the name of the network that a target refers to, and the target within it.

    Raises:
        LookupError: it names none of several networks; the arguments are a message and a hint.
    """
    named = [name for name in networks if name and target.startswith(f"{name}.")]
    if named:
        name = max(named, key=len)
        return name, target[len(name) + 1 :]
    if len(networks) == 1:
        return next(iter(networks)), target
    known = f"{listing('network', networks)}: write {next(iter(networks), 'A')}.{target[:40]}"
    raise LookupError(f"'{target[:60]}' must name a network", suggest(target.split(".")[0], networks, known))


def _ratio(above: Actual, below: Actual) -> Actual:
    (a, *more), (b, *others) = above.values, below.values
    if more or others or isinstance(a, str) or isinstance(b, str) or not b:
        raise LookupError("a ratio must have a number above and a number other than zero below", "")
    value = Fraction(a) / Fraction(b)
    return Actual((value,), _written_ratio(value), "ratio")


def _written_ratio(value: Fraction) -> str:
    """Return a ratio with four significant digits, or with as many as distinguish it from an integer."""
    if value.denominator == 1:
        return f"{value.numerator:,}"
    digits = range(4, 17)
    return next(
        (text for n in digits if not float(text := f"{float(value):.{n}g}").is_integer()), f"{float(value):,.0f}"
    )


def find_row(name: str, analysis: Analysis) -> Layer | Group | None:
    """Return the layer with a name, or the group of the layers of a stage, head, input or block call.

    Returns:
        ``None`` for the network (an empty name).

    Raises:
        LookupError: there is none; the arguments are a message and a hint.
    """
    place = find_place(name, analysis.graph, training=analysis.training)
    if place.scope == "network":
        return None
    layers = [analysis.by_node[index] for index in place.layers]
    return layers[0] if place.scope == "layer" else group(tuple(name.split("/")), layers)


def output_layer(name: str, analysis: Analysis) -> Layer:
    """Return the layer that computes the output of a place, or the main output for an empty name.

    Raises:
        LookupError: there is no such place, or its output is an input; the arguments are a message and a hint.
    """
    layer = analysis.by_node.get(tensor_of(name, analysis).node)
    if layer is None:
        raise LookupError(f"'{name or analysis.graph.name}' has no layers", "`archcalc show` lists the layers")
    return layer


def tensor_of(name: str, analysis: Analysis) -> Ref:
    """Return the tensor that is the output of a place, or the main output for an empty name.

    Raises:
        LookupError: there is no such place; the arguments are a message and a hint.
    """
    return find_place(name, analysis.graph).tensor
