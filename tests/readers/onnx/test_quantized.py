"""The quantized forms of a network count as the network, and run to the results of ONNX Runtime."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, TensorProto, helper

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
    error = 1e-3 if form == "dynamic" else 1.001 / 255  # one code: ONNX Runtime rounds other sums
    np.testing.assert_allclose(read.run(x).outputs["output"], needed, atol=error)


def assert_of_codes(folder: Path, made: ModelProto, **given: Any) -> archcalc.Network:
    """Require the results of ONNX Runtime for given inputs, of which those of codes are integers."""
    network = archcalc.load(str(write(folder, made)), batch_axes=dict.fromkeys(given))
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    (needed,) = session.run(None, given)
    found = network.run({name: value[None].astype(np.float32) for name, value in given.items()})
    np.testing.assert_allclose(found.outputs["output"][0], needed, rtol=1e-5, atol=1e-5)
    return network


CODES = np.random.default_rng(3).integers(0, 256, (1, 3, 4, 5)).astype(np.uint8)
BYTES = {"x": TensorProto.UINT8}
SCALES, OFFSETS = np.array([0.5, 0.25, 2], np.float32), np.array([3, 0, 200], np.uint8)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("is_stored", [True, False])
def test_an_input_of_codes_is_decoded(tmp_path: Path, count: int, is_stored: bool) -> None:
    scale, zero = SCALES[:count], OFFSETS[:count]
    made = model(
        [
            node("MaxPool", ["x"], ["p"], kernel_shape=[2, 2]),
            node("DequantizeLinear", ["p", "s", "z"], ["y"], axis=1),
        ],
        {"x": [1, 3, 4, 5], **({} if is_stored else {"s": [count]})},
        {"z": zero, **({"s": scale} if is_stored else {})},
        formats=BYTES,
    )
    assert_of_codes(tmp_path, made, x=CODES, **({} if is_stored else {"s": scale}))


def test_stored_codes_below_the_offset_are_negative_numbers(tmp_path: Path) -> None:
    """With a scale that is computed, they are decoded in the network; their format has no negative numbers."""
    nodes = [node("DequantizeLinear", ["w", "s", "z"], ["y"], axis=1)]
    made = model(nodes, {"s": [3]}, {"w": CODES, "z": OFFSETS})
    assert_of_codes(tmp_path, made, s=SCALES)


def test_codes_of_a_layer_are_decoded_once(tmp_path: Path) -> None:
    """What a layer encodes is read as real numbers; only the input is converted."""
    made = model(
        [
            node("DequantizeLinear", ["x", "s", "z"], ["a"]),
            node("QuantizeLinear", ["a", "s", "z"], ["q"]),
            node("MaxPool", ["q"], ["p"], kernel_shape=[2, 2]),
            node("DequantizeLinear", ["p", "s", "z"], ["y"]),
        ],
        {"x": [1, 3, 4, 5]},
        {"s": SCALES[0], "z": OFFSETS[0]},
        formats=BYTES,
    )
    network = assert_of_codes(tmp_path, made, x=CODES)
    assert [each.op.name for each in network.graph.nodes].count("scale") == 1


def test_offsets_of_products_of_integers(tmp_path: Path) -> None:
    """Padding stands for the number 0, which is the offset as a code."""
    kernel = np.random.default_rng(4).integers(0, 256, (2, 3, 3, 3)).astype(np.uint8)
    made = model(
        [
            node("ConvInteger", ["x", "w", "z", "zw"], ["c"], pads=[1, 1, 1, 1]),
            node("Cast", ["c"], ["y"], to=TensorProto.FLOAT),
        ],
        {"x": [1, 3, 4, 5]},
        {"w": kernel, "z": OFFSETS[0], "zw": OFFSETS[2]},
        formats=BYTES,
    )
    assert assert_of_codes(tmp_path, made, x=CODES).analyze().totals.macs == 4 * 5 * 2 * 27


REALS = np.random.default_rng(5).standard_normal((1, 3, 4, 5)).astype(np.float32) * 20


def test_an_output_of_codes_is_the_codes(tmp_path: Path) -> None:
    nodes = [node("QuantizeLinear", ["x", "s", "z"], ["q"]), node("MaxPool", ["q"], ["y"], kernel_shape=[2, 2])]
    made = model(nodes, {"x": [1, 3, 4, 5]}, {"s": SCALES[0], "z": OFFSETS[2]}, formats={"y": TensorProto.UINT8})
    assert_of_codes(tmp_path, made, x=REALS)


@pytest.mark.parametrize("axis", [1, 2])
def test_scales_that_differ_by_channel(tmp_path: Path, axis: int) -> None:
    """Halves are rounded to the even neighbour before the offset is added."""
    count = (3, 4)[axis - 1]
    scales, offsets = np.resize(SCALES, count), np.resize(OFFSETS, count)
    nodes = [node("QuantizeLinear", ["x", "s", "z"], ["y"], axis=axis)]
    made = model(nodes, {"x": [1, 3, 4, 5]}, {"s": scales, "z": offsets}, formats={"y": TensorProto.UINT8})
    assert_of_codes(tmp_path, made, x=np.round(REALS * 2) / 2)


def test_codes_that_are_read_with_another_scale(tmp_path: Path) -> None:
    nodes = [node("QuantizeLinear", ["x", "s", "z"], ["q"]), node("DequantizeLinear", ["q", "t", "u"], ["y"])]
    stored = {"s": SCALES[0], "z": OFFSETS[2], "t": SCALES[1], "u": OFFSETS[0]}
    network = assert_of_codes(tmp_path, model(nodes, {"x": [1, 3, 4, 5]}, stored), x=REALS)
    assert [each.op.name for each in network.graph.nodes[1:]] == [
        *("quantize", "scale", "quantize", "offset"),
        *("offset", "scale"),
    ]


def test_codes_that_are_converted_to_real_numbers(tmp_path: Path) -> None:
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        node("Cast", ["q"], ["c"], to=TensorProto.FLOAT),
        node("Sub", ["c", "o"], ["y"]),
    ]
    stored = {"s": SCALES[0], "z": OFFSETS[2], "o": np.float32(OFFSETS[2])}
    assert_of_codes(tmp_path, model(nodes, {"x": [1, 3, 4, 5]}, stored), x=REALS)


def test_products_of_codes_are_scaled_once(tmp_path: Path) -> None:
    """The factor after a convolution of integers contains the scale with which its input was encoded."""
    kernel = np.random.default_rng(4).integers(0, 256, (2, 3, 3, 3)).astype(np.uint8)
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        node("ConvInteger", ["q", "w", "z", "zw"], ["c"], pads=[1, 1, 1, 1]),
        node("Cast", ["c"], ["f"], to=TensorProto.FLOAT),
        node("Mul", ["f", "s"], ["y"]),
    ]
    stored = {"w": kernel, "s": SCALES[0], "z": OFFSETS[2], "zw": OFFSETS[0]}
    assert_of_codes(tmp_path, model(nodes, {"x": [1, 3, 4, 5]}, stored), x=REALS)


def test_integers_of_a_narrower_format_keep_the_lowest_bits(tmp_path: Path) -> None:
    x = np.arange(-700, 700, 17, dtype=np.int32)[:60].reshape(1, 3, 4, 5)
    for to in (TensorProto.INT8, TensorProto.UINT8, TensorProto.INT16):
        nodes = [node("Cast", ["x"], ["q"], to=to), node("Cast", ["q"], ["y"], to=TensorProto.FLOAT)]
        made = model(nodes, {"x": [1, 3, 4, 5]}, {}, formats={"x": TensorProto.INT32})
        assert_of_codes(tmp_path, made, x=x * (100 if to == TensorProto.INT16 else 1))


def test_weights_behind_a_conversion_are_rounded(tmp_path: Path) -> None:
    weight = weights(4, 3, 1, 1)
    nodes = [
        node("Cast", ["w"], ["b"], to=TensorProto.BFLOAT16),
        node("Cast", ["b"], ["f"], to=TensorProto.FLOAT),
        node("Conv", ["x", "f"], ["y"]),
    ]
    assert_of_codes(tmp_path, model(nodes, {"x": [1, 3, 4, 5]}, {"w": weight}), x=REALS)
