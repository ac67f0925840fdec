"""Gradients of joins as formulas."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.ops.base import Shapes
from archcalc.ops.chain_rules.rule import Rule, chain_rule
from archcalc.ops.joins import Add, Concat, Div, Mul, Sub, Where


@chain_rule(Add)
def addition(op: Add, inputs: Shapes) -> Iterator[Rule]:
    """He et al. 2016 (Identity mappings)."""
    yield Rule("y", " + ".join(f"x_{place + 1}" for place in range(len(inputs))))
    yield Rule(" = ".join(f"∂L/∂x_{place + 1}" for place in range(len(inputs))), "∂L/∂y", "passed on unchanged")
    yield Rule("y", "x + F(x)", "a residual block: x is read by both branches")
    yield Rule("∂L/∂x", "∂L/∂y + (∂F/∂x)ᵀ·∂L/∂y", "a tensor that several layers read has the sum of their gradients")


@chain_rule(Sub)
def subtraction(op: Sub, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("∂L/∂x_1", "∂L/∂y", "y = x_1 − x_2 − …")
    yield Rule("∂L/∂x_i", "−∂L/∂y", "for i > 1")


@chain_rule(Mul)
def multiplication(op: Mul, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("∂L/∂x_i", "∂L/∂y·Π_{j ≠ i} x_j", "summed over copies where an input was repeated")


@chain_rule(Div)
def division(op: Div, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("∂L/∂x_1", "∂L/∂y/x_2", "y = x_1/x_2")
    yield Rule("∂L/∂x_2", "−∂L/∂y·y/x_2")


@chain_rule(Where)
def selection(op: Where, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("∂L/∂a", "∂L/∂y if c > 0 else 0", "y is a where c > 0, else b; the condition c has no gradient")
    yield Rule("∂L/∂b", "0 if c > 0 else ∂L/∂y")


@chain_rule(Concat)
def concatenation(op: Concat, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("∂L/∂x_i", "∂L/∂y[part i]", "every input has its part of the gradient")
