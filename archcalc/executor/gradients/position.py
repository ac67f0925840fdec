"""Gradients of sources that attention adds to its scores."""

from __future__ import annotations

from archcalc.executor.gradient import EvaluatedLayer, Gradients, gradient
from archcalc.executor.gradients.structure import numbered_indices, rearrangement_gradient, scattered_sums
from archcalc.executor.kernel import Arrays, Context, kernel_of
from archcalc.ops.position import RelativeBias


@gradient(RelativeBias)
def relative_bias(op: RelativeBias, layer: EvaluatedLayer, given: Arrays) -> Gradients:
    """Sum the gradients of all pairs of positions, and of all examples, that read the same row."""
    if op.table:
        return rearrangement_gradient(op, layer, given)
    table = layer.weights["table"]
    (places,) = kernel_of(op)(op, (), {"table": numbered_indices(1, table.shape)[0]}, Context())
    return Gradients((), {"table": scattered_sums(given[0].sum(0, keepdims=True), places, table.shape)})
