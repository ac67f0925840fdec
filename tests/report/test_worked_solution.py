"""One number worked out: its steps, and the numbers that were read."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archcalc as api
from archcalc.executor.interpreter import Interpreter, LayerTrace
from archcalc.executor.kernels.rounding import round_to_format, round_unlimited
from archcalc.executor.loops.exact import ExactNumber
from archcalc.executor.loops.record import RecordedNumber
from archcalc.executor.loops.run import record_layer
from archcalc.executor.weights import initial_arrays
from archcalc.ops.arithmetic import Cast, Quantize
from archcalc.ops.base import REGISTRY, Operator
from archcalc.ops.structure import Identity
from archcalc.report.expressions import LATEX, Expressions, FormulaNotation
from archcalc.report.worked_solution import (
    WorkedSolution,
    solution_of,
    worked_latex,
    worked_lines,
    worked_markdown,
)
from tests.executor.layers import layers_of, read
from tests.random_networks import layers

ROOT = ExactNumber(2).apply("sqrt")


def layer(spec: str, **weights: list[float]) -> LayerTrace:
    """Run a layer on the numbers 1, 2, 3, … with given weights."""
    graph = api.load(spec).graph
    arrays = initial_arrays(graph, dtype="float64")
    name = graph.nodes[-1].name
    for key, numbers in weights.items():
        arrays[f"{name}.{key}"] = np.array(numbers, float).reshape(arrays[f"{name}.{key}"].shape)
    given = {
        each: np.arange(1.0, np.prod(shape) + 1).reshape(1, *map(int, shape)) for each, shape in graph.inputs.items()
    }
    traces: list[LayerTrace] = []
    Interpreter(graph, arrays).run(given, observe=traces.append)
    return traces[-1]


def work_out(trace: LayerTrace, *index: int) -> tuple[WorkedSolution, dict[str, Any]]:
    inputs = {f"x{number}": array[0] for number, array in enumerate(trace.inputs)}
    outputs = record_layer(trace.node.op, inputs.items(), trace.weights)
    found = outputs[0][index]
    return solution_of("y", {"y": found}), {**inputs, **trace.weights}


def equations(trace: LayerTrace, *index: int) -> list[str]:
    found, arrays = work_out(trace, *index)
    lines = list(worked_lines(found, arrays))
    return lines[len(lines) - len(found.steps) :]


@pytest.mark.parametrize(
    ("spec", "weights", "index", "expected"),
    [
        (
            "1x3x3 -> conv 1 k2 nobias",
            {"weight": [1, 0, -1, 2]},
            (0, 0, 1),
            ["y = 2·1 + 3·0 + 5·(−1) + 6·2 = 9"],
        ),
        (
            "1x3x3 -> conv 1 k2 p1",
            {"weight": [1, 0, -1, 2], "bias": [3]},
            (0, 0, 0),
            ["y = 0·1 + 0·0 + 0·(−1) + 1·2 + 3 = 5"],
        ),
        ("1x4x4 -> maxpool 2", {}, (0, 1, 1), ["y = max(11, 12, 15, 16) = 16"]),
        ("1x4x4 -> avgpool 2", {}, (0, 0, 0), ["y = (1 + 2 + 5 + 6)/4 = 3.5"]),
        (
            "1x2x2 -> upconv 1 k3 s2 nobias",
            {"weight": [0, 1, 2, 3, 4, 5, 6, 7, 8]},
            (0, 2, 2),
            ["y = 0 + 1·8 + 2·6 + 3·2 + 4·0 = 26"],
        ),
        ("2 -> fc 1", {"weight": [3, -4], "bias": [1]}, (0,), ["y = 1·3 + 2·(−4) + 1 = −4"]),
        (
            "3 -> softmax",
            {},
            (2,),
            [
                "maximum = max(1, 2, 3) = 3",
                "exponential 1 = exp(3 − 3) = 1",
                "exponential 2 = exp(1 − 3) = 0.135335",
                "exponential 3 = exp(2 − 3) = 0.367879",
                "sum = 0.135335 + 0.367879 + 1 = 1.50321",
                "y = 1/1.50321 = 0.665241",
            ],
        ),
        (
            "3x1x1 -> lrn 3 k=1 alpha=1 beta=1",
            {},
            (0, 0, 0),
            ["sum of squares = 0 + 1² + 2² = 5", "divisor = (1 + 1·5)^1 = 6", "y = 1/6 = 0.166667"],
        ),
    ],
)
def test_a_number_is_worked_out_as_in_a_textbook(
    spec: str, weights: dict[str, list[float]], index: tuple[int, ...], expected: list[str]
) -> None:
    assert equations(layer(spec, **weights), *index) == expected


def test_layer_norm_shows_mean_variance_and_normalised_value() -> None:
    lines = equations(layer("4 -> ln"), 0)
    assert lines[:2] == [
        "mean = (1 + 2 + 3 + 4)/4 = 2.5",
        "variance = ((1 − 2.5)² + (2 − 2.5)² + (3 − 2.5)² + (4 − 2.5)²)/4 = 1.25",
    ]
    assert lines[3] == "normalised = (1 − 2.5)/1.11804 = −1.34164"


@pytest.mark.parametrize(
    ("spec", "steps"),
    [
        ("2x3 -> lstm 1", ["input gate", "forget gate", "candidate", "cell state", "output gate"]),
        ("2x3 -> gru 1", ["reset gate", "update gate", "candidate"]),
        ("2x2 -> attention heads=1", ["query", "key", "score", "maximum", "exponential", "sum", "weight", "value"]),
    ],
)
def test_steps_have_the_names_of_textbooks(spec: str, steps: list[str]) -> None:
    names = [re.sub(r" \d+$", "", line.split(" = ")[0]) for line in equations(layer(spec), 1, 0)]
    assert set(steps) <= set(names)


def test_the_numbers_that_were_read_stand_in_brackets() -> None:
    found, arrays = work_out(layer("1x3x3 -> maxpool 2 s1"), 0, 1, 0)
    assert list(worked_lines(found, arrays))[:4] == [
        "x0: 1x3x3, 4 of 9 numbers in brackets",
        " 1    2    3",
        "[4]  [5]   6",
        "[7]  [8]   9",
    ]


def test_of_a_large_array_the_part_around_the_window_is_shown() -> None:
    found, arrays = work_out(layer("1x40x40 -> avgpool 2 s1"), 0, 20, 30)
    lines = list(worked_lines(found, arrays))
    assert lines[1] == "rows 19 to 22, columns 29 to 32:"
    assert len(lines) == 8


def test_long_sums_are_shortened() -> None:
    (line,) = equations(layer("1x9x9 -> avgpool 9"), 0, 0, 0)
    assert line == "y = (1 + 2 + 3 + 4 + 5 + 6 + … + 80 + 81)/81 = 41"


PYTHON = FormulaNotation(
    times="*",
    minus="-",
    dots="...",
    fraction=None,
    root=lambda x: f"sqrt({x})",
    raised=lambda base, exponent: f"{base}**{exponent}",
    function=lambda name, x: f"{name}({x})",
    absolute=lambda x: f"abs({x})",
    brackets=("(", ")"),
)
FUNCTIONS = {
    **{name: getattr(math, name) for name in ("exp", "tanh", "erf", "sin", "cos", "floor")},
    "arctan": math.atan,
    "sqrt": lambda x: x**0.5 if x >= 0 else math.nan,
    "ln": math.log,
    "max": max,
    "min": min,
    "abs": abs,
    "inf": math.inf,
    "nan": math.nan,
}


def rounding_of(op: Operator) -> dict[str, Callable[[float], float]]:
    """Return what the function ``round`` means in the steps of an operator, as the kernels compute it."""
    if isinstance(op, Cast):
        to: Callable[..., Any] = partial(
            round_to_format, form=op.number_format, saturate=op.saturate, rounding=op.rounding
        )
    elif isinstance(op, Quantize):
        to = partial(round_unlimited, form=op.number_format)
    else:
        return {}
    return {"round": lambda x: float(to(np.float64(x)))}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(REGISTRY) - {Identity.name}))
@settings(max_examples=4)
@given(data=st.data())
def test_the_steps_of_every_operator_give_its_numbers(name: str, data: st.DataObject) -> None:
    """Every expression is evaluated by Python, and the last one is compared with the kernel."""
    graph = read(data.draw(layers(name)))
    for layer in layers_of(graph, 0, batch=1):
        if layer.op.name != name or layer.op.cost(graph.input_shapes(layer.node)).flops > 20_000:
            continue
        (kernel, *_), _ = layer.run()
        inputs = {f"x{number}": array[0] for number, array in enumerate(layer.inputs)}
        (output, *_) = record_layer(layer.op, inputs.items(), layer.weights)
        index = data.draw(st.tuples(*(st.integers(0, size - 1) for size in output.shape)))
        number = output[index]
        if not isinstance(number, RecordedNumber) or not number.operation:
            continue  # a number that is passed on
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("archcalc.report.expressions.MAX_TERMS", 10**6)
            for step, each in solution_of("y", {"y": number}).steps:
                if math.isnan(float(each)):
                    continue  # Python has complex numbers and errors instead
                expression = Expressions(PYTHON, 17).step(each)
                value = eval(expression, {"__builtins__": {}}, FUNCTIONS | rounding_of(layer.op))
                assert value == pytest.approx(float(each), rel=1e-9, abs=1e-9, nan_ok=True), (step, expression)
        assert float(number) == pytest.approx(kernel[0][index], rel=1e-9, abs=1e-9, nan_ok=True)


def test_latex_and_markdown_hold_the_same_steps() -> None:
    found, arrays = work_out(layer("4 -> ln"), 0)
    latex, markdown = "\n".join(worked_latex(found, arrays)), "\n".join(worked_markdown(found, arrays))
    for text in (latex, markdown):
        assert r"\text{mean} &= \frac{1 + 2 + 3 + 4}{4} = 2.5 \\" in text
        assert text.count("{") == text.count("}")
    assert r"\begin{pmatrix}" in latex
    assert "```text" in markdown


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (RecordedNumber(2.0, operands=("x", (0,))) - (RecordedNumber(3.0) - 1), "2 − (3 − 1)"),
        (-RecordedNumber(2.0) * 3, "(−2)·3"),
        ((RecordedNumber(2.0) + 1) * 3, "(2 + 1)·3"),
        (1 / (RecordedNumber(2.0) * 3), "1/(2·3)"),
        (RecordedNumber(-2.0) ** 2, "(−2)²"),
        (1 / (1 + (-RecordedNumber(0.0)).apply("exp")), "1/(1 + exp(−0))"),
        (RecordedNumber(ExactNumber(3)) - RecordedNumber(ROOT + 1), "3 − (1 + √2)"),
        (RecordedNumber(ExactNumber(3)) * RecordedNumber(ROOT + 1), "3·(1 + √2)"),
        (RecordedNumber(ExactNumber(3)) / RecordedNumber(ROOT * 2), "3/(2·√2)"),
        (RecordedNumber(ROOT * 2) ** 2, "(2·√2)²"),
    ],
)
def test_brackets_stand_where_they_are_needed(number: RecordedNumber, text: str) -> None:
    assert Expressions().step(number) == text


def test_latex_has_fractions_and_roots() -> None:
    number = (RecordedNumber(3.0) + 1).apply("sqrt") / 2
    assert Expressions(LATEX).step(number) == r"\frac{\sqrt{3 + 1}}{2}"
