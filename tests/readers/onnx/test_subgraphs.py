"""Loops are their iterations, with the shapes, counts and values of ONNX Runtime; unknown counts are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import GraphProto, ModelProto, TensorProto, helper, numpy_helper

from tests.readers.onnx.models import model, weights
from tests.readers.onnx.test_networks import assert_as_onnxruntime, read, refused

node = helper.make_node
NONE: dict[str, Any] = {"batch_axes": {"x": "none"}}


def value(name: str, kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, None if kind == TensorProto.FLOAT else [])


def body(nodes: Sequence[Any], states: Sequence[str], outputs: Sequence[str], **arrays: Any) -> GraphProto:
    """Return the body of a loop that goes on as long as before."""
    return helper.make_graph(
        [*nodes, node("Identity", ["goes_on"], ["still"])],
        "body",
        [value("i", TensorProto.INT64), value("goes_on", TensorProto.BOOL), *map(value, states)],
        [value("still", TensorProto.BOOL), *map(value, outputs)],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )


def refinement(count: Any) -> ModelProto:
    """Return a network that applies the same weights again and again, and keeps what it made."""
    inner = body(
        [
            node("Constant", [], ["own"], value=numpy_helper.from_array(weights(4, 4))),
            node("Transpose", ["own"], ["turned"]),
            node("MatMul", ["state", "turned"], ["a"]),
            node("MatMul", ["a", "stored"], ["b"]),
            node("MatMul", ["b", "outer"], ["c"]),
            node("Tanh", ["c"], ["next"]),
            node("Relu", ["next"], ["kept"]),
        ],
        ["state"],
        ["next", "kept"],
        stored=weights(4, 4, seed=1),
    )
    given = {} if count is None else {"n": np.array(count)}
    return model(
        [
            node("Loop", ["n", "", "x"], ["last", "all"], name="/body/Loop", body=inner),
            node("ReduceSum", ["all", "first"], ["sum"], keepdims=0),
            node("Add", ["last", "sum"], ["y"]),
        ],
        {"x": [1, 3, 4], **({"n": []} if count is None else {})},
        {"outer": weights(4, 4, seed=2), "first": np.array([0]), **given},
        formats={"n": TensorProto.INT64},
    )


def test_a_loop_with_a_known_count(tmp_path: Path) -> None:
    network = assert_as_onnxruntime(tmp_path, refinement(3))
    totals = network.analyze().totals
    assert (totals.params, totals.macs) == (3 * 16, 3 * 3 * 3 * 4 * 4)
    assert "body/Loop/2/tanh" in [each.name for each in network.graph.nodes]


def test_what_iterations_compute_from_weights_is_stored_once(tmp_path: Path) -> None:
    inner = body(
        [
            node("Split", ["biases"], ["first", "second"], num_outputs=2),
            node("Slice", ["w", "zero", "four"], ["part"]),
            node("MatMul", ["state", "part"], ["a"]),
            node("Add", ["a", "first"], ["b"]),
            node("LayerNormalization", ["b", "scale", "second"], ["c"]),
            node("Squeeze", ["slope", "zero"], ["slopes"]),
            node("PRelu", ["c", "slopes"], ["d"]),
            node("LSTM", ["d", "lw", "lr"], ["", "h"], hidden_size=4),
            node("Add", ["d", "h"], ["next"]),
        ],
        ["state"],
        ["next"],
    )
    arrays = {
        "biases": weights(8),
        "w": weights(8, 4),
        "scale": weights(4, seed=1),
        "slope": weights(1, 1, 4),
        "lw": weights(1, 16, 4),
        "lr": weights(1, 16, 4, seed=1),
    }
    numbers = {"n": np.array(3), "zero": np.array([0]), "four": np.array([4])}
    made = model([node("Loop", ["n", "", "x"], ["y"], body=inner)], {"x": [1, 1, 4]}, {**arrays, **numbers})
    network = read(tmp_path, made, **NONE)
    assert network.analyze().totals.trainable == sum(each.size for each in arrays.values()) - 4 * 4
    x = np.random.default_rng(1).standard_normal((1, 1, 4)).astype(np.float32)
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = network.run({"x": x[np.newaxis]}).outputs.values()
    np.testing.assert_allclose(found[0], session.run(None, {"x": x})[0], rtol=1e-4, atol=1e-5)


def test_the_count_of_a_loop_is_asked_for(tmp_path: Path) -> None:
    problem = refused(tmp_path, refinement(None))
    assert problem.message == "'Loop' of 'body': how often it runs depends on the numbers in 'n'"
    assert problem.hint == "give them with --input n=NUMBER"
    assert read(tmp_path, refinement(None), values={"n": "5"}).analyze().totals.macs == 5 * 3 * 48
    once = read(tmp_path, refinement(None), partial=True)
    assert once.analyze().totals.macs == 3 * 48
    assert not once.analyze().totals.is_complete
    assert any("how often it runs is not known" in note for note in once.graph.notes)


def test_a_loop_that_a_condition_ends(tmp_path: Path) -> None:
    """The number of the iteration decides, and a tensor doubles its size in each."""
    inner = helper.make_graph(
        [
            node("Concat", ["state", "state"], ["next"], axis=1),
            node("Less", ["i", "last"], ["still"]),
        ],
        "body",
        [value("i", TensorProto.INT64), value("goes_on", TensorProto.BOOL), value("state")],
        [value("still", TensorProto.BOOL), value("next")],
    )
    made = model(
        [node("Loop", ["", "yes", "x"], ["z"], body=inner), node("Relu", ["z"], ["y"])],
        {"x": [1, 3, 4]},
        {"last": np.array(1), "yes": np.array(True)},
    )
    assert assert_as_onnxruntime(tmp_path, made).graph.nodes[-1].output == (12, 4)


def test_a_loop_in_a_loop(tmp_path: Path) -> None:
    inner = body([node("MatMul", ["s", "w"], ["t"])], ["s"], ["t"], w=weights(4, 4))
    outer = body([node("Loop", ["two", "", "u"], ["v"], body=inner), node("Tanh", ["v"], ["z"])], ["u"], ["z"])
    made = model(
        [node("Loop", ["three", "", "x"], ["y"], body=outer)],
        {"x": [1, 3, 4]},
        arrays={
            "two": np.array(2),
            "three": np.array(3),
        },
    )
    totals = assert_as_onnxruntime(tmp_path, made).analyze().totals
    assert (totals.params, totals.macs) == (16, 6 * 48)


@pytest.mark.parametrize("directions", [(0, 0), (1, 0), (1, 1)])
def test_a_scan_over_the_positions_of_a_sequence(tmp_path: Path, directions: tuple[int, int]) -> None:
    """A recurrent layer as frameworks write it that have no operator for theirs."""
    step = helper.make_graph(
        [
            node("MatMul", ["at", "w"], ["a"]),
            node("MatMul", ["state", "r"], ["b"]),
            node("Add", ["a", "b"], ["c"]),
            node("Tanh", ["c"], ["next"]),
            node("Identity", ["next"], ["kept"]),
        ],
        "step",
        [value("state"), value("at")],
        [value("next"), value("kept")],
    )
    backwards, made_backwards = directions
    made = model(
        [
            node(
                "Scan",
                ["zeros", "x"],
                ["last", "y"],
                body=step,
                num_scan_inputs=1,
                scan_input_axes=[1],
                scan_output_axes=[1],
                scan_input_directions=[backwards],
                scan_output_directions=[made_backwards],
            ),
        ],
        {"x": [1, 6, 3]},
        {"w": weights(3, 5), "r": weights(5, 5), "zeros": np.zeros((1, 5), np.float32)},
    )
    network = assert_as_onnxruntime(tmp_path, made)
    assert network.graph.nodes[-1].output == (6, 5)
    totals = network.analyze().totals
    assert totals.params - totals.trainable <= 5
    assert totals.macs == 6 * (15 + 25)


def test_the_branch_that_numbers_decide_is_not_counted(tmp_path: Path) -> None:
    def branch(width: int) -> GraphProto:
        array = numpy_helper.from_array(weights(4, width), "own")
        made = helper.make_tensor_value_info("made", TensorProto.FLOAT, None)
        return helper.make_graph([node("MatMul", ["x", "own"], ["made"])], "branch", [], [made], [array])

    made = model(
        [
            node("ReduceMax", ["x"], ["largest"], keepdims=0),
            node("Greater", ["largest", "zero"], ["c"]),
            node("If", ["c"], ["z"], then_branch=branch(2), else_branch=branch(3)),
            node("MatMul", ["z", "w"], ["y"]),
            node("MatMul", ["x", "v"], ["other"]),
        ],
        {"x": [1, 4]},
        {"zero": np.array(0, np.float32), "w": weights(2, 5), "v": weights(4, 3)},
        ("y", "other"),
    )
    problem = refused(tmp_path, made, **NONE)
    assert problem.message == "'If': which branch is taken depends on the numbers in 'x'"
    network = read(tmp_path, made, partial=True, **NONE)
    assert network.analyze().totals.macs == 12
    (note,) = (each for each in network.graph.notes if "lower bound" in each)
    assert "1 × onnx.If: which branch is taken is not known" in note
    assert "1 × onnx.MatMul: the sizes of what it reads are not known" in note


@pytest.mark.parametrize("direction", [0, 1])
@pytest.mark.parametrize("lengths", [None, [3, 1], [2, 3]])
def test_a_scan_of_a_batch_of_sequences(tmp_path: Path, lengths: list[int] | None, direction: int) -> None:
    """As before version 9 of the operators: every sequence has its length, and zeros follow what is made of it."""
    step = helper.make_graph(
        [node("Add", ["state", "at"], ["next"]), node("MatMul", ["next", "w"], ["kept"])],
        "step",
        [value("state"), value("at")],
        [value("next"), value("kept")],
        [numpy_helper.from_array(weights(4, 4), "w")],
    )
    given = [] if lengths is None else ["lengths"]
    arrays = {} if lengths is None else {"lengths": np.array(lengths)}
    scan = node(
        "Scan", [*(given or [""]), "zero", "x"], ["last", "y"], body=step, num_scan_inputs=1, directions=[direction]
    )
    sizes = {"x": [2, 3, 4], "zero": [2, 4]}
    made = model([scan], sizes, arrays, ("last", "y"), opset=8)
    network = read(tmp_path, made, batch_axes={"x": None, "zero": None})
    assert network.analyze().totals.macs == sum(lengths or [3, 3]) * 16
    inputs = {name: np.random.default_rng(1).standard_normal(each).astype(np.float32) for name, each in sizes.items()}
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    found = network.run({name: each[np.newaxis] for name, each in inputs.items()}).outputs.values()
    for one, other in zip(found, session.run(None, inputs), strict=True):
        np.testing.assert_allclose(one[0], other, rtol=1e-4, atol=1e-5)


def test_a_scan_of_sequences_of_computed_lengths(tmp_path: Path) -> None:
    step = helper.make_graph(
        [node("Add", ["state", "at"], ["next"])], "step", [value("state"), value("at")], [value("next")]
    )
    scan = node("Scan", ["lengths", "zero", "x"], ["y"], body=step, num_scan_inputs=1)
    sizes = {"x": [1, 3, 4], "zero": [1, 4], "lengths": [1]}
    made = model([scan], sizes, formats={"lengths": TensorProto.INT64}, opset=8)
    problem = refused(tmp_path, made)
    assert problem.message == "'Scan': how often it runs depends on the numbers in 'lengths'"
    assert problem.hint == "give them with --input lengths=NUMBER"
    assert read(tmp_path, made, values={"lengths": "2"}).analyze().totals.flops == 2 * 4


def test_a_scan_with_fewer_lengths_than_sequences_is_refused(tmp_path: Path) -> None:
    step = helper.make_graph(
        [node("Add", ["state", "at"], ["next"])], "step", [value("state"), value("at")], [value("next")]
    )
    scan = node("Scan", ["lengths", "zero", "x"], ["y"], body=step, num_scan_inputs=1)
    made = model([scan], {"x": [2, 3, 4], "zero": [2, 4]}, {"lengths": np.array([2])}, opset=8)
    assert refused(tmp_path, made).message == "node 'Scan' has lengths of 1 of 2 sequences"
