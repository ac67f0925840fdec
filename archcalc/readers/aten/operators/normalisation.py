"""Normalisations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from archcalc.ops.arithmetic import Pow, Sqrt
from archcalc.ops.base import Operator
from archcalc.ops.joins import Add, Div, Mul
from archcalc.ops.norm import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RmsNorm
from archcalc.ops.reduction import Sum
from archcalc.readers.aten.composition import Composition
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates
from archcalc.readers.batch import Places, Sizes
from archcalc.readers.joining import JoinStep
from archcalc.readers.per_example import PerExampleStep
from archcalc.readers.steps import LastAxisStep, ReshapeStep, Step, make

FLOAT32_EPSILON = 2.0**-23
"""What PyTorch's RMSNorm adds by default: the distance from 1 to the next number of its format, here float32."""


MakeStep: TypeAlias = Callable[[bool, int, Mapping[str, str]], Step]
"""Returns a normalisation, given whether it has a scale and a shift, the tensor that it makes, and stored arrays."""


def normalised(a: Arguments, make_step: MakeStep, *, channels_first: bool = True) -> list[Step]:
    """Return the steps of a normalisation; a scale or a shift that is alone, or computed, is a step of its own.

    Args:
        a: the arguments of the call.
        make_step: makes the normalisation itself.
        channels_first: whether the scale and the shift are along axis 1; otherwise, they are along the last axes.
    """
    given = {array: name for array, name in (("scale", "weight"), ("shift", "bias")) if a.is_tensor(name)}
    stored = {array: a.reading.stored(a.name(name), array) for array, name in given.items()}
    arrays = {array: name for array, name in stored.items() if name is not None}
    if len(given) != 1 and len(arrays) == len(given):
        return [make_step(bool(given), a.result(), arrays)]
    sizes = a.sizes("input")
    made = a.reading.intermediate(sizes)
    steps: list[Step] = [make_step(False, made, {})]
    for number, (array, name) in enumerate(given.items(), 1):
        factor, read = a.tensor(name), made
        if channels_first:
            target = tuple([size if axis == 1 else 1 for axis, size in enumerate(sizes)])
            vector, factor = factor, a.reading.intermediate(target)
            steps.append(ReshapeStep(target=target, inputs=(vector,), outputs=(factor,)))
        made = a.result() if number == len(given) else a.reading.intermediate(sizes)
        op = Mul() if array == "scale" else Add()
        steps.append(JoinStep(op=op, inputs=(read, factor), outputs=(made,)))
    return steps


@translates("batch_norm", "_native_batch_norm_legit_no_training")
def batch_norm(a: Arguments) -> list[Step]:
    if a.flag("training", default=False):
        return weights_normalised(a)
    running = {
        array: a.needs_stored(name, array, trained=False)
        for array, name in (("mean", "running_mean"), ("variance", "running_var"))
    }
    return normalised(a, partial(per_example, a, partial(make, BatchNorm, eps=a.number("eps")), running))


@dataclass(frozen=True, kw_only=True)
class WeightNormalisationStep(PerExampleStep):
    """An operator that means the same for a batch as for one example only if there is no batch."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        if inputs == (None,):
            yield from super().places(inputs, sizes, results, batch)


def weights_normalised(a: Arguments) -> list[Step]:
    """Return the steps of a batch normalisation by statistics of its input, which must be weights, not examples."""
    sizes, inputs = a.sizes("input"), (a.tensor("input"),)
    if sizes[0] != 1 or not a.reading.is_of_weights(a.name("input")):
        raise Untranslatable("batch normalisation in training: export the model after model.eval()")
    op = partial(make, InstanceNorm, eps=a.number("eps"))

    def step(affine: bool, made: int, stored: Mapping[str, str]) -> Step:
        return WeightNormalisationStep(
            op=op(affine=affine), axes=len(sizes) - 1, inputs=inputs, outputs=(made,), stored=stored
        )

    return normalised(a, step)


def per_example(
    a: Arguments,
    op: Callable[..., Operator],
    further: Mapping[str, str],
    affine: bool,
    made: int,
    stored: Mapping[str, str],
) -> Step:
    """Return the step of a normalisation of channels and positions.

    Args:
        a: the arguments of the call.
        op: returns the operator, given whether it is affine.
        further: further stored arrays.
        affine: whether it has a scale and a shift.
        made: the tensor that it makes.
        stored: the stored scale and shift.
    """
    each, rank = op(affine=affine), len(a.sizes("input"))
    lifted = each if isinstance(each, BatchNorm) else None
    inputs, outputs = (a.tensor("input"),), (made,)
    return PerExampleStep(
        op=each, lifted=lifted, axes=rank - 1, inputs=inputs, outputs=outputs, stored={**stored, **further}
    )


@translates("layer_norm", "native_layer_norm")
def layer_norm(a: Arguments) -> list[Step]:
    axes, inputs = len(a.integers("normalized_shape")), (a.tensor("input"),)
    op = partial(make, LayerNorm, axis=axes_of(a), eps=a.number("eps", 1e-5))

    def step(affine: bool, made: int, stored: Mapping[str, str]) -> Step:
        return LastAxisStep(op=op(affine=affine), axes=axes, inputs=inputs, outputs=(made,), stored=stored)

    return normalised(a, step, channels_first=False)


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
    scale = a.reading.stored(a.name("weight"), "scale") if given else None
    op = RmsNorm(axis=axes_of(a), affine=scale is not None, eps=a.number("eps", FLOAT32_EPSILON))
    axes, stored = len(a.integers("normalized_shape")), {} if scale is None else {"scale": scale}
    inputs = (a.tensor("input"),)
    if not given or scale is not None:
        return [LastAxisStep(op=op, axes=axes, inputs=inputs, outputs=(a.result(),), stored=stored)]
    made = a.reading.intermediate(a.sizes("input"))
    return [
        LastAxisStep(op=op, axes=axes, inputs=inputs, outputs=(made,)),
        JoinStep(op=Mul(), inputs=(made, a.tensor("weight")), outputs=(a.result(),)),
    ]


def axes_of(a: Arguments) -> str:
    """Return what is normalised together: the last axis, or all axes but the batch."""
    axes, rank = len(a.integers("normalized_shape")), len(a.sizes("input"))
    if axes not in (1, rank - 1):
        raise Untranslatable(f"normalisation over the last {axes} of {rank} axes")
    return "last" if axes == 1 else "all"


@translates("group_norm", "native_group_norm")
def group_norm(a: Arguments) -> list[Step]:
    op = partial(
        make,
        GroupNorm,
        groups=a.integer("num_groups" if "num_groups" in a.call.arguments else "group"),
        eps=a.number("eps", 1e-5),
    )
    return normalised(a, partial(per_example, a, op, {}))


@translates("instance_norm")
def instance_norm(a: Arguments) -> list[Step]:
    if not a.flag("use_input_stats", default=True):
        raise Untranslatable("instance normalisation by running statistics")
    return normalised(a, partial(per_example, a, partial(make, InstanceNorm, eps=a.number("eps")), {}))
