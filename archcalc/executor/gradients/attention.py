"""Gradients of attention."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from archcalc.executor.gradient import EvaluatedLayer, Gradients, gradient
from archcalc.executor.gradients.activation import softmax_gradient
from archcalc.executor.gradients.dense import weighted_sum_gradients
from archcalc.executor.gradients.product import product_gradients, sum_to_shape_of
from archcalc.executor.kernel import Array, Arrays, Context
from archcalc.executor.kernels.attention import (
    AttentionInputs,
    attention_output,
    heads,
    joined_heads,
    projection,
    rotated,
    scored_heads,
    scored_tensors,
    shares,
)
from archcalc.ops.attention import Attention, ScaledDotProductAttention


class NeededGradients(NamedTuple):
    """Which gradients are needed of attention."""

    queries: bool
    keys: bool
    values: bool
    added: bool
    """Of anything that is added to the scores."""


AttentionGradients: TypeAlias = tuple[Array | None, Array | None, Array | None, Array | None]


def _through(
    scored: AttentionInputs, weights: Array, g: Array, context: Context, wanted: NeededGradients
) -> AttentionGradients:
    """Return the gradients of queries, keys, values and scores of P·v with P = softmax(S), S = factor·q·kᵀ + added.

    They are ∂L/∂v = Pᵀ·g, ∂L/∂P = g·vᵀ, ∂L/∂S = P·(∂L/∂P − Σ ∂L/∂P·P), ∂L/∂q = factor·∂L/∂S·k and
    ∂L/∂k = factor·(∂L/∂S)ᵀ·q. A pair that is not allowed has P = 0, so its score has none. Each is ``None`` unless it
    is needed.
    """
    of_scores = wanted.queries or wanted.keys or wanted.added
    shared, values = product_gradients(weights, scored.values, g, context, (of_scores, wanted.values))
    if shared is None:
        return None, None, values, None
    scores = softmax_gradient(weights, shared, -1)
    factors = scored.queries, scored.keys.swapaxes(-1, -2)
    queries, keys = product_gradients(*factors, scores * scored.factor, context, (wanted.queries, wanted.keys))
    return queries, None if keys is None else keys.swapaxes(-1, -2), values, scores


@gradient(ScaledDotProductAttention)
def sdpa(op: ScaledDotProductAttention, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    scored, needed = scored_tensors(op, layer.inputs), layer.needed
    wanted = NeededGradients(needed[0], needed[1], needed[2], any(needed[3:]))
    *found, scores = _through(scored, shares(scored, layer.context.uncounted), given[0], layer.context, wanted)
    found += [None if scores is None else sum_to_shape_of(scores, each) for each in scored.added]
    each = zip(found, layer.inputs, strict=True)
    return Gradients(tuple([None if own is None else own.reshape(x.shape) for own, x in each]))


@gradient(Attention)
def attention(op: Attention, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    """Go back through the output projection, the heads, and the projections of queries, keys and values."""
    weights, context, trained = layer.weights, layer.context, layer.trained
    x, *others = layer.inputs
    names = op.tensor_arguments()
    named, needed = dict(zip(names, others, strict=True)), dict(zip(names, layer.needed[1:], strict=True))
    source, of_input = named.get("context", x), layer.needed[0]
    of_source = needed.get("context", of_input)
    added = [name for name in ("score_bias", "mask") if name in named]
    of_keys = of_source or trained
    wanted = NeededGradients(of_input or trained, of_keys, of_keys, any(needed[name] for name in added))
    anew = context.uncounted
    scored = scored_heads(op, layer.inputs, weights, anew)
    read = shares(scored, anew)
    arrays: dict[str, Array] = {}

    def through(name: str, rows: Array, g: Array | None, *, below: bool) -> Array | None:
        """Return the gradient of the input of a projection if it is needed, and keep those of its arrays."""
        if g is None:
            return None
        flat, passed = (each.reshape(-1, each.shape[-1]) for each in (rows, g))
        found, stored = weighted_sum_gradients(
            flat, passed, projection(name, weights), context, needed=(below, trained)
        )
        arrays.update({name if own == "weight" else f"{name}_{own}": each for own, each in stored.items()})
        return None if found is None else found.reshape(rows.shape)

    mixed = through("output", joined_heads(attention_output(scored, read, anew)), given[0], below=True)
    assert mixed is not None
    queries, keys, values, scores = _through(scored, read, heads(mixed, op.heads), context, wanted)
    kv_heads = op.kv_heads or op.heads
    keys, values = (None if each is None else _summed_groups(each, kv_heads) for each in (keys, values))
    if op.rope is not None:
        queries, keys = (
            None if each is None else rotated(each, float(op.rope), context, back=True) for each in (queries, keys)
        )
    queries, keys, values = (None if each is None else joined_heads(each) for each in (queries, keys, values))
    found = through("query", x, queries, below=of_input)
    each_of_source = [through(name, source, g, below=of_source) for name, g in (("key", keys), ("value", values))]
    of_others: dict[str, Array | None] = {
        name: None if scores is None else sum_to_shape_of(scores, each).reshape(named[name].shape)
        for name, each in zip(added, scored.added, strict=False)
    }
    if "context" in named:
        of_others["context"] = _sum(each_of_source)
    else:
        found = _sum([found, *each_of_source])
    return Gradients((found, *(of_others[name] for name in names)), arrays)


def _sum(gradients: Iterable[Array | None]) -> Array | None:
    """Return the sum of the gradients of a tensor that is read several times; ``None`` if it is not needed."""
    known = [each for each in gradients if each is not None]
    return sum(known[1:], known[0]) if known else None


def _summed_groups(g: Array, kv_heads: int) -> Array:
    """Return the gradients of heads that several queries share: the sum over these."""
    found: Array = g.reshape(*g.shape[:-3], kv_heads, -1, *g.shape[-2:]).sum(-3)
    return found
