"""Gradients of selections by index and by size."""

from __future__ import annotations

import numpy as np

from archcalc.executor.gradient import Evaluated, Gradients, gradient
from archcalc.executor.gradients.structure import moved
from archcalc.executor.kernel import Arrays
from archcalc.ops.selection import Gather, Take, TopK

gradient(Take, Gather)(moved)


@gradient(TopK)
def top(op: TopK, layer: Evaluated, given: Arrays) -> Gradients:
    (x,), (_, order) = layer.inputs, layer.outputs
    found = np.zeros_like(x)
    np.put_along_axis(found, order.astype(np.intp), given[0], op.axis % (x.ndim - 1) + 1)
    return Gradients((found,))
