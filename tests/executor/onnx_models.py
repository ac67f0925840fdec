"""Graphs in ONNX Runtime: an external witness of the kernels. Models are written as `convert` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import onnxruntime
from numpy.typing import NDArray

from archcalc.graph import Graph
from archcalc.writers.onnx.write import write_onnx
from tests.operators import ENTRIES

Array: TypeAlias = NDArray[Any]


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
    model = session(write_onnx(graph, weights, dtype=first.dtype), optimised=False)
    found = model.run(None, given(model, inputs))
    return dict(zip(graph.outputs, found, strict=True))


def given(model: onnxruntime.InferenceSession, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays for the inputs that a model has; indices are integers."""
    wanted = {each.name: each.type for each in model.get_inputs()}
    return {name: inputs[name].astype("int64") if "int64" in wanted[name] else inputs[name] for name in wanted}


def computes(graph: Graph) -> bool:
    """Return whether ONNX Runtime accepts every layer of a graph: its windows move along at most three axes."""
    return not any(
        ENTRIES[node.op.name].beyond_onnx_runtime(node.op)
        or (node.op.window_kind and len(graph.shape(node.inputs[0])) > 4)
        for _, node in graph.layers()
    )
