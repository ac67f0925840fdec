"""The gradient of operators as formulas, as a textbook derives it: from ∂L/∂y to the inputs and the trained arrays.

Formulas are written as text; `archcalc.analysis.explain` typesets them. An index stands in brackets: ``Z[n,o,u,v]`` is
the number of example n and channel o at the position u, v.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from archcalc.ops.base import Operator, Shapes
from archcalc.ops.chain_rules.rule import RULES, Rule
from archcalc.ops.conv import WeightedSums

FAMILIES = (
    "conv",
    "dense",
    "pool",
    "norm",
    "activation",
    "gate",
    "reduction",
    "joins",
    "product",
    "attention",
    "recurrent",
    "moe",
    "selection",
    "source",
)
"""The families with derivations of their own. The operators of others only move numbers, or have no gradient."""

for family in FAMILIES:
    import_module(f"{__name__}.{family}")


def rules(op: Operator, inputs: Shapes) -> tuple[Rule, ...]:
    """Return the derivation of the gradient of a layer.

    Args:
        op: its operator.
        inputs: the shapes of its inputs.
    """
    if op.no_gradient is not None and op.no_gradient.is_complete:
        return (_nothing(op, inputs, op.no_gradient.reason),)
    own = RULES.get(type(op), _moved)(op, inputs)
    return (*own, *_weight_norm()) if isinstance(op, WeightedSums) and op.weight_norm else tuple(own)


def _nothing(op: Operator, inputs: Shapes, reason: str) -> Rule:
    """Return the rule of an operator that passes no gradient on."""
    if not inputs and not op.weights(inputs):
        return Rule("∂y/∂w", "0", f"the output depends on no weight w: {reason}")
    return Rule("∂L/∂x" if inputs else "∂L/∂value", "0", f"no gradient is passed on: {reason}")


def _moved(op: Operator, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("y[i]", "x[source(i)]", "every number of the output is, or is made from, numbers of the input")
    yield Rule("∂L/∂x[j]", "Σ_i ∂L/∂y[i]·∂y[i]/∂x[j]", "each gradient returns to where its number came from")


def _weight_norm() -> Iterator[Rule]:
    """Yield the gradients of the gains and of the directions (Salimans and Kingma 2016, equation 3)."""
    yield Rule("W", "g·V/‖V‖", "weight norm: a gain g and a direction V for every output channel")
    yield Rule("∂L/∂g", "Σ ∂L/∂W·V/‖V‖")
    yield Rule("∂L/∂V", "g/‖V‖·(∂L/∂W − ∂L/∂g·V/‖V‖)", "V is the stored array")


__all__ = ["RULES", "Rule", "rules"]
