"""ONNX files that cannot be trusted: one error or a network, and nothing outside the folder is read."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto, TensorProto, helper

import archcalc
from archcalc import SpecError
from benchmarks.damaged_onnx import DAMAGES, Model
from tests.readers.onnx.models import convolutions, model, weights, write
from tests.readers.onnx.test_subgraphs import refinement
from tests.readers.refusals import reason

node = helper.make_node


def read(folder: Path, made: ModelProto) -> str:
    return reason(write(folder, made))


def test_truncated_files(tmp_path: Path) -> None:
    content = convolutions().SerializeToString()
    path = tmp_path / "net.onnx"
    for length in range(0, len(content) - 40, 97):
        path.write_bytes(content[:length])
        with suppress(SpecError):
            archcalc.load(str(path)).analyze()
    path.write_bytes(b"")
    assert reason(path) == "not a complete ONNX model: the file is empty"


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_file_with_changed_bytes(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    changed = bytearray(convolutions().SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "changed.onnx"
    path.write_bytes(bytes(changed))
    with suppress(SpecError):
        archcalc.load(str(path)).analyze()


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damaged_files(tmp_path: Path, damage: Callable[[Model, random.Random], bytes]) -> None:
    """Every one is read, or is refused with an error that names the file; the script in benchmarks tries thousands."""
    original = Model(write(tmp_path, convolutions()))
    chance = random.Random(0)
    for _ in range(40):
        path = tmp_path / "damaged.onnx"
        path.write_bytes(damage(original, chance))
        assert origins_of_errors(path) <= {str(path)}


def origins_of_errors(path: Path) -> set[str]:
    """Read a file and its arrays, and return what the errors are about."""
    try:
        network = archcalc.load(str(path))
        network.analyze()
        network.arrays()
    except SpecError as error:
        return {problem.origin for problem in error.problems}
    return set()


def test_sizes_that_do_not_fit_while_others_are_open(tmp_path: Path) -> None:
    made = convolutions(size="side")
    made.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 0
    assert "conv of a tensor without elements is not supported: 0x224x224" in read(tmp_path, made)


def test_a_graph_with_more_nodes_than_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archcalc.readers.onnx.decode.MAX_NODES", 3)
    assert "more than 3 nodes" in read(tmp_path, convolutions())


def test_a_loop_with_more_nodes_to_run_than_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archcalc.readers.onnx.decode.MAX_INNER_NODES", 20)
    assert "more than 20 nodes to run" in read(tmp_path, refinement(2**62))


@pytest.mark.parametrize(
    ("operator", "inputs"),
    [("ConstantOfShape", [[2**26]]), ("Range", [0, 2**26, 1]), ("Tile", [[1], [2**26]]), ("Expand", [[1], [2**26]])],
)
def test_values_that_are_too_many_take_no_memory(tmp_path: Path, operator: str, inputs: list[Any]) -> None:
    names = [f"v{index}" for index in range(len(inputs))]
    made = model(
        [
            node(operator, names, ["v"]),
            node("Cast", ["v"], ["w"], to=TensorProto.FLOAT),
            node("Add", ["x", "w"], ["y"]),
        ],
        {"x": [1, 1]},
        {name: np.array(each) for name, each in zip(names, inputs, strict=True)},
    )
    path = write(tmp_path, made)
    tracemalloc.start()
    with suppress(SpecError):  # what is no number while the file is read may be none that can be counted
        archcalc.load(str(path))
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken < 2**26


def test_a_reshape_of_a_weight_to_sizes_that_are_not_known(tmp_path: Path) -> None:
    made = model(
        [node("Reshape", ["w", "s"], ["v"]), node("MatMul", ["x", "v"], ["y"])],
        {"x": [1, 4], "s": [2]},
        {"w": weights(4, 2)},
        formats={"s": TensorProto.INT64},
    )
    assert "size of its output depends on the numbers in 's'" in read(tmp_path, made)


def test_places_in_more_axes_than_a_tensor_has(tmp_path: Path) -> None:
    inputs = {"x": [1, 4], "i": [1, 2**31], "u": [1]}
    made = model([helper.make_node("ScatterND", ["x", "i", "u"], ["y"])], inputs, formats={"i": TensorProto.INT64})
    with pytest.raises(SpecError, match="indices into 2147483648 axes of a tensor that has 2"):
        archcalc.load(str(write(tmp_path, made)))


def test_maxima_of_more_windows_than_are_listed(tmp_path: Path) -> None:
    node = helper.make_node("MaxPool", ["x"], ["z", "y"], kernel_shape=[3000, 3000], pads=[1500] * 4)
    with pytest.raises(SpecError, match="a table of more than 16,777,216 indices"):
        archcalc.load(str(write(tmp_path, model([node], {"x": [1, 1, 8, 8]}))))


@pytest.mark.parametrize("equation", ["b..i->bi", "b.i->bi", "...b..->b", "b....i->bi"])
def test_an_equation_with_dots_that_are_no_ellipsis(tmp_path: Path, equation: str) -> None:
    made = model([node("Einsum", ["x"], ["y"], equation=equation)], {"x": [1, 3]})
    assert "the equation has dots that are no ellipsis" in read(tmp_path, made)


@pytest.mark.parametrize(
    ("made", "sizes"),
    [
        (node("LpPool", ["x"], ["y"], kernel_shape=[2, 2], p=0), {"x": [1, 4, 4, 4]}),
        (node("ReverseSequence", ["x", "n"], ["y"], time_axis=9, batch_axis=0), {"x": [1, 4, 3], "n": [1]}),
    ],
    ids=lambda each: getattr(each, "op_type", ""),
)
def test_attributes_that_do_not_fit_an_operator_made_of_others(
    tmp_path: Path, made: Any, sizes: dict[str, list[int]]
) -> None:
    formats = {"n": TensorProto.INT64} if "n" in sizes else None
    with pytest.raises(SpecError, match=f"onnx.{made.op_type}: arguments that do not fit together"):
        archcalc.load(str(write(tmp_path, model([made], sizes, formats=formats))))


@pytest.mark.parametrize("operator", ["Gather", "GatherElements", "GatherND", "ScatterElements", "ScatterND"])
@pytest.mark.parametrize("place", [4, -5])
def test_an_index_outside_of_an_axis(tmp_path: Path, operator: str, place: int) -> None:
    is_scatter, shape = operator.startswith("Scatter"), (1, 2) if operator.endswith("ND") else (1, 1)
    indices = np.array([0, place] if operator.endswith("ND") else [place]).reshape(shape)
    axis = {} if operator.endswith("ND") else {"axis": 1}
    made = node(operator, ["x", "i", *(["u"] if is_scatter else [])], ["y"], **axis)
    values = {"u": [1] if operator.endswith("ND") else [1, 1]} if is_scatter else {}
    with pytest.raises(SpecError, match="an index outside of an axis of 4"):
        archcalc.load(str(write(tmp_path, model([made], {"x": [1, 4], **values}, {"i": indices}))))


def test_rows_of_a_stored_table_count_from_its_end(tmp_path: Path) -> None:
    table = np.arange(12, dtype=np.float32).reshape(3, 4)
    made = [node("Gather", ["w", "i"], ["r"]), node("Add", ["x", "r"], ["y"])]
    for rows in ([-1, 0], [2, -3]):
        path = write(tmp_path, model(made, {"x": [1, 1, 4]}, {"w": table, "i": np.array(rows)}))
        x = np.zeros((1, 1, 4), np.float32)
        np.testing.assert_array_equal(np.squeeze(archcalc.load(str(path)).run({"x": x}).output), table[rows])


def test_rows_that_a_stored_table_does_not_have(tmp_path: Path) -> None:
    made = [node("Gather", ["w", "i"], ["r"]), node("Add", ["x", "r"], ["y"])]
    arrays = {"w": np.ones((3, 4), np.float32), "i": np.array([9, 7])}
    with pytest.raises(SpecError, match=r"outside of an axis of 3|out of bounds"):
        archcalc.load(str(write(tmp_path, model(made, {"x": [1, 4]}, arrays)))).run({"x": np.zeros((1, 4), np.float32)})


def test_attributes_that_no_layer_can_have(tmp_path: Path) -> None:
    boxes = {"x": [1, 2, 4, 4], "b": [3, 4], "i": [3]}
    empty = node("RoiAlign", ["x", "b", "i"], ["y"], sampling_ratio=2, output_height=0, output_width=2)
    made = model([empty], boxes, formats={"i": TensorProto.INT64})
    with pytest.raises(SpecError, match="the size of roi_align must be at least 1"):
        archcalc.load(str(write(tmp_path, made)))


@pytest.mark.skipif(not hasattr(TensorProto, "FLOAT8E8M0"), reason="the format is newer than this version of onnx")
def test_a_rounding_that_no_conversion_has(tmp_path: Path) -> None:
    codes = [
        node("Cast", ["x"], ["z"], to=TensorProto.FLOAT8E8M0, round_mode="sideways"),
        node("Cast", ["z"], ["y"], to=TensorProto.FLOAT),
    ]
    with pytest.raises(SpecError, match="cast has no rounding 'sideways'"):
        archcalc.load(str(write(tmp_path, model(codes, {"x": [1, 3]}, opset=24))))


@pytest.mark.parametrize(("operator", "inputs"), [("Identity", [""]), ("Where", ["known", "", "known"])])
def test_an_input_that_is_missing_where_all_others_are_known(tmp_path: Path, operator: str, inputs: list[str]) -> None:
    nodes = [node(operator, inputs, ["a"]), node("Add", ["x", "a"], ["y"])]
    path = write(tmp_path, model(nodes, {"x": [1, 3]}, {"known": np.array([True, False, True])}))
    with pytest.raises(SpecError):
        archcalc.load(str(path))


def test_a_text_with_this_suffix(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_text("input: 3x8x8\nlayers: relu\n")
    assert reason(path) == "not an ONNX model, but text"


def test_another_binary_format_with_this_suffix(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    assert reason(path).startswith("not an ONNX model, but a zip archive")


def test_a_cycle(tmp_path: Path) -> None:
    made = model([node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"])], {"x": [1, 3]}, outputs=("b",))
    assert "reads 'b', which no node before it computes" in read(tmp_path, made)


def test_a_missing_initializer(tmp_path: Path) -> None:
    made = model([node("MatMul", ["x", "w"], ["y"])], {"x": [1, 3]})
    assert read(tmp_path, made) == "node 'MatMul' reads 'w', which the file neither computes nor stores"


def test_an_initializer_of_another_shape(tmp_path: Path) -> None:
    made = model([node("MatMul", ["x", "w"], ["y"])], {"x": [1, 3]}, {"w": weights(4, 2)})
    assert read(tmp_path, made).startswith("the inputs of 'MatMul', 1x3 and 4x2, do not fit: ")


@pytest.mark.parametrize("place", ["../secret.bin", "/etc/hostname"])
def test_external_data_outside_the_folder(tmp_path: Path, place: str) -> None:
    made = convolutions()
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=place)
    (tmp_path / "secret.bin").write_bytes(weights(8, 3, 3, 3).tobytes())
    (tmp_path / "inner").mkdir()
    network = archcalc.load(str(write(tmp_path / "inner", made)))
    with pytest.raises(SpecError, match="not in the folder of the model"):
        network.arrays()


def test_indices_that_no_integer_holds(tmp_path: Path) -> None:
    """The index of the first element of a map has more than 64 bits."""
    node = helper.make_node("MaxPool", ["x"], ["z", "y"], kernel_shape=[1, 1], strides=[2**31, 2**31])
    network = archcalc.load(str(write(tmp_path, model([node], {"x": [1, 4, 2**33, 2**33]}, outputs=("z", "y")))))
    with pytest.raises(SpecError, match="of a constant cannot be evaluated"):
        network.arrays()
