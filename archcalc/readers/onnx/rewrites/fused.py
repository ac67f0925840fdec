"""Layers with what follows them."""

from __future__ import annotations

from typing import Any

from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx.rewriting import Body, rewrites

ACTIVATIONS = ("Relu", "Sigmoid", "Tanh", "LeakyRelu", "HardSigmoid", "Clip")
"""The activations that layers have by an attribute."""

WINDOWS = ("auto_pad", "dilations", "kernel_shape", "pads", "strides")


def given(body: Body, *names: str) -> dict[str, Any]:
    """Return the attributes with some names that the node has."""
    n = body.n
    return {name: n.attribute(name) for name in names if n.has_attribute(name)}


def activated(body: Body, read: str, parameters: list[float]) -> str:
    """Add the activation that the node names, and return its result."""
    name = body.n.attribute("activation", "")
    if not name:
        return read
    if name not in ACTIVATIONS:
        raise Untranslatable(f"the activation {name}")
    if name == "Clip":
        return body.add("Clip", read, *map(body.real, parameters))
    roles = {"LeakyRelu": ("alpha",), "HardSigmoid": ("alpha", "beta")}.get(name, ())
    attributes: dict[str, Any] = dict(zip(roles, parameters, strict=False))
    return body.add(name, read, **attributes)


@rewrites("FusedConv")
def conv(body: Body) -> None:
    inputs = [body.input(at) for at in range(3)]
    made = body.add("Conv", *filter(None, inputs), **given(body, "group", *WINDOWS))
    if body.n.has(3):
        made = body.add("Add", made, body.input(3))
    body.result(activated(body, made, body.n.attribute("activation_params", [])))


@rewrites("FusedGemm")
def gemm(body: Body) -> None:
    inputs = [body.input(at) for at in range(3)]
    made = body.add("Gemm", *filter(None, inputs), **given(body, "alpha", "beta", "transA", "transB"))
    numbers = given(body, "activation_alpha", "activation_beta").values()
    body.result(activated(body, made, [*numbers]))


@rewrites("FusedMatMul", "TransposeMatMul")
def matmul(body: Body) -> None:
    n = body.n
    if n.attribute("transBatchA", 0) or n.attribute("transBatchB", 0):
        raise Untranslatable("batch axes in other places")
    operands = []
    for at, name in enumerate(("transA", "transB")):
        rank = len(n.sizes(at))
        order = [*range(rank - 2), rank - 1, rank - 2]
        each = body.input(at)
        operands.append(body.add("Transpose", each, perm=order) if n.attribute(name, 0) else each)
    made = body.add("MatMul", *operands)
    factor = n.attribute("alpha", 1.0)
    body.result(made if factor == 1 else body.add("Mul", made, body.real(factor)))


@rewrites("Gelu", "BiasGelu")
def gelu(body: Body) -> None:
    read = body.add("Add", body.input(0), body.input(1)) if body.n.has(1) else body.input(0)
    body.result(body.add("Gelu", read))


@rewrites("FastGelu")
def fast_gelu(body: Body) -> None:
    read = body.add("Add", body.input(0), body.input(1)) if body.n.has(1) else body.input(0)
    body.result(body.add("Gelu", read, approximate="tanh"))


@rewrites("QuickGelu")
def quick_gelu(body: Body) -> None:
    scaled = body.add("Mul", body.input(0), body.real(body.n.attribute("alpha", 1.702)))
    body.result(body.add("Mul", body.input(0), body.add("Sigmoid", scaled)))


@rewrites("BiasSplitGelu")
def split_gelu(body: Body) -> None:
    total = body.add("Add", body.input(0), body.input(1))
    first, second = body.several("Split", [total], body.names(2), axis=-1, num_outputs=2)
    body.result(body.add("Mul", first, body.add("Gelu", second)))


@rewrites("BiasAdd")
def bias_add(body: Body) -> None:
    body.result(body.add("Add", body.add("Add", body.input(0), body.input(1)), body.input(2)))


@rewrites("BiasSoftmax")
def bias_softmax(body: Body) -> None:
    if body.n.attribute("axis", 1) not in (-1, len(body.n.sizes(0)) - 1):
        raise Untranslatable("a softmax over several axes")
    body.result(body.add("Softmax", body.add("Add", body.input(0), body.input(1)), axis=-1))


@rewrites("SkipLayerNormalization", "SkipSimplifiedLayerNormalization")
def skip_layer_norm(body: Body) -> None:
    simple = "Simplified" in body.n.operator
    if any(body.n.outputs[1:3]):
        raise Untranslatable("the mean and the deviation as outputs")
    total = body.add("Add", body.input(0), body.input(1))
    bias_at = 3 if simple else 4
    if body.n.has(bias_at):
        total = body.add("Add", total, body.input(bias_at))
    body.result(total, 3)
    inputs = [total, body.input(2), *([] if simple else [body.input(3)])]
    operator = "RMSNormalization" if simple else "LayerNormalization"
    eps = body.n.attribute("epsilon", 1e-12)
    body.result(body.add(operator, *filter(None, inputs), axis=-1, epsilon=eps))


@rewrites("EmbedLayerNormalization")
def embed_layer_norm(body: Body) -> None:
    n = body.n
    total = body.add("Gather", body.input(2), body.input(0))
    if n.has(8):
        rows = body.add("Gather", body.input(3), body.input(8))
    else:
        length = body.add("Squeeze", body.add("Shape", body.input(0), start=1, end=2))
        places = body.add("Range", body.integer(0), length, body.integer(1))
        rows = body.add("Gather", body.input(3), places)
    total = body.add("Add", total, rows)
    if n.has(4):
        total = body.add("Add", total, body.add("Gather", body.input(4), body.input(1)))
    body.result(total, 2)
    if len(n.outputs) > 1 and n.outputs[1]:
        counts = body.add("Cast", body.input(7), to=6) if n.has(7) else ""
        if not counts or n.attribute("mask_index_type", 1):
            raise Untranslatable("the lengths of sequences as an output")
        body.result(counts, 1)
    eps = n.attribute("epsilon", 1e-12)
    body.result(body.add("LayerNormalization", total, body.input(5), body.input(6), axis=-1, epsilon=eps))


@rewrites("GroupNorm", "SkipGroupNorm")
def group_norm(body: Body) -> None:
    n = body.n
    read = body.input(0)
    if n.operator == "SkipGroupNorm":
        read = body.add("Add", read, body.input(3))
        read = body.add("Add", read, body.input(4)) if n.has(4) else read
        body.result(read, 1)
    last = bool(n.attribute("channels_last", 1))
    if last:
        read = body.add("Transpose", read, perm=[0, 3, 1, 2])
    made = body.add(
        "GroupNormalization",
        read,
        body.input(1),
        body.input(2),
        num_groups=n.attribute("groups"),
        epsilon=n.attribute("epsilon", 1e-5),
    )
    if n.attribute("activation"):
        made = body.add("Mul", made, body.add("Sigmoid", made))
    body.result(body.add("Transpose", made, perm=[0, 2, 3, 1]) if last else made)
