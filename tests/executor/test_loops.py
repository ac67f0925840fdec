"""The counting number, and layers whose counts can be computed by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from archcalc.executor.loops import measure, measure_layer
from archcalc.executor.loops.scalar import Scalar, Tally, erf, exp, log, maximum, minimum, sqrt, tanh
from archcalc.executor.loops.tensor import sizes
from archcalc.executor.weights import initial_arrays
from archcalc.ops.conv import Conv
from tests.executor.layers import read


@pytest.mark.parametrize(
    ("operation", "value", "counts"),
    [
        (lambda a, b: a + b, 5.0, {"add": 1}),
        (lambda a, b: a + 1, 3.0, {"add": 1}),
        (lambda a, b: 1 + a, 3.0, {"add": 1}),
        (lambda a, b: a - b, -1.0, {"add": 1}),
        (lambda a, b: 1 - a, -1.0, {"add": 1}),
        (lambda a, b: a * b, 6.0, {"mul": 1}),
        (lambda a, b: 4 * a, 8.0, {"mul": 1}),
        (lambda a, b: a / b, 2 / 3, {"div": 1}),
        (lambda a, b: 1 / a, 0.5, {"div": 1}),
        (lambda a, b: a / 0, math.inf, {"div": 1}),
        (lambda a, b: a**0.5, math.sqrt(2), {"pow": 1}),
        (lambda a, b: (-a) ** 0.5, math.nan, {"pow": 1}),
        (lambda a, b: -a, -2.0, {}),
        (lambda a, b: maximum(a, b), 3.0, {"cmp": 1}),
        (lambda a, b: maximum(a, 7), 7.0, {"cmp": 1}),
        (lambda a, b: minimum(a, b), 2.0, {"cmp": 1}),
        (lambda a, b: exp(a), math.exp(2), {"exp": 1}),
        (lambda a, b: exp(a * 1000), math.inf, {"exp": 1, "mul": 1}),
        (lambda a, b: log(a), math.log(2), {"log": 1}),
        (lambda a, b: sqrt(a), math.sqrt(2), {"sqrt": 1}),
        (lambda a, b: tanh(a), math.tanh(2), {"tanh": 1}),
        (lambda a, b: erf(a), math.erf(2), {"erf": 1}),
        (lambda a, b: a * a * a + b / a, 9.5, {"mul": 2, "add": 1, "div": 1}),
    ],
)
def test_every_operation_counts_once(
    operation: Callable[[Scalar, Scalar], Scalar], value: float, counts: dict[str, int]
) -> None:
    tally = Tally()
    result = operation(Scalar(2.0, tally), Scalar(3.0, tally))
    assert result.value == pytest.approx(value, nan_ok=True)
    assert tally.operations() == counts


def test_a_convolution_by_hand() -> None:
    """1·1 + 2·10 + 5 and 2·1 + 3·10 + 5."""
    op = Conv(channels=1, kernel=(2,))
    weights = {"weight": np.array([[[1.0, 10.0]]]), "bias": np.array([5.0])}
    measured = measure_layer("c", op, (np.array([[1.0, 2.0, 3.0]]),), weights)
    assert measured.values.tolist() == [[26.0, 37.0]]
    assert measured.operations == {"mul": 4, "add": 4}
    assert (measured.macs, measured.params, measured.shape) == (4, 3, (1, 2))


def test_lenet_measures_what_its_authors_counted() -> None:
    """LeCun et al. 1998: C1 has 156 trainable parameters and 122,304 connections, of which 4,704 are biases."""
    graph = read("1x32x32 -> conv 6 k5")
    (measured,) = measure(graph, {"input": np.zeros((1, 32, 32))}, initial_arrays(graph))
    assert (measured.params, measured.macs) == (156, 122_304 - 4_704)


def test_a_tensor_with_a_gap_is_refused() -> None:
    tally = Tally()
    with pytest.raises(ValueError, match="do not fill"):
        sizes({(0, 0): Scalar(1.0, tally), (1, 1): Scalar(1.0, tally)})
