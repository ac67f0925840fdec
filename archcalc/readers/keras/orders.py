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


Makes = Callable[[Graph, Node], Transform]
"""Returns, for a layer, what makes its array of that of Keras."""


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


def kernels_per_input(graph: Graph, node: Node) -> Transform:
    return per_input(_positions(graph, node))


def matrix_after_flattening(graph: Graph, node: Node) -> Transform:
    return partial(_after_flattening, _flattened(graph, node))


BIAS = ("bias", as_it_is)
NORMALISED = tuple([(name, as_it_is) for name in ("scale", "shift", "mean", "variance")])
SIMPLE: dict[type[Operator], tuple[tuple[str, ...], tuple[tuple[str, Makes], ...]]] = {
    Conv: (("conv{}d",), (("weight", kernels), BIAS)),
    DepthwiseConv: (("depthwise_conv{}d",), (("weight", kernels_per_input), BIAS)),
    SeparableConv: (("separable_conv{}d",), (("depthwise", kernels_per_input), ("pointwise", kernels), BIAS)),
    TransposedConv: (("conv{}d_transpose",), (("weight", kernels), BIAS)),
    FullyConnected: (("dense",), (("weight", matrix_after_flattening), BIAS)),
    Linear: (("dense",), (("weight", matrix), BIAS)),
    Embedding: (("embedding",), (("weight", as_it_is),)),
    BatchNorm: (("batch_normalization", "sync_batch_normalization"), NORMALISED),
    LayerNorm: (("layer_normalization",), NORMALISED),
    GroupNorm: (("group_normalization",), NORMALISED),
    RmsNorm: (("rms_normalization",), NORMALISED),
    PRelu: (("p_re_lu",), (("slope", vector),)),
}
"""The classes of Keras that operators may be, with the number of axes of windows as ``{}``, and their arrays in Keras's
order."""
KEEP_ORDER = (Flatten, Identity, Dropout, Elementwise)
"""The operators between a flattening and the layer that reads the vector."""
RECURRENT: dict[type[Recurrent], str] = {Rnn: "simple_rnn", Lstm: "lstm", Gru: "gru"}


def order_of(graph: Graph, node: Node) -> Order | None:
    """Return how Keras stores the arrays of a layer; ``None`` if it has no layer with these arrays."""
    op, there = node.op, own_shapes(graph, node)
    if isinstance(op, Recurrent):  # its arrays join those of all gates, whose order is Keras's own
        found = _recurrent(op)
    elif isinstance(op, Attention):  # its arrays join the heads, which Keras has an axis for
        found = _attention(op)
    elif type(op) in SIMPLE:
        kinds, arrays = SIMPLE[type(op)]
        present = [(name, makes(graph, node)) for name, makes in arrays if name in there]
        kept = [KerasArray(name, "", place, transform) for place, (name, transform) in enumerate(present)]
        axes = _positions(graph, node)
        found = Order(tuple([kind.format(axes) for kind in kinds]), tuple(kept))
    else:
        return None
    return found if {each.array for each in found.kept} == {*there} else None


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
