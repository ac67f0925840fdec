"""The numbers behind the columns: those of rows add up to the totals, at every depth."""

from __future__ import annotations

from math import inf

import pytest

import archcalc
from archcalc.report.figures import SUMMED, figures, total

NETWORKS = ("lenet5", "googlenet", "transformer", "gpt2", "mixtral-8x7b")
"""Networks with training heads, shared weights and experts."""


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("column", sorted(SUMMED - {"training_memory"}))
def test_rows_add_up_to_the_total(name: str, column: str) -> None:
    analysis = archcalc.load(name).analyze(training=True, batch=2)
    dtype = "weights=float16,biases=float32,norms=float64,activations=bfloat16"
    for depth in (0, 1, 2, 9):
        numbers = figures(analysis, analysis.folded(depth), column, dtype=dtype)
        assert sum(numbers) == total(analysis, column, dtype=dtype)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1x9x12 -> conv 1 k3x5 -> maxpool 2", [5, 6]),
        ("1x9x9 -> conv 1 k3 -> gap", [3, inf]),
        ("1x9x9 -> conv 1 k3 -> fc 4 -> relu", [3, inf, inf]),
    ],
)
def test_a_receptive_field_has_the_largest_number_of_its_axes(expression: str, expected: list[float]) -> None:
    analysis = archcalc.load(expression).analyze()
    assert figures(analysis, analysis.folded(9), "rf") == expected
