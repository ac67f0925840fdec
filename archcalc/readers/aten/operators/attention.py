"""Attention, and cyclic shifts."""

from __future__ import annotations

from fractions import Fraction
from math import inf, isclose

from archcalc.ops.attention import ScaledDotProductAttention
from archcalc.ops.joins import Where
from archcalc.ops.structure import Roll
from archcalc.readers.aten.program import TensorName
from archcalc.readers.aten.registry import Arguments, translates
from archcalc.readers.joining import JoinStep, MatrixJoinStep
from archcalc.readers.patterns import RepetitionStep
from archcalc.readers.steps import Step, along_axis, make


@translates("scaled_dot_product_attention")
def attention(a: Arguments) -> list[Step]:
    steps: list[Step] = []
    inputs = [a.tensor("query")]
    for name in ("key", "value"):
        shared = shared_heads(a, name)
        steps += shared
        inputs.append(shared[0].outputs[0] if shared else a.tensor(name))
    if a.is_tensor("attn_mask"):
        made, mask = added_mask(a)
        steps += made
        inputs.append(mask)
    op = make(ScaledDotProductAttention, causal=a.flag("is_causal", default=False), factor=factor(a))
    return [*steps, MatrixJoinStep(op=op, inputs=tuple(inputs), outputs=(a.result(),))]


def factor(a: Arguments) -> Fraction | None:
    """Return what multiplies the products of queries and keys; ``None`` for the default, 1/√d."""
    if a.is_default("scale", None):
        return None
    found = a.number("scale")
    return None if isclose(float(found) ** 2 * a.sizes("query")[-1], 1, rel_tol=1e-12) else found


def shared_heads(a: Arguments, name: str) -> list[Step]:
    """Return the step that repeats the heads of keys or values for all heads of queries that share them.

    Without ``enable_gqa``, axes of size 1 are repeated, as PyTorch broadcasts.
    """
    sizes, heads = a.sizes(name), a.sizes("query")
    may_repeat = a.flag("enable_gqa", default=False)
    pairs = zip(sizes[:-2], heads[:-2], strict=True)
    counts = tuple([m // n if may_repeat or n == 1 else 1 for n, m in pairs] + [1, 1])
    if all(count == 1 for count in counts):
        return []
    made = a.reading.intermediate(tuple([n * count for n, count in zip(sizes, counts, strict=True)]))
    return [RepetitionStep(counts=counts, interleaved=True, inputs=(a.tensor(name),), outputs=(made,))]


def added_mask(a: Arguments) -> tuple[list[Step], int]:
    """Return the steps that make a mask which is added to scores, and the number of that tensor.

    A Boolean mask says which pairs take part: it adds 0 to their scores, and −∞ to those of others.
    """
    name = a.name("attn_mask")
    sizes = a.sizes("attn_mask")
    if a.reading.dtype(name) != "bool":
        return [], a.tensor("attn_mask")
    if a.reading.is_constant(TensorName(name)):
        arguments = {"condition": TensorName(name), "self": 0.0, "other": -inf}
        return [], a.reading.tensor(a.constant("mask", "where", sizes, **arguments))
    made = a.reading.intermediate(sizes)
    chosen = [
        a.reading.tensor(a.constant(f"mask_{value}", "full", (1,), size=[1], fill_value=value)) for value in (0.0, -inf)
    ]
    return [JoinStep(op=Where(), inputs=(a.tensor("attn_mask"), *chosen), outputs=(made,))], made


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
