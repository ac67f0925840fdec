"""Normalisations."""

from __future__ import annotations

from archcalc.ops.joins import Mul
from archcalc.ops.norm import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RmsNorm
from archcalc.readers.joining import Joined
from archcalc.readers.per_example import PerExample
from archcalc.readers.steps import AlongLast, Step
from archcalc.readers.torch_export.registry import Arguments, Untranslatable, translates

FLOAT32_EPSILON = 2.0**-23
"""What PyTorch's RMSNorm adds by default: the distance from 1 to the next number of its format, here float32."""


def scale_and_shift(a: Arguments) -> dict[str, str]:
    """Return the stored scale and shift of a normalisation."""
    found = {"scale": a.stored("weight"), "shift": a.stored("bias")}
    return {array: name for array, name in found.items() if name is not None}


def affine(a: Arguments) -> bool:
    """Return whether a normalisation has a scale and a shift.

    Raises:
        Untranslatable: it has only one of them.
    """
    scale, shift = a.is_tensor("weight"), a.is_tensor("bias")
    if scale != shift:
        raise Untranslatable("a normalisation with a scale but no shift")
    return scale


@translates("batch_norm")
def batch_norm(a: Arguments) -> list[Step]:
    if a.flag("training", default=False):
        raise Untranslatable("batch normalisation in training: export the model after model.eval()")
    stored = {**scale_and_shift(a), "mean": a.needs_stored("running_mean"), "variance": a.needs_stored("running_var")}
    op = BatchNorm(affine=affine(a), eps=a.number("eps"))
    rank = len(a.sizes("input"))
    inputs, outputs = (a.tensor("input"),), (a.result(),)
    return [PerExample(op=op, lifted=op, axes=rank - 1, inputs=inputs, outputs=outputs, stored=stored)]


@translates("layer_norm")
def layer_norm(a: Arguments) -> list[Step]:
    op = LayerNorm(axis=normalised(a), affine=affine(a), eps=a.number("eps", 1e-5))
    axes = len(a.integers("normalized_shape"))
    return [AlongLast(op=op, axes=axes, inputs=(a.tensor("input"),), outputs=(a.result(),), stored=scale_and_shift(a))]


@translates("rms_norm")
def rms_norm(a: Arguments) -> list[Step]:
    given = a.is_tensor("weight")
    scale = a.reading.stored(a.name("weight")) if given else None
    op = RmsNorm(axis=normalised(a), affine=scale is not None, eps=a.number("eps", FLOAT32_EPSILON))
    axes, stored = len(a.integers("normalized_shape")), {} if scale is None else {"scale": scale}
    inputs = (a.tensor("input"),)
    if not given or scale is not None:
        return [AlongLast(op=op, axes=axes, inputs=inputs, outputs=(a.result(),), stored=stored)]
    made = a.reading.intermediate(a.sizes("input"))
    return [
        AlongLast(op=op, axes=axes, inputs=inputs, outputs=(made,)),
        Joined(op=Mul(), inputs=(made, a.tensor("weight")), outputs=(a.result(),)),
    ]


def normalised(a: Arguments) -> str:
    """Return what is normalised together: the last axis, or all axes but the batch."""
    axes, rank = len(a.integers("normalized_shape")), len(a.sizes("input"))
    if axes not in (1, rank - 1):
        raise Untranslatable(f"normalisation over the last {axes} of {rank} axes")
    return "last" if axes == 1 else "all"


@translates("group_norm")
def group_norm(a: Arguments) -> list[Step]:
    op = GroupNorm(groups=a.integer("num_groups"), affine=affine(a), eps=a.number("eps", 1e-5))
    inputs, rank = (a.tensor("input"),), len(a.sizes("input"))
    return [PerExample(op=op, axes=rank - 1, inputs=inputs, outputs=(a.result(),), stored=scale_and_shift(a))]


@translates("instance_norm")
def instance_norm(a: Arguments) -> list[Step]:
    if not a.flag("use_input_stats", default=True):
        raise Untranslatable("instance normalisation by running statistics")
    op = InstanceNorm(affine=affine(a), eps=a.number("eps"))
    inputs, rank = (a.tensor("input"),), len(a.sizes("input"))
    return [PerExample(op=op, axes=rank - 1, inputs=inputs, outputs=(a.result(),), stored=scale_and_shift(a))]
