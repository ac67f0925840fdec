"""Functions that all formulas use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from archcalc.counters.rules import CountedPart
from archcalc.counters.trace import ModuleCall, Operation

Call: TypeAlias = Operation | ModuleCall


def covered(call: Call) -> tuple[int, tuple[Operation, ...]]:
    """Return the multiply–accumulates of a call, and the operations that have them."""
    covers = tuple([each for each in call.operations if each.macs])
    return sum(each.macs for each in covers), covers


def has_bias(call: Call) -> bool:
    """Return whether a call adds a bias."""
    return call.weighted.tensor("bias") is not None


def is_affine(call: Call) -> bool:
    """Return whether a normalisation has a learned scale."""
    return call.weighted.tensor("weight") is not None


def bias_part(call: Call) -> Iterator[CountedPart]:
    """Yield one operation per output if a call adds a bias."""
    if has_bias(call):
        yield CountedPart(call.output.numel, "1 per output", what="biases")


def times_text(count: int) -> str:
    """Return a factor as text; empty for 1."""
    return "" if count == 1 else str(count)
