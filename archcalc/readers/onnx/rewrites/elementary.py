"""Operators of ONNX that are compositions of a few others, though ONNX does not define them so."""

from __future__ import annotations

from math import prod

from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx.program import CODES
from archcalc.readers.onnx.rewrites.fused import WINDOWS, given
from archcalc.readers.onnx.rewriting import Body, rewrites_onnx
from archcalc.readers.onnx.sizes import file_value
from archcalc.readers.onnx.tensors import MAX_VALUES

INFINITY = float("inf")

MAX_FACTORS = 100
"""The number of factors of a cumulative product that are multiplied one by one."""


@rewrites_onnx("Erfc")
def complementary_error_function(body: Body) -> None:
    """Rewrite an operator of TensorFlow, which its exporters leave as it is."""
    body.result(body.add("Sub", body.real(1.0), body.add("Erf", body.input(0))))


@rewrites_onnx("IsNaN")
def is_nan(body: Body) -> None:
    body.result(body.add("Not", body.add("Equal", body.input(0), body.input(0))))


@rewrites_onnx("IsInf")
def is_infinite(body: Body) -> None:
    n = body.n
    signs = [sign for sign, name in ((1.0, "detect_positive"), (-1.0, "detect_negative")) if n.attribute(name, 1)]
    if not signs:
        raise Untranslatable("neither sign of infinity")
    found = [body.add("Equal", body.input(0), body.real(sign * INFINITY)) for sign in signs]
    body.result(body.add("Or", *found) if len(found) > 1 else found[0])


@rewrites_onnx("Round")
def nearest(body: Body) -> None:
    """Rewrite rounding to the nearest integer; halves go to the even one."""
    up = body.add("Floor", body.add("Add", body.input(0), body.real(0.5)))
    down = body.add("Ceil", body.add("Sub", body.input(0), body.real(0.5)))
    is_odd = body.add("Equal", body.add("Mod", up, body.real(2.0)), body.real(1.0))
    body.result(body.add("Where", is_odd, down, up))


@rewrites_onnx("OneHot")
def one_hot(body: Body) -> None:
    n = body.n
    depth = int(n.needed_value(1).flat[0])
    rank = len(n.sizes(0)) + 1
    axis = n.axis("axis", -1, rank)
    column = body.add("Unsqueeze", body.input(0), body.integers(axis))
    real = body.add("Cast", column, to=1)
    behind = body.add("Less", real, body.real(0.0, "float32"))
    counted = body.add("Where", behind, body.add("Add", real, body.real(float(depth), "float32")), real)
    places = body.add("Constant", value_floats=[float(each) for each in range(depth)])
    classes = body.add("Reshape", places, body.integers(*[depth if at == axis else 1 for at in range(rank)]))
    off, on = body.several("Split", [body.input(2)], body.names(2), axis=0, num_outputs=2)
    body.result(body.add("Where", body.add("Equal", counted, classes), on, off))


@rewrites_onnx("Hardmax")
def hard_maximum(body: Body) -> None:
    n = body.n
    rank = len(n.sizes(0))
    axis = n.axis("axis", -1 if n.version >= 13 else 1, rank)
    if n.version < 13 and axis != rank - 1:
        raise Untranslatable("a maximum over several axes, as before version 13")
    place = body.add("ArgMax", body.input(0), axis=axis, keepdims=0)
    values = body.add("Constant", value_floats=[0.0, 1.0])
    depth = body.integers(n.sizes(0)[axis])
    body.result(body.add("OneHot", place, depth, values, axis=axis))


@rewrites_onnx("EyeLike")
def identity_matrix(body: Body) -> None:
    n = body.n
    rows, columns = (int(file_value(n.tensors.size_of(n.name(0), axis))) for axis in (0, 1))
    if rows * columns > MAX_VALUES:
        raise Untranslatable(f"a matrix of more than {MAX_VALUES:,} numbers")
    k = n.attribute("k", 0)
    ones = [float(column == row + k) for row in range(rows) for column in range(columns)]
    matrix = body.add("Reshape", body.add("Constant", value_floats=ones), body.integers(rows, columns))
    body.result(body.add("Cast", matrix, to=n.attribute("dtype", CODES[n.dtype(0)])))


@rewrites_onnx("CumProd")
def cumulative_product(body: Body) -> None:
    n = body.n
    axis = int(n.needed_value(1).flat[0]) % len(n.sizes(0))
    count = int(file_value(n.tensors.size_of(n.name(0), axis)))
    if count > MAX_FACTORS:
        raise Untranslatable(f"products of more than {MAX_FACTORS} numbers")
    parts = body.several("Split", [body.input(0)], body.names(count), axis=axis, num_outputs=count)
    if n.attribute("reverse", 0):
        parts = parts[::-1]
    if n.attribute("exclusive", 0):
        one = body.add("CastLike", body.real(1.0), body.input(0))
        parts = [body.add("Expand", one, body.add("Shape", parts[0])), *parts[:-1]]
    made = parts[:1]
    for part in parts[1:]:
        made.append(body.add("Mul", made[-1], part))
    body.result(body.add("Concat", *(made[::-1] if n.attribute("reverse", 0) else made), axis=axis))


@rewrites_onnx("Compress")
def selected(body: Body) -> None:
    n = body.n
    condition = n.needed_value(1)
    places = [at for at, each in enumerate(condition.flat) if each]
    axis = n.attribute("axis", None)
    flat = body.input(0) if axis is not None else body.add("Reshape", body.input(0), body.integers(-1))
    body.result(body.add("Gather", flat, body.integers(*places), axis=axis or 0))


@rewrites_onnx("LpPool")
def norm_pool(body: Body) -> None:
    n = body.n
    if n.attribute("ceil_mode", 0):
        raise Untranslatable("windows beyond the end")
    p = float(n.attribute("p", 2))
    powers = body.add("Pow", body.add("Abs", body.input(0)), body.real(p))
    mean = body.add("AveragePool", powers, count_include_pad=1, **given(body, *WINDOWS))
    total = body.add("Mul", mean, body.real(float(prod(n.attribute("kernel_shape")))))
    body.result(body.add("Pow", total, body.real(1 / p)))


@rewrites_onnx("GlobalLpPool")
def global_norm_pool(body: Body) -> None:
    p = float(body.n.attribute("p", 2))
    powers = body.add("Pow", body.add("Abs", body.input(0)), body.real(p))
    axes = body.integers(*range(2, len(body.n.sizes(0))))
    body.result(body.add("Pow", body.add("ReduceSum", powers, axes), body.real(1 / p)))


@rewrites_onnx("ReverseSequence")
def reverse_sequence(body: Body) -> None:
    """Rewrite the first elements of every sequence in reverse order: the element t is that at length − 1 − t."""
    n, sizes = body.n, body.n.sizes(0)
    axis, along = n.attribute("time_axis", 0), n.attribute("batch_axis", 1)
    known = n.value(1)
    if known is not None and all(int(each) == sizes[axis] for each in known.flat):
        ends = (-1, -(2**40), axis, -1)
        body.result(body.add("Slice", body.input(0), *(body.integers(each) for each in ends)))
        return
    steps = body.shaped(body.positions(sizes[axis]), axis, len(sizes))
    lengths = body.shaped(body.input(1), along, len(sizes))
    turned = body.add("Sub", body.add("Sub", lengths, body.integers(1)), steps)
    places = body.add("Where", body.add("Less", steps, lengths), turned, steps)
    everywhere = body.add("Expand", places, body.add("Shape", body.input(0)))
    body.result(body.add("GatherElements", body.input(0), everywhere, axis=axis))


@rewrites_onnx("TensorScatter")
def update_of_cache(body: Body) -> None:
    """Rewrite a cache whose elements from an index on, one for each sequence, are replaced."""
    n, sizes = body.n, body.n.sizes(0)
    axis, count = n.axis("axis", -2, len(sizes)), n.sizes(1)[n.axis("axis", -2, len(sizes))]
    places = body.shaped(body.positions(count), axis, len(sizes))
    if n.has(2):
        places = body.add("Add", body.shaped(body.input(2), 0, len(sizes)), places)
    if n.attribute("mode", "linear") == "circular":
        places = body.add("Mod", places, body.integers(sizes[axis]))
    everywhere = body.add("Expand", places, body.add("Shape", body.input(1)))
    body.result(body.add("ScatterElements", body.input(0), everywhere, body.input(1), axis=axis))
