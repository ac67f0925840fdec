"""What a tool counts for a single layer of a spec, as part of a network."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from archcalc.analysis.counts import Counts
from archcalc.counters.assumed import Layer, trace_of_layers
from archcalc.counters.count import count
from archcalc.counters.native import NativeCalls
from archcalc.counters.rules import Quantity, Tool
from archcalc.counters.trace import Trace
from archcalc.ops.base import Operator, Shapes

MAX_KEPT = 4096
"""So many traces of layers are kept for further tools."""


def counted_for(tool: Tool, quantity: Quantity, op: Operator, inputs: Shapes, counts: Counts) -> int:
    """Return what a layer adds to the number that a tool prints.

    Args:
        tool: the tool.
        quantity: one of its quantities.
        op: the operator.
        inputs: the shapes of its inputs.
        counts: the counts of the layer.
    """
    found = _trace(op, inputs, counts.macs, int(counts.params), int(counts.trainable))
    start = int(counts.of(quantity.start)) if quantity.start else 0
    return count(tool, quantity, found, NativeCalls(found), start).value


@lru_cache(maxsize=MAX_KEPT)
def _trace(op: Operator, inputs: Shapes, macs: Any, params: int, trainable: int) -> Trace:
    return trace_of_layers([Layer("layer", op, inputs, op.outputs(inputs), macs, {})], (), params, trainable)
