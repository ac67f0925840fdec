"""Fourier transforms along any axis, and of windows of a signal, have the results of ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, helper

import archcalc
from archcalc import Network
from tests.readers.onnx.models import model, weights, write

node = helper.make_node


def assert_as_onnxruntime(folder: Path, made: ModelProto) -> Network:
    """Require the results of ONNX Runtime for two examples, up to the rounding of sums of many numbers."""
    path = str(write(folder, made))
    network = archcalc.load(path)
    (shape,) = network.graph.inputs.values()
    x = np.random.default_rng(0).standard_normal((2, *shape)).astype(np.float32)
    (expected,) = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x": x})
    found = network.run({"x": x}).output
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * float(abs(expected).max()))
    return network


@pytest.mark.parametrize("length", [None, 5, 12])
@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize("attributes", [{}, {"onesided": 1}, {"inverse": 1}])
def test_transforms_of_numbers_that_are_cut_or_filled_up(
    tmp_path: Path, attributes: dict[str, int], axis: int, length: int | None
) -> None:
    parts = 2 if "inverse" in attributes else 1
    inputs = ["x", "" if length is None else "length", "axis"]
    made = model(
        [node("DFT", inputs, ["y"], **attributes)],
        {"x": ["n", 9, 8, parts]},
        {"axis": np.array(axis)} | ({} if length is None else {"length": np.array(length)}),
        opset=20,
    )
    network = assert_as_onnxruntime(tmp_path, made)
    n = length or (9, 8)[axis - 1]
    other = (8, 9)[axis - 1]
    made_by_each = n // 2 + 1 if "onesided" in attributes else n
    assert network.analyze().totals.macs == other * (n * parts) * (made_by_each * 2)
    assert network.analyze().totals.params == 0


@pytest.mark.parametrize("onesided", [{}, {"onesided": 0}])
@pytest.mark.parametrize("is_windowed", [False, True])
def test_spectra_of_the_windows_of_a_signal(tmp_path: Path, is_windowed: bool, onesided: dict[str, Any]) -> None:
    arrays = {"step": np.array(40), "length": np.array(64), "last": np.array([-1]), "filters": weights(33, 5)}
    inputs = ["s", "step", "window" if is_windowed else "", "" if is_windowed else "length"]
    if onesided:
        arrays["filters"] = weights(64, 5)
    if is_windowed:
        arrays["window"] = np.hanning(64).astype(np.float32)
    made = model(
        [
            node("Unsqueeze", ["x", "last"], ["s"]),
            node("STFT", inputs, ["f"], **onesided),
            node("ReduceSumSquare", ["f", "last"], ["power"], keepdims=0),
            node("MatMul", ["power", "filters"], ["y"]),
        ],
        {"x": ["n", 400]},
        arrays,
    )
    network = assert_as_onnxruntime(tmp_path, made)
    frames, made_by_each = (400 - 64) // 40 + 1, 64 if onesided else 33
    assert network.analyze().totals.macs == frames * (64 * made_by_each * 2 + made_by_each * 5)
