"""Exact numbers in the definitions by loops."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import archcalc as api
from archcalc.executor.by_definition import evaluate
from archcalc.executor.interpreter import Interpreter
from archcalc.executor.loops.exact import ExactNumber, InexactError
from archcalc.executor.weights import initial_arrays

RATIONAL = st.fractions(min_value=-100, max_value=100, max_denominator=50)
EXACT = np.frompyfunc(lambda number: ExactNumber(Fraction(number).limit_denominator(64)), 1, 1)


@given(RATIONAL, RATIONAL)
def test_arithmetic_is_that_of_fractions(a: Fraction, b: Fraction) -> None:
    one, other = ExactNumber(a), ExactNumber(b)
    assert (one + other).value == a + b
    assert (one - other).value == a - b
    assert (one * other).value == a * b
    assert (-one).value == -a
    assert abs(one).value == abs(a)
    assert (one < other, one > other, one == other) == (a < b, a > b, a == b)
    if b:
        assert (one / other).value == a / b


@given(RATIONAL)
def test_roots_of_squares_are_fractions_and_others_are_not_rounded(a: Fraction) -> None:
    assert ExactNumber(a * a).apply("sqrt").value == abs(a)
    root = ExactNumber(abs(a)).apply("sqrt")
    assert root * root == abs(a)
    assert float(root) == pytest.approx(float(abs(a)) ** 0.5)


@pytest.mark.parametrize("function", ["exp", "log", "tanh", "erf", "sin", "cos"])
def test_functions_without_an_exact_value_are_refused(function: str) -> None:
    with pytest.raises(InexactError, match=rf"{function}\(2\)"):
        ExactNumber(2).apply(function)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(InexactError, match="has no exact form"):
        ExactNumber(value)


def test_division_by_zero_is_refused() -> None:
    with pytest.raises(InexactError, match="division by zero"):
        ExactNumber(1) / ExactNumber(0)


@pytest.mark.parametrize(
    "spec",
    [
        "2x5x5 -> conv 3 k3 p1 s2 -> bn -> relu -> maxpool 2 -> fc 2",
        "2x4x4 -> dwconv k3 half -> in -> avgpool 2 p1 -> leaky_relu",
        "4x3x3 -> conv 4 k2 ws g=2 -> gn 2 -> upconv 2 k2 s2 -> clip min=-1 max=1",
        "5 -> ln -> linear 3 -> rms_norm -> l2_norm",
        "3x4x4 -> lrn 3 beta=1/2 -> upsample 2 bilinear -> gap",
        "2x3 -> prelu -> scale 1/3 -> offset 1/7 -> pow 2",
        "4 -> scale 40 -> add(identity, bitwise(relu, scale 2 -> relu, how=xor, format=uint8))",
    ],
)
def test_exact_networks_agree_with_kernels(spec: str) -> None:
    network = api.load(spec)
    graph = network.graph
    rng = np.random.default_rng(0)
    weights = {name: EXACT(array.astype(float)) for name, array in initial_arrays(graph, dtype="float64").items()}
    inputs = {name: EXACT(rng.normal(size=(2, *shape))) for name, shape in graph.inputs.items()}
    floats: Any = lambda arrays: {name: array.astype(float) for name, array in arrays.items()}  # noqa: E731
    expected = Interpreter(graph, floats(weights)).run(floats(inputs)).output
    found = evaluate(graph, inputs, weights)[0][next(iter(graph.outputs.values()))]
    assert found.dtype == object
    np.testing.assert_allclose(found.astype(float), expected, rtol=1e-9, atol=1e-9)


def test_a_result_without_roots_is_a_fraction() -> None:
    graph = api.load("1x3x3 -> avgpool 3").graph
    inputs = {"input": EXACT(np.arange(9).reshape(1, 1, 3, 3))}
    (number,) = evaluate(graph, inputs, {})[0][next(iter(graph.outputs.values()))].flat
    assert number.value == Fraction(4)
    graph = api.load("3 -> mean axis=0 keep").graph
    (number,) = evaluate(graph, {"input": EXACT(np.array([[1, 0, 0]]))}, {})[0][next(iter(graph.outputs.values()))].flat
    assert number.value == Fraction(1, 3)
