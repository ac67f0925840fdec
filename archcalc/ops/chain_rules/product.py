"""Gradients of products of tensors as formulas."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.ops.base import Operator, Shapes
from archcalc.ops.chain_rules.rule import Rule, chain_rule
from archcalc.ops.product import Einsum, FourierTransform, MatMul


@chain_rule(MatMul, Einsum)
def product(op: Operator, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("C", "A·B")
    yield Rule("∂L/∂A", "∂L/∂C·Bᵀ", "summed over axes that A does not have")
    yield Rule("∂L/∂B", "Aᵀ·∂L/∂C", "summed over axes that B does not have")


@chain_rule(FourierTransform)
def dft(op: FourierTransform, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("y", "F·x", "F: complex exponentials, in real numbers")
    yield Rule("∂L/∂x", "Fᵀ·∂L/∂y")
