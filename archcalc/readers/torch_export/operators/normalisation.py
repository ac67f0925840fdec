"""Normalisations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from archcalc.ops.arithmetic import Pow, Sqrt
from archcalc.ops.joins import Add, Div, Mul
from archcalc.ops.norm import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RmsNorm
from archcalc.ops.reduction import Sum
from archcalc.readers.batch import Places, Sizes
from archcalc.readers.joining import Joined
from archcalc.readers.per_example import PerExample
from archcalc.readers.steps import AlongLast, Step, make
from archcalc.readers.torch_export.composition import Composition
from archcalc.readers.torch_export.registry import Arguments, Untranslatable, translates

FLOAT32_EPSILON = 2.0**-23
"""What PyTorch's RMSNorm adds by default: the distance from 1 to the next number of its format, here float32."""


def scale_and_shift(a: Arguments) -> dict[str, str]:
    """Return the stored scale and shift of a normalisation."""
    found = {"scale": a.stored("weight"), "shift": a.stored("bias")}
    return {array: name for array, name in found.items() if name is not None}


def affine(a: Arguments) -> bool:
    """Return whether a normalisation has a scale and a shift, both stored."""
    given = [a.is_tensor(name) and a.reading.stored(a.name(name)) is not None for name in ("weight", "bias")]
    return all(given)


def scaled_and_shifted(a: Arguments, step: Callable[[int, bool], Step], shape: tuple[int, ...]) -> list[Step]:
    """Return the steps of a normalisation whose scale and shift are stored, or missing, or one of them only.

    Args:
        a: the arguments of the call.
        step: returns the step for the number of its result, and whether it has a scale and a shift.
        shape: the shape in which a scale fits the tensor.
    """
    if affine(a) or not (a.is_tensor("weight") or a.is_tensor("bias")):
        return [step(a.result(), affine(a))]
    c = Composition(a)
    made = c.add(step(c.new(a.sizes("input")), False))
    for name, op in (("weight", Mul()), ("bias", Add())):
        if a.is_tensor(name):
            given = c.reshape(a.tensor(name), shape, shape) if a.sizes(name) != shape else a.tensor(name)
            made = c.join(op, made, given)
    return c.done(made)


@translates("batch_norm", "_native_batch_norm_legit_no_training")
def batch_norm(a: Arguments) -> list[Step]:
    if a.flag("training", default=False):
        return weights_normalised(a)
    statistics = {
        "mean": a.needs_stored("running_mean", trained=False),
        "variance": a.needs_stored("running_var", trained=False),
    }
    eps, read, rank = a.number("eps"), a.tensor("input"), len(a.sizes("input"))

    def step(made: int, is_affine: bool) -> Step:
        op = BatchNorm(affine=is_affine, eps=eps)
        stored = {**(scale_and_shift(a) if is_affine else {}), **statistics}
        return PerExample(op=op, lifted=op, axes=rank - 1, inputs=(read,), outputs=(made,), stored=stored)

    return scaled_and_shifted(a, step, (a.sizes("input")[1], *(1,) * (rank - 2)))


@dataclass(frozen=True, kw_only=True)
class OfWeights(PerExample):
    """An operator that means the same for a batch as for one example only if there is no batch."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        if inputs == (None,):
            yield from super().places(inputs, sizes, results, batch)


def weights_normalised(a: Arguments) -> list[Step]:
    """Return the steps of a batch normalisation by statistics of its input, which must be weights, not examples."""
    sizes, eps, read = a.sizes("input"), a.number("eps"), a.tensor("input")
    if sizes[0] != 1 or not a.reading.is_of_weights(a.name("input")):
        raise Untranslatable("batch normalisation in training: export the model after model.eval()")

    def step(made: int, is_affine: bool) -> Step:
        stored = scale_and_shift(a) if is_affine else {}
        op = InstanceNorm(affine=is_affine, eps=eps)
        return OfWeights(op=op, axes=len(sizes) - 1, inputs=(read,), outputs=(made,), stored=stored)

    return scaled_and_shifted(a, step, (sizes[1], *(1,) * (len(sizes) - 2)))


@translates("layer_norm", "native_layer_norm")
def layer_norm(a: Arguments) -> list[Step]:
    shape, eps, read = a.integers("normalized_shape"), a.number("eps", 1e-5), a.tensor("input")
    axis = normalised(a)

    def step(made: int, is_affine: bool) -> Step:
        stored = scale_and_shift(a) if is_affine else {}
        op = LayerNorm(axis=axis, affine=is_affine, eps=eps)
        return AlongLast(op=op, axes=len(shape), inputs=(read,), outputs=(made,), stored=stored)

    return scaled_and_shifted(a, step, shape)


@translates("_weight_norm", "_weight_norm_interface")
def weight_norm(a: Arguments) -> list[Step]:
    """Translate g·v/‖v‖, with a norm for every index of an axis."""
    c, v, g, sizes = Composition(a), a.tensor("v"), a.tensor("g"), a.sizes("v")
    axis = a.integer("dim", 0)
    others = [each for each in range(len(sizes)) if each != axis % len(sizes) or axis == -1]
    norm = c.apply(c.reduce(Sum, c.apply(v, make(Pow, exponent=2)), others), make(Sqrt))
    return c.done(c.join(Mul(), v, c.join(Div(), g, norm)))


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


@translates("group_norm", "native_group_norm")
def group_norm(a: Arguments) -> list[Step]:
    groups = a.integer("num_groups" if "num_groups" in a.call.arguments else "group")
    eps, read, rank = a.number("eps", 1e-5), a.tensor("input"), len(a.sizes("input"))

    def step(made: int, is_affine: bool) -> Step:
        stored = scale_and_shift(a) if is_affine else {}
        op = GroupNorm(groups=groups, affine=is_affine, eps=eps)
        return PerExample(op=op, axes=rank - 1, inputs=(read,), outputs=(made,), stored=stored)

    return scaled_and_shifted(a, step, (a.sizes("input")[1], *(1,) * (rank - 2)))


@translates("instance_norm")
def instance_norm(a: Arguments) -> list[Step]:
    if not a.flag("use_input_stats", default=True):
        raise Untranslatable("instance normalisation by running statistics")
    eps, read, rank = a.number("eps"), a.tensor("input"), len(a.sizes("input"))

    def step(made: int, is_affine: bool) -> Step:
        stored = scale_and_shift(a) if is_affine else {}
        op = InstanceNorm(affine=is_affine, eps=eps)
        return PerExample(op=op, axes=rank - 1, inputs=(read,), outputs=(made,), stored=stored)

    return scaled_and_shifted(a, step, (a.sizes("input")[1], *(1,) * (rank - 2)))
