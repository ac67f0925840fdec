"""Files that TensorFlow Lite's converter wrote: shapes, costs and results must be those of its interpreter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import archcalc
from archcalc.graph import ordered

pytest.importorskip("tflite")

from benchmarks.tflite_files import IN_TESTS, TOLERANCES, first, inputs_of

FILES = Path(__file__).parent / "files"
BATCH_OF_ONE = ("lstm.float32", "fused_lstm.float32")
"""The models that were converted for one example only."""


def load(name: str) -> archcalc.Network:
    return archcalc.load(str(FILES / f"{name}.tflite"))


@pytest.mark.parametrize("name", [*IN_TESTS, "fused_lstm.float32"])
def test_results_are_those_of_the_interpreter(name: str):
    arrays = np.load(FILES / f"{name}.npz")
    network = load(name)
    graph = network.graph
    inputs = inputs_of(graph, [arrays[f"input_{at}"] for at in range(len(graph.inputs))])
    count = len(arrays["input_0"])
    batches = [slice(at, at + 1) for at in range(count)] if name in BATCH_OF_ONE else [slice(None)]
    runs = [network.run({each: array[batch] for each, array in inputs.items()}).outputs for batch in batches]
    for at, each in enumerate(graph.outputs):
        expected = first(arrays[f"output_{at}"], graph.layout)
        computed = np.concatenate([run[each] for run in runs]).reshape(expected.shape)
        error = np.abs(computed - expected).max() / np.abs(expected).max()
        assert error < (0.05 if name.endswith("int8") else TOLERANCES[name.partition(".")[2]])


def test_maps_have_the_channels_last_as_in_the_file():
    graph = load("mobile.float32").graph
    assert graph.layout == "hwc"
    assert graph.inputs == {"image": (3, 12, 10)}
    assert [ordered(node.output, "hwc") for node in graph.nodes[:2]] == [(12, 10, 3), (6, 5, 8)]


def test_the_channels_of_tokens_stay_the_last_axis():
    graph = load("attention.float32").graph
    assert graph.layout == "chw"
    assert graph.inputs == {"tokens": (12, 8)}


def test_layers_have_the_paths_of_the_operations():
    nodes = [node for node in load("mobile.float32").graph.nodes if not node.is_input]
    assert [(node.name.partition("_1")[0], node.op.name) for node in nodes[:4]] == [
        ("conv2d", "conv"),
        ("re_lu", "clip"),
        ("depthwise_conv2d", "conv"),
        ("depthwise_conv2d", "relu"),
    ]


def test_multiplications_do_not_depend_on_the_number_format():
    # a convolution, a depthwise one, the gate, and the dense layer on 3 × 2 × 16 numbers
    expected = 6 * 5 * 8 * 27 + 6 * 5 * 8 * 9 + 8 * 8 + 96 * 4
    for name in ("mobile.float32", "mobile.int8"):
        assert load(name).analyze().totals.macs == expected


def test_weights_in_few_bits_are_parameters_of_the_layer_that_reads_them():
    network = load("mobile.int8")
    totals = network.analyze().totals
    assert totals.params == load("mobile.float32").analyze().totals.params
    assert any("in int8" in note for note in network.graph.notes)
    weight = next(array for name, array in (network.arrays() or {}).items() if array.shape == (8, 3, 3, 3))
    assert weight.dtype == np.float32
    assert len(np.unique(weight)) <= 8 * 255


def test_flattened_maps_need_no_transposition():
    assert not any(node.op.name == "transpose" for node in load("mobile.float32").graph.nodes)


def test_a_loop_is_read_iteration_by_iteration():
    network = load("lstm.float32")
    per_step = 4 * 4 * (5 + 4) + 4 * 3 * (4 + 3)
    assert network.analyze().totals.macs == 7 * per_step + 3 * 2


def test_a_fused_lstm_is_one_layer():
    graph = load("fused_lstm.float32").graph
    assert [node.op.name for node in graph.nodes].count("lstm") == 2


def test_dilated_convolutions_are_not_dealt_out_to_the_batch():
    network = load("decoder.float32")
    dilated = [node.op for node in network.graph.nodes if getattr(node.op, "dilation", None) == (2, 2)]
    assert len(dilated) == 1
