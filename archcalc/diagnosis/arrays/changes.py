"""Mistakes in computing the numbers of a layer: kernels, averages, statistics, scales, axes.

Each change is named after the mistake that it makes; see `archcalc.diagnosis.arrays.computation.NumbersChange`. Where a
formula is changed for which no operator exists, the numbers of the layer are changed so that the result is the same.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import prod, sqrt
from typing import TYPE_CHECKING, Any

from archcalc.diagnosis.variation import Change, Site
from archcalc.diagnosis.windows import changed, replaced
from archcalc.ops.structure import Identity

if TYPE_CHECKING:
    from archcalc.diagnosis.arrays.computation import LayerNumbers
    from archcalc.executor.kernel import Array

_NEUTRAL = {"scale": 1.0, "shift": 0.0}
"""The numbers of a normalisation that learns no scale and shift."""

# --- kernels and weights ---


def kernel_flipped(numbers: LayerNumbers) -> LayerNumbers | None:
    """Rotate every kernel by 180 degrees: convolution in the mathematical sense becomes cross-correlation, and back."""
    found = {
        name: array[(slice(None),) * (array.ndim - axes) + (slice(None, None, -1),) * axes]
        for name, (array, axes) in _kernels(numbers).items()
    }
    return _with_others(numbers, found)


def kernel_transposed(numbers: LayerNumbers) -> LayerNumbers | None:
    """Swap the rows and columns of every kernel."""
    found = {
        name: array.swapaxes(-1, -2)
        for name, (array, axes) in _kernels(numbers).items()
        if axes == 2 and array.shape[-1] == array.shape[-2]
    }
    return _with_others(numbers, found)


def weights_transposed(numbers: LayerNumbers) -> LayerNumbers | None:
    """Multiply by the transposed matrix of weights."""
    if numbers.site.op.kind != "dense":
        return None
    found = {name: array.T for name, array in numbers.stored.items() if array.ndim == 2 and len({*array.shape}) == 1}
    return _with_others(numbers, found)


def first_channel_only(numbers: LayerNumbers) -> LayerNumbers | None:
    """Read only the first input channel of every filter."""
    found = {}
    for name, (array, axes) in _kernels(numbers).items():
        if numbers.site.op.window_kind == "sliding" and array.shape[-axes - 1] > 1:
            found[name] = array.copy()
            found[name][(slice(None), slice(1, None))] = 0
    return _with_others(numbers, found)


def _kernels(numbers: LayerNumbers) -> dict[str, tuple[Array, int]]:
    """Return the stored arrays that hold kernels of more than one position, each with its number of spatial axes."""
    kernel = getattr(numbers.site.op, "kernel", ())
    if numbers.site.op.kind != "convolution" or prod(kernel) == 1:
        return {}
    axes = len(kernel)
    return {name: (array, axes) for name, array in numbers.stored.items() if array.shape[-axes:] == tuple(kernel)}


def _with_others(numbers: LayerNumbers, arrays: dict[str, Array]) -> LayerNumbers | None:
    """Return the layer with other stored arrays; ``None`` if they are the same."""
    differ = any((array != numbers.stored[name]).any() for name, array in arrays.items())
    return numbers.with_stored(**arrays) if differ else None


# --- pooling and activations ---


def average_for_maximum(site: Site) -> Site | None:
    return replaced(site, site.op.other_pooling()) if site.op.pooled == "maximum" else None


def maximum_for_average(site: Site) -> Site | None:
    return replaced(site, site.op.other_pooling()) if site.op.pooled == "average" else None


def padding_in_average(site: Site) -> Site | None:
    return changed(site, count_include_pad=True)


def padding_not_in_average(site: Site) -> Site | None:
    return changed(site, count_include_pad=False)


def activation_left_out(site: Site) -> Site | None:
    return site._replace(op=Identity()) if site.op.kind == "activation" else None


def along_axis(axis: int | str) -> Change:
    """Return the mistake that takes a softmax, or the numbers that are normalised together, along another axis."""

    def change(site: Site) -> Site | None:
        own = getattr(site.op, "axis", None)
        if isinstance(axis, str) or isinstance(own, str):
            return changed(site, axis=axis) if type(own) is type(axis) else None
        if own is None or not -len(site.shape) <= axis < len(site.shape):
            return None
        return None if own % len(site.shape) == axis % len(site.shape) else changed(site, axis=axis)

    return change


def scaled_elsewhere(scale: str) -> Change:
    """Return the mistake that scales the output of dropout in ``training`` or at ``inference`` instead of the other."""

    def change(site: Site) -> Site | None:
        return changed(site, scale=scale) if site.op.drops else None

    return change


# --- normalisation ---


def epsilon_left_out(site: Site) -> Site | None:
    return changed(site, eps=0) if site.op.kind == "normalisation" else None


def sample_variance(numbers: LayerNumbers) -> LayerNumbers | None:
    """Divide the sum of the squares by n − 1 instead of n.

    √(v·n/(n − 1) + ε) is √(n/(n − 1))·√(v + ε·(n − 1)/n), so ε and the scale change.
    """
    op: Any = numbers.site.op
    size = group_size(numbers)
    if size is None or size < 2:
        return None
    return _scaled(numbers, sqrt((size - 1) / size), eps=op.eps * Fraction(size - 1, size))


def variance_for_deviation(numbers: LayerNumbers) -> LayerNumbers | None:
    """Divide by the variance (with ε) instead of its root."""
    variance = _variance(numbers)
    op: Any = numbers.site.op
    return None if variance is None else _scaled(numbers, (variance + float(op.eps)) ** -0.5)


def scale_and_shift_left_out(numbers: LayerNumbers) -> LayerNumbers | None:
    if numbers.site.op.kind != "normalisation":
        return None
    found = {name: array * 0 + _NEUTRAL[name] for name, array in numbers.stored.items() if name in _NEUTRAL}
    return _with_others(numbers, found)


def shift_left_out(numbers: LayerNumbers) -> LayerNumbers | None:
    if numbers.site.op.kind != "normalisation" or "shift" not in numbers.stored:
        return None
    return _with_others(numbers, {"shift": numbers.stored["shift"] * 0})


def mean_not_subtracted(numbers: LayerNumbers) -> LayerNumbers | None:
    """Take the mean that a batch norm stores as 0."""
    if not numbers.site.op.running_statistics or numbers.training:
        return None
    return _with_others(numbers, {"mean": numbers.stored["mean"] * 0})


def batch_statistics(numbers: LayerNumbers) -> LayerNumbers | None:
    """Normalise by the mean and the variance of the batch instead of the stored ones."""
    if not numbers.site.op.running_statistics or numbers.training:
        return None
    (x,) = numbers.inputs
    axes = (0, *range(2, x.ndim))
    return _with_others(numbers, {"mean": x.mean(axes), "variance": x.var(axes)})


def stored_statistics(numbers: LayerNumbers) -> LayerNumbers | None:
    """Normalise by the stored mean and variance instead of those of the batch."""
    if not numbers.site.op.running_statistics or not numbers.training:
        return None
    return numbers._replace(training=False)


def other_region(site: Site) -> Site | None:
    """Sum the squares of a local response normalisation across channels instead of within them, or vice versa."""
    return changed(site, region="across" if getattr(site.op, "region", "") == "within" else "within")


def divided_alpha(site: Site) -> Site | None:
    """Divide the factor of a local response normalisation by the number of terms, as PyTorch and Caffe do."""
    op: Any = site.op
    if not hasattr(op, "region"):
        return None
    terms = op.size if op.region == "across" else op.size ** (len(site.shape) - 1)
    return changed(site, alpha=op.alpha / Fraction(terms))


def group_size(numbers: LayerNumbers) -> int | None:
    """Return how many numbers the layer normalises by their own mean and variance; ``None`` if it does not."""
    op = numbers.site.op
    size = op.group_size(numbers.site.shape)
    if size is None or (op.running_statistics and not numbers.training):
        return None
    return int(size) * (len(numbers.inputs[0]) if op.running_statistics else 1)


def _variance(numbers: LayerNumbers) -> Any:
    """Return the variance by which the layer divides, in the shape of its scale or as one number; ``None`` if there is
    no such."""
    op, x = numbers.site.op, numbers.inputs[0]
    if op.running_statistics and not numbers.training:
        return numbers.stored["variance"]
    size = group_size(numbers)
    if size is None:
        return None
    if size == x.size:
        return x.var()
    return x.var((0, *range(2, x.ndim))) if size * x.shape[1] == x.size else None


def _scaled(numbers: LayerNumbers, factor: Any, **attributes: Any) -> LayerNumbers:
    """Return a normalisation with its scale multiplied by a factor, and other attributes."""
    op: Any = numbers.site.op
    site = numbers.site._replace(op=replace(op, affine=True, **attributes))
    stored = numbers.stored
    if not op.affine:
        learned = {weight.name: weight.shape for weight in site.op.weights(site.inputs) if weight.name in _NEUTRAL}
        stored = {**stored, **{name: _filled(shape, _NEUTRAL[name]) for name, shape in learned.items()}}
    return numbers._replace(site=site).with_stored(**{**stored, "scale": stored["scale"] * factor})


def _filled(shape: tuple[Any, ...], number: float) -> Array:
    """Return an array of one number."""
    import numpy as np

    return np.full(tuple(map(int, shape)), number)


# --- attention ---


def scale_of_scores_left_out(numbers: LayerNumbers) -> LayerNumbers | None:
    """Take the products of queries and keys as the scores, without dividing them by √d."""
    op: Any = numbers.site.op
    if hasattr(op, "factor"):
        site = changed(numbers.site, factor=1)
        return None if site is None else numbers._replace(site=site)
    if "query" not in numbers.stored or not hasattr(op, "heads"):
        return None
    root = sqrt(numbers.stored["query"].shape[0] // op.heads)
    found = {name: numbers.stored[name] * root for name in ("query", "query_bias") if name in numbers.stored}
    return _with_others(numbers, found)


def mask_left_out(site: Site) -> Site | None:
    """Let every query attend to all keys."""
    return changed(site, causal=False)
