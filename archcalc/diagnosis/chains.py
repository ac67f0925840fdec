"""Wrong receptive fields of chains: formulas that students use instead of RF = 1 + Σ (K − 1)·∏ s."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import NamedTuple

from archcalc.diagnosis.mistake import Outcome
from archcalc.diagnosis.places import outcome_of
from archcalc.diagnosis.target import DiagnosedTarget
from archcalc.numeric import Number
from archcalc.query.targets import Values


class ChainLayer(NamedTuple):
    """A layer of a chain along one axis: its effective kernel K and its stride s."""

    kernel: Number
    stride: Number


def wrong_fields(target: DiagnosedTarget) -> Iterator[Outcome]:
    """Yield the wrong receptive fields, or strides of receptive fields, of a layer at the end of a chain."""
    axes = _axes(target)
    if not axes or len(axes[0]) < 2:
        return
    if target.quantity == "rf":
        yield outcome_of("rf-own-kernel", _values(axes, lambda steps: steps[-1].kernel))
        yield outcome_of("rf-last-stride", _values(axes, _last_strides))
        yield outcome_of("rf-strides-ignored", _values(axes, _last_layer_without_strides))
        yield outcome_of("rf-kernels-multiplied", _values(axes, lambda steps: prod(step.kernel for step in steps)))
    if target.quantity == "rf_stride":
        strided = [[step for step in steps if step.stride != 1] for steps in axes]
        yield outcome_of("rf-own-step", _values(axes, lambda steps: steps[-1].stride))
        yield outcome_of("rf-last-stride", _values(strided, lambda steps: steps[-1].stride if steps else 1))
        yield outcome_of("rf-strides-added", _values(axes, lambda steps: sum(step.stride for step in steps)))
        yield outcome_of("rf-strides-added", _values(strided, lambda steps: sum(step.stride for step in steps)))


def _last_strides(steps: Sequence[ChainLayer]) -> Number:
    """Return 1 + Σ (K_i − 1)·s_{i−1}, with the stride of the layer directly before, not the product of all before."""
    before = [1, *(step.stride for step in steps)]
    return 1 + sum((step.kernel - 1) * stride for step, stride in zip(steps, before, strict=False))


def _last_layer_without_strides(steps: Sequence[ChainLayer]) -> Number:
    """Return the receptive field of the layer before plus K − 1."""
    size: Number = 1
    distance: Number = 1
    for step in steps[:-1]:
        size, distance = size + (step.kernel - 1) * distance, distance * step.stride
    return size + steps[-1].kernel - 1


def _values(axes: Sequence[Sequence[ChainLayer]], formula: Callable[[Sequence[ChainLayer]], Number]) -> Values:
    """Return one value per axis, or a single one if they are equal."""
    values = tuple(formula(steps) for steps in axes)
    return values[:1] if len(set(values)) == 1 else values


def _axes(target: DiagnosedTarget) -> list[list[ChainLayer]]:
    """Return the steps of each axis from the input on; empty unless the layers before are a chain of windows."""
    layers: list[list[ChainLayer]] = []
    index = target.tensor.node
    while not target.node(index).is_input:
        node = target.node(index)
        if len(node.inputs) != 1:
            return []
        shape = target.graph.input_shapes(node)[0]
        if node.op.window_kind == "sliding":
            layers.append([ChainLayer(reach, s) for _, reach, s, *_ in node.op.geometry(shape)])  # type: ignore[attr-defined]
        elif node.op.window_kind or any(window is None for (reach,) in [node.op.windows((shape,))] for window in reach):
            return []
        index = node.inputs[0].node
    return [list(axis) for axis in zip(*reversed(layers), strict=True)] if len({*map(len, layers)}) == 1 else []
