"""Projections, scaled products and a projection as one layer: ``attention``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import dropwhile, takewhile
from math import isclose
from typing import NamedTuple

from archcalc.graph import Graph, Node, Ref
from archcalc.numeric import Impossible, Number
from archcalc.ops.activation import Softmax
from archcalc.ops.arithmetic import Scale
from archcalc.ops.attention import Attention, ScaledDotProductAttention
from archcalc.ops.base import Shape
from archcalc.ops.dense import Linear
from archcalc.ops.joins import Add
from archcalc.ops.position import ShiftMask
from archcalc.ops.product import MatMul
from archcalc.ops.source import Constant
from archcalc.ops.structure import Reshape
from archcalc.readers.steps import make
from archcalc.writers.recognition.heads import Group, TensorOrigin, merged, traced
from archcalc.writers.recognition.known_constants import is_causal, numbers_of
from archcalc.writers.recognition.rewriting import Readers, Rewriting, only_reorders

CLOSE = 1e-5
"""The relative difference of a factor from 1/√d that single precision explains."""


class AttentionProducts(NamedTuple):
    """The products of queries, keys and values, in one layer or in several."""

    queries: TensorOrigin
    keys: TensorOrigin
    values: TensorOrigin
    factor: Number | None
    """What the products of queries and keys are multiplied by; ``None`` if it is 1/√d."""
    added: tuple[Ref, ...]
    """What is added to the scores besides a causal mask."""
    causal: bool
    layers: tuple[int, ...]
    """The layers that compute them, the last of which makes the result."""


class AttentionMatch(NamedTuple):
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


def products_of(graph: Graph, index: int) -> AttentionProducts | None:
    """Return the products that end with a layer; ``None`` if it ends none."""
    node = graph.nodes[index]
    if isinstance(node.op, ScaledDotProductAttention):
        queries, keys, values = (traced(graph, ref) for ref in node.inputs[:3])
        if queries is None or keys is None or values is None:
            return None
        added, causal = told_apart(graph, node.inputs[3:])
        return AttentionProducts(queries, keys, values, node.op.factor, added, causal or node.op.causal, (index,))
    return written_out(graph, index)


def told_apart(graph: Graph, added: Sequence[Ref]) -> tuple[tuple[Ref, ...], bool]:
    """Return what is added to scores without masks that exclude no or all later positions, and whether one did."""
    rest, causal = [], False
    for ref in (without_leading_ones(graph, each) for each in added):
        numbers = numbers_of(graph, ref)
        if numbers is not None and is_causal(numbers):
            causal = True
        elif numbers is None or numbers.any():
            rest.append(ref)
    return tuple(rest), causal


def written_out(graph: Graph, index: int) -> AttentionProducts | None:
    """Return the products that end with a product of matrices: of a softmax along the last axis with values."""
    shares, values = graph.nodes[index].inputs
    softmax = graph.nodes[shares.node]
    if not isinstance(softmax.op, Softmax) or softmax.op.axis not in (-1, len(softmax.output) - 1):
        return None
    layers = [shares.node, index]
    (ref,) = softmax.inputs
    factor: Number = 1
    added: list[Ref] = []
    while not isinstance((node := graph.nodes[ref.node]).op, MatMul):
        if isinstance(node.op, Scale):
            factor *= node.op.factor
            (before,) = node.inputs
        elif isinstance(node.op, Add) and factor == 1 and len(node.inputs) == 2:
            before, other = sorted(node.inputs, key=lambda each: not is_scores(graph, each))
            added.insert(0, other)
        else:
            return None
        layers.insert(0, ref.node)
        ref = before
    layers.insert(0, ref.node)
    queries, keys = traced(graph, node.inputs[0]), traced(graph, node.inputs[1], transposed=True)
    held = traced(graph, values)
    if queries is None or keys is None or held is None or held.factor != 1:
        return None
    rest, causal = told_apart(graph, added)
    return AttentionProducts(queries, keys, held, factor, rest, causal, tuple(layers))


def without_leading_ones(graph: Graph, ref: Ref) -> Ref:
    """Return a tensor that has the same axes, but for leading ones of size 1, which do not matter to scores."""
    while isinstance((node := graph.nodes[ref.node]).op, Reshape):
        before, after = (without_ones(shape) for shape in (graph.shape(node.inputs[0]), node.output))
        if before != after:
            break
        (ref,) = node.inputs
    return ref


def without_ones(shape: Shape) -> list[Number]:
    """Return a shape without leading axes of size 1."""
    return [*dropwhile(lambda n: n == 1, shape)]


def is_scores(graph: Graph, ref: Ref) -> bool:
    """Return whether a tensor is made like scores: by products, factors and sums."""
    return isinstance(graph.nodes[ref.node].op, MatMul | Scale | Add)


def attention_of(graph: Graph, readers: Readers, products: AttentionProducts) -> AttentionMatch | None:
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
    repeats = {keys.elements.repeats, values.elements.repeats}
    if len(repeats) > 1 or queries.elements.repeats > 1 or queries.base != keys.base or values.base is not None:
        return None
    heads = next((size for group, size in groups if group is None), 1)
    added = biases(graph, products.added)
    if added is None or not all(is_aligned(groups, graph, products, ref) for ref in added.values()):
        return None
    op = attention(graph, projections, output, heads, heads * width, products, added, context=context != tokens)
    if op is None:
        return None
    inputs = (tokens, *((context,) if op.context else ()), *added.values())
    shapes = tuple([graph.shape(ref) for ref in inputs])
    try:
        if op.output(shapes) != graph.nodes[output].output:
            return None
    except Impossible:  # what is added has more axes than scores
        return None
    return AttentionMatch(op, inputs, (*inner, output))


def agreed(traces: Sequence[TensorOrigin]) -> tuple[Group, ...] | None:
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


def are_projections(graph: Graph, traces: Sequence[TensorOrigin]) -> bool:
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
        used[node] = used.get(node, 0) + heads // each.elements.repeats * each.elements.view.shape[-1]
    distinct = all(len({*found}) == len(found) for found in parts.values())
    return distinct and all(used[node] == graph.nodes[node].output[-1] for node in used)


def attention(
    graph: Graph,
    projections: tuple[int, int, int],
    output: int,
    heads: int,
    dim: int,
    products: AttentionProducts,
    added: Mapping[str, Ref],
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
        kv_heads=None if products.keys.elements.repeats == 1 else heads // products.keys.elements.repeats,
        causal=products.causal,
        rope=products.queries.base,
        context=context,
        score_bias="score_bias" in added,
        mask="mask" in added,
        bias=query.bias,
        key_bias=key.bias or not query.bias,
        out_bias=out.bias or not query.bias,
    )


def biases(graph: Graph, added: Sequence[Ref]) -> dict[str, Ref] | None:
    """Return what is added to scores by the name of the argument; ``None`` if there are not enough arguments.

    Masks are stored tensors that are not trained; all others are biases.
    """
    named = {"mask" if is_fixed(graph, ref) else "score_bias": ref for ref in added}
    if len(named) < len(added):
        named = dict(zip(("score_bias", "mask"), added, strict=False))
    return {name: named[name] for name in ("score_bias", "mask") if name in named} if len(added) < 3 else None


def is_fixed(graph: Graph, ref: Ref) -> bool:
    """Return whether a tensor is stored, and not trained, perhaps with its elements in another order."""
    while only_reorders(graph.nodes[ref.node].op):
        (ref,) = graph.nodes[ref.node].inputs
    op = graph.nodes[ref.node].op
    return isinstance(op, Constant | ShiftMask)


def is_aligned(groups: Sequence[Group], graph: Graph, products: AttentionProducts, added: Ref) -> bool:
    """Return whether a tensor is added to scores of the same axes: positions in their order, then heads."""
    mask = graph.shape(added)
    leading = [size for _, size in groups]
    in_order = [group for group, _ in groups] == [*range(len(groups) - 1), None]
    axes = graph.shape(Ref(products.layers[-1]))[:-2]
    same = in_order and without_ones(axes) == without_ones(tuple(leading))
    return same or len(mask) <= 2


def common_path(nodes: Sequence[Node]) -> tuple[str, ...] | None:
    """Return the path of the module that layers belong to; ``None`` if there is none."""
    columns: Iterator[tuple[str, ...]] = zip(*(node.path for node in nodes), strict=False)
    shared = tuple([names[0] for names in takewhile(lambda names: len({*names}) == 1, columns)])
    return shared or None
