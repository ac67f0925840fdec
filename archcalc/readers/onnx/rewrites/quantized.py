"""Quantized layers as the operation that they quantize, with the real numbers that their weights encode.

Tensors of integers between layers are read as the real numbers that they encode, with a scale of 1.
"""

from __future__ import annotations

from typing import Any

from archcalc.readers.aten.program import TensorName
from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx.rewrites.fused import WINDOWS, given
from archcalc.readers.onnx.rewriting import Body, rewrites


def decoded(body: Body, weight: int, scale: int, zero: int, axis: int = 1) -> str:
    """Return the real numbers that stored integers encode; tensors of integers that a layer made as they are."""
    if not body.n.tensors.is_stored(body.n.name(weight)):
        return body.input(weight)
    inputs = [body.input(at) for at in (weight, scale, zero)]
    return body.add("DequantizeLinear", *filter(None, inputs), axis=axis)


@rewrites("QGemm")
def gemm(body: Body) -> None:
    n = body.n
    inputs = [body.input(0), decoded(body, 3, 4, 5, axis=0 if n.attribute("transB", 0) else 1)]
    if n.has(6):  # integers with the product of both scales
        scale = body.add("Mul", body.input(1), body.input(4))
        inputs.append(body.add("DequantizeLinear", body.input(6), scale, axis=0))
    body.result(body.add("Gemm", *inputs, **given(body, "alpha", "transA", "transB")))


@rewrites("MatMulIntegerToFloat", "DynamicQuantizeMatMul")
def matmul(body: Body) -> None:
    scale, zero, bias = (3, 5, 6) if body.n.operator == "MatMulIntegerToFloat" else (2, 3, 4)
    made = body.add("MatMul", body.input(0), decoded(body, 1, scale, zero))
    body.result(body.add("Add", made, body.input(bias)) if body.n.has(bias) else made)


@rewrites("MatMulNBits")
def matmul_of_few_bits(body: Body) -> None:
    """Rewrite a product with a matrix whose integers have 2, 4 or 8 bits, with a scale for every block of a column."""
    n = body.n
    rows, columns = n.attribute("K"), n.attribute("N")
    bits, block = n.attribute("bits", 4), n.attribute("block_size")
    if n.has(4) or bits not in (2, 4, 8):
        raise Untranslatable("blocks in another order, or of other numbers of bits")
    sources = [n.name(at) for at in (1, 2, 3) if n.has(at)]
    if not all(map(n.tensors.is_stored, sources)):
        raise Untranslatable("weights that are computed, not stored")

    def unpacked(codes: Any, count: int) -> Any:
        import numpy as np

        each = 8 // bits
        shifts = np.arange(each, dtype=np.uint8) * bits
        flat = codes.reshape(columns, -1, 1) >> shifts & (2**bits - 1)
        return flat.reshape(columns, -1)[:, :count]

    def real(codes: Any, scales: Any, *zero: Any) -> Any:
        blocks = -(-rows // block)
        numbers = unpacked(codes, blocks * block).reshape(columns, blocks, block).astype("f4")
        offset: Any = float(2 ** (bits - 1))
        if zero and zero[0].dtype.kind == "f":
            offset = zero[0].reshape(columns, blocks, 1)
        elif zero:
            offset = unpacked(zero[0], blocks).reshape(columns, blocks, 1).astype("f4")
        whole = (numbers - offset) * scales.reshape(columns, blocks, 1)
        return whole.reshape(columns, blocks * block)[:, :rows].T

    name = n.tensors.derive(f"{body.prefix}matrix", sources, "", (rows, columns), real, trained=True)
    made = body.add("MatMul", body.input(0), TensorName(name).name)
    body.result(body.add("Add", made, body.input(5)) if n.has(5) else made)


@rewrites("QLinearConv")
def conv(body: Body) -> None:
    if body.n.attribute("channels_last", 0):
        raise Untranslatable("channels as the last axis")
    inputs = [body.input(at) for at in range(9)]
    while not inputs[-1]:
        inputs.pop()
    body.result(body.add("QLinearConv", *inputs, **given(body, "group", *WINDOWS)))


@rewrites("QLinearAveragePool")
def average_pool(body: Body) -> None:
    if body.n.attribute("channels_last", 0):
        raise Untranslatable("channels as the last axis")
    kept = given(body, *(name for name in WINDOWS if name != "dilations"), "ceil_mode", "count_include_pad")
    body.result(body.add("AveragePool", body.input(0), **kept))


@rewrites("QLinearSoftmax")
def softmax(body: Body) -> None:
    body.result(body.add("Softmax", body.input(0), axis=body.n.attribute("axis", -1)))


@rewrites("QLinearReduceMean")
def mean(body: Body) -> None:
    axes = body.n.attribute("axes", None)
    inputs = [body.input(0), *([body.integers(*axes)] if axes else [])]
    body.result(body.add("ReduceMean", *inputs, keepdims=body.n.attribute("keepdims", 1)))


@rewrites("QLinearWhere")
def where(body: Body) -> None:
    body.result(body.add("Where", body.input(0), body.input(1), body.input(4)))


@rewrites("QLinearAdd", "QLinearMul")
def join(body: Body) -> None:
    operator = body.n.operator.removeprefix("QLinear")
    body.result(body.add(operator, decoded(body, 0, 1, 2), decoded(body, 3, 4, 5)))


@rewrites("QLinearSigmoid")
def sigmoid(body: Body) -> None:
    body.result(body.add("Sigmoid", body.input(0)))


@rewrites("QLinearLeakyRelu")
def leaky_relu(body: Body) -> None:
    body.result(body.add("LeakyRelu", body.input(0), **given(body, "alpha")))


@rewrites("QLinearConcat")
def concat(body: Body) -> None:
    body.result(body.add("Concat", *body.n.inputs[2::3], axis=body.n.attribute("axis")))


@rewrites("QLinearGlobalAveragePool")
def global_pool(body: Body) -> None:
    if body.n.attribute("channels_last", 0):
        raise Untranslatable("channels as the last axis")
    body.result(body.add("GlobalAveragePool", body.input(0)))


@rewrites("QuantizeLinear", "DequantizeLinear")
def codes(body: Body) -> None:
    body.result(body.add(body.n.operator, *body.n.inputs, axis=body.n.attribute("axis", 1)))
