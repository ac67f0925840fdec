"""Gradients of gated linear units."""

from __future__ import annotations

import numpy as np

from archcalc.executor.gradient import EvaluatedLayer, Gradients, gradient, gradient_of
from archcalc.executor.kernel import Array, Arrays, kernel_of
from archcalc.ops.base import Operator
from archcalc.ops.gate import GatedUnit, GeGlu, Glu, SwiGlu


def gate_gradients(
    activation: Operator, gate: Array, other: Array, g: Array, layer: EvaluatedLayer
) -> tuple[Array, Array]:
    """Return the gradients of activation(gate)·other with respect to ``gate`` and to ``other``."""
    outputs = kernel_of(activation)(activation, (gate,), {}, layer.context)
    point = EvaluatedLayer((gate,), outputs, {}, layer.context, (True,))
    (found,) = gradient_of(activation)(activation, point, (g * other,)).inputs
    assert found is not None
    return found, g * outputs[0]


@gradient(Glu)
def glu(op: Glu, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    axis, (first, second) = _halves(op, layer)
    gate, other = gate_gradients(op.activation, second, first, given[0], layer)
    return Gradients((np.concatenate([other, gate], axis),))


@gradient(SwiGlu, GeGlu)
def gated(op: SwiGlu | GeGlu, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    axis, (first, second) = _halves(op, layer)
    return Gradients((np.concatenate(gate_gradients(op.activation, first, second, given[0], layer), axis),))


def _halves(op: GatedUnit, layer: EvaluatedLayer) -> tuple[int, list[Array]]:
    """Return the axis that is halved, and the halves."""
    axis = op.axis + 1 if op.axis >= 0 else op.axis
    return axis, np.split(layer.inputs[0], 2, axis)
