"""Layers of weighted sums over features, products of tensors, and tables of vectors."""

from __future__ import annotations

from archcalc.ops.arithmetic import Scale
from archcalc.ops.dense import FullyConnected, Linear
from archcalc.ops.joins import Add, Mul
from archcalc.ops.product import MatMul
from archcalc.ops.reduction import Sum
from archcalc.readers.aten.composition import Composition
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates
from archcalc.readers.batch import Sizes
from archcalc.readers.joining import MatrixMultiplicationStep, MatrixProductStep
from archcalc.readers.patterns import ContractionStep
from archcalc.readers.steps import LastAxisStep, PermutationStep, Step, make, sizes_of_axes


def weighted(c: Composition, read: int, weight: str, bias: str | None, *, transposed: bool = False) -> int:
    """Return weighted sums of the last axis of a tensor.

    Args:
        c: the steps of the call so far.
        read: the tensor.
        weight: the argument that is the matrix, outputs by features. If it is computed, the sums are products of two
            tensors.
        bias: the argument that is added; ``None`` if nothing is.
        transposed: whether the matrix is features by outputs instead.
    """
    a, matrix = c.a, c.a.name(weight)
    features = a.reading.sizes(matrix)[1 if transposed else 0]
    stored = a.reading.stored_matrix(matrix, transposed=transposed)
    added = None if bias is None else a.reading.stored(a.name(bias), "bias")
    inside = stored is not None and added is not None and a.sizes(bias or "") == (features,)
    outputs = (c.new((*c.sizes(read)[:-1], features)),)
    if stored is not None:
        arrays = {"weight": stored, **({"bias": added} if inside and added is not None else {})}
        op, of_vector = (make(kind, features=features, bias=inside) for kind in (Linear, FullyConnected))
        sums = c.add(LastAxisStep(op=op, of_vector=of_vector, inputs=(read,), outputs=outputs, stored=arrays))
    else:
        second = a.reading.tensor(matrix)
        if not transposed:
            second = c.add(PermutationStep(order=(1, 0), inputs=(second,), outputs=(c.new(c.sizes(second)[::-1]),)))
        sums = c.add(MatrixMultiplicationStep(inputs=(read, second), outputs=outputs))
    return sums if bias is None or inside else c.join(Add(), sums, a.tensor(bias))


@translates("linear")
def linear(a: Arguments) -> list[Step]:
    c = Composition(a)
    return c.done(weighted(c, a.tensor("input"), "weight", "bias" if a.is_tensor("bias") else None))


@translates("addmm")
def product_and_sum(a: Arguments) -> list[Step]:
    if not a.is_default("beta", 1) or not a.is_default("alpha", 1):
        return sum_with_product(a)
    c = Composition(a)
    return c.done(weighted(c, a.tensor("mat1"), "mat2", "self", transposed=True))


@translates("baddbmm", "addmv", "addbmm")
def sum_with_product(a: Arguments) -> list[Step]:
    """Translate β·self + α·(a product of matrices, or of a matrix and a vector)."""
    first, second = {
        "addmm": ("mat1", "mat2"),
        "baddbmm": ("batch1", "batch2"),
        "addbmm": ("batch1", "batch2"),
        "addmv": ("mat", "vec"),
    }[a.operator]
    c = Composition(a)
    made = matrix_product(c, a.tensor(first), a.tensor(second))
    made = c.reduce(Sum, made, [0], keep=False) if a.operator == "addbmm" else made
    terms = [a.tensor("self"), made]
    for number, name in enumerate(("beta", "alpha")):
        if not a.is_default(name, 1):
            terms[number] = c.apply(terms[number], make(Scale, factor=a.number(name)))
    return c.done(c.join(Add(), *terms))


@translates("matmul", "bmm", "mm", "mv", "dot", "vdot", "inner")
def matmul(a: Arguments) -> list[Step]:
    second = next(name for name in ("other", "mat2", "vec", "tensor") if a.is_tensor(name))
    c, rank = Composition(a), len(a.sizes(second))
    if a.operator == "inner" and rank > 1:
        if rank == 2 and len(a.sizes("self")) > 1:
            return c.done(weighted(c, a.tensor("self"), second, None))
        raise Untranslatable("the products of all vectors of two tensors")
    if len(a.sizes("self")) > 1 and a.reading.stored_matrix(a.name(second), transposed=True) is not None:
        return c.done(weighted(c, a.tensor("self"), second, None, transposed=True))
    return c.done(matrix_product(c, a.tensor("self"), a.tensor(second)))


def matrix_product(c: Composition, one: int, other: int) -> int:
    """Return the product of matrices; a vector is a row on the left, and a column on the right."""
    left, right = c.sizes(one), c.sizes(other)
    if len(right) == 1:
        other = c.reshape(other, (*sizes_of_axes((0,)), 1), (*right, 1))
    if len(left) == 1:
        one = c.reshape(one, (1, *sizes_of_axes((0,))), (1, *left))
    shapes = c.sizes(one), c.sizes(other)
    sizes = (*broadcast([each[:-2] for each in shapes]), shapes[0][-2], shapes[1][-1])
    inputs, outputs = (one, other), (c.new(sizes),)
    by_matrix = len(shapes[1]) == 2
    made = c.add(
        MatrixMultiplicationStep(inputs=inputs, outputs=outputs)
        if by_matrix
        else MatrixProductStep(op=MatMul(), inputs=inputs, outputs=outputs)
    )
    if len(right) == 1:
        made = c.reshape(made, sizes_of_axes(range(len(sizes) - 1)), sizes[:-1])
    if len(left) == 1:
        kept = [axis for axis in range(len(c.sizes(made))) if axis != len(sizes) - 2]
        made = c.reshape(made, sizes_of_axes(kept), [c.sizes(made)[axis] for axis in kept])
    return made


def broadcast(shapes: list[Sizes]) -> Sizes:
    """Return the shape of tensors that broadcast."""
    rank = max(map(len, shapes))
    aligned = [(*(1,) * (rank - len(shape)), *shape) for shape in shapes]
    return tuple([max(column) for column in zip(*aligned, strict=True)])


@translates("outer", "ger")
def outer(a: Arguments) -> list[Step]:
    other = "vec2" if a.is_tensor("vec2") else "other"
    c, n = Composition(a), a.sizes("self")
    column = c.reshape(a.tensor("self"), (*sizes_of_axes((0,)), 1), (*n, 1))
    return c.done(c.join(Mul(), column, a.tensor(other)))


@translates("bilinear")
def bilinear(a: Arguments) -> list[Step]:
    """Translate Σ x₁·W·x₂ for every output: a weighted sum by W, then by the second tensor."""
    c, rank, result = Composition(a), len(a.sizes("input1")), a.reading.sizes(a.result_name)
    lead, letters = a.sizes("input1")[:-1], "bcdefgh"[: rank - 1]
    made = c.new((*lead, result[-1], a.sizes("input2")[-1]))
    read = (a.tensor("input1"), a.tensor("weight"))
    half = c.add(ContractionStep(read=(f"{letters}i", "oij"), made=f"{letters}oj", inputs=read, outputs=(made,)))
    pair = (f"{letters}oj", f"{letters}j")
    second = (half, a.tensor("input2"))
    whole = c.add(ContractionStep(read=pair, made=f"{letters}o", inputs=second, outputs=(c.new(result),)))
    return c.done(c.join(Add(), whole, a.tensor("bias")) if a.is_tensor("bias") else whole)
