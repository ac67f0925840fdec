"""Functions of single numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from tests.operators.entry import MAP, entry
from tests.operators.torch_parts import layer
from tests.operators.writer import plain

if TYPE_CHECKING:
    pass

entry(
    "scale",
    draw=plain("scale 0.1", "scale factor=1/3", "scale -2"),
    torch=lambda op, s: layer(lambda x: x * float(op.factor)),
    cases=[({"factor": Fraction(17, 100)}, (MAP,))],
)
entry(
    "offset",
    draw=plain("offset 0.1", "offset by=1/3", "offset -2"),
    torch=lambda op, s: layer(lambda x: x + float(op.by)),
    cases=[({"by": Fraction(17, 100)}, (MAP,))],
)
entry("exp", draw=plain("tanh -> exp"), torch=lambda op, s: layer(lambda x: x.exp()))
entry(
    "log",
    draw=plain("sigmoid -> clip 0.01 -> log"),
    torch=lambda op, s: layer(lambda x: x.log()),
)
entry("sqrt", draw=plain("sigmoid -> sqrt"), torch=lambda op, s: layer(lambda x: x.sqrt()))
entry("sin", draw=plain("sin"), torch=lambda op, s: layer(lambda x: x.sin()))
entry("cos", draw=plain("cos"), torch=lambda op, s: layer(lambda x: x.cos()))
entry("atan", draw=plain("atan"), torch=lambda op, s: layer(lambda x: x.atan()))
entry("erf", draw=plain("erf"), torch=lambda op, s: layer(lambda x: x.erf()))
entry("abs", draw=plain("abs"), torch=lambda op, s: layer(lambda x: x.abs()))
entry(
    "floor",
    draw=plain("relu -> floor"),
    torch=lambda op, s: layer(lambda x: x.floor()),
)
entry(
    "pow",
    draw=plain("tanh -> pow 2", "tanh -> pow exponent=3", "sigmoid -> pow 1/2", "sigmoid -> clip 0.1 -> pow -1.5"),
    torch=lambda op, s: layer(lambda x: x.pow(float(op.exponent))),
    cases=[({"exponent": Fraction(3, 2)}, (MAP,))],
)


entry(
    "clip",
    draw=plain("clip 0 6", "clip -1/2 0.5", "clip min=0", "clip max=1", "clip 0"),
    torch=lambda op, s: layer(
        lambda x: x.clamp(*(None if bound is None else float(bound) for bound in (op.min, op.max)))
    ),
    cases=[({"min": 0, "max": Fraction(13, 2)}, (MAP,)), ({"min": -2}, (MAP,)), ({"max": 3}, (MAP,))],
)

entry(
    "cast",
    draw=plain("cast float64"),  # of which a run has all numbers, so that small differences stay small
    torch=lambda op, s: layer(lambda x: x.double().to(x.dtype)),
    cases=[({"format": "float64"}, (MAP,))],
)
entry(
    "quantize",
    draw=plain("quantize int64 scale=1/1099511627776"),  # likewise
    torch=lambda op, s: layer(lambda x: x + ((x / float(op.scale)).round() * float(op.scale) - x).detach()),
    cases=[({"format": "int64", "scale": Fraction(1, 2**62)}, (MAP,))],  # limits numbers to those from -2 to 2
)
