"""The stored arrays of operators as layers of Keras have them: in which order, and with which axes.

The conversions of Keras's layers say it for the layers of a description; this is for networks of other origin, whose
weights are in a file of Keras. The order of elements along these axes is that of `archcalc.readers.keras.elements`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archcalc.executor.weights import own_shapes
from archcalc.graph import Graph, Node
from archcalc.ops.activation import PRelu
from archcalc.ops.attention import Attention
from archcalc.ops.base import Operator
from archcalc.ops.conv import Conv, DepthwiseConv, SeparableConv, TransposedConv
from archcalc.ops.dense import Embedding, FullyConnected, Linear
from archcalc.ops.norm import BatchNorm, GroupNorm, LayerNorm, RmsNorm
from archcalc.ops.recurrent import Gru, Lstm, RecurrentLayer, Rnn
from archcalc.readers.keras.elements import AxisFactors, UnknownOrder
from archcalc.readers.keras.layers.attention import PROJECTIONS, as_vector, into_heads, out_of_heads
from archcalc.readers.keras.layers.convolution import outputs_first, per_input
from archcalc.readers.keras.layers.dense import transposed
from archcalc.readers.keras.layers.recurrent import gates

Transform = Callable[[Any], Any]
Rows = tuple[Literal["read", "made", ""], ...]
"""What the axes of an array have entries for: the features that a layer reads, those that it makes, or others."""


class KerasArray(NamedTuple):
    """An array of Keras, or a part of one, that an operator has as (a part of) an array."""

    array: str
    """The array of the operator. Several that name the same are joined along the first axis."""
    part: str
    """The part of Keras's layer that has it; empty for the layer itself."""
    place: int
    """Its index among the arrays of that part."""
    transform: Transform
    """Makes the array of the operator of it."""
    rows: Rows = ()
    """What each of its axes, in the operator, has an entry for."""


class Order(NamedTuple):
    """How Keras stores the arrays of an operator."""

    kinds: tuple[str, ...]
    """The classes of Keras that it may be, with underscores."""
    kept: tuple[KerasArray, ...]
    """Its arrays, in the order in which Keras lists them."""


Makes = Callable[[Graph, Node], Transform]
"""Returns, for a layer, what makes its array of that of Keras."""
Kept = tuple[str, Makes, Rows]
"""An array of an operator, what makes it, and what its axes have entries for."""


def _positions(graph: Graph, node: Node) -> int:
    """Return the number of axes that windows slide along."""
    return len(graph.input_shapes(node)[0]) - 1


def _unchanged(array: Any) -> Any:
    return array


def as_it_is(graph: Graph, node: Node) -> Transform:
    return _unchanged


def vector(graph: Graph, node: Node) -> Transform:
    return as_vector


def matrix(graph: Graph, node: Node) -> Transform:
    return transposed


def kernels(graph: Graph, node: Node) -> Transform:
    return outputs_first(_positions(graph, node))


def grouped_kernels(graph: Graph, node: Node) -> Transform:
    """Return what makes kernels; those of a single input channel each may be those of a depthwise convolution."""
    axes = _positions(graph, node)
    made = per_input(axes) if own_shapes(graph, node)["weight"][1] == 1 else outputs_first(axes)
    return _mirrored(made, axes) if getattr(node.op, "flip", False) else made


def kernels_per_input(graph: Graph, node: Node) -> Transform:
    axes = _positions(graph, node)
    made = per_input(axes)
    return _mirrored(made, axes) if getattr(node.op, "flip", False) else made


def _mirrored(made: Transform, axes: int) -> Transform:
    """Return what makes kernels of a convolution with flipped kernels, which those of Keras are not."""
    return lambda array: np.flip(made(array), tuple(range(-axes, 0)))


def normalised(graph: Graph, node: Node) -> Transform:
    """Return what makes a scale or a shift; Keras has one of all numbers with the axis of the features last."""
    own = next(iter(own_shapes(graph, node).values()))
    features = graph.features_of(node.inputs[0])
    expected = [size for axis, size in enumerate(own) if axis != features]
    expected += [own[features]] if features is not None and len(own) > 1 else []

    def transform(array: Any) -> Any:
        if len(own) > 1 and [*array.shape] != expected:
            raise ValueError("other axes")
        return array.reshape(own)

    return transform


OUT_IN: Rows = ("made", "read")
BIAS: Kept = ("bias", as_it_is, ("made",))
NORMALISED: tuple[Kept, ...] = tuple([(name, normalised, ("read",)) for name in ("scale", "shift", "mean", "variance")])
SIMPLE: dict[type[Operator], tuple[tuple[str, ...], tuple[Kept, ...]]] = {
    Conv: (("conv{}d",), (("weight", grouped_kernels, OUT_IN), BIAS)),
    DepthwiseConv: (("depthwise_conv{}d", "conv{}d"), (("weight", kernels_per_input, ()), ("bias", as_it_is, ()))),
    SeparableConv: (
        ("separable_conv{}d",),
        (("depthwise", kernels_per_input, ()), ("pointwise", kernels, ("made",)), BIAS),
    ),
    TransposedConv: (("conv{}d_transpose",), (("weight", kernels, ("read", "made")), BIAS)),
    FullyConnected: (("dense",), (("weight", matrix, OUT_IN), BIAS)),
    Linear: (("dense",), (("weight", matrix, OUT_IN), BIAS)),
    Embedding: (("embedding",), (("weight", as_it_is, ("", "made")),)),
    BatchNorm: (("batch_normalization", "sync_batch_normalization"), NORMALISED),
    LayerNorm: (("layer_normalization",), NORMALISED),
    GroupNorm: (("group_normalization",), NORMALISED),
    RmsNorm: (("rms_normalization",), NORMALISED),
    PRelu: (("p_re_lu",), (("slope", vector, ("read",)),)),
}
"""The classes of Keras that operators may be, with the number of axes of windows as ``{}``, and their arrays in Keras's
order."""
RECURRENT: dict[type[RecurrentLayer], str] = {Rnn: "simple_rnn", Lstm: "lstm", Gru: "gru"}


def order_of(graph: Graph, node: Node) -> Order | None:
    """Return how Keras stores the arrays of a layer; ``None`` if it has no layer with these arrays."""
    op, there = node.op, own_shapes(graph, node)
    if isinstance(op, RecurrentLayer):  # its arrays join those of all gates, whose order is Keras's own
        found = _recurrent(op)
    elif isinstance(op, Attention):  # its arrays join the heads, which Keras has an axis for
        found = _attention(op)
    elif type(op) in SIMPLE:
        kinds, arrays = SIMPLE[type(op)]
        if type(op) is Conv and op.groups != 1 and there["weight"][1] == 1:
            kinds = SIMPLE[DepthwiseConv][0]
        present = [(name, makes(graph, node), rows) for name, makes, rows in arrays if name in there]
        kept = [KerasArray(name, "", place, transform, rows) for place, (name, transform, rows) in enumerate(present)]
        axes = _positions(graph, node)
        found = Order(tuple([kind.format(axes) for kind in kinds]), tuple(kept))
    else:
        return None
    return found if {each.array for each in found.kept} == {*there} else None


class ElementOrders(NamedTuple):
    """The indices in Keras of the elements that a layer reads, and of those that it makes; ``None``: the same."""

    read: NDArray[np.intp] | None
    made: NDArray[np.intp] | None

    def applied(self, array: Any, rows: Rows) -> Any:
        """Return an array of Keras with the entries of its axes in the order of the network."""
        if rows == ("read",) and array.ndim > 1:
            return array if self.read is None else array.reshape(-1)[self.read].reshape(array.shape)
        for axis, name in enumerate(rows):
            order = {"read": self.read, "made": self.made, "": None}[name]
            if order is not None:
                array = np.take(array, order, axis)
        return array


def element_orders(graph: Graph, elements: AxisFactors, index: int, order: Order) -> ElementOrders:
    """Return the orders of the elements that a layer reads and makes.

    Args:
        graph: the network.
        elements: its elements.
        index: the index of the layer.
        order: how Keras stores its arrays.

    Raises:
        UnknownOrder: they are not known, or other ones than in Keras, and its arrays are not arranged by them.
    """
    node = graph.nodes[index]
    if all(shape == (1,) for shape in own_shapes(graph, node).values()):
        return ElementOrders(None, None)
    axes = _read_axes(node.op, len(graph.input_shapes(node)[0]))
    read, *further = [elements.read(node, axes, place) for place in range(len(node.joined))]
    made = elements.made(index)
    rows = {name for each in order.kept for name in each.rows}
    is_grouped = getattr(node.op, "groups", 1) != 1
    if any(each is not None for each in further) or (read is not None and (is_grouped or "read" not in rows)):
        raise UnknownOrder("the features that it reads are in another order in Keras")
    if made is not None and (is_grouped or "made" not in rows) and rows != {"read"}:
        raise UnknownOrder("the features that it makes are in another order in Keras")
    return ElementOrders(read, made)


def _read_axes(op: Operator, rank: int) -> Sequence[int]:
    """Return the axes of the input that weights have entries for."""
    axis = getattr(op, "axis", "")
    if op.flattens or axis == "all":
        return range(rank)
    return (rank - 1,) if axis == "last" or op.reads_features == "last" else (0,)


def _recurrent(op: RecurrentLayer) -> Order:
    """Return the order of a layer of one direction, or of both; deeper ones and projections are not Keras's."""
    cls = type(op)
    kind = RECURRENT[cls]
    parts = ("forward_layer/cell", "backward_layer/cell") if op.bidirectional else ("cell",)
    ordered = partial(gates, cls)
    kept = []
    for part in parts:
        kept.append(KerasArray("input", part, 0, ordered, ("", "read")))
        kept.append(KerasArray("recurrent", part, 1, ordered))
        if op.bias and op.recurrent_bias:  # the rows of one array
            is_sum = not getattr(op, "reset_after", False)  # of the two
            rows = (("bias", 0), ("recurrent_bias", 1))
            kept += [KerasArray(array, part, 2, partial(_row_of_gates, cls, row, is_sum)) for array, row in rows]
        elif op.bias:
            kept.append(KerasArray("bias", part, 2, ordered))
    return Order(("bidirectional",) if op.bidirectional else (kind,), tuple(kept))


def _row_of_gates(cls: type[RecurrentLayer], row: int, is_sum: bool, biases: Any) -> Any:
    """Return one of two biases; where only their sum matters, Keras has this, and the second one is 0."""
    if is_sum and biases.ndim == 1:
        return np.zeros_like(biases) if row else gates(cls, biases)
    return gates(cls, biases[row])


def _attention(op: Attention) -> Order:
    kept = []
    for name in PROJECTIONS:
        part = f"{name}_dense"
        kept.append(KerasArray(name, part, 0, out_of_heads if name == "output" else into_heads))
        if op.bias:
            kept.append(KerasArray(f"{name}_bias", part, 1, as_vector))
    return Order(("multi_head_attention", "grouped_query_attention"), tuple(kept))
