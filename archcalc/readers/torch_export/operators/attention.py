"""Products of tensors, attention, and cyclic shifts."""

from __future__ import annotations

from archcalc.ops.attention import ScaledDotProductAttention
from archcalc.ops.product import MatMul
from archcalc.ops.structure import Roll
from archcalc.readers.steps import JoinedMatrices, Step, along_axis, make
from archcalc.readers.torch_export.registry import Arguments, Untranslatable, translates


@translates("matmul", "bmm")
def matmul(a: Arguments) -> list[Step]:
    second = "other" if a.is_tensor("other") else "mat2"
    if min(len(a.sizes("self")), len(a.sizes(second))) < 2:
        raise Untranslatable("a product with a vector")
    return [JoinedMatrices(op=MatMul(), inputs=(a.tensor("self"), a.tensor(second)), outputs=(a.result(),))]


@translates("scaled_dot_product_attention")
def attention(a: Arguments) -> list[Step]:
    if not a.is_default("attn_mask", None):
        raise Untranslatable("attention with a mask")
    if not a.is_default("scale", None) or a.flag("enable_gqa", default=False):
        raise Untranslatable("attention with another scale or grouped heads")
    op = make(ScaledDotProductAttention, causal=a.flag("is_causal", default=False))
    inputs = (a.tensor("query"), a.tensor("key"), a.tensor("value"))
    return [JoinedMatrices(op=op, inputs=inputs, outputs=(a.result(),))]


@translates("roll")
def roll(a: Arguments) -> list[Step]:
    sizes, read = a.sizes("self"), a.tensor("self")
    axes = [axis % len(sizes) for axis in a.integers("dims")]
    shifts = a.integers("shifts", count=len(axes))
    steps: list[Step] = []
    for number, (axis, shift) in enumerate(zip(axes, shifts, strict=True), 1):
        made = a.result() if number == len(axes) else a.reading.intermediate(sizes)
        steps.append(along_axis(axis, make(Roll, shift=shift), read, made))
        read = made
    return steps
