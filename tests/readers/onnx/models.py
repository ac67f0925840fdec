"""Small ONNX files for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import FunctionProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

OPSET = 18


def weights(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Return random numbers of a format and magnitude that weights have."""
    return (np.random.default_rng(seed + sum(shape)).standard_normal(shape) / 4).astype(np.float32)


def model(
    nodes: Sequence[NodeProto],
    inputs: Mapping[str, Sequence[int | str | None]],
    arrays: Mapping[str, Any] | None = None,
    outputs: Sequence[str] = ("y",),
    *,
    formats: Mapping[str, int] | None = None,
    functions: Sequence[FunctionProto] = (),
    opset: int = OPSET,
) -> ModelProto:
    """Return a model.

    Args:
        nodes: its nodes.
        inputs: the sizes of its inputs, by name.
        arrays: its initializers.
        outputs: the names of its outputs.
        formats: the number formats of inputs and outputs that are not real numbers.
        functions: its functions.
        opset: the version of the operators.
    """
    formats = formats or {}
    graph = helper.make_graph(
        list(nodes),
        "net",
        [
            helper.make_tensor_value_info(name, formats.get(name, TensorProto.FLOAT), list(sizes))
            for name, sizes in inputs.items()
        ],
        [helper.make_tensor_value_info(name, formats.get(name, TensorProto.FLOAT), None) for name in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in (arrays or {}).items()],
    )
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    imports += [helper.make_opsetid(each.domain, 1) for each in functions]
    return helper.make_model(graph, opset_imports=imports, ir_version=9, functions=list(functions))


def write(folder: Path, made: ModelProto, name: str = "net.onnx") -> Path:
    """Write a model to a file, and return its path."""
    path = folder / name
    path.write_bytes(made.SerializeToString())
    return path


def convolutions(*, batch: int | str = "batch", size: int | str = 16) -> ModelProto:
    """Return two convolutions, a pooling and a fully connected layer that may have open sizes."""
    node = helper.make_node
    return model(
        [
            node("Conv", ["x", "stem.weight", "stem.bias"], ["a"], "/stem/Conv", pads=[1, 1, 1, 1]),
            node("Relu", ["a"], ["b"], "/act/Relu"),
            node("Conv", ["b", "body.0.weight"], ["c"], "/body/body.0/Conv", strides=[2, 2], auto_pad="SAME_UPPER"),
            node("GlobalAveragePool", ["c"], ["d"], "/pool/GlobalAveragePool"),
            node("Flatten", ["d"], ["e"], "/Flatten"),
            node("Gemm", ["e", "fc.weight", "fc.bias"], ["y"], "/fc/Gemm", transB=1),
        ],
        {"x": [batch, 3, size, size]},
        {
            "stem.weight": weights(8, 3, 3, 3),
            "stem.bias": weights(8),
            "body.0.weight": weights(16, 8, 3, 3),
            "fc.weight": weights(10, 16),
            "fc.bias": weights(10),
        },
    )
