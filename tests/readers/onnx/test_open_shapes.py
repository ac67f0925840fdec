"""Positions, anchors and masks of an open size: their shapes follow the inputs, their numbers are those of a run."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, NodeProto, helper

import archcalc
from archcalc.readers.dynamic_sizes import EXAMPLE
from archcalc.readers.onnx.tensors import OnnxTensors
from tests.readers.onnx.models import model, weights, write
from tests.readers.onnx.test_networks import assert_as_onnxruntime

node = helper.make_node


def measured(tensor: str, *names: str) -> list[NodeProto]:
    """Return the nodes that measure the last axes of a tensor, as single numbers."""
    nodes = [node("Shape", [tensor], [f"{tensor}.shape"])]
    for at, name in enumerate(names):
        index = f"{name}.index"
        nodes.append(node("Constant", [], [index], value_int=at - len(names)))
        nodes.append(node("Gather", [f"{tensor}.shape", index], [name]))
    return nodes


def anchors() -> ModelProto:
    """Return a detector's head: the centre and the stride of every position join its features."""
    nodes = [
        node("Conv", ["x", "w"], ["a"], strides=[2, 2], pads=[1, 1, 1, 1]),
        *measured("a", "height", "width"),
        node("Range", ["zero", "height", "one"], ["rows"]),
        node("Range", ["zero", "width", "one"], ["columns"]),
        node("Cast", ["rows"], ["rows.real"], to=1),
        node("Cast", ["columns"], ["columns.real"], to=1),
        node("Add", ["rows.real", "half"], ["row.centres"]),
        node("Add", ["columns.real", "half"], ["column.centres"]),
        node("Shape", ["row.centres"], ["count.rows"]),
        node("Shape", ["column.centres"], ["count.columns"]),
        node("Concat", ["count.rows", "count.columns"], ["grid"], axis=0),
        node("Reshape", ["row.centres", "column"], ["row.column"]),
        node("Expand", ["row.column", "grid"], ["row.grid"]),
        node("Expand", ["column.centres", "grid"], ["column.grid"]),
        node("Unsqueeze", ["row.grid", "last"], ["row.last"]),
        node("Unsqueeze", ["column.grid", "last"], ["column.last"]),
        node("Concat", ["column.last", "row.last"], ["pairs"], axis=-1),
        node("Reshape", ["pairs", "twos"], ["points"]),
        node("Transpose", ["points"], ["centres"], perm=[1, 0]),
        node("Mul", ["height", "width"], ["positions"]),
        node("Unsqueeze", ["positions", "first"], ["count"]),
        node("Concat", ["count", "ones"], ["column.of.strides"], axis=0),
        node("ConstantOfShape", ["column.of.strides"], ["zeros"]),
        node("Add", ["zeros", "stride"], ["strides"]),
        node("Transpose", ["strides"], ["scale"], perm=[1, 0]),
        node("Reshape", ["a", "flat"], ["features"]),
        node("Add", ["features", "centres"], ["places"]),
        node("Mul", ["places", "scale"], ["y"]),
    ]
    arrays = {
        "w": weights(2, 3, 3, 3),
        "zero": np.array(0),
        "one": np.array(1),
        "half": np.array(0.5, np.float32),
        "column": np.array([-1, 1]),
        "last": np.array([-1]),
        "twos": np.array([-1, 2]),
        "first": np.array([0]),
        "ones": np.array([1]),
        "stride": np.array(2.0, np.float32),
        "flat": np.array([0, 2, -1]),
    }
    return model(nodes, {"x": ["batch", 3, "height", "width"]}, arrays)


def causal_scores() -> ModelProto:
    """Return scores of all pairs of positions, without those of later ones."""
    nodes = [
        *measured("x", "length", "features"),
        node("Unsqueeze", ["length", "first"], ["n"]),
        node("Concat", ["n", "n"], ["square"], axis=0),
        node("ConstantOfShape", ["square"], ["hidden"], value=helper.make_tensor("value", 1, [1], [-1e4])),
        node("Trilu", ["hidden", "one"], ["later"], upper=1),
        node("Transpose", ["x"], ["t"], perm=[0, 2, 1]),
        node("MatMul", ["x", "t"], ["scores"]),
        node("Add", ["scores", "later"], ["masked"]),
        node("Softmax", ["masked"], ["y"], axis=-1),
    ]
    return model(nodes, {"x": ["batch", "length", 8]}, {"first": np.array([0]), "one": np.array(1)})


def table_of_positions() -> ModelProto:
    """Return the rows of a stored table for all positions, added to the input."""
    nodes = [
        *measured("x", "length", "features"),
        node("Range", ["zero", "length", "one"], ["positions"]),
        node("Gather", ["table", "positions"], ["rows"]),
        node("Add", ["x", "rows"], ["y"]),
    ]
    table = np.arange(32 * 8, dtype=np.float32).reshape(32, 8)
    return model(nodes, {"x": ["batch", "length", 8]}, {"zero": np.array(0), "one": np.array(1), "table": table})


def tiled_pattern() -> ModelProto:
    """Return a pattern of two positions as often as the input is long, flattened and cut."""
    nodes = [
        *measured("x", "length", "features"),
        node("Unsqueeze", ["length", "first"], ["n"]),
        node("Concat", ["n", "one"], ["times"], axis=0),
        node("Tile", ["pattern", "times"], ["rows"]),
        node("Unsqueeze", ["rows", "first"], ["more"]),
        node("Squeeze", ["more", "first"], ["same"]),
        node("Flatten", ["same"], ["flat"], axis=1),
        node("Slice", ["flat", "first", "n", "first"], ["cut"]),
        node("Add", ["x", "cut"], ["y"]),
    ]
    arrays = {"first": np.array([0]), "one": np.array([1]), "pattern": np.arange(8, dtype=np.float32).reshape(1, 8)}
    return model(nodes, {"x": ["batch", "length", 8]}, arrays)


def resized_by_measured_factors() -> ModelProto:
    """Return a resize by the ratio of a size that nodes compute to the measured one."""
    nodes = [
        node("Shape", ["x"], ["shape"]),
        node("Cast", ["shape"], ["sizes"], to=1),
        node("Mul", ["sizes", "twice"], ["wanted"]),
        node("Div", ["wanted", "sizes"], ["factors"]),
        node("Resize", ["x", "", "factors"], ["y"], mode="linear"),
    ]
    return model(nodes, {"x": ["batch", 3, "height", "width"]}, {"twice": np.array([1, 1, 2, 2], np.float32)})


CASES = {
    "anchors": (anchors(), ("height", "width"), ((6, 10), (9, 7))),
    "resized": (resized_by_measured_factors(), ("height", "width"), ((6, 10), (9, 7))),
    "causal": (causal_scores(), ("length",), ((5,), (12,))),
    "table": (table_of_positions(), ("length",), ((4,), (31,))),
    "tiled": (tiled_pattern(), ("length",), ((4,), (9,))),
}


@pytest.mark.parametrize("case", CASES)
def test_closed_forms_hold_for_all_sizes(tmp_path: Path, case: str) -> None:
    """The figures are those of the file when it is read for the sizes, whose results are those of ONNX Runtime."""
    made, free, sizes = CASES[case]
    path = str(write(tmp_path, made))
    (params,), (flops,), (shape,) = (
        archcalc.formula(path, quantity, free=free).forms for quantity in ("params", "flops", "shape")
    )
    for each in sizes:
        given = dict(zip(free, each, strict=True))
        network = assert_as_onnxruntime(
            tmp_path, made, shapes=f"3x{each[0]}x{each[1]}" if len(each) == 2 else f"{each[0]}x8"
        )
        totals = network.analyze().totals
        assert params.at(**given) == (totals.params,)
        assert flops.at(**given) == (totals.flops,)
        assert shape.at(**given) == network.graph.nodes[-1].output


def test_a_number_of_positions_is_a_condition(tmp_path: Path) -> None:
    """The largest of all positions is a number that the file's reader evaluates for one size."""
    nodes = [
        *measured("x", "length", "features"),
        node("Range", ["zero", "length", "one"], ["positions"]),
        node("ReduceMax", ["positions"], ["largest"], keepdims=0),
        node("Cast", ["largest"], ["scale"], to=1),
        node("Mul", ["x", "scale"], ["y"]),
    ]
    made = model(nodes, {"x": ["batch", "length", 8]}, {"zero": np.array(0), "one": np.array(1)})
    assert_as_onnxruntime(tmp_path, made, shapes="7x8")
    (form,) = archcalc.formula(str(tmp_path / "net.onnx"), "flops", free=("length",)).forms
    assert [size for size in range(1, 1000) if form.at(length=size)] == [EXAMPLE]


def test_what_was_known_while_a_file_was_read_does_not_remain_in_memory(tmp_path: Path) -> None:
    """Measured sizes stand in arrays of NumPy, into which the garbage collector does not look."""

    def remaining() -> int:
        gc.collect()
        return sum(isinstance(each, OnnxTensors) for each in gc.get_objects())

    before = remaining()
    path = str(write(tmp_path, tiled_pattern()))
    for _ in range(3):
        archcalc.load(path, shapes="6x8").analyze()
    assert remaining() == before
