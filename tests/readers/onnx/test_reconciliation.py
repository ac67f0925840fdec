"""Notes explain why a file has other parameters than the network that was exported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, helper

import archcalc
from archcalc import Network
from tests.readers.onnx.models import model, weights, write

node = helper.make_node


def read(folder: Path, made: ModelProto) -> Network:
    return archcalc.load(str(write(folder, made)))


def scores(bias: Any) -> ModelProto:
    """Return a product whose results get a bias by position."""
    return model(
        [node("MatMul", ["x", "w"], ["a"]), node("Add", ["a", "bias"], ["b"]), node("Softmax", ["b"], ["y"], axis=-1)],
        {"x": [1, 2, 16, 8]},
        {"w": weights(8, 16), "bias": bias},
    )


def test_a_table_of_relative_positions_that_was_expanded(tmp_path: Path) -> None:
    table = weights(2, 31)
    index = np.arange(16)[:, None] - np.arange(16)[None] + 15
    network = read(tmp_path, scores(table[None, :, index]))
    note = "1 stored array is an expanded table: 512 parameters with 62 distinct values in their matrices"
    assert network.graph.notes == (note,)
    assert network.analyze().totals.trainable == 128 + 512


def test_a_part_of_a_table_of_relative_positions_that_was_expanded(tmp_path: Path) -> None:
    """As in networks with attention head by head."""
    index = np.arange(16)[:, None] - np.arange(16)[None] + 15
    made = scores(weights(3, 31)[:, index])
    made.graph.initializer.append(helper.make_tensor("head", 7, [], [1]))
    made.graph.node.insert(1, node("Gather", ["bias", "head"], ["of_head"]))
    made.graph.node[2].input[1] = "of_head"
    note = "1 stored array is an expanded table: 768 parameters with 93 distinct values in their matrices"
    assert read(tmp_path, made).graph.notes == (note,)


@pytest.mark.parametrize("name", ["div_4", "/pos_embd/Constant_1_output_0", "val_3"])
@pytest.mark.parametrize("sizes", [(4, 8), (8,)])
def test_a_result_that_the_exporter_computed(tmp_path: Path, name: str, sizes: tuple[int, ...]) -> None:
    nodes = [node("Sin", [name], ["a"]), node("Add", ["x", "a"], ["y"])]
    network = read(tmp_path, model(nodes, {"x": [1, 4, 8]}, {name: weights(*sizes)}))
    (note,) = network.graph.notes
    start = f"1 stored array is a result of {np.prod(sizes)} numbers that the exporter computed in advance: {name};"
    assert note.startswith(start)


def test_a_bias_of_its_own_for_every_pair_of_positions(tmp_path: Path) -> None:
    assert read(tmp_path, scores(weights(1, 2, 16, 16))).graph.notes == ()


def test_window_numbers_that_make_a_mask_are_no_parameters(tmp_path: Path) -> None:
    """As exporters write the masks of shifted windows: the differences of whole numbers, in floating point."""
    made = scores(weights(1, 1, 16, 16))
    numbers = np.repeat(np.arange(4, dtype=np.float32), 4)
    arrays = {"rows": numbers[:, None], "columns": numbers[None], "zero": np.zeros(1), "minus": np.full(1, -100)}
    for name, array in arrays.items():
        made.graph.initializer.append(helper.make_tensor(name, 1, array.shape, array.ravel()))
    mask = [
        node("Sub", ["rows", "columns"], ["difference"]),
        node("Equal", ["difference", "zero"], ["same"]),
        node("Where", ["same", "zero", "minus"], ["mask"]),
        node("Add", ["b", "mask"], ["masked"]),
        node("Softmax", ["masked"], ["y"], axis=-1),
    ]
    del made.graph.node[-1]
    made.graph.node.extend(mask)
    assert read(tmp_path, made).analyze().totals.trainable == 128 + 256


def test_an_array_that_several_layers_use(tmp_path: Path) -> None:
    made = model(
        [
            node("LayerNormalization", ["x", "ones", "zeros"], ["a"]),
            node("LayerNormalization", ["a", "ones", "zeros"], ["y"]),
        ],
        {"x": [1, 4, 8]},
        {"ones": np.ones(8, np.float32), "zeros": np.zeros(8, np.float32)},
    )
    network = read(tmp_path, made)
    assert network.analyze().totals.params == 16
    assert network.graph.notes == (
        "2 stored arrays are used in several places, which would have 16 more parameters with arrays of their own",
    )
