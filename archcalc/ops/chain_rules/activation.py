"""Gradients of activations and other functions of single numbers as formulas."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.ops.activation import (
    Dropout,
    Elu,
    Gelu,
    HardSigmoid,
    HardSwish,
    LeakyRelu,
    LogSoftmax,
    Maxout,
    Mish,
    PRelu,
    Relu,
    Relu6,
    Selu,
    Sigmoid,
    Silu,
    Softmax,
    Softplus,
    SpatialDropout,
    Tanh,
)
from archcalc.ops.arithmetic import Abs, Atan, Cast, Clip, Cos, Erf, Exp, Log, Offset, Pow, Quantize, Scale, Sin, Sqrt
from archcalc.ops.base import Operator, Shapes
from archcalc.ops.chain_rules.rule import Rule, chain_rule
from archcalc.ops.joins import Max, Min


@chain_rule(Softmax)
def softmax(op: Softmax, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("p[i]", "exp(z[i])/Σ_j exp(z[j])")
    yield Rule("∂p[i]/∂z[j]", "p[i]·((1 if i = j else 0) − p[j])")
    yield Rule("∂L/∂z[j]", "p[j]·(∂L/∂p[j] − Σ_i ∂L/∂p[i]·p[i])")
    yield Rule("L", "−Σ_i t[i]·log(p[i])", "with cross-entropy; t is 1 for the correct class, else 0")
    yield Rule("∂L/∂p[i]", "−t[i]/p[i]")
    yield Rule("∂L/∂z[j]", "p[j]·(−t[j]/p[j] + Σ_i t[i])")
    yield Rule("∂L/∂z[j]", "p[j] − t[j]", "the t[i] add up to 1; a mean over N examples divides by N")


@chain_rule(LogSoftmax)
def log_softmax(op: LogSoftmax, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("y[i]", "z[i] − log(Σ_j exp(z[j]))")
    yield Rule("∂L/∂z[j]", "∂L/∂y[j] − exp(y[j])·Σ_i ∂L/∂y[i]")
    yield Rule("∂L/∂z[j]", "exp(y[j]) − t[j]", "with the cross-entropy L = −Σ t[i]·y[i]")


DERIVATIVES: dict[type[Operator], tuple[str, str]] = {
    Relu: ("max(x, 0)", "(1 if x > 0 else 0)"),
    Relu6: ("min(max(x, 0), 6)", "(1 if 0 < x < 6 else 0)"),
    LeakyRelu: ("max(x, a·x)", "(1 if x > 0 else a)"),
    Sigmoid: ("1/(1 + exp(−x))", "y·(1 − y)"),
    Silu: ("x·σ(x)", "(σ(x) + y·(1 − σ(x)))"),
    Softplus: ("log(1 + exp(x))", "σ(x)"),
    Tanh: ("tanh(x)", "(1 − y²)"),
    Exp: ("exp(x)", "y"),
    Log: ("log(x)", "1/x"),
    Sqrt: ("√(x)", "1/(2·y)"),
    Sin: ("sin(x)", "cos(x)"),
    Cos: ("cos(x)", "(−sin(x))"),
    Atan: ("arctan(x)", "1/(1 + x²)"),
    Abs: ("|x|", "sign(x)"),
    Scale: ("a·x", "a"),
    Offset: ("x + a", "1"),
    Pow: ("x^a", "a·x^(a − 1)"),
    Clip: ("min(max(x, a), b)", "(1 if a < x < b else 0)"),
    Cast: ("round(x)", "1"),
    Quantize: ("s·min(max(round(x/s), a), b)", "(1 if a ≤ round(x/s) ≤ b else 0)"),
}
"""The formula and the derivative of element-wise operators; those of others are written f(x) and f′(x)."""


@chain_rule(*DERIVATIVES, Elu, Selu, Gelu, Mish, HardSwish, HardSigmoid, Erf)
def elementwise(op: Operator, inputs: Shapes) -> Iterator[Rule]:
    formula, slope = DERIVATIVES.get(type(op), ("f(x)", "f′(x)"))
    yield Rule("y", formula, "number by number")
    yield Rule("∂L/∂x", f"∂L/∂y·{slope}")


@chain_rule(PRelu)
def prelu(op: PRelu, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("y", "x if x > 0 else a·x")
    yield Rule("∂L/∂x", "∂L/∂y·(1 if x > 0 else a)")
    yield Rule("∂L/∂a", "Σ_{x < 0} ∂L/∂y·x", "the sum over all numbers that have the same slope")


@chain_rule(Maxout, Max, Min)
def choice(op: Operator, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("y", "min_i x_i" if isinstance(op, Min) else "max_i x_i")
    yield Rule("∂L/∂x_i", "∂L/∂y if x_i = y else 0", "the gradient passes to the number that was chosen")


@chain_rule(Dropout, SpatialDropout)
def dropout(op: Dropout, inputs: Shapes) -> Iterator[Rule]:
    scaled = "/(1 − p)" if op.scale == "training" else ""
    yield Rule("y", f"m·x{scaled}", "in training; m is 0 with probability p, else 1")
    yield Rule("∂L/∂x", f"m·∂L/∂y{scaled}", "with the same m")
