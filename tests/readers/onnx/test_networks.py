"""Files of ONNX are read to networks with the names, sizes, weights and results that they have in ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, TensorProto, defs, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import archcalc
from archcalc import Network, SpecError
from tests.readers.onnx.models import convolutions, model, weights, write

node = helper.make_node


def read(folder: Path, made: ModelProto, **options: Any) -> Network:
    return archcalc.load(str(write(folder, made)), **options)


def refused(folder: Path, made: ModelProto, **options: Any) -> Any:
    with pytest.raises(SpecError) as caught:
        read(folder, made, **options)
    (problem,) = caught.value.problems
    return problem


def assert_as_onnxruntime(folder: Path, made: ModelProto, **options: Any) -> Network:
    """Require that a network has the results of ONNX Runtime, which has the batch in front."""
    network = read(folder, made, **options)
    plain = onnxruntime.SessionOptions()  # optimisations may compute with integers where the model has real numbers
    plain.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(made.SerializeToString(), plain, providers=["CPUExecutionProvider"])
    given = {}
    for name, shape in network.graph.inputs.items():
        given[name] = np.random.default_rng(1).standard_normal((1, *shape)).astype(np.float32)
    numbers = {name: np.array(value) for name, value in options.get("values", {}).items()}
    expected = session.run(None, {**given, **numbers})
    for found, needed in zip(network.run(given).outputs.values(), expected, strict=True):
        assert found.shape == needed.shape
        np.testing.assert_allclose(found, needed, rtol=1e-4, atol=1e-5)
    return network


def test_a_convolutional_network(tmp_path: Path) -> None:
    network = assert_as_onnxruntime(tmp_path, convolutions())
    names = [each.name for each in network.graph.nodes]
    assert names == ["x", "stem", "act", "body/0", "pool", "flatten", "fc"]
    totals = network.analyze().totals
    assert totals.params == 8 * 27 + 8 + 16 * 72 + 10 * 16 + 10
    assert totals.macs == 16 * 16 * 8 * 27 + 8 * 8 * 16 * 72 + 160


def test_sizes_that_the_file_leaves_open(tmp_path: Path) -> None:
    made = convolutions(size="side")
    problem = refused(tmp_path, made)
    assert problem.message == "the file leaves sizes open: H of 'x'"
    assert "--shape x=3xHxW" in problem.hint
    assert_as_onnxruntime(tmp_path, made, shapes="3x20x20")
    form = archcalc.formula(str(tmp_path / "net.onnx"), "macs", free=("side",))
    assert form.forms[0].write(archcalc_text()) == "216·side² + 1152·⌊(side + 1)/2⌋² + 160"


def archcalc_text() -> Any:
    from archcalc.numeric.symbolic.writer import TEXT

    return TEXT


def test_integers_that_follow_the_sizes(tmp_path: Path) -> None:
    """A reshape to sizes that nodes compute, as exporters write it for inputs of any size."""
    made = model(
        [
            node("Conv", ["x", "w"], ["a"]),
            node("Shape", ["a"], ["s"]),
            node("Gather", ["s", "zero"], ["batch"]),
            node("Gather", ["s", "two"], ["height"]),
            node("Gather", ["s", "three"], ["width"]),
            node("Mul", ["height", "width"], ["positions"]),
            node("Unsqueeze", ["batch", "axes"], ["b1"]),
            node("Unsqueeze", ["positions", "axes"], ["p1"]),
            node("Concat", ["b1", "four", "p1"], ["target"], axis=0),
            node("Reshape", ["a", "target"], ["r"]),
            node("Transpose", ["r"], ["y"], perm=[0, 2, 1]),
        ],
        {"x": ["batch", 3, "height", "width"]},
        {
            "w": weights(4, 3, 1, 1),
            "zero": np.array(0),
            "two": np.array(2),
            "three": np.array(3),
            "axes": np.array([0]),
            "four": np.array([4]),
        },
    )
    network = assert_as_onnxruntime(tmp_path, made, shapes="3x5x6")
    assert network.graph.nodes[-1].output == (30, 4)
    forms = archcalc.formula(str(tmp_path / "net.onnx"), "shape", free=("height", "width"))
    assert forms.forms[0].write(archcalc_text()) == "height·width x 4"


@pytest.mark.parametrize("rate", [16000, 8000])
def test_a_branch_by_the_value_of_an_input(tmp_path: Path, rate: int) -> None:
    def branch(array: str) -> Any:
        output = helper.make_tensor_value_info(f"out_{array}", TensorProto.FLOAT, None)
        return helper.make_graph([node("MatMul", ["x", array], [f"out_{array}"])], array, [], [output])

    made = model(
        [
            node("Equal", ["sr", "known"], ["c"]),
            node("If", ["c"], ["y"], then_branch=branch("wide"), else_branch=branch("narrow")),
        ],
        {"x": [1, 4], "sr": []},
        {"known": np.array(16000), "wide": weights(4, 6), "narrow": weights(4, 2)},
        formats={"sr": TensorProto.INT64},
    )
    assert "--input sr=NUMBER" in refused(tmp_path, made).hint
    network = assert_as_onnxruntime(tmp_path, made, values={"sr": rate})
    assert [*network.graph.outputs] == ["output"]
    assert network.analyze().totals.params == (24 if rate == 16000 else 8)


def test_sizes_by_the_numbers_of_an_input(tmp_path: Path) -> None:
    made = model(
        [
            node("ConstantOfShape", ["sizes"], ["zeros"]),
            node("Range", ["start", "limit", "step"], ["places"]),
            node("Add", ["zeros", "places"], ["table"]),
            node("Add", ["x", "table"], ["y"]),
        ],
        {"x": [1, 1, 3], "sizes": [2], "start": [], "limit": [], "step": []},
        formats={"sizes": TensorProto.INT64},
    )
    assert refused(tmp_path, made).hint == "give them with --input sizes=NUMBER"
    problem = refused(tmp_path, made, values={"sizes": [4, 3]})
    assert problem.hint == "give them with --input start=NUMBER --input limit=NUMBER --input step=NUMBER"
    values = {"sizes": [4, 3], "start": np.float32(5), "limit": np.float32(0), "step": np.float32(-2)}
    network = assert_as_onnxruntime(tmp_path, made, values=values)
    assert network.graph.nodes[-1].output == (4, 3)


def test_a_power_with_computed_exponents(tmp_path: Path) -> None:
    made = model([node("Exp", ["x"], ["b"]), node("Pow", ["b", "e"], ["y"])], {"x": [1, 4, 3], "e": [1, 4, 3]})
    assert_as_onnxruntime(tmp_path, made)


def test_weights_in_other_forms(tmp_path: Path) -> None:
    """A weight behind Identity, Transpose, Cast or DequantizeLinear, or in a Constant node, is that of its layer."""
    made = model(
        [
            node("Identity", ["w1"], ["i"]),
            node("Conv", ["x", "i"], ["a"]),
            node("Flatten", ["a"], ["f"]),
            node("Transpose", ["w2"], ["t"], perm=[1, 0]),
            node("MatMul", ["f", "t"], ["b"]),
            node("Cast", ["w3"], ["c3"], to=TensorProto.FLOAT),
            node("MatMul", ["b", "c3"], ["c"]),
            node("DequantizeLinear", ["w4", "scale", "zero"], ["q4"]),
            node("MatMul", ["c", "q4"], ["d"]),
            node("Constant", [], ["w5"], value=numpy_helper.from_array(weights(5, 2))),
            node("MatMul", ["d", "w5"], ["y"]),
        ],
        {"x": [1, 3, 4, 4]},
        {
            "w1": weights(2, 3, 1, 1),
            "w2": weights(7, 32),
            "w3": weights(7, 6).astype(np.float16),
            "w4": np.arange(30, dtype=np.int8).reshape(6, 5),
            "scale": np.array(0.01, np.float32),
            "zero": np.array(3, np.int8),
        },
    )
    network = assert_as_onnxruntime(tmp_path, made)
    assert network.analyze().totals.params == 6 + 7 * 32 + 42 + 30 + 10
    assert [each.op.name for each in network.graph.nodes[1:]] == ["conv", "flatten", "fc", "fc", "fc", "fc"]


def test_biases_that_are_added_to_convolutions(tmp_path: Path) -> None:
    """PaddlePaddle's exporter adds them, and TensorFlow's where it cannot fold them."""
    nodes = [
        node("Conv", ["x", "w"], ["a"]),
        node("Add", ["a", "b"], ["c"]),
        node("ConvTranspose", ["c", "v"], ["d"]),
        node("Add", ["one", "d"], ["e"]),
        node("Conv", ["e", "u"], ["f"]),
        node("Add", ["f", "not_channels"], ["g"]),
        node("Conv", ["g", "u"], ["h"]),
        node("Add", ["h", "t"], ["i"]),
        node("Add", ["i", "h"], ["y"]),
    ]
    arrays = {
        "w": weights(4, 3, 3, 3),
        "b": weights(1, 4, 1, 1),
        "v": weights(4, 1, 2, 2),
        "one": weights(1, 1, 1, 1),
        "u": weights(1, 1, 1, 1, seed=1),
        "not_channels": weights(1, 1, 1, 7),
        "t": weights(1, 1, 1),
    }
    network = assert_as_onnxruntime(tmp_path, model(nodes, {"x": ["batch", 3, 8, 8]}, arrays))
    assert [each.op.name for each in network.graph.nodes[1:]] == [
        *("conv", "upconv", "conv", "learned", "add", "conv", "offset", "add"),
    ]
    assert [each.op.bias for each in network.graph.nodes if "conv" in each.op.name] == [True, True, False, False]
    assert network.analyze().totals.params == sum(each.size for name, each in arrays.items() if name != "t")


def test_parameters_that_are_joined_with_tensors_of_fewer_axes(tmp_path: Path) -> None:
    nodes = [node("ReduceMean", ["x", "first"], ["m"], keepdims=0), node("Mul", ["m", "p"], ["y"])]
    made = model(nodes, {"x": [3, 4]}, {"first": np.array([0]), "p": weights(1, 4)})
    network = read(tmp_path, made, batch_axes={"x": None})
    (output,) = network.graph.outputs.values()
    assert network.graph.shape(output) == (1, 4)


def test_a_bias_of_one_number_is_a_parameter(tmp_path: Path) -> None:
    made = model(
        [
            node("Conv", ["x", "w", "b"], ["a"]),
            node("Flatten", ["a"], ["f"]),
            node("MatMul", ["f", "m"], ["p"]),
            node("Add", ["p", "c"], ["y"]),
        ],
        {"x": [1, 3, 4, 4]},
        {"w": weights(1, 3, 1, 1), "b": weights(1), "m": weights(16, 1), "c": weights(1)},
    )
    assert assert_as_onnxruntime(tmp_path, made).analyze().totals.trainable == 3 + 1 + 16 + 1


def test_a_mask_is_not_a_parameter(tmp_path: Path) -> None:
    mask = np.triu(np.full((4, 4), -np.inf, np.float32), 1)
    made = model(
        [node("MatMul", ["x", "w"], ["a"]), node("Add", ["a", "mask"], ["b"]), node("Softmax", ["b"], ["y"], axis=-1)],
        {"x": [1, 4, 3]},
        {"w": weights(3, 4), "mask": mask},
    )
    assert assert_as_onnxruntime(tmp_path, made).analyze().totals.trainable == 12


def test_cosines_and_sines_of_the_same_angles_are_not_parameters(tmp_path: Path) -> None:
    """Two other tables, of which one is constant, are parameters, although their squares add up to 1 as well."""
    angles = np.outer(np.arange(4), 10.0 ** -np.arange(6)).astype(np.float32)
    arrays = {
        "cos": np.cos(angles),
        "sin": np.sin(angles),
        "ones": np.ones((4, 6), "f4"),
        "zeros": np.zeros((4, 6), "f4"),
    }
    made = model(
        [
            *(node("Mul", ["x", name], [f"{name}_product"]) for name in arrays),
            node("Sum", [f"{name}_product" for name in arrays], ["y"]),
        ],
        {"x": [1, 4, 6]},
        arrays,
    )
    assert assert_as_onnxruntime(tmp_path, made).analyze().totals.trainable == 2 * 24


def test_a_root_mean_square_norm_by_a_reciprocal(tmp_path: Path) -> None:
    made = model(
        [
            node("Pow", ["x", "two"], ["squares"]),
            node("ReduceMean", ["squares"], ["mean"], axes=[-1]),
            node("Add", ["mean", "eps"], ["a"]),
            node("Sqrt", ["a"], ["root"]),
            node("Reciprocal", ["root"], ["r"]),
            node("Mul", ["x", "r"], ["b"]),
            node("Mul", ["scale", "b"], ["y"]),
        ],
        {"x": [1, 4, 6]},
        {"two": np.float32(2), "eps": np.float32(1e-6), "scale": weights(6)},
        opset=17,
    )
    network = assert_as_onnxruntime(tmp_path, made)
    assert [type(each.op).__name__ for each in network.graph.nodes[1:]] == ["RmsNorm"]
    assert network.analyze().totals.params == 6


def test_formulas_that_have_names(tmp_path: Path) -> None:
    """A decomposed GELU, and SiLU, are one layer each."""
    made = model(
        [
            node("MatMul", ["x", "w"], ["a"]),
            node("Div", ["a", "root"], ["d"]),
            node("Erf", ["d"], ["e"]),
            node("Add", ["e", "one"], ["f"]),
            node("Mul", ["a", "f"], ["g"]),
            node("Mul", ["g", "half"], ["h"]),
            node("Sigmoid", ["h"], ["i"]),
            node("Mul", ["h", "i"], ["y"]),
        ],
        {"x": [1, 4, 3]},
        {
            "w": weights(3, 5),
            "root": np.array(2**0.5, np.float32),
            "one": np.array(1, np.float32),
            "half": np.array(0.5, np.float32),
        },
    )
    network = assert_as_onnxruntime(tmp_path, made)
    assert [each.op.name for each in network.graph.nodes[1:]] == ["linear", "gelu", "silu"]


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_recurrent_layers(tmp_path: Path, kind: str) -> None:
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
    made = model(
        [
            node(kind, ["x", "w", "r", "b"], ["a", "h"], hidden_size=5, direction="bidirectional"),
            node("Transpose", ["a"], ["t"], perm=[0, 2, 1, 3]),
            node("Reshape", ["t", "shape"], ["y"]),
        ],
        {"x": [7, 1, 3]},
        {
            "w": weights(2, gates * 5, 3),
            "r": weights(2, gates * 5, 5),
            "b": weights(2, gates * 10),
            "shape": np.array([0, 0, -1]),
        },
    )
    network = read(tmp_path, made, batch_axes={"x": 1})
    x = np.random.default_rng(2).standard_normal((7, 1, 3)).astype(np.float32)
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"x": x})
    found = network.run({"x": x.transpose(1, 0, 2)}).outputs["output"]
    np.testing.assert_allclose(found[0], expected[:, 0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("outputs", [("a", "h"), ("", "h"), ("a",)])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_recurrent_layers_that_read_backwards(tmp_path: Path, kind: str, outputs: tuple[str, ...]) -> None:
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
    used = [name for name in outputs if name]
    made = model(
        [
            node(kind, ["x", "w", "r"], list(outputs), hidden_size=5, direction="reverse"),
            *(node("Relu", [name], [f"y{name}"]) for name in used),
        ],
        {"x": [6, 1, 4]},
        {"w": weights(1, 5 * gates, 4), "r": weights(1, 5 * gates, 5)},
        tuple(f"y{name}" for name in used),
    )
    network = read(tmp_path, made, batch_axes={"x": "none"})
    x = np.random.default_rng(0).standard_normal((6, 1, 4)).astype(np.float32)
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    for found, needed in zip(network.run({"x": x[None]}).outputs.values(), session.run(None, {"x": x}), strict=True):
        np.testing.assert_allclose(found[0].reshape(needed.shape), needed, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_peepholes_of_an_lstm(tmp_path: Path, direction: str) -> None:
    directions = 1 + (direction == "bidirectional")
    made = model(
        [
            node("LSTM", ["x", "w", "r", "b", "", "", "", "p"], ["a", "h", "c"], hidden_size=5, direction=direction),
            *(node("Tanh", [name], [f"y{name}"]) for name in "ahc"),
        ],
        {"x": [6, 1, 4]},
        {
            "w": weights(directions, 20, 4),
            "r": weights(directions, 20, 5),
            "b": weights(directions, 40),
            "p": weights(directions, 15) * 9,  # other weights than those of other gates matter
        },
        ("ya", "yh", "yc"),
    )
    network = read(tmp_path, made, batch_axes={"x": "none"})
    x = np.random.default_rng(0).standard_normal((6, 1, 4)).astype(np.float32)
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    for found, needed in zip(network.run({"x": x[None]}).outputs.values(), session.run(None, {"x": x}), strict=True):
        np.testing.assert_allclose(found[0].reshape(needed.shape), needed, rtol=1e-4, atol=1e-5)
    assert network.analyze().totals.trainable == directions * (20 * 4 + 20 * 5 + 40 + 15)


@pytest.mark.parametrize("attributes", [{"clip": 3.0}, {"input_forget": 1}])
def test_cells_with_other_formulas_are_refused(tmp_path: Path, attributes: dict[str, Any]) -> None:
    made = model(
        [node("LSTM", ["x", "w", "r"], ["a"], hidden_size=5, **attributes), node("Relu", ["a"], ["y"])],
        {"x": [7, 1, 3]},
        {"w": weights(1, 20, 3), "r": weights(1, 20, 5)},
    )
    assert "clipping, or coupled gates" in refused(tmp_path, made, batch_axes={"x": 1}).hint


def test_initial_states_of_zeros_are_no_parameters(tmp_path: Path) -> None:
    """Exporters store them, or expand them to the batch."""
    made = model(
        [
            node("Expand", ["zeros", "sizes"], ["h"]),
            node("LSTM", ["x", "w", "r", "", "", "h", "zeros"], ["a"], hidden_size=5),
            node("Relu", ["a"], ["y"]),
        ],
        {"x": [7, 1, 3]},
        {
            "w": weights(1, 20, 3),
            "r": weights(1, 20, 5),
            "zeros": np.zeros((1, 1, 5), np.float32),
            "sizes": np.array([1, 1, 5]),
        },
    )
    network = read(tmp_path, made, batch_axes={"x": 1})
    assert network.analyze().totals.params == 20 * 3 + 20 * 5
    assert not network.graph.notes


def test_weights_that_are_joined_from_parts_of_others(tmp_path: Path) -> None:
    """TorchScript's exporter puts the gates of an LSTM into the order of ONNX like this if it does not fold them."""
    arrays = {"w": weights(20, 3), "r": weights(20, 5), "b": weights(20, seed=1), "c": weights(20, seed=2)}
    numbers = {str(at): np.array([at]) for at in range(0, 21, 5)}
    nodes = []
    for name in arrays:
        parts = [f"{name}.{gate}" for gate in (0, 15, 5, 10)]
        for part in parts:
            start = part[2:]
            nodes.append(node("Slice", [name, start, str(int(start) + 5), "0"], [part]))
        nodes.append(node("Concat", parts, [f"{name}.joined"], axis=0))
    nodes += [
        node("Concat", ["b.joined", "c.joined"], ["biases"], axis=0),
        *(node("Unsqueeze", [name, "0"], [f"{name}.one"]) for name in ("w.joined", "r.joined", "biases")),
        node("LSTM", ["x", "w.joined.one", "r.joined.one", "biases.one"], ["", "y"], hidden_size=5),
    ]
    made = model(nodes, {"x": [7, 1, 3]}, {**arrays, **numbers})
    network = read(tmp_path, made, batch_axes={"x": 1})
    assert network.analyze().totals.params == sum(each.size for each in arrays.values())
    x = np.random.default_rng(2).standard_normal((7, 1, 3)).astype(np.float32)
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = network.run({"x": x.transpose(1, 0, 2)}).outputs.values()
    np.testing.assert_allclose(found[0], session.run(None, {"x": x})[0][:, 0], rtol=1e-4, atol=1e-5)


def test_functions_stand_for_their_nodes(tmp_path: Path) -> None:
    function = helper.make_function(
        "local",
        "Twice",
        ["a", "m"],
        ["b"],
        [node("MatMul", ["a", "m"], ["inner"]), node("MatMul", ["inner", "m"], ["b"])],
        [helper.make_opsetid("", 18)],
    )
    made = model(
        [node("Twice", ["x", "w"], ["y"], domain="local")], {"x": [1, 4]}, {"w": weights(4, 4)}, functions=[function]
    )
    network = assert_as_onnxruntime(tmp_path, made)
    totals = network.analyze().totals
    assert (totals.macs, totals.params) == (32, 16)


def test_operators_of_onnxruntime(tmp_path: Path) -> None:
    fused = {"domain": "com.microsoft"}
    made = model(
        [
            node("FusedConv", ["x", "w", "b"], ["a"], activation="Relu", **fused),
            node("Reshape", ["a", "shape"], ["t"]),
            node("SkipLayerNormalization", ["t", "t", "g", "s"], ["n"], **fused),
            node("BiasGelu", ["n", "s"], ["y"], **fused),
        ],
        {"x": [1, 3, 4, 4]},
        {"w": weights(2, 3, 1, 1), "b": weights(2), "g": weights(8), "s": weights(8), "shape": np.array([0, 4, 8])},
    )
    assert_as_onnxruntime(tmp_path, made)


def test_a_quantized_network_counts_as_what_it_quantizes(tmp_path: Path) -> None:
    scale, zero = np.array(0.02, np.float32), np.array(128, np.uint8)
    made = model(
        [
            node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
            node("QLinearConv", ["q", "scale", "zero", "w", "ws", "wz", "scale", "zero"], ["r"]),
            node("DequantizeLinear", ["r", "scale", "zero"], ["y"]),
        ],
        {"x": [1, 3, 4, 4]},
        {
            "scale": scale,
            "zero": zero,
            "w": np.arange(-27, 27, dtype=np.int8).reshape(2, 3, 3, 3),
            "ws": np.array([0.01, 0.02], np.float32),
            "wz": np.zeros(2, np.int8),
        },
    )
    network = read(tmp_path, made)
    totals = network.analyze().totals
    assert (totals.macs, totals.params) == (2 * 2 * 2 * 27, 54)
    assert "to which a run rounds" in network.graph.notes[0]
    x = np.random.default_rng(0).uniform(-1, 1, (1, 3, 4, 4)).astype(np.float32)
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"x": x})
    found = network.run({"x": x}).outputs["output"]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_all_operators_that_are_not_understood_are_listed(tmp_path: Path) -> None:
    made = model(
        [
            node("Det", ["x"], ["a"]),
            node("NonZero", ["x"], ["n"]),
            node("Mystery", ["x"], ["m"], domain="custom"),
            node("Relu", ["x"], ["y"]),
        ],
        {"x": [1, 3, 3]},
        outputs=("y", "a", "n", "m"),
    )
    problem = refused(tmp_path, made)
    assert problem.code == "unknown-op"
    assert all(name in problem.hint for name in ("Det", "NonZero", "custom_Mystery"))


def test_external_data_may_be_missing(tmp_path: Path) -> None:
    made = convolutions()
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    network = read(tmp_path, made)
    (tmp_path / "whole").mkdir()
    whole = read(tmp_path / "whole", convolutions())
    assert network.analyze().totals.params == whole.analyze().totals.params
    with pytest.raises(SpecError, match=r"weights\.bin"):
        network.arrays()
    (tmp_path / "weights.bin").write_bytes(weights(8, 3, 3, 3).tobytes())
    arrays, others = network.arrays(), whole.arrays()
    assert arrays is not None
    assert others is not None
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, others[name])


def closed_form(folder: Path) -> tuple[str, list[str]]:
    """Return the closed form of the MACs of the file in its width, and its conditions."""
    forms = archcalc.formula(str(folder / "net.onnx"), "macs", free=("width",))
    return forms.forms[0].write(archcalc_text()), [archcalc_text().comparison(each) for each in forms.conditions]


def sized(*nodes: Any, **arrays: Any) -> ModelProto:
    """Return a network of any width that nodes compute something from, and a convolution behind them."""
    return model(
        [
            node("Shape", ["x"], ["s"], start=3, end=4),
            *nodes,
            node("Conv", ["z", "w"], ["y"]),
        ],
        {"x": [1, 3, 4, "width"]},
        {"w": weights(2, 3, 1, 1), **arrays},
    )


def test_chunks_of_a_measured_axis_of_which_the_last_one_is_smaller(tmp_path: Path) -> None:
    """As TorchScript's exporter writes `torch.chunk` for a size that it traces: in thirds, rounded up."""
    nodes = [
        node("Shape", ["x"], ["sizes"]),
        node("Gather", ["sizes", "axis"], ["n"]),
        node("Add", ["n", "two"], ["more"]),
        node("Div", ["more", "three"], ["one"]),
        *(node("Mul", ["one", name], [f"{name}.end"]) for name in ("two", "three")),
        node("Slice", ["x", "zero", "one", "axis"], ["a"]),
        node("Slice", ["x", "one", "two.end", "axis"], ["b"]),
        node("Slice", ["x", "two.end", "three.end", "axis"], ["c"]),
        node("Relu", ["b"], ["d"]),
        node("Concat", ["c", "d", "a"], ["y"], axis=1),
    ]
    numbers = {name: np.array([at]) for name, at in (("zero", 0), ("axis", 1), ("two", 2), ("three", 3))}
    made = model(nodes, {"x": ["batch", "length", 2]}, numbers)
    for length in (8, 9, 10):
        assert_as_onnxruntime(tmp_path, made, shapes={"x": f"{length}x2"})


def test_a_comparison_of_sizes_that_their_bounds_decide(tmp_path: Path) -> None:
    """Exporters compare sizes with −1 in targets of Expand; no condition is left of it."""
    made = sized(
        node("Concat", ["ones", "s"], ["target"], axis=0),
        node("Equal", ["target", "open"], ["is_open"]),
        node("Where", ["is_open", "replaced", "target"], ["sizes"]),
        node("Expand", ["x", "sizes"], ["z"]),
        ones=np.array([1, 3, 4]),
        open=np.array([-1]),
        replaced=np.array([1]),
    )
    assert_as_onnxruntime(tmp_path, made, shapes="3x4x7")
    assert closed_form(tmp_path) == ("24·width", [])


def test_a_branch_by_a_size_is_a_condition_of_the_closed_form(tmp_path: Path) -> None:
    def branch(name: str, operator: str, *inputs: str) -> Any:
        output = helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        return helper.make_graph([node(operator, ["x", *inputs], [name])], name, [], [output])

    made = sized(
        node("Squeeze", ["s"], ["width"]),
        node("Greater", ["width", "limit"], ["is_wide"]),
        node(
            "If",
            ["is_wide"],
            ["z"],
            then_branch=branch("pooled", "AveragePool"),
            else_branch=branch("same", "Relu"),
        ),
        limit=np.array(100),
    )
    for graph in (each.g for nodes in made.graph.node for each in nodes.attribute if each.name == "then_branch"):
        graph.node[0].attribute.extend([helper.make_attribute("kernel_shape", [1, 2])])
        graph.node[0].attribute.extend([helper.make_attribute("strides", [1, 2])])
    assert assert_as_onnxruntime(tmp_path, made, shapes="3x4x101").analyze().totals.macs == 24 * 50
    assert assert_as_onnxruntime(tmp_path, made, shapes="3x4x100").analyze().totals.macs == 24 * 100
    assert closed_form(tmp_path) == ("24·⌊width/2⌋", ["width ≥ 101"])


def test_paddings_that_follow_a_size_are_a_condition(tmp_path: Path) -> None:
    made = sized(
        node("Mod", ["s", "eight"], ["rest"]),
        node("Sub", ["eight", "rest"], ["missing"]),
        node("Concat", ["zeros", "missing"], ["widths"], axis=0),
        node("Pad", ["x", "widths"], ["z"]),
        eight=np.array([8]),
        zeros=np.zeros(7, np.int64),
    )
    assert_as_onnxruntime(tmp_path, made, shapes="3x4x13")
    assert closed_form(tmp_path) == ("24·(width + 8)", ["width % 8 == 0"])


@pytest.mark.parametrize("axis", [0, 1])
def test_elements_at_many_places_are_one_layer(tmp_path: Path, axis: int) -> None:
    """As the table of biases for all pairs of positions of a window, which few layers compute."""
    places = (np.arange(400).reshape(20, 20) * 7) % 30 - 15
    made = model(
        [node("MatMul", ["x", "w"], ["a"]), node("Gather", ["a", "places"], ["y"], axis=axis + 1)],
        {"x": ["batch", 30, 4]},
        {"w": weights(4, 30), "places": places},
    )
    network = assert_as_onnxruntime(tmp_path, made)
    assert [each.op.name for each in network.graph.nodes if not each.is_input] == ["linear", "constant", "take"]


@pytest.mark.parametrize(
    ("places", "layers"),
    [
        ([4, 5, 6], ["slice"]),
        ([1, 3, 5], ["slice"]),
        ([5, 6, 0, 1], ["slice", "slice", "concat"]),
        ([2, 2], ["slice", "slice", "concat"]),
    ],
)
def test_elements_at_neighbouring_places_are_slices(tmp_path: Path, places: list[int], layers: list[str]) -> None:
    made = model([node("Gather", ["x", "places"], ["y"], axis=1)], {"x": ["batch", 7, 3]}, {"places": np.array(places)})
    network = assert_as_onnxruntime(tmp_path, made)
    assert [each.op.name for each in network.graph.nodes if not each.is_input] == layers


def test_factors_of_a_resize_that_only_a_run_knows(tmp_path: Path) -> None:
    made = model(
        [node("Resize", ["x", "", "factors"], ["y"], mode="linear")],
        {"x": [1, 3, 4, 4], "factors": [4]},
    )
    made.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, 6, 6]))
    problem = refused(tmp_path, made, batch_axes={"factors": "none"})
    assert "1 × onnx.Resize: input 2 is computed, not fixed" in problem.hint


def test_options_that_do_not_fit_a_file(tmp_path: Path) -> None:
    made = model([node("Relu", ["x"], ["y"])], {"x": ["batch", 3, "height"]})
    problem = refused(tmp_path, made, batch_axes={"x": 3})
    assert (problem.origin, problem.message) == (
        "--batch-axis x",
        "the input 'x' has 3 axes, so there is no axis 3 (the first is 0)",
    )
    problem = refused(tmp_path, made, layers={"relu": "gelu"})
    assert (problem.origin, problem.message) == ("--layer relu", "only layers of a Keras model can be declared")


@pytest.mark.parametrize("form", ["INT8", "UINT8", "INT16", "UINT32", "INT32"])
@pytest.mark.parametrize(
    ("operator", "attributes"),
    [
        ("BitwiseAnd", {}),
        ("BitwiseOr", {}),
        ("BitwiseXor", {}),
        ("BitShift", {"direction": "LEFT"}),
        ("BitShift", {"direction": "RIGHT"}),
    ],
)
def test_bits_of_integers(tmp_path: Path, operator: str, attributes: dict[str, str], form: str) -> None:
    """In a run in double precision, which has all integers of these formats."""
    (allowed, *_) = [each.allowed_type_strs for each in defs.get_schema(operator).type_constraints]
    if f"tensor({form.lower()})" not in allowed:
        pytest.skip("this version of onnx shifts unsigned integers only")
    dtype = helper.tensor_dtype_to_np_dtype(TensorProto.DataType.Value(form))
    limits, rng = np.iinfo(dtype), np.random.default_rng(0)
    x = rng.integers(limits.min, limits.max, (1, 40), endpoint=True)
    y = rng.integers(0, limits.bits - 1, (1, 40)) if operator == "BitShift" else x[:, ::-1]
    made = model(
        [
            node("Cast", ["x"], ["a"], to=TensorProto.DataType.Value(form)),
            node(operator, ["a", "y"], ["b"], **attributes),
            node("BitwiseNot", ["b"], ["c"]),
            node("Cast", ["c"], ["z"], to=TensorProto.DOUBLE),
        ],
        {"x": [1, 40]},
        {"y": y.astype(dtype)},
        ("z",),
        formats={"x": TensorProto.DOUBLE, "z": TensorProto.DOUBLE},
        opset=defs.onnx_opset_version(),  # the first versions of shifts are of unsigned integers only
    )
    given = {"x": x.astype(np.float64)}
    (expected,) = ReferenceEvaluator(made).run(None, given)
    np.testing.assert_array_equal(read(tmp_path, made).run(given, dtype="float64").output, expected)


@pytest.mark.parametrize(("operator", "form"), [("Cast", "INT32"), ("Cast", "INT16"), ("BitCast", "UINT64")])
def test_conversions_of_small_integers_are_exact_in_single_precision(tmp_path: Path, operator: str, form: str) -> None:
    made = model(
        [
            node(operator, ["x"], ["a"], to=TensorProto.DataType.Value(form)),
            node("Cast", ["a"], ["y"], to=TensorProto.FLOAT),
        ],
        {"x": [1, 4]},
        formats={"x": TensorProto.INT64},
        opset=defs.onnx_opset_version(),
    )
    x = np.array([[5, 1000, 0, 32767 if operator == "BitCast" else -7]])
    np.testing.assert_array_equal(read(tmp_path, made).run({"x": x}).output, x)


@pytest.mark.parametrize("direction", ["LEFT", "RIGHT"])
def test_bits_of_integers_that_signed_ones_do_not_have(tmp_path: Path, direction: str) -> None:
    x = np.array([[2**63, 2**64 - 2**40, 2**63 + 2**50, 2**40]], np.uint64)
    made = model(
        [
            node("Cast", ["x"], ["a"], to=TensorProto.UINT64),
            node("BitShift", ["a", "by"], ["b"], direction=direction),
            node("BitwiseOr", ["b", "a"], ["c"]),
            node("Cast", ["c"], ["y"], to=TensorProto.DOUBLE),
        ],
        {"x": [1, 4]},
        {"by": np.array([[9, 1, 3, 23]], np.uint64)},
        formats={"x": TensorProto.DOUBLE, "y": TensorProto.DOUBLE},
    )
    by = made.graph.initializer[0]
    shifted = (np.left_shift if direction == "LEFT" else np.right_shift)(x, numpy_helper.to_array(by))
    given = {"x": x.astype(np.float64)}
    found = read(tmp_path, made).run(given, dtype="float64").output
    np.testing.assert_array_equal(found, (shifted | x).astype(np.float64))


def test_sizes_and_operators_of_older_versions_may_be_in_bfloat16(tmp_path: Path) -> None:
    """As PyTorch exports them: attention divides by the root of a size, and Conv has bfloat16 from version 22 on."""
    ml_dtypes = pytest.importorskip("ml_dtypes")
    nodes = [
        node("Conv", ["x", "w"], ["a"]),
        node("Shape", ["a"], ["shape"]),
        node("Gather", ["shape", "last"], ["n"]),
        node("Cast", ["n"], ["size"], to=TensorProto.BFLOAT16),
        node("Sqrt", ["size"], ["root"]),
        node("Div", ["a", "root"], ["y"]),
    ]
    arrays = {"w": weights(4, 3, 3, 3).astype(ml_dtypes.bfloat16), "last": np.array(-1)}
    formats = {"x": TensorProto.BFLOAT16, "y": TensorProto.BFLOAT16}
    path = write(tmp_path, model(nodes, {"x": ["n", 3, 7, "w"]}, arrays, formats=formats))
    x = np.random.default_rng(0).standard_normal((1, 3, 7, 7)).astype(ml_dtypes.bfloat16)
    (expected,) = ReferenceEvaluator(str(path)).run(None, {"x": x})  # type: ignore[misc]
    found = archcalc.load(str(path), shapes="3x7x7").run({"x": x.astype(np.float32)}).output
    np.testing.assert_allclose(found, expected.astype(np.float32), rtol=2.0**-6, atol=1e-3)


@pytest.mark.parametrize("stored", [False, True])
def test_nodes_that_read_text_are_listed(stored: bool, tmp_path: Path) -> None:
    nodes = [node("Identity", ["label"], ["same"]), node("Equal", ["same", "other"], ["y"])]
    inputs, text = {"label": ["n", 2], "other": [1, 2]}, {"other": np.array([["cat", "dog"]], object)}
    for name in text if stored else ():
        del inputs[name]
    formats = {"label": TensorProto.STRING, "other": TensorProto.STRING, "y": TensorProto.BOOL}
    made = model(nodes, inputs, text if stored else {}, formats=formats, opset=19)
    problem = refused(tmp_path, made)
    assert problem.code == "unknown-op"
    assert "1 × onnx.Identity: tensors of text" in problem.hint
    assert "1 × onnx.Equal: tensors of text" in problem.hint
    partial = read(tmp_path, made, partial=True)
    assert [node.output for node in partial.graph.nodes][-1] == (2,)
