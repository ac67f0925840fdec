"""Sequences and optional tensors are not layers: what is taken out of them is what was put in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, helper

import archcalc
from archcalc import SpecError
from tests.readers.onnx.models import model, weights, write
from tests.readers.onnx.test_networks import assert_as_onnxruntime

node = helper.make_node
FIRST, LAST = np.array(0), np.array(-1)


@pytest.mark.parametrize(
    ("split", "keep"),
    [(None, 0), (None, 1), (np.array(2), 1), (np.array([1, 3, 2]), 1)],
)
def test_parts_of_a_tensor(tmp_path: Path, split: object, keep: int) -> None:
    """As TorchScript's exporter writes ``unbind`` and ``split``."""
    arrays = {"w": weights(4, 4), "last": LAST, "first": FIRST, **({} if split is None else {"split": split})}
    made = model(
        [
            node("SplitToSequence", ["x", *([] if split is None else ["split"])], ["parts"], axis=1, keepdims=keep),
            node("SequenceAt", ["parts", "last"], ["a"]),
            node("MatMul", ["a", "w"], ["b"]),
            node("SequenceErase", ["parts", "first"], ["others"]),
            node("SequenceInsert", ["others", "b"], ["more"]),
            node("SequenceInsert", ["more", "b", "first"], ["most"]),
            node("ConcatFromSequence", ["most"], ["y"], axis=1, new_axis=0 if keep else 1),
        ],
        {"x": ["batch", 6, 4]},
        arrays,
    )
    network = assert_as_onnxruntime(tmp_path, made)
    linear = next(each for each in network.graph.nodes if each.op.name in ("linear", "fc"))
    assert network.analyze().totals.macs == 16 * (1 if len(linear.output) == 1 else linear.output[0])


def test_a_loop_that_collects_a_sequence(tmp_path: Path) -> None:
    """As TorchScript's exporter writes a list that grows."""
    body = helper.make_graph(
        [
            node("Mul", ["state", "half"], ["next"]),
            node("SequenceInsert", ["list", "next"], ["longer"]),
            node("Identity", ["condition"], ["goes_on"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("iteration", TensorProto.INT64, []),
            helper.make_tensor_value_info("condition", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, None),
            helper.make_tensor_sequence_value_info("list", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, None),
            helper.make_tensor_sequence_value_info("longer", TensorProto.FLOAT, None),
        ],
    )
    made = model(
        [
            node("SequenceEmpty", [], ["empty"]),
            node("Loop", ["three", "yes", "x", "empty"], ["last", "list"], body=body),
            node("SequenceLength", ["list"], ["count"]),
            node("Cast", ["count"], ["factor"], to=1),
            node("ConcatFromSequence", ["list"], ["all"], axis=1),
            node("Mul", ["all", "factor"], ["y"]),
        ],
        {"x": ["batch", 2, 4]},
        {"three": np.array(3), "yes": np.array(True), "half": np.array(0.5, np.float32)},
    )
    network = assert_as_onnxruntime(tmp_path, made)
    assert network.graph.nodes[-1].output == (6, 4)


def branch(name: str, nodes: list[NodeProto]) -> object:
    return helper.make_graph(nodes, name, [], [helper.make_tensor_sequence_value_info(name, TensorProto.FLOAT, None)])


@pytest.mark.parametrize("flag", [0, 1])
def test_a_branch_that_is_a_sequence(tmp_path: Path, flag: int) -> None:
    made = model(
        [
            node("Relu", ["x"], ["a"]),
            node(
                "If",
                ["flag"],
                ["chosen"],
                then_branch=branch("one", [node("SequenceConstruct", ["a"], ["one"])]),
                else_branch=branch("two", [node("SequenceConstruct", ["a", "x"], ["two"])]),
            ),
            node("ConcatFromSequence", ["chosen"], ["y"], axis=1),
        ],
        {"x": ["batch", 2, 4], "flag": []},
        formats={"flag": TensorProto.BOOL},
    )
    network = assert_as_onnxruntime(tmp_path, made, values={"flag": bool(flag)})
    assert network.graph.nodes[-1].output == (2 if flag else 4, 4)


def test_a_sequence_as_an_output_is_several_outputs(tmp_path: Path) -> None:
    made = model(
        [node("Relu", ["x"], ["a"]), node("SequenceConstruct", ["a", "x", "a"], ["y"])], {"x": ["batch", 2, 4]}
    )
    network = archcalc.load(str(write(tmp_path, made)))
    x = np.arange(-4, 4, dtype=np.float32).reshape(1, 2, 4)
    outputs = [*network.run({"x": x}).outputs.values()]
    for found, expected in zip(outputs, (np.maximum(x, 0), x, np.maximum(x, 0)), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        (
            [node("SequenceConstruct", ["x", "x"], ["s"]), node("SequenceAt", ["s", "two"], ["y"])],
            "onnx.SequenceAt: the position 2 of a sequence of length 2",
        ),
        ([node("SequenceAt", ["x", "two"], ["y"])], "onnx.SequenceAt: a sequence of unknown length"),
        ([node("SequenceConstruct", ["x"], ["s"]), node("Relu", ["s"], ["y"])], "onnx.Relu: a sequence of tensors"),
        ([node("Optional", [], ["o"]), node("OptionalGetElement", ["o"], ["y"])], "without one"),
        (
            [
                node("SequenceMap", ["x"], ["s"], body=branch("b", [node("Relu", ["x"], ["b"])])),
                node("SequenceAt", ["s", "two"], ["y"]),
            ],
            "onnx.SequenceMap: sequences of unknown or different lengths",
        ),
    ],
)
def test_what_has_no_meaning_is_listed(tmp_path: Path, nodes: list[NodeProto], reason: str) -> None:
    made = model(nodes, {"x": ["batch", 2, 4]}, {"two": np.array(2)})
    with pytest.raises(SpecError) as caught:
        archcalc.load(str(write(tmp_path, made)))
    assert reason in str(caught.value)
