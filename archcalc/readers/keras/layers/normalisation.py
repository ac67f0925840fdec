"""Normalisations, and the scaling of inputs."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from archcalc.graph import Ref
from archcalc.ops.arithmetic import Offset, Scale
from archcalc.ops.joins import Add, Mul
from archcalc.ops.norm import BatchNorm, GroupNorm, L2Norm, LayerNorm, RmsNorm, Standardize
from archcalc.ops.source import Constant
from archcalc.ops.structure import Identity
from archcalc.readers.keras.flat_model import CallOutput
from archcalc.readers.keras.layers.constants import constant, shape_of
from archcalc.readers.keras.layers.learned_arrays import learned, per_channel
from archcalc.readers.keras.registry import Unconvertible, converts, converts_operation
from archcalc.readers.keras.view import LayerView, exact
from archcalc.readers.steps import make

EPSILON = Fraction(1, 1000)
"""What Keras adds to variances, unless a layer says otherwise."""
EPSILON_OF_FUNCTIONS = Fraction(1, 10**7)
"""What functions of ``keras.ops`` add to variances and divisors by default."""


def has(n: LayerView) -> tuple[bool, bool]:
    """Return whether a normalisation has a learned scale, and a learned shift."""
    return n.flag("scale", True), n.flag("center", True)


@converts("BatchNormalization", "SyncBatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2")
def batch_norm(n: LayerView) -> Ref:
    """Convert a batch norm; a scale or shift without the other is a layer of its own."""
    axis = n.axis("axis", n.rank(n.x))
    scale, shift = has(n)
    affine = scale and shift
    stored = {"scale": n.variable(0), "shift": n.variable(1)} if affine else {}
    own = per_channel(n, 0, n.x, axis) if scale != shift else None
    stored["mean"] = n.variable(scale + shift, trained=False)
    stored["variance"] = n.variable(scale + shift + 1, trained=False)
    op = make(BatchNorm, affine=affine, eps=n.number("epsilon", EPSILON))
    made = n.from_features_first(n.add(op, n.with_features_first(n.x, axis), stored=stored), axis)
    return made if own is None else n.add(Mul() if scale else Add(), made, own)


@converts("LayerNormalization")
def layer_norm(n: LayerView) -> Ref:
    """Convert a normalisation over the last axis or over all; a scale or shift without the other is a layer."""
    rank = n.rank(n.x)
    axes = n.axes("axis", rank, [-1])
    words = {(rank,): n.features, tuple(range(1, rank + 1)): "all"}
    if axes not in words:
        raise Unconvertible("a layer norm over some of several axes")
    scale, shift = has(n)
    affine = scale and shift
    order = [n.at(axis, rank) for axis in axes]
    by_axis = sorted(range(len(axes)), key=order.__getitem__)

    def turned(array: Any) -> Any:
        return array.transpose(by_axis)

    stored = {"scale": n.variable(0, turned), "shift": n.variable(1, turned)} if affine else {}
    attributes = {"axis": words[axes], "affine": affine, "eps": n.number("epsilon", EPSILON)}
    if n.flag("rms_scaling", False):
        raise Unconvertible("a layer norm with rms_scaling: use RMSNormalization")
    made = n.add(make(LayerNorm, **attributes), n.x, stored=stored)
    if affine or not (scale or shift):
        return made
    sizes = n.file_shape(n.x)
    own = learned(n, 0, tuple([size if axis in axes else 1 for axis, size in enumerate(sizes, 1)]))
    return n.add(Mul() if scale else Add(), made, own)


@converts("RMSNormalization")
def rms_norm(n: LayerView) -> Ref:
    axis, rank = n.axis("axis", n.rank(n.x)), n.rank(n.x)
    if axis != rank:
        raise Unconvertible("a normalisation along an axis other than the last")
    op = make(RmsNorm, axis=n.features, eps=n.number("epsilon", Fraction(1, 10**6)))
    return n.add(op, n.x, stored={"scale": n.variable(0)})


@converts("GroupNormalization")
def group_norm(n: LayerView) -> Ref:
    axis, groups = n.axis("axis", n.rank(n.x)), n.integer("groups", 32, at_least=-1)
    scale, shift = has(n)
    if scale != shift:
        raise Unconvertible("a group norm with a scale or a shift only")
    first = n.with_features_first(n.x, axis)
    op = make(
        GroupNorm,
        groups=n.shape(first)[0] if groups == -1 else groups,
        affine=scale,
        eps=n.number("epsilon", EPSILON),
    )
    stored = {"scale": n.variable(0), "shift": n.variable(1)} if scale else {}
    return n.from_features_first(n.add(op, first, stored=stored), axis)


@converts("UnitNormalization")
def unit_norm(n: LayerView) -> Ref:
    axis, rank = n.axis("axis", n.rank(n.x)), n.rank(n.x)
    op = make(L2Norm, axis="channels", eps=Fraction(1, 10**6))
    if axis == rank:
        return n.add(make(L2Norm, axis=n.features, eps=Fraction(1, 10**6)), n.x)
    return n.from_features_first(n.add(op, n.with_features_first(n.x, axis)), axis)


@converts("Normalization")
def normalization(n: LayerView) -> Ref:
    """Convert the normalisation by statistics of the data: stored, with their number, or given in the file."""
    rank = n.rank(n.x)
    if n.flag("invert", False):
        raise Unconvertible("an inverted normalisation")
    axes = n.axes("axis", rank, [-1]) if n.config.get("axis") is not None else ()
    if len(axes) > 1:
        raise Unconvertible("a normalisation along several axes")
    axis = axes[0] if axes else rank
    first = n.with_features_first(n.x, axis)
    mean, variance = n.get("mean", None), n.get("variance", None)
    if mean is not None and variance is not None:
        means = tuple([exact(each, "mean") for each in flat(mean)])
        stds = tuple([exact(max(float(each) ** 0.5, 1e-7), "variance") for each in flat(variance)])
        return n.from_features_first(n.add(make(Standardize, mean=means, std=stds), first), axis)
    if not axes:
        raise Unconvertible("a normalisation of all numbers by one mean")
    stored = {
        "mean": n.variable(0, lambda a: a.reshape(-1), trained=False),
        "variance": n.variable(1, lambda a: a.reshape(-1), trained=False),
    }
    count = n.variable(2, trained=False)
    n.add(make(Constant, shape=(1,)), stored={"value": count})
    made = n.add(make(BatchNorm, affine=False, eps=Fraction(1, 10**14)), first, stored=stored)
    return n.from_features_first(made, axis)


def flat(value: Any) -> list[Any]:
    """Return the numbers of a list of lists."""
    return [each for part in value for each in flat(part)] if isinstance(value, list) else [value]


@converts("LayerScale")
def layer_scale(n: LayerView) -> Ref:
    """Convert the product with a learned number per channel, as in Keras's ConvNeXt."""
    return n.add(Mul(), n.x, per_channel(n, 0, n.x, n.rank(n.x)))


@converts("Rescaling")
def rescaling(n: LayerView) -> Ref:
    """Convert x·scale + offset, by numbers or with some for each channel."""
    scale, offset = (n.get(name, default) for name, default in (("scale", 1.0), ("offset", 0.0)))
    if isinstance(scale, list) or isinstance(offset, list):
        count = max(len(flat(scale)), len(flat(offset)))
        factors, terms = (
            [exact(each, name) for each in flat(value)] * (count if len(flat(value)) == 1 else 1)
            for name, value in (("scale", scale), ("offset", offset))
        )
        if len(factors) != len(terms) or min(factors) <= 0:
            raise Unconvertible("a scale and an offset that do not fit together")
        means = tuple([-term / factor for factor, term in zip(factors, terms, strict=True)])
        op = make(Standardize, mean=means, std=tuple([1 / factor for factor in factors]))
        return n.from_features_first(n.add(op, n.with_features_first(n.x)))
    factor, term = n.number("scale", 1.0), n.number("offset", 0.0)
    made = n.add(make(Scale, factor=factor), n.x) if factor != 1 else n.x
    made = n.add(make(Offset, by=term), made) if term else made
    return n.add(Identity(), made) if made == n.x else made


@converts_operation("LayerNorm", "RMSNorm")
def normalisation_operation(n: LayerView) -> Ref:
    """Convert a normalisation over the last axis by functions of tensors, with arrays as scale and shift."""
    x, rank, is_layer_norm = n.x, n.rank(n.x), n.call.layer.class_name == "LayerNorm"
    if n.axes("axis", rank, -1) != (rank,) or n.flag("rms_scaling", False):
        raise Unconvertible("a normalisation along axes other than the last, or with rms_scaling")
    eps = n.number("epsilon", EPSILON_OF_FUNCTIONS)
    kind = LayerNorm if is_layer_norm else RmsNorm
    made = n.add(make(kind, axis=n.features, affine=False, eps=eps), x)
    names = ("gamma", "beta") if is_layer_norm else ("scale",)
    for place, (name, join) in enumerate(zip(names, (Mul(), Add()), strict=False), start=1):
        given = n.call.args[place] if place < len(n.call.args) else n.call.kwargs.get(name)
        if isinstance(given, CallOutput):
            raise Unconvertible("a scale or shift that is computed")
        if given is not None:
            size = shape_of(given)[-1:] or (1,)
            made = n.add(join, made, constant(n, given, (*(1,) * (rank - 1), *size)))
    return made
