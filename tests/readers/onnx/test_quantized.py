"""The quantized forms of a network count as the network, and run to nearly the same results as in ONNX Runtime."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, helper

import archcalc
from tests.readers.onnx.models import model, weights, write

node = helper.make_node


def network() -> ModelProto:
    """Return a network with every operator that ONNX Runtime quantizes."""
    return model(
        [
            node("Conv", ["x", "w1", "b1"], ["a"], "/stem/Conv", pads=[1] * 4),
            node("Relu", ["a"], ["b"], "/stem/Relu"),
            node("Conv", ["b", "w2"], ["c"], "/body/Conv", group=4, strides=[2, 2]),
            node("Sigmoid", ["c"], ["g"], "/gate/Sigmoid"),
            node("Mul", ["c", "g"], ["d"], "/gate/Mul"),
            node("AveragePool", ["d"], ["p"], "/pool/AveragePool", kernel_shape=[2, 2]),
            node("Conv", ["p", "w3"], ["q"], "/last/Conv"),
            node("LeakyRelu", ["q"], ["r"], "/last/LeakyRelu"),
            node("Add", ["p", "r"], ["e"], "/sum/Add"),
            node("Concat", ["e", "p"], ["f"], "/both/Concat", axis=1),
            node("GlobalAveragePool", ["f"], ["h"], "/gap/GlobalAveragePool"),
            node("Flatten", ["h"], ["i"], "/flat/Flatten"),
            node("Gemm", ["i", "w4", "b4"], ["j"], "/fc/Gemm", transB=1),
            node("MatMul", ["j", "w5"], ["k"], "/matmul/MatMul"),
            node("Softmax", ["k"], ["y"], "/softmax/Softmax"),
        ],
        {"x": [1, 3, 16, 16]},
        {
            "w1": weights(8, 3, 3, 3),
            "b1": weights(8),
            "w2": weights(8, 2, 3, 3),
            "w3": weights(8, 8, 1, 1),
            "w4": weights(10, 16),
            "b4": weights(10),
            "w5": weights(10, 7),
        },
    )


def examples() -> Iterator[dict[str, Any]]:
    for seed in range(4):
        yield {"x": np.random.default_rng(seed).standard_normal((1, 3, 16, 16)).astype(np.float32)}


@pytest.mark.slow
@pytest.mark.parametrize("form", ["QDQ", "QOperator", "dynamic"])
@pytest.mark.parametrize("per_channel", [False, True])
def test_quantized_forms_of_a_network(tmp_path: Path, form: str, per_channel: bool) -> None:
    quantization = pytest.importorskip("onnxruntime.quantization")
    plain, made = write(tmp_path, network(), "plain.onnx"), tmp_path / "quantized.onnx"
    options = {"per_channel": per_channel, "weight_type": quantization.QuantType.QInt8}
    given = examples()
    logging.disable(logging.WARNING)
    try:
        if form == "dynamic":
            quantization.quantize_dynamic(plain, made, **options)
        else:
            reader = type("Reader", (quantization.CalibrationDataReader,), {"get_next": lambda _: next(given, None)})
            quantization.quantize_static(plain, made, reader(), quant_format=quantization.QuantFormat[form], **options)
    finally:
        logging.disable(logging.NOTSET)
    read, whole = archcalc.load(str(made)), archcalc.load(str(plain))
    totals, expected = read.analyze().totals, whole.analyze().totals
    assert (totals.macs, totals.trainable) == (expected.macs, expected.trainable)
    assert any("int8" in note for note in read.graph.notes)
    x = next(examples())
    session = onnxruntime.InferenceSession(made, providers=["CPUExecutionProvider"])
    (needed,) = session.run(None, x)
    np.testing.assert_allclose(read.run(x).outputs["output"], needed, atol=0.1)
