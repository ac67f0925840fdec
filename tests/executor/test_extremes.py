"""Activations where exponentials overflow, and at NaN and infinities."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

from archcalc.executor.kernel import Array, Context, kernel_of
from archcalc.executor.kernels.erf import erf
from archcalc.executor.loops import measure_layer
from archcalc.ops.base import REGISTRY
from archcalc.spec import Source, read_spec

LARGE_NUMBERS = [-1e4, -800.0, -100.0, -30.0, -1e-3, 0.0, 1e-3, 30.0, 100.0, 800.0, 1e4]
ACTIVATIONS = ["relu", "relu6", "leaky_relu", "leaky_relu 2", "leaky_relu -1", "elu", "selu", "gelu", "gelu tanh"]
ACTIVATIONS += ["silu", "mish", "sigmoid", "tanh", "hardswish", "hardsigmoid", "softplus", "softmax", "log_softmax"]


def run(text: str, x: Array) -> tuple[Any, Array]:
    graph = read_spec(Source("e", f"{x.shape[1]} -> {text}"), inline=True).graph
    op = graph.nodes[-1].op
    with np.errstate(all="ignore"):
        return op, kernel_of(op)(op, (x.copy(),), {}, Context())[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("text", ACTIVATIONS)
def test_activations_of_large_numbers_are_finite_and_match_the_definition(text: str, dtype: Any) -> None:
    x = np.array([LARGE_NUMBERS], dtype)
    op, y = run(text, x)
    assert np.isfinite(y).all()
    slow = measure_layer("far", op, (x[0],), {})
    near = 1e-6 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(y[0], slow.values, rtol=near, atol=near)


@pytest.mark.parametrize("text", ACTIVATIONS)
def test_nan_stays_nan(text: str) -> None:
    _, y = run(text, np.array([[math.nan, 1.0, -1.0]]))
    assert np.isnan(y[0, 0])


@pytest.mark.parametrize(("dtype", "near"), [(np.float32, 2e-7), (np.float64, 3e-16)])
def test_the_error_function_is_exact_to_the_last_digits(dtype: Any, near: float) -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([np.linspace(-7, 7, 20_001), rng.normal(size=20_000) / 100, [0.0, 1e30, -1e30]]).astype(dtype)
    context = Context(tally=Counter())
    expected = np.array([math.erf(float(number)) for number in x])
    np.testing.assert_allclose(erf(context, x), expected, rtol=0, atol=near)
    assert context.tally == {"erf": x.size}
    assert erf(context, np.array([math.inf, -math.inf])).tolist() == [1, -1]


def test_every_activation_of_one_number_is_tested_here() -> None:
    others = {"prelu", "scale", "dropout", "spatial_dropout", "maxout"}
    family = {name for name, op in REGISTRY.items() if op.__module__ == "archcalc.ops.activation"}
    assert family - others == {text.split()[0] for text in ACTIVATIONS}
