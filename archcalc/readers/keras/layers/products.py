"""Functions of ``keras.ops`` that are sums of products: matrices, Einstein's notation, attention."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from archcalc.graph import Ref
from archcalc.numeric import exact_div
from archcalc.ops.attention import ScaledDotProductAttention
from archcalc.ops.product import Einsum, MatMul
from archcalc.ops.rearrange import Repeat
from archcalc.ops.reduction import Sum
from archcalc.ops.structure import Identity, Transpose
from archcalc.readers.keras.flat_model import CallOutput
from archcalc.readers.keras.layers.constants import plain_constant, shape_of, without_batch
from archcalc.readers.keras.layers.operations import operands
from archcalc.readers.keras.registry import Unconvertible, converts_operation
from archcalc.readers.keras.view import LayerView
from archcalc.readers.steps import make

TERM = re.compile(r"[A-Za-z]*(\.\.\.)?[A-Za-z]*")


class Operand(NamedTuple):
    """A tensor with its axes in the order of Keras, without the batch, and their names."""

    tensor: Ref
    names: tuple[str, ...]


def product(n: LayerView, first: Operand, *others: Operand, made: Sequence[str]) -> Ref:
    """Return sums of products along all axes whose names are not among those of the result."""
    tensor, names = first
    for place, (other, own) in enumerate(others):
        later = {*made, *(name for each in others[place + 1 :] for name in each.names)}
        result = tuple(made) if place == len(others) - 1 else (*dict.fromkeys([*names, *own]),)
        result = tuple([name for name in result if name in later])
        if not result:  # a single number
            tensor, names = n.reshaped(tensor, (1, *n.shape(tensor))), ("one", *names)
            result = ("one",)
        pattern = f"{' '.join(names)}, {' '.join(own)} = {' '.join(result)}"
        tensor, names = n.add(make(Einsum, pattern=pattern), tensor, other), result
    if not others:
        gone = tuple([axis for axis, name in enumerate(names) if name not in made])
        if gone:
            kept = len(gone) == len(names)
            tensor = n.add(make(Sum, axis=gone, keep=kept), tensor)
            names = tuple([name for name in names if name in made])
            tensor = n.reshaped(tensor, (1,)) if kept else tensor
        order = tuple([names.index(name) for name in made])
        tensor = tensor if order == (*range(len(order)),) else n.add(Transpose(order=order), tensor)
    return n.from_file(tensor)


def named(letter: str, count: int) -> tuple[str, ...]:
    """Return names for axes."""
    return tuple([f"{letter}{axis}" for axis in range(count)])


@converts_operation("Matmul")
def matmul(n: LayerView) -> Ref:
    if any(n.call.kwargs.get(name) for name in ("adjoint_a", "adjoint_b", "a_is_sparse", "b_is_sparse")):
        raise Unconvertible("a product of sparse matrices, or of adjoint ones")
    one, other = operands(n)
    if not isinstance(one, CallOutput) or not isinstance(other, CallOutput):
        return with_array(n, one, other)
    pair = [n.in_file(n.graph.tensor(each)) for each in (one, other)]
    ranks = [n.rank(each) for each in pair]
    if min(ranks) < 2:
        raise Unconvertible("a product with vectors")
    for each, rank in zip((one, other), ranks, strict=True):
        if rank < max(ranks) and n.graph.plan.recorded.get(each, (None,))[:1] != (1,):
            raise Unconvertible("tensors with different numbers of axes, whose batches would not be aligned")
    turned = [n.flag(name, False) for name in ("transpose_a", "transpose_b")]
    pair = [with_last_two_exchanged(n, each) if turn else each for each, turn in zip(pair, turned, strict=True)]
    return n.from_file(n.add(MatMul(), *pair))


def with_array(n: LayerView, one: Any, other: Any) -> Ref:
    """Return the product of a tensor and an array."""
    if not isinstance(one, CallOutput):
        x = n.in_file(n.graph.tensor(other))
        values = without_batch(one, n.rank(x))
        if n.rank(x) < 2 or len(shape_of(values)) < 2:
            raise Unconvertible("a product with an array along the batch")
        return n.from_file(n.add(MatMul(), plain_constant(n, values), x))
    x = n.in_file(n.graph.tensor(one))
    rank = n.rank(x)
    values = without_batch(other, max(rank, 2))
    axes = len(shape_of(values))
    names = named("a", rank)
    matrix = plain_constant(n, values)
    if axes == 1:
        return product(n, Operand(x, names), Operand(matrix, names[-1:]), made=names[:-1])
    if rank == 1 and axes == 2:
        return product(n, Operand(x, names), Operand(matrix, (*names, "b")), made=("b",))
    if rank < 2:
        raise Unconvertible("a product of vectors and several matrices")
    return n.from_file(n.add(MatMul(), x, matrix))


def with_last_two_exchanged(n: LayerView, x: Ref) -> Ref:
    """Return matrices transposed."""
    order = [*range(n.rank(x))]
    return n.add(make(Transpose, order=(*order[:-2], order[-1], order[-2])), x)


@converts_operation("Dot")
def dot(n: LayerView) -> Ref:
    one, other = operands(n)
    if not isinstance(one, CallOutput) or isinstance(other, CallOutput) or len(shape_of(other)) > 2:
        raise Unconvertible("a product along the batch, or with several matrices")
    return with_array(n, one, other)


@converts_operation("Tensordot")
def tensordot(n: LayerView) -> Ref:
    """Convert sums of products along axes of a tensor and of an array."""
    one, other = operands(n)
    if not isinstance(one, CallOutput) or isinstance(other, CallOutput):
        raise Unconvertible("a product along the batch")
    x = n.in_file(n.graph.tensor(one))
    rank, own = n.rank(x), len(shape_of(other))
    axes = n.get("axes", 2)
    if type(axes) is int:
        axes = [[*range(rank + 1 - axes, rank + 1)], [*range(axes)]]
    pairs = [[each] if type(each) is int else each for each in axes] if isinstance(axes, list) else []
    fits = len(pairs) == 2 and all(isinstance(each, list) and {*map(type, each)} == {int} for each in pairs)
    if not fits or len(pairs[0]) != len(pairs[1]):
        raise Unconvertible("'axes' must name as many axes of the tensor as of the array")
    summed = [(each % (rank + 1), place % own) for each, place in zip(*pairs, strict=True)]
    if any(each == 0 for each, _ in summed):
        raise Unconvertible("a product along the batch")
    first, second = list(named("a", rank)), list(named("b", own))
    for axis, place in summed:
        second[place] = first[axis - 1]
    made = [name for name in [*first, *second] if not (name in first and name in second)]
    return product(n, Operand(x, tuple(first)), Operand(plain_constant(n, other), tuple(second)), made=made)


@converts_operation("Einsum")
def einsum(n: LayerView) -> Ref:
    """Convert a product in Einstein's notation whose first axis of every tensor, and of the result, is the batch."""
    text, given = n.word("subscripts", "").replace(" ", ""), list(n.call.args)
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(given) or not all(TERM.fullmatch(each) for each in (*terms, right)):
        raise Unconvertible(f"the subscripts '{text[:60]}'")
    if not arrow:
        letters = left.replace(",", "").replace("...", "")
        single = sorted(each for each in {*letters} if letters.count(each) == 1)
        right = ("..." if "..." in left else "") + "".join(single)
    axes = [n.rank(n.graph.tensor(each)) + 1 if isinstance(each, CallOutput) else len(shape_of(each)) for each in given]
    rest = max(
        (size - len(term.replace("...", "")) for term, size in zip(terms, axes, strict=True) if "." in term), default=0
    )
    rows = [_axis_names(term, size - len(term.replace("...", ""))) for term, size in zip(terms, axes, strict=True)]
    made = _axis_names(right, rest)
    if any(len(row) != size for row, size in zip(rows, axes, strict=True)):
        raise Unconvertible(f"the subscripts '{text[:60]}' for tensors of other numbers of axes")
    if any(len({*row}) < len(row) for row in (*rows, made)):
        raise Unconvertible("the diagonal of a tensor")
    read = []
    for each, row in zip(given, rows, strict=True):
        if isinstance(each, CallOutput):
            if row[:1] != made[:1]:
                raise Unconvertible("a product along the batch")
            read.append(Operand(n.in_file(n.graph.tensor(each)), row[1:]))
        elif row:
            read.append(Operand(plain_constant(n, each), row))
        else:
            raise Unconvertible("a product with a number")
    if any(made[0] in each.names for each in read) or not any(isinstance(each, CallOutput) for each in given):
        raise Unconvertible("a product along the batch")
    result = product(n, *read, made=made[1:])
    return n.add(Identity(), result) if result == n.x else result


def _axis_names(term: str, rest: int) -> tuple[str, ...]:
    """Return the names of the axes of a term, given how many the dots stand for; these count from the last one."""
    before, dots, after = term.partition("...")
    return (*before, *((f"rest{place}" for place in range(rest, 0, -1)) if dots else ()), *after)


@converts_operation("DotProductAttention")
def dot_product_attention(n: LayerView) -> Ref:
    """Convert attention of queries, keys and values that are tokens × heads × features."""
    refs = [n.argument(place, name) for place, name in enumerate(("query", "key", "value"))]
    given = [n.in_file(each) for each in refs if each is not None]
    bias = n.call.args[3] if len(n.call.args) > 3 else n.call.kwargs.get("bias")
    if len(given) != 3 or len(n.call.args) > 4 or n.get("mask", None) is not None:
        raise Unconvertible("attention with a mask, or without queries, keys and values")
    if n.get("attn_logits_soft_cap", None) is not None:
        raise Unconvertible("attention whose scores are capped")
    queries, *others = (n.add(make(Transpose, order=(1, 0, 2)), each) for each in given)
    heads = n.shape(queries)[0]
    repeated = []
    for each in others:
        count = exact_div(heads, n.shape(each)[0])
        op = make(Repeat, pattern="h n d = (h r) n d", sizes=(("r", count),))
        repeated.append(each if count == 1 else n.add(op, each))
    added = []
    if isinstance(bias, CallOutput):
        added.append(n.in_file(n.graph.tensor(bias)))
    elif bias is not None:
        added.append(plain_constant(n, without_batch(bias, 3)))
    factor = n.get("scale", None)
    factor = None if factor is None else n.number("scale")
    attend = make(ScaledDotProductAttention, causal=n.flag("is_causal", False), factor=factor)
    made = n.add(attend, queries, *repeated, *added)
    return n.from_file(n.add(make(Transpose, order=(1, 0, 2)), made))
