"""Projections, scaled products and a projection as one layer: ``attention``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from math import isclose
from typing import NamedTuple

from archcalc.graph import Graph, Node, Ref
from archcalc.numeric import Number
from archcalc.ops.activation import Softmax
from archcalc.ops.arithmetic import Scale
from archcalc.ops.attention import Attention, ScaledDotProductAttention
from archcalc.ops.dense import Linear
from archcalc.ops.joins import Add
from archcalc.ops.product import MatMul
from archcalc.readers.steps import make
from archcalc.writers.recognition.heads import Group, Traced, merged, traced
from archcalc.writers.recognition.rewriting import Readers, Rewriting, only_reorders

CLOSE = 1e-5
"""The relative difference of a factor from 1/√d that single precision explains."""


class Products(NamedTuple):
    """The products of queries, keys and values, in one layer or in several."""

    queries: Traced
    keys: Traced
    values: Traced
    factor: Number | None
    """What the products of queries and keys are multiplied by; ``None`` if it is 1/√d."""
    mask: Ref | None
    causal: bool
    layers: tuple[int, ...]
    """The layers that compute them, the last of which makes the result."""


class Found(NamedTuple):
    """A layer of attention."""

    op: Attention
    inputs: tuple[Ref, ...]
    layers: tuple[int, ...]
    """The layers that it replaces, the last of which makes the result."""


def with_attention(graph: Graph) -> Graph:
    """Return a graph with a layer ``attention`` in the place of the layers that compute one."""
    readers, rewriting = Readers(graph), Rewriting(graph)
    for index, node in graph.layers():
        if not isinstance(node.op, ScaledDotProductAttention | MatMul):
            continue
        products = products_of(graph, index)
        found = None if products is None else attention_of(graph, readers, products)
        if found is not None:
            *inner, last = found.layers
            rewriting.remove(inner)
            rewriting.replace(last, found.op, found.inputs, common_path([graph.nodes[each] for each in found.layers]))
    return rewriting.finished()


def products_of(graph: Graph, index: int) -> Products | None:
    """Return the products that end with a layer; ``None`` if it ends none."""
    node = graph.nodes[index]
    if isinstance(node.op, ScaledDotProductAttention):
        queries, keys, values = (traced(graph, ref) for ref in node.inputs[:3])
        mask = node.inputs[3] if len(node.inputs) > 3 else None
        if queries is None or keys is None or values is None:
            return None
        return Products(queries, keys, values, node.op.factor, mask, node.op.causal, (index,))
    return written_out(graph, index)


def written_out(graph: Graph, index: int) -> Products | None:
    """Return the products that end with a product of matrices: of a softmax along the last axis with values."""
    shares, values = graph.nodes[index].inputs
    softmax = graph.nodes[shares.node]
    if not isinstance(softmax.op, Softmax) or softmax.op.axis not in (-1, len(softmax.output) - 1):
        return None
    layers = [shares.node, index]
    (ref,) = softmax.inputs
    factor: Number = 1
    mask = None
    while not isinstance((node := graph.nodes[ref.node]).op, MatMul):
        if isinstance(node.op, Scale):
            factor *= node.op.factor
            (before,) = node.inputs
        elif isinstance(node.op, Add) and mask is None and factor == 1 and len(node.inputs) == 2:
            before, mask = node.inputs
        else:
            return None
        layers.insert(0, ref.node)
        ref = before
    layers.insert(0, ref.node)
    queries, keys = traced(graph, node.inputs[0]), traced(graph, node.inputs[1], transposed=True)
    held = traced(graph, values)
    if queries is None or keys is None or held is None or held.factor != 1:
        return None
    return Products(queries, keys, held, factor, mask, False, tuple(layers))


def attention_of(graph: Graph, readers: Readers, products: Products) -> Found | None:
    """Return the layer of attention that products belong to; ``None`` if they belong to none."""
    queries, keys, values = products[:3]
    groups = agreed((queries, keys, values))
    behind, output = projected(graph, readers, products.layers[-1])
    result = Ref(products.layers[-1])
    if groups is None or output is None or not merged(graph, result, groups, behind):
        return None
    width = graph.shape(result)[-1]
    factor = (1 if products.factor is None else products.factor) * queries.factor * keys.factor
    if (products.factor is None and factor != 1) or (
        products.factor is not None and not isclose(float(factor) ** 2 * width, 1, rel_tol=CLOSE)
    ):
        return None
    projections = (queries.origin.node, keys.origin.node, values.origin.node)
    inner = sorted({*projections, *queries.layers, *keys.layers, *values.layers, *products.layers, *behind})
    if not are_projections(graph, (queries, keys, values)) or not readers.are_closed(inner, output):
        return None
    (tokens,), (context,), (other,) = (graph.nodes[each].inputs for each in projections)
    if context != other or output in graph.sharing:
        return None
    heads = next((size for group, size in groups if group is None), 1)
    op = attention(graph, projections, output, heads, heads * width, products, context=context != tokens)
    if op is None or (op.mask and not is_aligned(groups, graph, products)):
        return None
    inputs = (tokens, *((context,) if op.context else ()), *((products.mask,) if products.mask is not None else ()))
    shapes = tuple([graph.shape(ref) for ref in inputs])
    if op.output(shapes) != graph.nodes[output].output:
        return None
    return Found(op, inputs, (*inner, output))


def agreed(traces: Sequence[Traced]) -> tuple[Group, ...] | None:
    """Return the leading axes of queries, keys and values; ``None`` if they differ."""
    found = {traced.elements.groups() for traced in traces}
    return found.pop() if len(found) == 1 else None


def projected(graph: Graph, readers: Readers, index: int) -> tuple[list[int], int | None]:
    """Return the layers that reorder a product, and the projection behind them; ``None`` if there is none."""
    found: list[int] = []
    after = readers.only(index)
    while after is not None and only_reorders(graph.nodes[after].op):
        found.append(after)
        after = readers.only(after)
    return found, after if after is not None and is_projection(graph.nodes[after]) else None


def is_projection(node: Node) -> bool:
    """Return whether a layer is a linear layer of tokens along their features."""
    return isinstance(node.op, Linear) and node.op.axis == "last" and len(node.output) > 1


def are_projections(graph: Graph, traces: Sequence[Traced]) -> bool:
    """Return whether queries, keys and values are different parts of linear layers, and together all of them."""
    parts: dict[int, list[tuple[tuple[int, int, int], ...]]] = {}
    used: dict[int, int] = {}
    for each in traces:
        node = each.origin.node
        if not is_projection(graph.nodes[node]):
            return False
        features = len(graph.nodes[node].output) - 1
        if any(axis != features for axis, _, _ in each.elements.part):
            return False
        parts.setdefault(node, []).append(each.elements.part)
        groups = each.elements.groups() or ()
        heads = next((size for group, size in groups if group is None), 1)
        used[node] = used.get(node, 0) + heads * each.elements.view.shape[-1]
    distinct = all(len({*found}) == len(found) for found in parts.values())
    return distinct and all(used[node] == graph.nodes[node].output[-1] for node in used)


def attention(
    graph: Graph,
    projections: tuple[int, int, int],
    output: int,
    heads: int,
    dim: int,
    products: Products,
    *,
    context: bool,
) -> Attention | None:
    """Return the operator; ``None`` if its biases cannot be said."""
    query, key, value, out = (graph.nodes[each].op for each in (*projections, output))
    assert isinstance(query, Linear)
    assert isinstance(key, Linear)
    assert isinstance(value, Linear)
    assert isinstance(out, Linear)
    (tokens,) = graph.nodes[projections[0]].inputs
    if query.bias != value.bias or ((key.bias or out.bias) and not query.bias):
        return None
    return make(
        Attention,
        heads=heads,
        dim=None if dim == graph.shape(tokens)[-1] else dim,
        causal=products.causal,
        context=context,
        mask=products.mask is not None,
        bias=query.bias,
        key_bias=key.bias or not query.bias,
        out_bias=out.bias or not query.bias,
    )


def is_aligned(groups: Sequence[Group], graph: Graph, products: Products) -> bool:
    """Return whether a mask is added to scores of the same axes: positions in their order, then heads."""
    assert products.mask is not None
    mask = graph.shape(products.mask)
    leading = [size for _, size in groups]
    in_order = [group for group, _ in groups] == [*range(len(groups) - 1), None]
    same = in_order and [*graph.shape(Ref(products.layers[-1]))[:-2]] == leading
    return same or len(mask) <= 2


def common_path(nodes: Sequence[Node]) -> tuple[str, ...] | None:
    """Return the path of the module that layers belong to; ``None`` if there is none."""
    columns: Iterator[tuple[str, ...]] = zip(*(node.path for node in nodes), strict=False)
    shared = tuple([names[0] for names in takewhile(lambda names: len({*names}) == 1, columns)])
    return shared or None
