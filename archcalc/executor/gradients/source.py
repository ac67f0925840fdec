"""Gradients of sources: the sum over all examples, which read the same stored tensor."""

from __future__ import annotations

from archcalc.executor.gradient import Evaluated, Gradients, gradient, undefined
from archcalc.executor.kernel import Arrays
from archcalc.ops.source import Constant, Learned

undefined(Constant, reason="it is not trained")


@gradient(Learned)
def learned(op: Learned, layer: Evaluated, given: Arrays) -> Gradients:
    return Gradients((), {op.array_name: given[0].sum(0)})
