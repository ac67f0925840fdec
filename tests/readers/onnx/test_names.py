"""Layers are called as the authors of their networks know them, whichever exporter wrote the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from onnx import NodeProto, helper

import archcalc
from tests.readers.onnx.models import model, weights, write

node = helper.make_node


def names(folder: Path, nodes: Sequence[NodeProto], arrays: dict[str, object]) -> list[str]:
    """Return the names of the layers behind the input."""
    path = write(folder, model(nodes, {"x": [1, 3, 8, 8]}, arrays))
    return [each.name for each in archcalc.load(str(path)).graph.nodes[1:]]


def test_layers_of_tensorflow_without_the_scope_of_the_model(tmp_path: Path) -> None:
    """A convolution with a batch norm folded in has the name of the batch norm, but the weight of its own layer."""
    weight = "net_1.00/stem/convolution/merged_input:0"
    found = names(
        tmp_path,
        [
            node("Conv", ["x", weight], ["a"], "net_1.00/stem_bn/batchnorm/mul_1"),
            node("Relu", ["a"], ["b"], "net_1.00/stem_relu/Relu"),
            node("Conv", ["b", "folded__7"], ["c"], "net_1.00/block/depthwise/depthwise"),
            node("GlobalAveragePool", ["c"], ["d"], "net_1.00/pool/Mean"),
            node("Squeeze", ["d", "axes"], ["e"], "net_1.00/pool/Mean_Squeeze__12"),
            node("MatMul", ["e", "net_1.00/head/MatMul/ReadVariableOp:0"], ["y"], "net_1.00/head/MatMul"),
        ],
        {
            weight: weights(4, 3, 1, 1),
            "folded__7": weights(4, 4, 1, 1),
            "axes": [2, 3],
            "net_1.00/head/MatMul/ReadVariableOp:0": weights(4, 2),
        },
    )
    assert found == ["stem", "stem_relu", "block/depthwise", "pool/gap", "pool/flatten", "head"]


def test_layers_of_paddlepaddle_after_their_weights(tmp_path: Path) -> None:
    found = names(
        tmp_path,
        [
            node("Conv", ["x", "conv2d_3.w_0"], ["a"], "Conv.0"),
            node("BatchNormalization", ["a", *(f"batch_norm2d_3.{each}" for each in WEIGHTS)], ["b"], "BatchNorm.0"),
            node("Relu", ["b"], ["c"], "Relu.0"),
            node("GlobalAveragePool", ["c"], ["d"], "GlobalAveragePool.0"),
            node("Flatten", ["d"], ["e"], "Flatten.0"),
            node("MatMul", ["e", "linear_0.w_0"], ["f"], "MatMul.0"),
            node("Add", ["f", "linear_0.b_0"], ["y"], "Add.0"),
        ],
        {
            "conv2d_3.w_0": weights(4, 3, 1, 1),
            **{f"batch_norm2d_3.{each}": abs(weights(4)) for each in WEIGHTS},
            "linear_0.w_0": weights(4, 2),
            "linear_0.b_0": weights(2),
        },
    )
    assert found == ["conv2d_3", "batch_norm2d_3", "relu", "gap", "flatten", "linear_0"]


WEIGHTS = ("w_0", "b_0", "w_1", "w_2")


def test_layers_with_numbered_nodes_after_their_weights(tmp_path: Path) -> None:
    """As older versions of PyTorch wrote them."""
    found = names(
        tmp_path,
        [node("Conv", ["x", "features.0.weight"], ["a"], "Conv_0"), node("Relu", ["a"], ["y"], "Relu_1")],
        {"features.0.weight": weights(4, 3, 1, 1)},
    )
    assert found == ["features/0", "relu"]


def test_a_graph_without_a_name_of_its_own_is_called_after_its_file(tmp_path: Path) -> None:
    made = model([node("Relu", ["x"], ["y"])], {"x": [1, 3]})
    made.graph.name = "main_graph"
    assert archcalc.load(str(write(tmp_path, made, "digits.onnx"))).graph.name == "digits"
    made.graph.name = "Digits"
    assert archcalc.load(str(write(tmp_path, made, "digits.onnx"))).graph.name == "Digits"


def scoped(operator: str, inputs: list[str], output: str, path: str | None = None) -> NodeProto:
    """Return a node of PyTorch's exporter in a module; without metadata if its optimisation added it."""
    made = node(operator, inputs, [output], output)
    if path is not None:
        parts = path.split(".") if path else []
        scopes = [".".join(parts[:depth]) for depth in range(len(parts) + 1)]
        made.metadata_props.add(key="pkg.torch.onnx.name_scopes", value=str([*scopes, output]))
    return made


def test_nodes_and_arrays_without_a_scope_are_in_the_module_around_them(tmp_path: Path) -> None:
    """PyTorch's exporter adds nodes and arrays of its own, which have no paths."""
    made = model(
        [
            scoped("Conv", ["x", "blocks.0.attn.qkv.weight"], "a", "blocks.0.attn.qkv"),
            scoped("Add", ["a", "val_3"], "b"),
            scoped("Relu", ["b"], "c", "blocks.0.attn.act"),
            scoped("Mul", ["c", "val_4"], "d", "blocks.0.attn"),
            scoped("Flatten", ["d"], "y", ""),
        ],
        {"x": ["batch", 3, 4, 4]},
        {"blocks.0.attn.qkv.weight": weights(8, 3, 3, 3), "val_3": weights(8, 2, 2), "val_4": weights(8, 2, 2)},
    )
    network = archcalc.load(str(write(tmp_path, made)))
    names = [each.name for each in network.graph.nodes[1:]]
    assert names == [f"blocks/0/attn/{each}" for each in ("qkv", "val_3", "add", "act", "val_4", "mul")] + ["flatten"]
    note = "2 stored arrays are results of 64 numbers that the exporter computed in advance: val_3, val_4; "
    assert note + "the layers that compute them are not in the file" in network.graph.notes


def test_nodes_that_stand_for_another_are_in_its_module(tmp_path: Path) -> None:
    """A rewrite, a function of ONNX, and a function of the file."""
    function = helper.make_function(
        "local", "Double", ["a"], ["b"], [node("Add", ["a", "a"], ["b"])], [helper.make_opsetid("", 18)]
    )
    own = scoped("Double", ["b"], "c", "layer.0")
    own.domain = "local"
    made = model(
        [
            scoped("Conv", ["x", "layer.0.conv.weight"], "a", "layer.0.conv"),
            scoped("HardSwish", ["a"], "b", "layer.0"),
            own,
            scoped("Shrink", ["c"], "y", "layer.0"),
        ],
        {"x": ["batch", 3, 4, 4]},
        {"layer.0.conv.weight": weights(8, 3, 3, 3)},
        functions=[function],
    )
    network = archcalc.load(str(write(tmp_path, made)))
    assert {each.name.rpartition("/")[0] for each in network.graph.nodes[1:]} == {"layer/0"}


def test_nodes_without_a_path_are_in_the_module_around_them(tmp_path: Path) -> None:
    """tf2onnx has no names for nodes that it composes an operator of, such as one LSTM of two directions."""
    flat = np.array([0, -1])
    nodes = [
        node("Conv", ["x", "w"], ["a"], "net/stem/conv/convolution"),
        node("Transpose", ["a"], ["b"], "Transpose__12", perm=[0, 2, 3, 1]),
        node("Reshape", ["b", "flat"], ["c"], "Reshape__13"),
        node("MatMul", ["c", "q"], ["d"], "net/attention/query/MatMul"),
        node("MatMul", ["c", "k"], ["e"], "net/attention/key/MatMul"),
        node("Neg", ["d"], ["f"], "Neg__14"),
        node("Mul", ["f", "e"], ["g"], "Mul__15"),
        node("Softmax", ["g"], ["y"], "net/attention/Softmax"),
    ]
    arrays = {"w": weights(2, 3, 1, 1), "q": weights(32, 5), "k": weights(32, 5), "flat": flat}
    network = archcalc.load(str(write(tmp_path, model(nodes, {"x": ["batch", 3, 4, 4]}, arrays))))
    found = [each.name for each in network.graph.nodes[1:]]
    assert found[:3] == ["stem/conv", "transpose", "flatten"]
    assert found[3:] == [f"attention/{each}" for each in ("query", "key", "scale", "mul", "softmax")]
