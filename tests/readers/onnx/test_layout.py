"""Inputs that have the channels last are read with the channels first, where the model turns them at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from onnx import ModelProto, helper

import archcalc
from tests.readers.onnx.models import model, weights, write

node = helper.make_node


def channels_last(*, size: int | str = 8, pad: bool = False) -> ModelProto:
    """Return a convolution of images with the channels last, which are scaled by channel first."""
    return model(
        [
            node("Mul", ["x", "factor"], ["a"]),
            node("Sub", ["a", "mean"], ["b"]),
            node("Transpose", ["b"], ["c"], perm=[0, 3, 1, 2]),
            node("Conv", ["c", "w"], ["d"], strides=[2, 2]),
            node("Transpose", ["d"], ["e"], perm=[0, 2, 3, 1]),
            node("Sub", ["e", "mean"] if pad else ["e", "other"], ["y"]),
        ],
        {"x": ["batch", size, size if isinstance(size, int) else "width", 3]},
        {
            "factor": np.array(1 / 255, np.float32),
            "mean": weights(1, 1, 1, 3),
            "other": weights(3),
            "w": weights(3, 3, 3, 3),
        },
    )


def test_the_input_the_fields_and_the_results(tmp_path: Path) -> None:
    for made in (channels_last(), channels_last(pad=True)):
        network = archcalc.load(str(write(tmp_path, made)))
        assert network.graph.inputs["x"] == (3, 8, 8)
        assert "'x', which the file has with the channels last" in network.graph.notes[0]
        conv = next(each.name for each in network.analyze().layers if each.macs)
        assert [axis.size for axis in network.receptive_field(conv)["x"]] == [3, 3]
        x = np.random.default_rng(0).standard_normal((1, 8, 8, 3)).astype(np.float32)
        session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
        (expected,) = session.run(None, {"x": x})
        found = network.run({"x": x.transpose(0, 3, 1, 2)}).outputs["output"]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_open_sizes_have_the_names_of_their_axes(tmp_path: Path) -> None:
    path = write(tmp_path, channels_last(size="height"))
    (form,) = archcalc.formula(str(path), "params", free=("height", "width")).forms
    assert form is not None
    network = archcalc.load(str(path), shapes="3x10x12")
    assert network.graph.inputs["x"] == (3, 10, 12)


def test_an_input_that_other_nodes_read_stays_as_it_is(tmp_path: Path) -> None:
    made = channels_last()
    made.graph.node.append(node("ReduceMean", ["x"], ["z"]))
    made.graph.output.add().CopyFrom(helper.make_tensor_value_info("z", 1, None))
    network = archcalc.load(str(write(tmp_path, made)))
    assert network.graph.inputs["x"] == (8, 8, 3)
