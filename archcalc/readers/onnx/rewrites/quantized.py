"""Quantised layers as the operation that they quantise, with the real numbers that their weights encode.

Tensors of integers between layers are read as the real numbers that they encode, with a scale of 1.
"""

from __future__ import annotations

from typing import Any

from archcalc.readers.aten.program import TensorName
from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx.rewrites.fused import WINDOWS, given
from archcalc.readers.onnx.rewriting import Body, rewrites


def decoded(body: Body, codes: int, scale: int, zero: int, axis: int = 1) -> str:
    """Return the real numbers that an input encodes."""
    inputs = [body.input(at) for at in (codes, scale, zero)]
    return body.add("DequantizeLinear", *filter(None, inputs), axis=axis)


def first(body: Body) -> str:
    """Return the real numbers that the first input encodes, whose scale and offset follow it."""
    return decoded(body, 0, 1, 2)


def encode(body: Body, name: str, scale: int, zero: int) -> None:
    """Make the codes of real numbers the result."""
    inputs = [name, body.input(scale), body.input(zero)]
    body.result(body.add("QuantizeLinear", *filter(None, inputs)))


@rewrites("QGemm")
def gemm(body: Body) -> None:
    n = body.n
    inputs = [first(body), decoded(body, 3, 4, 5, axis=0 if n.attribute("transB", 0) else 1)]
    if n.has(6):  # integers with the product of both scales
        scale = body.add("Mul", body.input(1), body.input(4))
        inputs.append(body.add("DequantizeLinear", body.input(6), scale, axis=0))
    made = body.add("Gemm", *inputs, **given(body, "alpha", "transA", "transB"))
    if n.has(7):
        encode(body, made, 7, 8)
    else:
        body.result(made)


@rewrites("MatMulIntegerToFloat", "DynamicQuantizeMatMul")
def matmul(body: Body) -> None:
    to_float = body.n.operator == "MatMulIntegerToFloat"
    scale, zero, bias = (3, 5, 6) if to_float else (2, 3, 4)
    read = decoded(body, 0, 2, 4) if to_float else body.input(0)
    made = body.add("MatMul", read, decoded(body, 1, scale, zero))
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

    name = n.tensors.derive(
        f"{body.prefix}matrix", sources, "", (rows, columns), real, trained=True, form=f"uint{bits}"
    )
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
    encode(body, body.add("AveragePool", first(body), **kept), 3, 4)


@rewrites("QLinearSoftmax")
def softmax(body: Body) -> None:
    encode(body, body.add("Softmax", first(body), axis=body.n.attribute("axis", -1)), 3, 4)


@rewrites("QLinearReduceMean")
def mean(body: Body) -> None:
    axes = body.n.attribute("axes", None)
    inputs = [first(body), *([body.integers(*axes)] if axes else [])]
    encode(body, body.add("ReduceMean", *inputs, keepdims=body.n.attribute("keepdims", 1)), 3, 4)


@rewrites("QLinearWhere")
def where(body: Body) -> None:
    encode(body, body.add("Where", body.input(0), decoded(body, 1, 2, 3), decoded(body, 4, 5, 6)), 7, 8)


@rewrites("QLinearAdd", "QLinearMul")
def join(body: Body) -> None:
    operator = body.n.operator.removeprefix("QLinear")
    encode(body, body.add(operator, first(body), decoded(body, 3, 4, 5)), 6, 7)


@rewrites("QLinearSigmoid")
def sigmoid(body: Body) -> None:
    encode(body, body.add("Sigmoid", first(body)), 3, 4)


@rewrites("QLinearLeakyRelu")
def leaky_relu(body: Body) -> None:
    encode(body, body.add("LeakyRelu", first(body), **given(body, "alpha")), 3, 4)


@rewrites("QLinearConcat")
def concat(body: Body) -> None:
    read = [decoded(body, at, at + 1, at + 2) for at in range(2, len(body.n.inputs), 3)]
    encode(body, body.add("Concat", *read, axis=body.n.attribute("axis")), 0, 1)


@rewrites("QLinearGlobalAveragePool")
def global_pool(body: Body) -> None:
    if body.n.attribute("channels_last", 0):
        raise Untranslatable("channels as the last axis")
    encode(body, body.add("GlobalAveragePool", first(body)), 3, 4)


@rewrites("QuantizeLinear", "DequantizeLinear")
def codes(body: Body) -> None:
    body.result(body.add(body.n.operator, *body.n.inputs, axis=body.n.attribute("axis", 1)))
