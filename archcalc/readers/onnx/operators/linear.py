"""Products of matrices, weighted sums, and tables of vectors."""

from __future__ import annotations

from math import prod
from typing import Any

from archcalc.readers.aten.program import TensorName
from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.batch import Sizes
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.registry import converts
from archcalc.readers.onnx.sizes import argument, settled


@converts("MatMul")
def matmul(n: NodeView) -> None:
    one, other = n.sizes(0), n.sizes(1)
    shared = n.tensors.shared_matrix(n.inputs[1])
    if shared is not None:  # a weight that another layer owns, such as a table of vectors
        n.call("aten.linear.default", input=n.tensor(0), weight=shared, bias=None)
        return
    if len(one) > 1 and len(other) > 1:
        n.call("aten.matmul.default", self=n.tensor(0), other=n.tensor(1))
        return
    if not one or not other:
        raise Untranslatable("a product with a single number")
    first, second = n.tensor(0), n.tensor(1)
    result = list(n.result_sizes())
    if len(other) == 1:
        second = n.compute("aten.unsqueeze.default", (*other, 1), self=second, dim=1)
        result.append(1)
    if len(one) == 1:
        first = n.compute("aten.unsqueeze.default", (1, *one), self=first, dim=0)
        result.insert(len(result) - 1, 1)
    made = n.compute("aten.matmul.default", tuple(result), self=first, other=second)
    axes = [len(result) - 1] * (len(other) == 1) + [len(result) - 2] * (len(one) == 1)
    n.call("aten.squeeze.dims", self=made, dim=axes)


def product(n: NodeView, read: TensorName, matrix: TensorName, bias: TensorName | None, sizes: Sizes) -> TensorName:
    """Add the product of a tensor and a stored matrix, features by outputs, and perhaps a bias; return the result."""
    if bias is None:
        return n.compute("aten.matmul.default", sizes, self=read, other=matrix)
    return n.compute("aten.addmm.default", sizes, self=bias, mat1=read, mat2=matrix)


@converts("Gemm")
def gemm(n: NodeView) -> None:
    read, matrix = n.tensor(0), n.tensor(1)
    if n.attribute("transA", 0):
        read = n.compute("aten.transpose.int", n.sizes(0)[::-1], self=read, dim0=0, dim1=1)
    turned = bool(n.attribute("transB", 0))
    factors = n.attribute("alpha", 1.0), n.attribute("beta", 1.0)
    adds = n.has(2) and factors[1] != 0
    result = n.result_sizes()
    fits = adds and n.sizes(2) == result[1:]
    if factors == (1, 1) and (fits or not adds):
        bias = n.tensor(2) if adds else None
        if turned:
            n.call("aten.linear.default", input=read, weight=matrix, bias=bias)
        elif bias is None:
            n.call("aten.matmul.default", self=read, other=matrix)
        else:
            n.call("aten.addmm.default", self=bias, mat1=read, mat2=matrix)
        return
    scaled = factors[0] != 1
    arguments = {"input": read, "weight": matrix} if turned else {"self": read, "other": matrix}
    target = "aten.linear.default" if turned else "aten.matmul.default"
    if not scaled and not adds:
        n.call(target, **arguments)
        return
    made = n.compute(target, result, **arguments)
    if scaled and adds:
        made = n.compute("aten.mul.Tensor", result, self=made, other=factors[0])
    elif scaled:
        n.call("aten.mul.Tensor", self=made, other=factors[0])
        return
    added = n.tensor(2)
    if factors[1] != 1:
        added = n.compute("aten.mul.Tensor", n.sizes(2), self=added, other=factors[1])
    n.call("aten.add.Tensor", self=made, other=added)


@converts("Einsum")
def einsum(n: NodeView) -> None:
    equation = n.attribute("equation").replace(" ", "")
    if "->" not in equation:
        letters = sorted({each for each in equation if each.isalpha() and equation.count(each) == 1})
        equation += f"->{'...' if '...' in equation else ''}{''.join(letters)}"
    n.call("aten.einsum.default", equation=equation, tensors=[n.tensor(index) for index in range(len(n.inputs))])


def rows_of_table(n: NodeView, axis: int) -> None:
    """Add the vectors of a stored table at places that are a tensor."""
    sizes, places = n.sizes(0), n.sizes(1)
    rest = [size for at, size in enumerate(sizes) if at != axis]
    table = n.tensor(0)
    if axis or len(sizes) != 2:
        rows = (sizes[axis], prod(rest))
        label = f"{n.outputs[0]}=table"
        how = f".rows{axis}"
        table = TensorName(n.tensors.derive(label, [table.name], how, rows, lambda t: np_moved(t, axis).reshape(rows)))
    if axis == 0 and len(sizes) == 2:
        n.call("aten.embedding.default", weight=table, indices=n.tensor(1))
        return
    made = n.compute("aten.embedding.default", (*places, prod(rest)), weight=table, indices=n.tensor(1))
    own = [argument(n.tensors.size_of(n.name(1), at)) for at in range(len(places))]
    if axis == 0:
        n.call("aten.view.default", self=made, size=[*own, *rest])
        return
    whole = n.compute("aten.view.default", (*places, *rest), self=made, size=[*own, *rest])
    count = len(places)
    order = [*range(count, count + axis), *range(count), *range(count + axis, count + len(rest))]
    n.call("aten.permute.default", self=whole, dims=order)


def np_moved(table: Any, axis: int) -> Any:
    """Return a table with an axis in front."""
    return table.transpose([axis, *(at for at in range(table.ndim) if at != axis)])


@converts("Gather")
def gather(n: NodeView) -> None:
    sizes = n.sizes(0)
    axis = n.axis("axis", 0, len(sizes))
    indices = n.value(1)
    source = n.tensor(0)
    is_table = n.tensors.is_parameter(source.name)
    if is_table and (indices is None or indices.size > 1):
        rows_of_table(n, axis)
        return
    if indices is None:
        n.call("aten.index.Tensor", self=source, indices=[None] * axis + [n.tensor(1)])
        return
    if indices.ndim == 0:
        n.call("aten.select.int", self=source, dim=axis, index=argument(indices.flat[0]))
        return
    places = [int(settled(each)) % sizes[axis] for each in indices.flat]
    if places == list(range(places[0], places[0] + len(places))):
        parts = [source]
        ranges = [(places[0], places[0] + len(places))]
    else:
        ranges = [(place, place + 1) for place in places]
        parts = [source] * len(places)
    made = []
    for part, (start, end) in zip(parts, ranges, strict=True):
        if (start, end) == (0, sizes[axis]):
            made.append(part)
            continue
        cut = (*sizes[:axis], end - start, *sizes[axis + 1 :])
        made.append(n.compute("aten.slice.Tensor", cut, self=part, dim=axis, start=start, end=end))
    whole: TensorName = made[0]
    if len(made) > 1:
        joined = (*sizes[:axis], len(places), *sizes[axis + 1 :])
        whole = n.compute("aten.cat.default", joined, tensors=made, dim=axis)
    if indices.ndim == 1:
        n.tensors.alias(n.outputs[0], whole.name)
        return
    size = [argument(n.tensors.size_of(n.name(0), at)) for at in range(len(sizes))]
    n.call("aten.view.default", self=whole, size=[*size[:axis], *indices.shape, *size[axis + 1 :]])
