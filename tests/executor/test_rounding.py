"""Rounding to number formats: the kernel and the definition, against ml_dtypes and the reference of ONNX."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper
from onnx.reference import ReferenceEvaluator

from archcalc.executor import gradients  # noqa: F401  # registers them
from archcalc.executor.gradient import EvaluatedLayer, gradient_of
from archcalc.executor.kernel import Array, Context, kernel_of
from archcalc.executor.loops.exact import ExactNumber
from archcalc.executor.loops.record import RecordedNumber
from archcalc.executor.loops.reverse import reverse_mode_gradients
from archcalc.executor.loops.run import record_layer
from archcalc.ops.arithmetic import Cast, Quantize
from archcalc.ops.base import Operator
from archcalc.ops.formats import FLOATS, FORMATS
from archcalc.readers.onnx.program import CODES

ml_dtypes = pytest.importorskip("ml_dtypes", minversion="0.5")

NARROW = [form.name for form in FLOATS if form.bits <= 16]


@cache
def examples() -> Array:
    """Return numbers of every size: those of two formats of 16 bits, and what lies next to these."""
    codes = np.arange(2**16, dtype=np.uint16)
    each = [codes.view(form).astype(np.float32) for form in (np.float16, ml_dtypes.bfloat16)]
    with np.errstate(all="ignore"):
        near = [np.nextafter(x, np.float32(end)) for x in each for end in (-np.inf, np.inf)]
    random = np.random.default_rng(0).integers(0, 2**32, 100_000, dtype=np.uint32).view(np.float32)
    return np.concatenate([*each, *near, random])


def made(op: Operator, x: Array) -> Array:
    with np.errstate(all="ignore"):
        (y,) = kernel_of(op)(op, (x,), {}, Context())
    found: Array = y
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NARROW)
def test_conversions_are_those_of_ml_dtypes(name: str, dtype: Any) -> None:
    """Without saturation. Of scales, only those of the middle: below, ml_dtypes rounds up what is nearer to the lower
    neighbour, and has the smallest one instead of NaN, which ONNX requires."""
    known = np.dtype(getattr(ml_dtypes, {"float4_e2m1": "float4_e2m1fn"}.get(name, name), None) or name)
    x = examples() if FORMATS[name].zero else examples()[~(np.abs(examples()) < 2.0**-126)]
    with np.errstate(all="ignore"):
        expected = x.astype(known).astype(np.float32)
        given = x.astype(dtype)
    found = made(Cast(format=name), given)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected)
    if FORMATS[name].nan:
        numbers = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(found)[numbers], np.signbit(expected)[numbers])


def reference(nodes: list[Any], *inputs: Array) -> Array:
    """Return what the reference of ONNX computes, in float32."""
    names = [f"x{at}" for at in range(len(inputs))]
    graph = helper.make_graph(
        nodes,
        "g",
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), None)
            for name, x in zip(names, inputs, strict=True)
        ],
        [helper.make_empty_tensor_value_info("y")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)], ir_version=12)
    with np.errstate(all="ignore"):
        (found,) = ReferenceEvaluator(model).run(None, dict(zip(names, inputs, strict=True)))  # type: ignore[misc]
    return np.asarray(found).astype(np.float32)


@pytest.mark.parametrize("name", [name for name in NARROW if name.startswith("float8") and FORMATS[name].zero])
def test_saturation_is_that_of_onnx(name: str) -> None:
    x = examples()
    expected = reference([helper.make_node("Cast", ["x0"], ["y"], to=CODES[name], saturate=1)], x)
    np.testing.assert_array_equal(made(Cast(format=name, saturate=True), x), expected)


@pytest.mark.parametrize("rounding", ["up", "down", "nearest"])
def test_scales_are_rounded_as_in_onnx(rounding: str) -> None:
    x = np.abs(examples())
    x = x[np.isfinite(x) & (x >= 2.0**-126) & (x < 2.0**127)]  # the reference does not know what becomes of the others
    options = {"to": CODES["float8_e8m0fnu"], "saturate": 1, "round_mode": rounding}
    expected = reference([helper.make_node("Cast", ["x0"], ["y"], **options)], x)
    found = made(Cast(format="float8_e8m0fnu", saturate=True, rounding=rounding), x)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("zero", [0, 3])
@pytest.mark.parametrize("name", ["uint8", "int8", "uint16", "int16", "uint4", "int4"])
def test_quantised_numbers_are_those_that_the_codes_of_onnx_stand_for(name: str, zero: int) -> None:
    """Halves, of which the even neighbour is taken before the offset is added; limits; numbers beyond."""
    x = np.linspace(-70, 70, 2801, dtype=np.float32) * np.float32(FORMATS[name].largest / 60)
    scale, code = np.float32(0.25), np.array(zero).astype(helper.tensor_dtype_to_np_dtype(CODES[name]))
    codes = reference([helper.make_node("QuantizeLinear", ["x0", "x1", "x2"], ["y"])], x, np.array(scale), code)
    found = made(Quantize(format=name, scale=Fraction(1, 4), zero=zero), x)
    np.testing.assert_array_equal(found / scale + zero, codes)


def scalars() -> st.SearchStrategy[float]:
    simple = st.floats(-8, 8).map(lambda x: round(x * 16) / 16)
    return st.one_of(st.floats(width=32), simple, st.floats(-(2.0**-16), 2.0**-16), st.floats(-1e5, 1e5))


def operators() -> Iterator[Operator]:
    for form in FLOATS:
        for saturate in (False, True):
            for rounding in ("nearest", "up", "down"):
                yield Cast(format=form.name, saturate=saturate, rounding=rounding)
    for name, zero in (("int8", -5), ("uint4", 15), ("float8_e5m2", 0), ("float4_e2m1", 0), ("int32", 7)):
        yield Quantize(format=name, scale=Fraction(1, 8), zero=zero)


@given(x=scalars(), op=st.sampled_from([*operators()]))
def test_the_definition_agrees_with_the_kernel(x: float, op: Operator) -> None:
    (recorded,) = record_layer(op, [("x", np.array([x]))], {})
    expected = made(op, np.array([[x]]))[0]
    np.testing.assert_array_equal(float(recorded[0]), float(expected[0]))


def test_exact_numbers_are_rounded_exactly() -> None:
    """A third, and a number that is nearer to a half than any float."""
    (third,) = record_layer(Cast(format="float16"), [("x", np.array([ExactNumber(Fraction(1, 3))], object))], {})
    assert float(third[0]) == float(np.float16(1 / 3))
    above = ExactNumber(Fraction(1, 2) + Fraction(1, 10**30))
    (one,) = record_layer(Quantize(format="int8"), [("x", np.array([above], object))], {})
    assert float(one[0]) == 1


def test_the_gradient_of_codes_is_1_where_a_rounded_number_has_one() -> None:
    """As of PyTorch's fake_quantize_per_tensor_affine; 127.3 is beyond the largest code, but rounded to it."""
    x, passed = np.array([-128.6, -128.4, -1.2, 127.0, 127.3, 127.6]), [0, 1, 1, 1, 1, 0]
    op = Quantize(format="int8", scale=Fraction(1, 4), zero=-3)
    read = (x + 3) / 4
    y = made(op, read[None])
    layer = EvaluatedLayer((read[None],), (y,), {}, Context(), (True,))
    assert gradient_of(op)(op, layer, (np.ones((1, 6)),)).inputs[0].tolist() == [passed]
    (recorded,) = record_layer(op, [("x", read)], {})
    by_definition = reverse_mode_gradients([(number, 1.0) for number in recorded if isinstance(number, RecordedNumber)])
    assert [by_definition.get(("x", (at,)), 0) for at in range(6)] == passed


def test_a_number_that_is_none_stays_one_only_where_the_format_has_it() -> None:
    x = np.array([math.nan], np.float32)
    assert np.isnan(made(Cast(format="float8_e5m2"), x)).all()
    assert made(Cast(format="float4_e2m1"), x).tolist() == [0]
