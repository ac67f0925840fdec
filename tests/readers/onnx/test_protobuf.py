"""Files are parsed without the numbers of large tensors, wherever these are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

import archcalc
from archcalc import SpecError
from archcalc.readers.onnx.protobuf import read_model
from tests.readers.onnx.models import model, weights, write

node = helper.make_node


def array_of(path: Path, **options: Any) -> Any:
    """Return the weight of the only fully connected layer of a network, inputs by outputs."""
    arrays = archcalc.load(str(path), **options).arrays()
    assert arrays is not None
    (array,) = arrays.values()
    return array.T


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64"])
@pytest.mark.parametrize("raw", [True, False])
def test_every_number_format(tmp_path: Path, dtype: str, raw: bool) -> None:
    values = weights(20, 30).astype(dtype)
    made = model([node("MatMul", ["x", "w"], ["y"])], {"x": [1, 20]}, {})
    number_format = helper.np_dtype_to_tensor_dtype(values.dtype)
    made.graph.input[0].type.tensor_type.elem_type = number_format
    stored = numpy_helper.from_array(values, "w") if raw else helper.make_tensor("w", number_format, (20, 30), values)
    made.graph.initializer.append(stored)
    path = write(tmp_path, made)
    assert read_model(path, "net").ByteSize() < 300
    np.testing.assert_array_equal(array_of(path), values)


def branch(values: Any) -> Any:
    output = helper.make_tensor_value_info("out", TensorProto.FLOAT, None)
    stored = node("Constant", [], ["w"], value=numpy_helper.from_array(values))
    return helper.make_graph([stored, node("MatMul", ["x", "w"], ["out"])], "branch", [], [output])


@pytest.mark.parametrize("chosen", [True, False])
def test_constants_of_branches_with_the_same_name(tmp_path: Path, chosen: bool) -> None:
    branches = {True: weights(20, 30), False: weights(20, 40)}
    made = model(
        [node("If", ["c"], ["y"], then_branch=branch(branches[True]), else_branch=branch(branches[False]))],
        {"x": [1, 20]},
        {"c": np.array(chosen)},
    )
    path = write(tmp_path, made)
    assert read_model(path, "net").ByteSize() < 1000
    np.testing.assert_array_equal(array_of(path), branches[chosen])


def test_a_file_of_more_than_two_gigabytes(tmp_path: Path) -> None:
    """Its weight is a hole in the file, and is not read."""
    side = 2**15
    made = model([node("MatMul", ["x", "w"], ["y"])], {"x": [1, side]}, {"w": np.zeros((1, 1), np.float32)})
    weight = TensorProto(dims=[side, side], data_type=TensorProto.FLOAT, name="w")
    del made.graph.initializer[:]
    count = 4 * side * side
    tensor = weight.SerializeToString() + b"\x4a" + varint(count)
    initializer = b"\x2a" + varint(len(tensor) + count) + tensor
    graph = made.graph.SerializeToString()
    made.ClearField("graph")
    path = tmp_path / "net.onnx"
    start = made.SerializeToString() + b"\x3a" + varint(len(graph) + len(initializer) + count) + graph + initializer
    with open(path, "wb") as file:
        file.write(start)
        os.truncate(path, len(start) + count)
    totals = archcalc.load(str(path)).analyze().totals
    assert (totals.params, totals.macs) == (side * side, side * side)


def varint(value: int) -> bytes:
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    return bytes([*made, value])


def reason(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(SpecError) as caught:
        archcalc.load(str(path))
    (problem,) = caught.value.problems
    return problem.message


def test_messages_that_are_nested_without_end(tmp_path: Path) -> None:
    """A graph in an attribute of a node in a graph, and so on."""
    content = b"\0" * 2000
    for _ in range(200):
        for field in (b"\x32", b"\x2a", b"\x0a"):  # a graph of an attribute, of a node, of a graph
            content = field + varint(len(content)) + content
    content = b"\x3a" + varint(len(content)) + content
    assert "nested more than" in reason(tmp_path / "net.onnx", content)


def test_more_fields_than_any_model_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archcalc.readers.onnx.protobuf.MAX_FIELDS", 100)
    made = ModelProto(producer_name="x" * 20)
    content = made.SerializeToString() + b"\x08\x01" * 100
    assert "more than 100 fields" in reason(tmp_path / "net.onnx", content)


def test_a_graph_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archcalc.readers.onnx.protobuf.MAX_GRAPH", 2_000_000)
    content = ModelProto(doc_string="x" * 3_000_000).SerializeToString()
    assert "a graph of more than 2 MB" in reason(tmp_path / "net.onnx", content)
