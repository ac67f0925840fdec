"""Layers of weighted sums over features, products of tensors, and tables of vectors."""

from __future__ import annotations

from string import ascii_uppercase

from archcalc.ops.dense import Embedding, FullyConnected, Linear
from archcalc.ops.joins import Add
from archcalc.ops.product import MatMul
from archcalc.readers.joining import Joined, JoinedMatrices, TimesMatrix
from archcalc.readers.patterns import Contracted
from archcalc.readers.steps import AlongLast, Elementwise, Permuted, Step, make
from archcalc.readers.torch_export.registry import Arguments, Untranslatable, translates


def weighted(a: Arguments, read: str, weight: str, bias: str | None, *, transposed: bool) -> list[Step]:
    """Return the steps of weighted sums of the last axis of a tensor.

    Args:
        a: the arguments of the call.
        read: the name of the argument that is the tensor.
        weight: that of the matrix, outputs by features. If it is computed, the sums are products of two tensors.
        bias: that of what is added; ``None`` if nothing is.
        transposed: whether the matrix is features by outputs instead.
    """
    matrix, result = a.name(weight), a.reading.sizes(a.result_name)
    features = result[-1]
    stored = a.reading.transposed(matrix) if transposed else a.reading.stored(matrix)
    added = None if bias is None else a.reading.stored(a.name(bias))
    inside = stored is not None and added is not None and a.sizes(bias or "") == (features,)
    sums = a.result() if bias is None or inside else a.reading.intermediate(result)
    steps: list[Step] = []
    if stored is not None:
        arrays = {"weight": stored, **({"bias": added} if inside and added is not None else {})}
        op, of_vector = (make(kind, features=features, bias=inside) for kind in (Linear, FullyConnected))
        inputs = (a.tensor(read),)
        steps.append(AlongLast(op=op, of_vector=of_vector, inputs=inputs, outputs=(sums,), stored=arrays))
    else:
        second = a.reading.tensor(matrix)
        if not transposed:
            permuted = a.reading.intermediate(a.reading.sizes(matrix)[::-1])
            steps.append(Permuted(order=(1, 0), inputs=(second,), outputs=(permuted,)))
            second = permuted
        steps.append(TimesMatrix(inputs=(a.tensor(read), second), outputs=(sums,)))
    if bias is not None and not inside:
        steps.append(Joined(op=Add(), inputs=(sums, a.tensor(bias)), outputs=(a.result(),)))
    return steps


@translates("linear")
def linear(a: Arguments) -> list[Step]:
    return weighted(a, "input", "weight", "bias" if a.is_tensor("bias") else None, transposed=False)


@translates("addmm")
def product_and_sum(a: Arguments) -> list[Step]:
    if not a.is_default("beta", 1) or not a.is_default("alpha", 1):
        raise Untranslatable("addmm with factors")
    return weighted(a, "mat1", "mat2", "self", transposed=True)


@translates("matmul", "bmm", "mm")
def matmul(a: Arguments) -> list[Step]:
    second = "other" if a.is_tensor("other") else "mat2"
    if min(len(a.sizes("self")), len(a.sizes(second))) < 2:
        raise Untranslatable("a product with a vector")
    if a.reading.transposed(a.name(second)) is not None:
        return weighted(a, "self", second, None, transposed=True)
    return [JoinedMatrices(op=MatMul(), inputs=(a.tensor("self"), a.tensor(second)), outputs=(a.result(),))]


@translates("einsum")
def einsum(a: Arguments) -> list[Step]:
    """Translate a product of two tensors; an ellipsis stands for the same axes in both."""
    names = a.names("tensors")
    written, arrow, made = a.text("equation", "").replace(" ", "").partition("->")
    terms = written.split(",")
    if not arrow or len(terms) != len(names) or len(names) != 2:
        raise Untranslatable("einsum without exactly two tensors and an explicit result")
    ranks = [len(a.reading.sizes(name)) for name in names]
    hidden = {rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True) if "..." in term}
    if len(hidden) > 1:
        raise Untranslatable("einsum whose ellipses stand for different axes")
    spare = [letter for letter in ascii_uppercase if letter not in a.text("equation", "")]
    axes = "".join(spare[: max(hidden, default=0)])
    one, other, result = (term.replace("...", axes) for term in (*terms, made))
    if any(len({*term}) < len(term) for term in (one, other, result)):
        raise Untranslatable("einsum of a diagonal")
    inputs = tuple([a.reading.tensor(name) for name in names])
    return [Contracted(read=(one, other), made=result, inputs=inputs, outputs=(a.result(),))]


@translates("index")
def rows(a: Arguments) -> list[Step]:
    """Translate reading rows of a stored table by index, such as biases by relative position."""
    if len(a.sizes("self")) != 2 or len(a.names("indices")) != 1:
        raise Untranslatable("elements at computed indices")
    vocabulary, dim = a.sizes("self")
    indices = a.reading.tensor(a.names("indices")[0])
    op = Embedding(vocabulary=vocabulary, dim=dim)
    stored = {"weight": a.needs_stored("self")}
    return [Elementwise(op=op, inputs=(indices,), outputs=(a.result(),), stored=stored)]


@translates("embedding")
def embedding(a: Arguments) -> list[Step]:
    vocabulary, dim = a.sizes("weight")
    op = Embedding(vocabulary=vocabulary, dim=dim)
    stored = {"weight": a.needs_stored("weight")}
    return [Elementwise(op=op, inputs=(a.tensor("indices"),), outputs=(a.result(),), stored=stored)]
