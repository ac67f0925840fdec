"""Convolutions with fewer multiplications: their results, and when they are used."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import archcalc
from archcalc.engine import winograd
from archcalc.engine.runner import Runner
from archcalc.executor.inputs import random_inputs
from archcalc.executor.interpreter import Interpreter
from archcalc.executor.kernel import Array
from archcalc.executor.weights import initial_arrays


@pytest.mark.slow
@given(st.lists(st.fractions(), min_size=6, max_size=6), st.lists(st.fractions(), min_size=3, max_size=3))
def test_transforms_are_exact(numbers: list[Fraction], kernel: list[Fraction]) -> None:
    """Four outputs of a kernel of three numbers, with six multiplications."""
    tiles, kernels, products = winograd.axis_transforms()

    def through(matrix: list[list[Fraction]], vector: list[Fraction]) -> list[Fraction]:
        return [sum((a * b for a, b in zip(row, vector, strict=True)), start=Fraction()) for row in matrix]

    multiplied = [a * b for a, b in zip(through(tiles, numbers), through(kernels, kernel), strict=True)]
    expected = [sum((numbers[at + tap] * kernel[tap] for tap in range(3)), start=Fraction()) for at in range(4)]
    assert through(products, multiplied) == expected


def both(spec: str, *, batch: int = 1, dtype: str = "float32", workers: int = 1) -> tuple[Array, Array, bool]:
    """Return the output by the definition and with fewer multiplications, and whether the latter method was used."""
    graph = archcalc.load(spec).graph
    inputs = random_inputs(graph, batch=batch, dtype=np.dtype(dtype))
    weights = initial_arrays(graph, dtype=np.dtype(dtype))
    expected = Interpreter(graph, weights).run(inputs).output
    taken: list[bool] = []
    convolve = winograd.convolve
    with pytest.MonkeyPatch.context() as patch, Runner(graph, weights, workers=workers, winograd=True) as runner:
        patch.setattr(winograd, "convolve", lambda *given: (taken.append(True), convolve(*given)))
        first = runner.run(inputs).output
        assert not taken
        np.testing.assert_array_equal(first, expected)  # only repeated runs use fewer multiplications
        ours = runner.run(inputs).output
        np.testing.assert_array_equal(runner.run(inputs).output, ours)
    return ours, expected, bool(taken)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sizes", "padding", "workers"),
    [*product(("40x40", "37x41", "33x200"), ("half", "p0", "p2:0x1", "full"), (1,)), ("45x38", "half", 2)],
)
def test_fewer_multiplications_give_the_same(sizes: str, padding: str, workers: int) -> None:
    ours, expected, taken = both(f"64x{sizes} -> conv 96 k3 {padding} -> relu", workers=workers)
    assert taken
    scale = np.abs(expected).max()
    np.testing.assert_allclose(ours / scale, expected / scale, rtol=0, atol=2e-5)


@pytest.mark.parametrize("spec", ["64x2000 -> conv 256 k3", "24x12x16x16 -> conv 64 k3 half"])
def test_it_works_for_any_number_of_axes(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd, "SLOWDOWN", 0.1)
    ours, expected, taken = both(spec, batch=2, dtype="float64")
    assert taken
    scale = np.abs(expected).max()
    np.testing.assert_allclose(ours / scale, expected / scale, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "chain",
    [
        "conv 96 k3 s2",
        "conv 96 k3 d2",
        "conv 96 k5",
        "conv 96 k1",
        "conv 64 k3 g64",
        "conv 4 k3",
        "fc 10",
        "upconv 9 k3",
    ],
)
def test_it_is_used_only_where_it_exists_and_is_faster(chain: str) -> None:
    _, _, taken = both(f"64x40x40 -> {chain}")
    assert not taken
