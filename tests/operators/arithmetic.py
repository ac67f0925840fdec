"""Functions of single numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tests.operators.entry import MAP, Sizes, entry
from tests.operators.onnx_parts import Weights, named
from tests.operators.torch_parts import layer
from tests.operators.writer import plain

if TYPE_CHECKING:
    from tests.executor.onnx_models import Model

entry(
    "scale",
    draw=plain("scale 0.1", "scale factor=1/3", "scale -2"),
    onnx=lambda model, op, name, shape, weights: model.add("Mul", name, model.constant(float(op.factor))),
    torch=lambda op, s: layer(lambda x: x * float(op.factor)),
    cases=[({"factor": Fraction(17, 100)}, (MAP,))],
)
entry(
    "offset",
    draw=plain("offset 0.1", "offset by=1/3", "offset -2"),
    onnx=lambda model, op, name, shape, weights: model.add("Add", name, model.constant(float(op.by))),
    torch=lambda op, s: layer(lambda x: x + float(op.by)),
    cases=[({"by": Fraction(17, 100)}, (MAP,))],
)
entry("exp", draw=plain("tanh -> exp"), onnx=named("Exp"), torch=lambda op, s: layer(lambda x: x.exp()))
entry(
    "log",
    draw=plain("sigmoid -> clip 0.01 -> log"),
    onnx=named("Log"),
    torch=lambda op, s: layer(lambda x: x.log()),
)
entry("sqrt", draw=plain("sigmoid -> sqrt"), onnx=named("Sqrt"), torch=lambda op, s: layer(lambda x: x.sqrt()))
entry("sin", draw=plain("sin"), onnx=named("Sin"), torch=lambda op, s: layer(lambda x: x.sin()))
entry("cos", draw=plain("cos"), onnx=named("Cos"), torch=lambda op, s: layer(lambda x: x.cos()))
entry("erf", draw=plain("erf"), onnx=named("Erf"), torch=lambda op, s: layer(lambda x: x.erf()))
entry("abs", draw=plain("abs"), onnx=named("Abs"), torch=lambda op, s: layer(lambda x: x.abs()))
entry(
    "pow",
    draw=plain("tanh -> pow 2", "tanh -> pow exponent=3", "sigmoid -> pow 1/2", "sigmoid -> clip 0.1 -> pow -1.5"),
    onnx=lambda model, op, name, shape, weights: model.add("Pow", name, model.constant(float(op.exponent))),
    torch=lambda op, s: layer(lambda x: x.pow(float(op.exponent))),
    cases=[({"exponent": Fraction(3, 2)}, (MAP,))],
)


def onnx_clip(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    bounds = ["" if bound is None else model.constant(float(bound)) for bound in (op.min, op.max)]
    return model.add("Clip", name, *bounds)


entry(
    "clip",
    draw=plain("clip 0 6", "clip -1/2 0.5", "clip min=0", "clip max=1", "clip 0"),
    onnx=onnx_clip,
    torch=lambda op, s: layer(
        lambda x: x.clamp(*(None if bound is None else float(bound) for bound in (op.min, op.max)))
    ),
    cases=[({"min": 0, "max": Fraction(13, 2)}, (MAP,)), ({"min": -2}, (MAP,)), ({"max": 3}, (MAP,))],
)
