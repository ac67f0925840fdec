"""Operators that have a name of their own: depthwise convolutions, ReLU6, gated linear units, cyclic shifts."""

from __future__ import annotations

from archcalc.graph import Graph, Node, Ref
from archcalc.ops.activation import Gelu, Relu6, Sigmoid, Silu, Softmax
from archcalc.ops.arithmetic import Clip
from archcalc.ops.base import Operator, converted_operator
from archcalc.ops.conv import Conv, DepthwiseConv
from archcalc.ops.gate import GeGlu, Glu, SwiGlu
from archcalc.ops.joins import Compare, Concat, Mul, Where
from archcalc.ops.structure import Roll, Selection
from archcalc.readers.steps import make
from archcalc.writers.recognition.known_constants import numbers_of
from archcalc.writers.recognition.rewriting import Readers, Rewriting


def with_idioms(graph: Graph) -> Graph:
    """Return a graph in which operators have the names that people use for what they compute."""
    readers, rewriting = Readers(graph), Rewriting(graph)
    for index, node in graph.layers():
        named = name_of(graph, node)
        if named is not None:
            rewriting.replace(index, named, node.inputs)
        elif isinstance(node.op, Where):
            guard = guarding(graph, node)
            if guard is not None and readers.are_closed(guard, index):
                rewriting.remove(guard)
                rewriting.leave_out(index, node.inputs[2])
        elif isinstance(node.op, Mul | Concat) and len(node.inputs) == 2:
            found = gated_unit(graph, node) if isinstance(node.op, Mul) else shift(graph, node)
            if found is not None and readers.are_closed(found[2], index):
                op, read, inner = found
                rewriting.replace(index, op, (read,))
                rewriting.remove(inner)
    return rewriting.finished()


def name_of(graph: Graph, node: Node) -> Operator | None:
    """Return the operator with a name of its own that computes the same as a layer; ``None`` if there is none."""
    op = node.op
    if isinstance(op, Conv):
        channels = graph.shape(node.inputs[0])[0]
        if op.groups == channels > 1 and op.table is None and not op.ws:
            return converted_operator(DepthwiseConv, op, multiplier=op.channels // channels)
    if isinstance(op, Clip) and (op.min, op.max) == (0, 6):
        return Relu6()
    return None


def guarding(graph: Graph, node: Node) -> tuple[int, ...] | None:
    """Return the layers that find what is not a number in a softmax, if a layer replaces that by 0.

    Exporters write it after a softmax, which is not a number where a mask excludes all keys of a query.
    """
    found, zero, value = node.inputs
    outer = graph.nodes[found.node]
    if not isinstance(graph.nodes[value.node].op, Softmax) or not is_equal(outer.op) or not is_zero(graph, zero):
        return None
    same, negated = outer.inputs
    inner = graph.nodes[same.node]
    unequal = is_equal(inner.op) and inner.inputs == (value, value) and is_zero(graph, negated)
    return (same.node, found.node) if unequal else None


def is_equal(op: Operator) -> bool:
    return isinstance(op, Compare) and op.how == "equal"


def is_zero(graph: Graph, ref: Ref) -> bool:
    numbers = numbers_of(graph, ref)
    return numbers is not None and not numbers.any()


def gated_unit(graph: Graph, node: Node) -> tuple[Operator, Ref, tuple[int, ...]] | None:
    """Return the gated linear unit that ends with a product, what it reads, and the layers before the product."""
    for gate, other in (node.inputs, node.inputs[::-1]):
        act = graph.nodes[gate.node]
        if not isinstance(act.op, Silu | Gelu | Sigmoid):
            continue
        parts = (act.inputs[0].node, other.node)
        one, two = (half_of(graph, part) for part in parts)
        if one is None or two is None or one[0] != two[0] or one[1] != two[1] or one[2] == two[2]:
            continue
        read, axis, is_first = one
        if is_first == isinstance(act.op, Sigmoid):
            continue
        named: Operator = (
            make(Glu, axis=axis)
            if isinstance(act.op, Sigmoid)
            else make(SwiGlu, axis=axis)
            if isinstance(act.op, Silu)
            else make(GeGlu, axis=axis, form=act.op.form)
        )
        return named, read, (*parts, gate.node)
    return None


def shift(graph: Graph, node: Node) -> tuple[Operator, Ref, tuple[int, ...]] | None:
    """Return the cyclic shift that joins the two parts of a tensor in the other order, what it reads, and the parts."""
    one, other = (graph.nodes[ref.node] for ref in node.inputs)
    if not isinstance(one.op, Selection) or not isinstance(other.op, Selection) or one.inputs != other.inputs:
        return None
    shape = graph.shape(one.inputs[0])
    axis = node.op.attributes()["axis"] % len(shape)
    if {each.axis % len(shape) for each in (one.op, other.op)} != {axis}:
        return None
    (start, *rest), others = one.op.chosen(shape[axis]), other.op.chosen(shape[axis])
    if start == 0 or rest != [1, shape[axis] - start] or others != (0, 1, start):
        return None
    by = -start if 2 * start <= shape[axis] else shape[axis] - start
    return make(Roll, axis=axis, shift=by), one.inputs[0], tuple([ref.node for ref in node.inputs])


def half_of(graph: Graph, index: int) -> tuple[Ref, int, bool] | None:
    """Return the tensor and the axis of which a layer selects one half, and whether it is the first."""
    node = graph.nodes[index]
    if not isinstance(node.op, Selection):
        return None
    shape = graph.shape(node.inputs[0])
    axis = node.op.axis % len(shape)
    start, step, count = node.op.chosen(shape[axis])
    if step != 1 or 2 * count != shape[axis] or start not in (0, count):
        return None
    return node.inputs[0], -1 if axis == len(shape) - 1 else axis, start == 0
