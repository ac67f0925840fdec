"""A graph as an ONNX model, layer by layer, for ONNX Runtime to compute: an external witness of the kernels.

The counterparts of operators are in their entries (`tests.operators`). `export` makes a model of a whole graph,
`evaluate` runs a graph through ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from archcalc.executor.weights import array_names
from archcalc.graph import Graph, Node, Ref
from tests.operators import ENTRIES

Array: TypeAlias = NDArray[Any]
OPSET = 21
IR_VERSION = 10
ELEMENTS = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.float64): TensorProto.DOUBLE}


class Model:
    """An ONNX graph that grows node by node. Tensors are known by their names."""

    def __init__(self, dtype: Any = np.float32, batch: int = 1) -> None:
        self.dtype = np.dtype(dtype)
        self.batch = batch
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[TensorProto] = []

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Append a node with one output; ``""`` stands for an optional input that is left out."""
        (name,) = self.add_all(kind, 1, *inputs, **attributes)
        return name

    def add_all(self, kind: str, outputs: int, *inputs: str, **attributes: Any) -> tuple[str, ...]:
        """Append a node with several outputs."""
        names = tuple([f"{kind}_{len(self.nodes)}_{number}" for number in range(outputs)])
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names

    def constant(self, values: Any, dtype: Any = None) -> str:
        """Append a stored tensor, in the model's number format by default (shapes and indices are ``np.int64``)."""
        name = f"constant_{len(self.constants)}"
        array = np.ascontiguousarray(np.asarray(values, dtype or self.dtype))
        self.constants.append(numpy_helper.from_array(array.reshape(np.shape(values)), name))
        return name

    def finish(self, inputs: Mapping[str, tuple[int, ...]], outputs: list[str]) -> bytes:
        """Return the serialised model. ``inputs`` have the batch in front."""
        element = ELEMENTS[self.dtype]
        graph = helper.make_graph(
            self.nodes,
            "graph",
            [helper.make_tensor_value_info(name, element, shape) for name, shape in inputs.items()],
            [helper.make_tensor_value_info(name, element, None) for name in outputs],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        return bytes(model.SerializeToString())


def export(graph: Graph, weights: Mapping[str, Array], *, batch: int = 1, dtype: Any = np.float32) -> bytes:
    """Return the model of a graph's outputs (not of its training heads).

    Args:
        graph: the network; inputs keep their names.
        weights: stored arrays by ``layer.array``.
        batch: examples at once.
        dtype: ``float32`` or ``float64``.
    """
    model = Model(dtype, batch)
    names: dict[Ref, str] = {}
    for index, node in enumerate(graph.nodes):
        if node.is_input:
            names[Ref(index)] = f"input:{node.name}"
        elif not node.training:
            made = append(model, graph, node, [names[ref] for ref in node.inputs], weights)
            names.update({Ref(index, output): name for output, name in enumerate(made)})
    inputs = {f"input:{name}": (batch, *map(int, shape)) for name, shape in graph.inputs.items()}
    outputs = []
    for name, ref in graph.outputs.items():
        outputs.append(f"output:{name}")
        model.nodes.append(helper.make_node("Identity", [names[ref]], [outputs[-1]]))
    return model.finish(inputs, outputs)


def append(model: Model, graph: Graph, node: Node, inputs: list[str], weights: Mapping[str, Array]) -> tuple[str, ...]:
    """Append one layer of a graph, and return the names of its outputs."""
    own = {name: weights[stored] for name, stored in array_names(graph, node).items()}
    shapes = [tuple(shape) for shape in graph.input_shapes(node)]
    alone = node.op.arity == len(inputs) == 1 and not node.op.tensor_arguments()
    read = (inputs[0], shapes[0]) if alone else (inputs, shapes)
    made = ENTRIES[node.op.name].onnx(model, node.op, *read, own)
    return (made,) if isinstance(made, str) else made


def session(model: bytes, threads: int = 1, *, optimised: bool = True) -> onnxruntime.InferenceSession:
    """Return a session of ONNX Runtime for a model, without messages and on the CPU."""
    options = onnxruntime.SessionOptions()
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # it would slow down the next candidate
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def evaluate(graph: Graph, inputs: Mapping[str, Array], weights: Mapping[str, Array]) -> dict[str, Array]:
    """Return the outputs of a graph by name, computed by ONNX Runtime.

    The model runs as it is written: the optimiser makes models invalid in which some outputs are also read.
    """
    first = next(iter(inputs.values()))
    model = session(export(graph, weights, batch=len(first), dtype=first.dtype), optimised=False)
    found = model.run(None, {f"input:{name}": array for name, array in inputs.items()})
    return dict(zip(graph.outputs, found, strict=True))


def computes(graph: Graph) -> bool:
    """Return whether ONNX Runtime accepts every layer of a graph: its windows move along at most three axes."""
    return not any(
        ENTRIES[node.op.name].beyond_onnx_runtime(node.op)
        or (node.op.window_kind and len(graph.shape(node.inputs[0])) > 4)
        for _, node in graph.layers()
    )
