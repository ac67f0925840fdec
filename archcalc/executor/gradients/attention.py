"""Gradients of attention."""

from __future__ import annotations

from archcalc.executor.gradient import Evaluated, Gradients, gradient
from archcalc.executor.gradients.activation import through_softmax
from archcalc.executor.gradients.dense import of_weighted
from archcalc.executor.gradients.product import both_of_multiplied, summed_to
from archcalc.executor.kernel import Array, Arrays, Context
from archcalc.executor.kernels.attention import (
    Scored,
    attended,
    heads,
    joined_heads,
    projection,
    rotated,
    scored_heads,
    scored_tensors,
    shares,
)
from archcalc.ops.attention import Attention, ScaledDotProductAttention


def _through(scored: Scored, weights: Array, g: Array, context: Context) -> tuple[Array, Array, Array, Array]:
    """Return the gradients of queries, keys, values and scores of P·v with P = softmax(S), S = factor·q·kᵀ + added.

    They are ∂L/∂v = Pᵀ·g, ∂L/∂P = g·vᵀ, ∂L/∂S = P·(∂L/∂P − Σ ∂L/∂P·P), ∂L/∂q = factor·∂L/∂S·k and
    ∂L/∂k = factor·(∂L/∂S)ᵀ·q. A pair that is not allowed has P = 0, so its score has none.
    """
    shared, values = both_of_multiplied(weights, scored.values, g, context)
    scores = through_softmax(weights, shared, -1)
    queries, keys = both_of_multiplied(scored.queries, scored.keys.swapaxes(-1, -2), scores * scored.factor, context)
    return queries, keys.swapaxes(-1, -2), values, scores


@gradient(ScaledDotProductAttention)
def sdpa(op: ScaledDotProductAttention, layer: Evaluated, given: Arrays) -> Gradients:
    scored = scored_tensors(op, layer.inputs)
    *found, scores = _through(scored, shares(scored, layer.context.uncounted), given[0], layer.context)
    found += [summed_to(scores, each) for each in scored.added]
    return Gradients(tuple([each.reshape(x.shape) for each, x in zip(found, layer.inputs, strict=True)]))


@gradient(Attention)
def attention(op: Attention, layer: Evaluated, given: Arrays) -> Gradients:
    """Go back through the output projection, the heads, and the projections of queries, keys and values."""
    weights, context = layer.weights, layer.context
    x, *others = layer.inputs
    named = dict(zip(op.tensor_arguments(), others, strict=True))
    anew = context.uncounted
    scored = scored_heads(op, layer.inputs, weights, anew)
    read = shares(scored, anew)
    arrays: dict[str, Array] = {}

    def through(name: str, rows: Array, g: Array) -> Array:
        """Return the gradient of the input of a projection, and keep those of its arrays."""
        own = projection(name, weights)
        flat, passed = (each.reshape(-1, each.shape[-1]) for each in (rows, g))
        found, stored = of_weighted(flat, passed, own, context)
        arrays[name] = stored["weight"]
        if "bias" in stored:
            arrays[f"{name}_bias"] = stored["bias"]
        assert found is not None
        return found.reshape(rows.shape)

    mixed = through("output", joined_heads(attended(scored, read, anew)), given[0])
    queries, keys, values, scores = _through(scored, read, heads(mixed, op.heads), context)
    kv_heads = op.kv_heads or op.heads
    keys, values = (_summed_groups(each, kv_heads) for each in (keys, values))
    if op.rope is not None:
        queries, keys = (rotated(each, float(op.rope), context, back=True) for each in (queries, keys))
    source = named.get("context", x)
    found = through("query", x, joined_heads(queries))
    of_source = through("key", source, joined_heads(keys)) + through("value", source, joined_heads(values))
    added = [name for name in ("score_bias", "mask") if name in named]
    of_others: dict[str, Array] = {
        name: summed_to(scores, each).reshape(named[name].shape)
        for name, each in zip(added, scored.added, strict=False)
    }
    if "context" in named:
        of_others["context"] = of_source
    else:
        found += of_source
    return Gradients((found, *(of_others[name] for name in named)), arrays)


def _summed_groups(g: Array, kv_heads: int) -> Array:
    """Return the gradients of heads that several queries share: the sum over these."""
    found: Array = g.reshape(*g.shape[:-3], kv_heads, -1, *g.shape[-2:]).sum(-3)
    return found
