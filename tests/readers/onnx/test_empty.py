"""Tensors without elements: parts of size 0, what is computed from them, and inputs that have none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, defs, helper

import archcalc
from archcalc import SpecError
from archcalc.verification.verify import verify
from archcalc.writers.spec.graph_text import write_graph
from tests.readers.onnx.models import OPSET, model, weights, write
from tests.readers.onnx.test_networks import assert_as_onnxruntime

node = helper.make_node
INF = np.inf
OLD_REFERENCE = pytest.mark.skipif(defs.onnx_opset_version() < 28, reason="onnx 1.22 has true as the largest of none")

REDUCED = {
    "ReduceSum": 0,
    "ReduceSumSquare": 0,
    "ReduceL1": 0,
    "ReduceL2": 0,
    "ReduceProd": 1,
    "ReduceMax": -INF,
    "ReduceMin": INF,
    "ReduceLogSum": -INF,
    "ReduceLogSumExp": -INF,
}
"""What ONNX defines the reductions of no numbers to be."""


def numbers(path: Path, sizes: tuple[int, ...]) -> Any:
    """Return the output for an input without elements."""
    return archcalc.load(str(path)).run({"x": np.zeros(sizes, np.float32)}).output


@pytest.mark.parametrize(("operator", "expected"), REDUCED.items())
def test_a_reduction_of_no_numbers_is_its_identity(tmp_path: Path, operator: str, expected: float) -> None:
    made = model([node(operator, ["x", "axes"], ["y"])], {"x": [1, 0, 4]}, {"axes": np.array([1])})
    path = write(tmp_path, made)
    found = archcalc.load(str(path)).analyze()
    assert (found.totals.macs, found.totals.flops, found.graph.inputs["x"]) == (0, 0, (0, 4))
    assert numbers(path, (1, 0, 4)).ravel().tolist() == [expected] * 4


@pytest.mark.parametrize(
    ("operator", "form", "expected"),
    [
        pytest.param("ReduceMax", TensorProto.BOOL, 0, marks=OLD_REFERENCE),
        ("ReduceMax", TensorProto.INT8, -128),
        ("ReduceMin", TensorProto.INT8, 127),
    ],
)
def test_the_extremes_of_no_numbers_are_those_of_the_format(
    tmp_path: Path, operator: str, form: int, expected: float
) -> None:
    made = model(
        [node(operator, ["x", "axes"], ["y"])],
        {"x": [1, 0, 4]},
        {"axes": np.array([1])},
        formats={"x": form, "y": form},
        opset=20,
    )
    assert numbers(write(tmp_path, made), (1, 0, 4)).ravel().tolist() == [expected] * 4


def test_empty_parts_vanish_in_a_concatenation(tmp_path: Path) -> None:
    made = model(
        [
            node("Slice", ["x", "end", "end", "axis"], ["rest"]),
            node("Split", ["x", "lengths"], ["none", "all"], axis=1),
            node("Relu", ["none"], ["nothing"]),
            node("Concat", ["rest", "all", "nothing"], ["z"], axis=1),
            node("MatMul", ["z", "w"], ["y"]),
        ],
        {"x": [1, 5, 4]},
        {"end": np.array([9]), "axis": np.array([1]), "lengths": np.array([0, 5]), "w": weights(4, 4)},
    )
    network = assert_as_onnxruntime(tmp_path, made)
    assert [layer.op for layer in network.analyze().layers] == ["slice", "linear"]


def test_sums_of_no_products_are_zero(tmp_path: Path) -> None:
    made = model(
        [
            node("Slice", ["x", "zero", "zero", "axis"], ["a"]),
            node("Transpose", ["a"], ["b"], perm=[0, 2, 1]),
            node("MatMul", ["a", "b"], ["c"]),
            node("MatMul", ["c", "x"], ["d"]),
            node("Add", ["d", "x"], ["y"]),
        ],
        {"x": [1, 5, 4]},
        {"zero": np.array([0]), "axis": np.array([2])},
    )
    assert_as_onnxruntime(tmp_path, made)


def test_an_output_without_elements_is_shown_run_and_verified(tmp_path: Path) -> None:
    made = model(
        [
            node("MatMul", ["x", "w"], ["y"]),
            node("Slice", ["x", "end", "end", "axis"], ["a"]),
            node("Softmax", ["a"], ["z"], axis=1),
        ],
        {"x": [1, 5, 4]},
        {"end": np.array([5]), "axis": np.array([1]), "w": weights(4, 4)},
        ("y", "z"),
    )
    network = archcalc.load(str(write(tmp_path, made)))
    assert [network.graph.shape(ref) for ref in network.graph.outputs.values()] == [(5, 4), (0, 4)]
    assert network.analyze().totals.macs == 5 * 16
    assert network.run(seed=0).outputs["z"].shape == (1, 0, 4)
    checks = [*verify(network.graph, weights=network.arrays())]
    assert {check.aspect: check.differences for check in checks if check.differences} == {}
    assert len(checks) > 3


def test_an_input_without_elements_is_joined_with_another(tmp_path: Path) -> None:
    """As decoders join the keys of earlier tokens, of which there are none at first."""
    made = model(
        [node("Concat", ["past", "x"], ["all"], axis=1), node("MatMul", ["all", "w"], ["y"])],
        {"x": [1, 5, 4], "past": [1, 0, 4]},
        {"w": weights(4, 4)},
    )
    network = archcalc.load(str(write(tmp_path, made)))
    assert network.graph.inputs == {"x": (5, 4), "past": (0, 4)}
    found = network.run({"x": np.ones((1, 5, 4)), "past": np.zeros((1, 0, 4))})
    np.testing.assert_allclose(found.output, np.ones((1, 5, 4)) @ weights(4, 4), rtol=1e-5)


def test_other_sizes_than_those_that_make_a_tensor_empty(tmp_path: Path) -> None:
    made = model(
        [
            node("Split", ["x", "lengths"], ["none", "all"], axis=1),
            node("ReduceSum", ["none", "axes"], ["sum"], keepdims=1),
            node("Add", ["all", "sum"], ["y"]),
        ],
        {"x": ["batch", "n", 4]},
        {"lengths": np.array([0, 5]), "axes": np.array([1])},
    )
    path = write(tmp_path, made)
    assert archcalc.load(str(path), shapes={"x": (5, 4)}).analyze().layers[-1].output == (5, 4)
    with pytest.raises(SpecError, match="do not fit"):
        archcalc.load(str(path), shapes={"x": (6, 4)})


def test_a_convolution_does_not_make_a_tensor_without_elements(tmp_path: Path) -> None:
    made = model([node("Conv", ["x", "w"], ["y"])], {"x": [1, 2, 2, 2]}, {"w": weights(2, 2, 3, 3)})
    with pytest.raises(SpecError, match="a window of 3 does not fit into an axis of size 2"):
        archcalc.load(str(write(tmp_path, made)))


def test_a_layer_that_cannot_read_a_tensor_without_elements(tmp_path: Path) -> None:
    made = model(
        [node("ScatterElements", ["x", "indices", "updates"], ["y"], axis=1)],
        {"x": [1, 4], "indices": [1, 0], "updates": [1, 0]},
        formats={"indices": TensorProto.INT64},
    )
    with pytest.raises(SpecError, match="scatter of a tensor without elements is not supported: 4 and 0 and 0"):
        archcalc.load(str(write(tmp_path, made)))


def test_a_reshape_that_would_make_numbers_of_none(tmp_path: Path) -> None:
    made = model([node("Reshape", ["x", "shape"], ["y"])], {"x": [1, 0, 4]}, {"shape": np.array([1, 8])})
    with pytest.raises(SpecError, match="cannot reshape array of size 0"):
        archcalc.load(str(write(tmp_path, made)))


def test_a_spec_cannot_express_a_tensor_without_elements(tmp_path: Path) -> None:
    path = write(tmp_path, model([node("Relu", ["x"], ["y"])], {"x": [1, 0, 4]}))
    with pytest.raises(SpecError, match="'x' is a tensor without elements, which a spec cannot express"):
        write_graph(archcalc.load(str(path)).graph)


@pytest.mark.parametrize(
    "made",
    [
        node("CumProd", ["x", "axis"], ["y"]),
        node("Hardmax", ["x"], ["y"], axis=1),
        node("MeanVarianceNormalization", ["x"], ["y"], axes=[0, 1, 2]),
        node("LayerNormalization", ["x", "scale"], ["y"]),
        node("Flatten", ["x"], ["y"], axis=-3),
    ],
    ids=lambda made: made.op_type,
)
def test_whatever_is_computed_of_no_numbers_has_none(tmp_path: Path, made: Any) -> None:
    arrays = {"axis": np.array(1), "scale": weights(4)}
    read = {name: array for name, array in arrays.items() if name in made.input}
    path = write(tmp_path, model([made], {"x": [1, 0, 4]}, read, opset=26 if made.op_type == "CumProd" else OPSET))
    network = archcalc.load(str(path), batch_axes={"x": None})
    (layer,) = network.analyze().layers
    assert (layer.output, layer.macs, layer.operations) == ((1, 0) if made.op_type == "Flatten" else (1, 0, 4), 0, {})


def test_constants_whose_sizes_depend_on_numbers(tmp_path: Path) -> None:
    made = model(
        [node("Unique", ["w"], ["u"]), node("MatMul", ["x", "w"], ["a"]), node("Add", ["a", "u"], ["y"])],
        {"x": [1, 2]},
        {"w": np.array([[1, 2], [2, 1]], np.float32)},
    )
    assert_as_onnxruntime(tmp_path, made)
