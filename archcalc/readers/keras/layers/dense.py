"""Layers of weighted sums over features, products by a pattern, and tables of vectors."""

from __future__ import annotations

from string import ascii_lowercase
from typing import Any

from archcalc.graph import Ref
from archcalc.ops.dense import Embedding, FullyConnected, Linear
from archcalc.ops.joins import Add
from archcalc.ops.product import Einsum
from archcalc.readers.keras.layers.activation import activated
from archcalc.readers.keras.layers.convolution import with_bias
from archcalc.readers.keras.layers.learned_arrays import learned, learned_as
from archcalc.readers.keras.registry import Unconvertible, converts
from archcalc.readers.keras.view import LayerView
from archcalc.readers.steps import make


def transposed(matrix: Any) -> Any:
    """Return a matrix transposed."""
    return matrix.T


@converts("Dense")
def dense(n: LayerView) -> Ref:
    units = n.integer("units")
    stored = with_bias(n, {"weight": n.variable(0, transposed)})
    has_bias = "bias" in stored
    if n.rank(n.x) == 1:
        made = n.add(make(FullyConnected, features=units, bias=has_bias), n.x, stored=stored)
    else:
        made = n.add(make(Linear, features=units, axis=n.features, bias=has_bias), n.x, stored=stored)
    return activated(n, made, n.get("activation", None))


@converts("Embedding")
def embedding(n: LayerView) -> Ref:
    return looked_up(n)


def looked_up(n: LayerView) -> Ref:
    """Return the vectors of a table at the indices that a layer reads."""
    op = make(Embedding, vocabulary=n.integer("input_dim"), dim=n.integer("output_dim"))
    return n.from_file(n.add(op, n.in_file(n.x), stored={"weight": n.variable(0)}))


@converts("ReversibleEmbedding")
def reversible_embedding(n: LayerView) -> Ref:
    """Convert a table of vectors, or the products of the input with all of them, as the output of language models."""
    if n.get("logit_soft_cap", None) is not None:
        raise Unconvertible("a soft limit of the outputs")
    reverse = n.call.kwargs.get("reverse", n.call.args[1] if len(n.call.args) > 1 else False)
    if reverse is not True:
        return looked_up(n)
    tied = n.flag("tie_weights", True)
    stored = {"weight": n.variable(0) if tied else n.variable(1, transposed)}
    return n.add(make(Linear, features=n.integer("input_dim"), axis=n.features, bias=False), n.x, stored=stored)


@converts("EinsumDense")
def einsum_dense(n: LayerView) -> Ref:
    """Convert sums of products of the input with a stored array; the first axis of the pattern is the batch."""
    terms, arrow, made = n.word("equation", "").replace(" ", "").partition("->")
    first, comma, second = terms.partition(",")
    rank = n.rank(n.x)
    batch, first, made = _without_batch(first, made, rank)
    if not arrow or not comma or batch in second or len(first) != rank:
        raise Unconvertible(f"the equation '{n.word('equation', '')[:40]}'")
    sizes = dict(zip(first, n.file_shape(n.x), strict=True))
    shape = n.get("output_shape")
    shape = [shape] if type(shape) is int else shape
    for letter, size in zip(reversed(made), reversed(shape), strict=False):
        if letter not in sizes:
            sizes[letter] = size
    weight = learned_as(n, 0, tuple([sizes[letter] for letter in second]), None)
    pattern = f"{' '.join(first)}, {' '.join(second)} = {' '.join(made)}"
    result = n.from_file(n.add(make(Einsum, pattern=pattern), n.in_file(n.x), weight))
    bias = n.get("bias_axes", None)
    if bias is not None:
        result = n.add(Add(), result, learned(n, 1, tuple([sizes[each] if each in bias else 1 for each in made])))
    return activated(n, result, n.get("activation", None))


def _without_batch(first: str, made: str, rank: int) -> tuple[str, str, str]:
    """Return the letter of the batch, and the axes of the input and the result without it; an ellipsis is written."""
    if "..." in first:
        given = {*first, *made} - {"."}
        spare = [letter for letter in ascii_lowercase if letter not in given and letter not in "wxyz"]
        hidden = "".join(spare[: rank + 1 - len(first.replace("...", ""))])
        first, made = first.replace("...", hidden), made.replace("...", hidden)
    if not first or not made or first[0] != made[0]:
        raise Unconvertible("an equation that moves the axis of the batch")
    return first[0], first[1:], made[1:]
