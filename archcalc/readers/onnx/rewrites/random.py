"""Samples of distributions."""

from __future__ import annotations

from archcalc.readers.onnx.program import CODES
from archcalc.readers.onnx.rewriting import Body, rewrites_onnx


@rewrites_onnx("Multinomial")
def samples(body: Body) -> None:
    """Rewrite samples of classes, given logarithms of their probabilities: the sums of these that are at most u.

    The sum of all of them may be less than 1 after rounding.
    """
    n = body.n
    batch, classes = n.sizes(0)
    seed = {"seed": n.attribute("seed")} if n.has_attribute("seed") else {}
    drawn = body.add("RandomUniform", shape=[batch, n.attribute("sample_size", 1)], **seed)
    sums = body.add("CumSum", body.add("Softmax", body.input(0), axis=1), body.integer(1))
    columns, rows = (body.add("Unsqueeze", x, body.integers(at)) for x, at in ((drawn, 2), (sums, 1)))
    below = body.add("Cast", body.add("GreaterOrEqual", columns, rows), to=CODES["float32"])
    found = body.add("ReduceSum", below, body.integers(2), keepdims=0)
    last = body.add("Min", found, body.real(float(classes - 1), "float32"))
    body.result(body.add("Cast", last, to=n.attribute("dtype", CODES["int32"])))
