"""Functions of ``keras.ops`` that treat the elements of tensors one by one."""

from __future__ import annotations

from fractions import Fraction
from math import log
from typing import Any

from archcalc.graph import Ref
from archcalc.ops import arithmetic, joins
from archcalc.ops.base import Operator
from archcalc.ops.structure import Identity
from archcalc.readers.keras.flat_model import CallOutput
from archcalc.readers.keras.layers.constants import constant, in_one_rank, number_in, without_batch
from archcalc.readers.keras.registry import Unconvertible, converts_operation
from archcalc.readers.keras.view import LayerView, exact
from archcalc.readers.steps import make

BINARY: dict[str, Operator] = {
    "Add": joins.Add(),
    "Divide": joins.Div(),
    "LogicalAnd": joins.Mul(),
    "LogicalOr": joins.Max(),
    "Maximum": joins.Max(),
    "Minimum": joins.Min(),
    "Multiply": joins.Mul(),
    "Subtract": joins.Sub(),
    "TrueDivide": joins.Div(),
}
COMPARISONS = {
    "Equal": "equal",
    "Greater": "greater",
    "GreaterEqual": "greater_equal",
    "Less": "less",
    "LessEqual": "less_equal",
    "NotEqual": "not_equal",
}
"""The words of the operator ``compare`` for the classes of comparisons."""
OPPOSITE = make(arithmetic.Scale, factor=-1)

UNARY: dict[str, tuple[Operator, ...]] = {
    "Abs": (arithmetic.Abs(),),
    "Absolute": (arithmetic.Abs(),),
    "Arctan": (arithmetic.Atan(),),
    "Ceil": (OPPOSITE, arithmetic.Floor(), OPPOSITE),
    "Cos": (arithmetic.Cos(),),
    "Erf": (arithmetic.Erf(),),
    "Exp": (arithmetic.Exp(),),
    "Exp2": (make(arithmetic.Scale, factor=exact(log(2), "ln 2")), arithmetic.Exp()),
    "Expm1": (arithmetic.Exp(), make(arithmetic.Offset, by=-1)),
    "Fabs": (arithmetic.Abs(),),
    "Floor": (arithmetic.Floor(),),
    "Log": (arithmetic.Log(),),
    "Log10": (arithmetic.Log(), make(arithmetic.Scale, factor=exact(1 / log(10), "1/ln 10"))),
    "Log1p": (make(arithmetic.Offset, by=1), arithmetic.Log()),
    "Log2": (arithmetic.Log(), make(arithmetic.Scale, factor=exact(1 / log(2), "1/ln 2"))),
    "LogicalNot": (OPPOSITE, make(arithmetic.Offset, by=1)),
    "Negative": (OPPOSITE,),
    "OnesLike": (make(arithmetic.Scale, factor=0), make(arithmetic.Offset, by=1)),
    "Reciprocal": (make(arithmetic.Pow, exponent=-1),),
    "Rsqrt": (arithmetic.Sqrt(), make(arithmetic.Pow, exponent=-1)),
    "Sin": (arithmetic.Sin(),),
    "Sqrt": (arithmetic.Sqrt(),),
    "Square": (make(arithmetic.Pow, exponent=2),),
    "ZerosLike": (make(arithmetic.Scale, factor=0),),
}


@converts_operation(*UNARY)
def unary(n: LayerView) -> Ref:
    return n.apply(n.x, *UNARY[n.call.layer.class_name])


@converts_operation("Cast", "SaturateCast", "ConvertToTensor", "StopGradient", "Copy", "Identity")
def unchanged(n: LayerView) -> Ref:
    return n.add(Identity(), n.x)


@converts_operation("Tan")
def tangent(n: LayerView) -> Ref:
    return n.add(joins.Div(), n.add(arithmetic.Sin(), n.x), n.add(arithmetic.Cos(), n.x))


@converts_operation(*BINARY, "FloorDivide", "Mod", "Power")
def binary(n: LayerView) -> Ref:
    """Convert a function of two tensors, or of a tensor and a number or an array."""
    name = n.call.layer.class_name
    pair = operands(n)
    tensors = [n.graph.tensor(each) for each in pair if isinstance(each, CallOutput)]
    if not tensors:
        raise Unconvertible("it reads no tensor")
    if len(tensors) == 2:
        return joined(n, name, *pair)
    (x,), is_first = tensors, isinstance(pair[0], CallOutput)
    values = without_batch(pair[is_first], n.rank(x))
    single = number_in(values, n.file_shape(x))
    if single is None:
        return joined(n, name, *(pair[0], values) if is_first else (values, pair[1]))
    number = exact(single, "a number")
    if is_first or name in ("Add", "Multiply", "Maximum", "Minimum", "LogicalAnd", "LogicalOr"):
        return with_number(n, name, x, number)
    if name == "Subtract":
        return n.apply(x, OPPOSITE, make(arithmetic.Offset, by=number))
    if name in ("Divide", "TrueDivide"):
        return n.apply(x, make(arithmetic.Pow, exponent=-1), make(arithmetic.Scale, factor=number))
    if name == "Power" and number > 0:
        return n.apply(x, make(arithmetic.Scale, factor=exact(log(number), "a logarithm")), arithmetic.Exp())
    raise Unconvertible("a number as the first argument")


def joined(n: LayerView, name: str, *pair: Any) -> Ref:
    """Return a function of two tensors or arrays."""
    if name not in BINARY:
        raise Unconvertible(f"the second argument of {name} must be a number")
    return n.add(BINARY[name], *in_one_rank(n, list(pair)))


def operands(n: LayerView) -> tuple[Any, Any]:
    """Return both arguments: by place, or by the names ``x1`` and ``x2`` or ``x`` and ``y``."""
    named = [n.call.kwargs[name] for name in ("x1", "x", "x2", "y") if name in n.call.kwargs]
    found = [*n.call.args, *named]
    if len(found) < 2:
        raise Unconvertible("it must have two arguments")
    return found[0], found[1]


def with_number(n: LayerView, name: str, x: Ref, number: Fraction) -> Ref:
    """Return a function of a tensor and a number."""
    if name in ("Divide", "TrueDivide", "FloorDivide", "Mod") and not number:
        raise Unconvertible("a division by 0")
    if name in ("FloorDivide", "Mod"):
        whole = n.apply(x, make(arithmetic.Scale, factor=1 / number), arithmetic.Floor())
        if name == "FloorDivide":
            return whole
        return n.add(joins.Sub(), x, n.add(make(arithmetic.Scale, factor=number), whole))
    if name in ("Divide", "TrueDivide"):
        return n.add(make(arithmetic.Scale, factor=1 / number), x)
    found: dict[str, Operator] = {
        "Add": make(arithmetic.Offset, by=number),
        "Subtract": make(arithmetic.Offset, by=-number),
        "Multiply": make(arithmetic.Scale, factor=number),
        "LogicalAnd": make(arithmetic.Scale, factor=number),
        "LogicalOr": make(arithmetic.Clip, min=number),
        "Maximum": make(arithmetic.Clip, min=number),
        "Minimum": make(arithmetic.Clip, max=number),
        "Power": make(arithmetic.Pow, exponent=number),
    }
    return n.add(found[name], x)


@converts_operation(*COMPARISONS)
def comparison(n: LayerView) -> Ref:
    pair = operands(n)
    if not any(isinstance(each, CallOutput) for each in pair):
        raise Unconvertible("it reads no tensor")
    return n.add(make(joins.Compare, how=COMPARISONS[n.call.layer.class_name]), *in_one_rank(n, list(pair)))


@converts_operation("Where")
def where(n: LayerView) -> Ref:
    named = [n.call.kwargs[name] for name in ("condition", "x1", "x2") if name in n.call.kwargs]
    found = [*n.call.args, *named]
    if len(found) != 3 or not any(isinstance(each, CallOutput) for each in found):
        raise Unconvertible("it must have a condition and two tensors to choose from")
    return n.add(joins.Where(), *in_one_rank(n, found))


@converts_operation("Clip")
def clip(n: LayerView) -> Ref:
    return n.add(make(arithmetic.Clip, min=n.number("x_min"), max=n.number("x_max")), n.x)


@converts_operation("OneHot")
def one_hot(n: LayerView) -> Ref:
    """Convert 1 at the index that an element is, and 0 elsewhere, along a new last axis."""
    if n.integer("axis", -1, at_least=None) != -1:
        raise Unconvertible("classes along an axis other than the last")
    classes, shape = n.integer("num_classes"), n.file_shape(n.x)
    is_number = any(len(recorded) == 1 for recorded in n.call.recorded.values())
    whole = (*(() if is_number else shape), 1)
    column = n.from_file(n.reshaped(n.in_file(n.x), whole))
    indices = constant(n, list(range(classes)), (*(1,) * (len(whole) - 1), classes))
    return n.add(make(joins.Compare, how="equal"), column, indices)
