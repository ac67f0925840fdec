"""The stored arrays of operators as layers of Keras have them: in which order, and with which axes.

The conversions of Keras's layers say it for the layers of a description; this is for networks of other origin, whose
weights are in a file of Keras.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from archcalc.executor.weights import own_shapes
from archcalc.graph import Graph, Node
from archcalc.ops.activation import Dropout, Elementwise, PRelu
from archcalc.ops.attention import Attention
from archcalc.ops.base import Operator, Shape
from archcalc.ops.conv import Conv, DepthwiseConv, SeparableConv, TransposedConv
from archcalc.ops.dense import Embedding, FullyConnected, Linear
from archcalc.ops.norm import BatchNorm, GroupNorm, LayerNorm, RmsNorm
from archcalc.ops.recurrent import Gru, Lstm, Recurrent, Rnn
from archcalc.ops.structure import Flatten, Identity
from archcalc.readers.keras.layers.attention import PROJECTIONS, as_vector, into_heads, out_of_heads
from archcalc.readers.keras.layers.convolution import outputs_first, per_input
from archcalc.readers.keras.layers.dense import transposed
from archcalc.readers.keras.layers.recurrent import gates

Transform = Callable[[Any], Any]


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


class Order(NamedTuple):
    """How Keras stores the arrays of an operator."""

    kinds: tuple[str, ...]
    """The classes of Keras that it may be, with underscores."""
    kept: tuple[KerasArray, ...]
    """Its arrays, in the order in which Keras lists them."""


WINDOWS = (Conv, DepthwiseConv, SeparableConv, TransposedConv)
NORMALISED = ("scale", "shift", "mean", "variance")
SIMPLE: dict[type[Operator], tuple[tuple[str, ...], tuple[str, ...]]] = {
    Conv: (("conv{}d",), ("weight", "bias")),
    DepthwiseConv: (("depthwise_conv{}d",), ("weight", "bias")),
    SeparableConv: (("separable_conv{}d",), ("depthwise", "pointwise", "bias")),
    TransposedConv: (("conv{}d_transpose",), ("weight", "bias")),
    FullyConnected: (("dense",), ("weight", "bias")),
    Linear: (("dense",), ("weight", "bias")),
    Embedding: (("embedding",), ("weight",)),
    BatchNorm: (("batch_normalization", "sync_batch_normalization"), NORMALISED),
    LayerNorm: (("layer_normalization",), NORMALISED),
    GroupNorm: (("group_normalization",), NORMALISED),
    RmsNorm: (("rms_normalization",), NORMALISED),
    PRelu: (("p_re_lu",), ("slope",)),
}
"""The classes of Keras of operators, with the number of axes as ``{}``, and their arrays in Keras's order."""
KEEP_ORDER = (Flatten, Identity, Dropout, Elementwise)
"""The operators between a flattening and the layer that reads the vector."""
RECURRENT: dict[type[Recurrent], str] = {Rnn: "simple_rnn", Lstm: "lstm", Gru: "gru"}


def order_of(graph: Graph, node: Node) -> Order | None:
    """Return how Keras stores the arrays of a layer; ``None`` if it has no layer with these arrays."""
    op, there = node.op, own_shapes(graph, node)
    if isinstance(op, Recurrent):
        found = _recurrent(op)
    elif isinstance(op, Attention):
        found = _attention(op)
    elif type(op) in SIMPLE:
        kinds, names = SIMPLE[type(op)]
        present = [name for name in names if name in there]
        kept = [KerasArray(name, "", index, _transform(graph, node, name)) for index, name in enumerate(present)]
        found = Order(tuple([kind.format(len(getattr(op, "kernel", ()))) for kind in kinds]), tuple(kept))
    else:
        return None
    return found if {each.array for each in found.kept} == {*there} else None


def _transform(graph: Graph, node: Node, array: str) -> Transform:
    """Return what makes an array of an operator of that of Keras."""
    op = node.op
    if array == "weight" and isinstance(op, FullyConnected):
        return partial(_after_flattening, _flattened(graph, node))
    if array == "weight" and isinstance(op, Linear):
        return transposed
    if isinstance(op, WINDOWS) and array != "bias":
        is_depthwise = array == "depthwise" or isinstance(op, DepthwiseConv)
        return (per_input if is_depthwise else outputs_first)(len(op.kernel))
    return as_vector if isinstance(op, PRelu) else _unchanged


def _unchanged(array: Any) -> Any:
    return array


def _flattened(graph: Graph, node: Node) -> Shape:
    """Return the shape of the tensor whose elements a layer reads as a vector, with the channels first."""
    (tensor,) = node.inputs
    while len(graph.shape(tensor)) == 1 and isinstance(graph.nodes[tensor.node].op, KEEP_ORDER):
        (tensor,) = graph.nodes[tensor.node].inputs
    return graph.shape(tensor)


def _after_flattening(read: Shape, kernel: Any) -> Any:
    """Return a matrix, outputs by elements with the channels outermost, of one of elements, with them innermost."""
    if len(read) < 2:
        return kernel.T
    return kernel.reshape(*read[1:], read[0], -1).transpose(-1, -2, *range(len(read) - 1)).reshape(kernel.shape[::-1])


def _recurrent(op: Recurrent) -> Order:
    """Return the order of a layer of one direction, or of both; deeper ones and projections are not Keras's."""
    cls = type(op)
    kind = RECURRENT[cls]
    parts = ("forward_layer/cell", "backward_layer/cell") if op.bidirectional else ("cell",)
    ordered = partial(gates, cls)
    kept = []
    for part in parts:
        kept += [KerasArray("input", part, 0, ordered), KerasArray("recurrent", part, 1, ordered)]
        if op.bias and op.recurrent_bias:  # the rows of one array
            rows = (("bias", 0), ("recurrent_bias", 1))
            kept += [KerasArray(array, part, 2, partial(_row_of_gates, cls, row)) for array, row in rows]
        elif op.bias:
            kept.append(KerasArray("bias", part, 2, ordered))
    return Order(("bidirectional",) if op.bidirectional else (kind,), tuple(kept))


def _row_of_gates(cls: type[Recurrent], row: int, biases: Any) -> Any:
    return gates(cls, biases[row])


def _attention(op: Attention) -> Order:
    kept = []
    for name in PROJECTIONS:
        part = f"{name}_dense"
        kept.append(KerasArray(name, part, 0, out_of_heads if name == "output" else into_heads))
        if op.bias:
            kept.append(KerasArray(f"{name}_bias", part, 1, as_vector))
    return Order(("multi_head_attention", "grouped_query_attention"), tuple(kept))
