"""Products of matrices, weighted sums, and tables of vectors."""

from __future__ import annotations

from archcalc.readers.aten.program import TensorName
from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.batch import Sizes
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.registry import converts


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
