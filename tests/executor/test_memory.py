"""The memory that runs take."""

from __future__ import annotations

import numpy as np
import pytest

import archcalc
from archcalc.executor.inputs import random_inputs
from archcalc.executor.interpreter import Interpreter
from archcalc.executor.weights import initial_arrays
from tests.executor.layers import read


@pytest.mark.parametrize(
    "spec",
    [
        "16x256x256 -> maxpool k3 s2",
        "16x512x512 -> concat(relu, tanh)",
        "64x1000 -> conv 64 k64 half",
        "16x256x256 -> upsample 2 bilinear",
        "3x512x512 -> upsample 2 bilinear",
        "16x256x256 -> upsample to=500x500",
        "16x256x256 -> prelu",
        "16x512x512 -> ln",
        "64x4000x1 -> dft",
        "64x4000x1 -> dft onesided",
        "64x4000x2 -> dft onesided",
        "64x4000x2 -> dft inverse",
        "64x4000x2 -> dft inverse onesided",
    ],
)
def test_a_run_takes_the_estimated_memory(spec: str) -> None:
    if "dft" in spec and np.lib.NumpyVersion(np.__version__) < "2.0.0":
        pytest.skip("NumPy 1 transforms in double precision only")
    (check,) = archcalc.load(spec).verify(["memory"])
    assert check.compared
    assert check.holds, check.detail


@pytest.mark.parametrize("chain", ["sepconv 8 k3 half", "conv 8 k5 half", "upconv 8 k4 s2", "lrn 5"])
def test_work_buffers_do_not_grow_with_the_batch(chain: str) -> None:
    graph = read(f"4x100x100 -> {chain}")
    one, many = (Interpreter(graph, initial_arrays(graph)).run(random_inputs(graph, batch=batch)) for batch in (1, 5))
    assert 0 < one.scratch == many.scratch
