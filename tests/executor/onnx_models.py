"""A graph as an ONNX model, layer by layer, for ONNX Runtime to compute: the outside witness of the kernels.

Every operator has a `counterpart`, written from its attributes and from what ONNX's operators are defined to do; none
calls archcalc's formulas. `export` makes a model of a whole graph, `evaluate` runs a graph through ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import prod
from typing import Any, TypeAlias

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from archcalc.graph import Graph, Node
from archcalc.ops.pool import AvgPool, MaxPool

Array: TypeAlias = NDArray[Any]
OPSET = 22
IR_VERSION = 10
ELEMENTS = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.float64): TensorProto.DOUBLE}


class Model:
    """An ONNX graph that grows node by node. Tensors are known by their names."""

    def __init__(self, dtype: Any = np.float32) -> None:
        self.dtype = np.dtype(dtype)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[TensorProto] = []

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Append a node with one output; ``""`` stands for an optional input that is left out."""
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, values: Any, dtype: Any = None) -> str:
        """A stored tensor, in the model's number format unless told otherwise (shapes and indices are ``np.int64``)."""
        name = f"constant_{len(self.constants)}"
        array = np.ascontiguousarray(np.asarray(values, dtype or self.dtype))
        self.constants.append(numpy_helper.from_array(array.reshape(np.shape(values)), name))
        return name

    def finish(self, inputs: Mapping[str, tuple[int, ...]], outputs: list[str]) -> bytes:
        """The serialised model. ``inputs`` have the batch in front."""
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


Counterpart: TypeAlias = Callable[[Model, Any, list[str], list[tuple[int, ...]], Mapping[str, Array]], str]
"""Appends a layer to a model: its operator, the names and the shapes (without batch) of its inputs, its stored arrays
by their names in the layer. Returns the name of its output."""

COUNTERPARTS: dict[str, Counterpart] = {}


def counterpart(*operators: str) -> Callable[[Counterpart], Counterpart]:
    """Decorator: this function appends these operators."""

    def register(function: Counterpart) -> Counterpart:
        assert not COUNTERPARTS.keys() & set(operators), operators
        COUNTERPARTS.update(dict.fromkeys(operators, function))
        return function

    return register


def export(graph: Graph, weights: Mapping[str, Array], *, batch: int = 1, dtype: Any = np.float32) -> bytes:
    """The model of a graph's outputs (not of its training heads).

    Args:
        graph: the network; inputs keep their names.
        weights: stored arrays by ``layer.array``.
        batch: examples at once.
        dtype: ``float32`` or ``float64``.
    """
    model = Model(dtype)
    names: dict[int, str] = {}
    for index, node in enumerate(graph.nodes):
        if node.is_input:
            names[index] = f"input:{node.name}"
        elif not node.training:
            names[index] = append(model, graph, node, [names[ref.node] for ref in node.inputs], weights)
    inputs = {f"input:{name}": (batch, *map(int, shape)) for name, shape in graph.inputs.items()}
    outputs = []
    for name, ref in graph.outputs.items():
        outputs.append(f"output:{name}")
        model.nodes.append(helper.make_node("Identity", [names[ref.node]], [outputs[-1]]))
    return model.finish(inputs, outputs)


def append(model: Model, graph: Graph, node: Node, inputs: list[str], weights: Mapping[str, Array]) -> str:
    """One layer of a graph."""
    own = {name.removeprefix(f"{node.name}."): array for name, array in weights.items() if _layer(name) == node.name}
    return COUNTERPARTS[node.op.name](model, node.op, inputs, [tuple(s) for s in graph.input_shapes(node)], own)


def _layer(name: str) -> str:
    return name.rpartition(".")[0]


def session(model: bytes, threads: int = 1, *, optimised: bool = True) -> onnxruntime.InferenceSession:
    """ONNX Runtime with a model, quiet and on the processor."""
    options = onnxruntime.SessionOptions()
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # it would slow down whoever runs next
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def evaluate(graph: Graph, inputs: Mapping[str, Array], weights: Mapping[str, Array]) -> dict[str, Array]:
    """The outputs of a graph by name, computed by ONNX Runtime.

    As the model is written: its optimiser makes invalid models of some outputs that are read as well.
    """
    first = next(iter(inputs.values()))
    model = session(export(graph, weights, batch=len(first), dtype=first.dtype), optimised=False)
    found = model.run(None, {f"input:{name}": array for name, array in inputs.items()})
    return dict(zip(graph.outputs, found, strict=True))


def beyond_onnx_runtime(op: object) -> bool:
    """Padding of the size of an undilated window: ONNX Runtime's pooling refuses it, dilated or not."""
    if not isinstance(op, MaxPool | AvgPool):
        return False
    if isinstance(op.pad, str):
        return op.pad in ("full", "same", "half") and any(d > 1 for d in op.dilation)
    return any(max(sides) >= k for sides, k in zip(op.pad, op.kernel, strict=True))


# --- windows ---


def pads(op: Any, sizes: tuple[int, ...]) -> list[tuple[int, int]]:
    """Padding before and after each axis, from TensorFlow's and PyTorch's definitions of the words."""
    rows = []
    pad = [op.pad] * len(sizes) if isinstance(op.pad, str) else op.pad
    for n, k, s, d, p in zip(sizes, op.kernel, op.stride or op.kernel, op.dilation, pad, strict=True):
        if p == "same":
            total = max((k - 1) * d + 1 - (n % s or s), 0)
            rows.append((total // 2, total - total // 2))
        elif isinstance(p, str):
            rows.append(({"valid": 0, "half": d * (k - 1) // 2, "full": d * (k - 1)}[p],) * 2)
        else:
            rows.append(p)
    return rows


def onnx_pads(rows: list[tuple[int, int]]) -> list[int]:
    """The order of ONNX: all begins, then all ends."""
    return [before for before, _ in rows] + [after for _, after in rows]


def channelwise(model: Model, array: Array, rank: int) -> str:
    """One number per channel, shaped to broadcast over ``rank`` axes after the channels."""
    return model.constant(array.reshape(-1, *(1,) * rank))


# --- convolutions ---


@counterpart("conv")
def conv(model: Model, op: Any, inputs: list[str], shapes: list[tuple[int, ...]], weights: Mapping[str, Array]) -> str:
    weight = weights["weight"]
    if op.table is not None:  # a dense kernel that is zero where maps are not connected
        connected = np.array(op.table, bool).T
        dense = np.zeros((*connected.shape, *op.kernel), weight.dtype)
        dense[connected] = weight
        weight = dense
    if op.ws:
        axes = tuple(range(1, weight.ndim))
        wide = weight.astype(np.float64)
        weight = (wide - wide.mean(axes, keepdims=True)) / np.sqrt(wide.var(axes, keepdims=True) + 1e-5)
    return convolution(model, op, inputs[0], shapes[0], weight, weights.get("bias"), op.groups)


@counterpart("dwconv")
def dwconv(
    model: Model, op: Any, inputs: list[str], shapes: list[tuple[int, ...]], weights: Mapping[str, Array]
) -> str:
    return convolution(model, op, inputs[0], shapes[0], weights["weight"], weights.get("bias"), shapes[0][0])


@counterpart("sepconv")
def sepconv(
    model: Model, op: Any, inputs: list[str], shapes: list[tuple[int, ...]], weights: Mapping[str, Array]
) -> str:
    between = convolution(model, op, inputs[0], shapes[0], weights["depthwise"], None, shapes[0][0])
    stored = [weights[name] for name in ("pointwise", "bias") if name in weights]
    return model.add("Conv", between, *map(model.constant, stored))


def convolution(
    model: Model, op: Any, name: str, shape: tuple[int, ...], weight: Array, bias: Array | None, groups: int
) -> str:
    stored = [model.constant(weight)] + ([] if bias is None else [model.constant(bias)])
    return model.add(
        "Conv",
        name,
        *stored,
        kernel_shape=list(op.kernel),
        strides=list(op.stride),
        dilations=list(op.dilation),
        pads=onnx_pads(pads(op, shape[1:])),
        group=groups,
    )


@counterpart("upconv")
def upconv(
    model: Model, op: Any, inputs: list[str], shapes: list[tuple[int, ...]], weights: Mapping[str, Array]
) -> str:
    """The full result of ONNX's operator, from which padding is cut off; zeros after the input make room for more."""
    sizes = shapes[0][1:]
    reach = [d * (k - 1) + 1 for k, d in zip(op.kernel, op.dilation, strict=True)]
    full = [(n - 1) * s + r for n, s, r in zip(sizes, op.stride, reach, strict=True)]
    if op.pad == "same":  # Keras: n·s positions, what is too much is cut off on both sides, the odd one at the end
        starts = [max(r - s, 0) // 2 for r, s in zip(reach, op.stride, strict=True)]
        ends = [start + n * s for start, n, s in zip(starts, sizes, op.stride, strict=True)]
    else:
        rows = pads(op, sizes)
        starts = [before for before, _ in rows]
        ends = [size - after + more for size, (_, after), more in zip(full, rows, op.outpad, strict=True)]
    missing = [max(-((size - end) // s), 0) for size, end, s in zip(full, ends, op.stride, strict=True)]
    room = model.constant([0, 0, *(0 for _ in sizes), 0, 0, *missing], np.int64)
    laid = model.add(
        "ConvTranspose",
        model.add("Pad", inputs[0], room),
        *(model.constant(weights[name]) for name in ("weight", "bias") if name in weights),
        kernel_shape=list(op.kernel),
        strides=list(op.stride),
        dilations=list(op.dilation),
        group=op.groups,
    )
    axes = list(range(2, 2 + len(sizes)))
    return model.add("Slice", laid, *(model.constant(numbers, np.int64) for numbers in (starts, ends, axes)))


# --- dense layers ---


@counterpart("fc")
def fc(model: Model, op: Any, inputs: list[str], shapes: list[tuple[int, ...]], weights: Mapping[str, Array]) -> str:
    stored = [model.constant(weights[name]) for name in ("weight", "bias") if name in weights]
    return model.add("Gemm", model.add("Flatten", inputs[0]), *stored, transB=1)


@counterpart("linear")
def linear(
    model: Model, op: Any, inputs: list[str], shapes: list[tuple[int, ...]], weights: Mapping[str, Array]
) -> str:
    product = model.add("MatMul", inputs[0], model.constant(weights["weight"].T))
    return model.add("Add", product, model.constant(weights["bias"])) if "bias" in weights else product


@counterpart("rbf")
def rbf(model: Model, op: Any, inputs: list[str], shapes: list[tuple[int, ...]], weights: Mapping[str, Array]) -> str:
    flat = model.add("Reshape", inputs[0], model.constant([0, 1, prod(shapes[0])], np.int64))
    difference = model.add("Sub", flat, model.constant(weights["centre"][None]))
    return model.add("ReduceSumSquare", difference, model.constant([2], np.int64), keepdims=0)


@counterpart("embedding")
def embedding(
    model: Model, op: Any, inputs: list[str], shapes: list[tuple[int, ...]], weights: Mapping[str, Array]
) -> str:
    indices = model.add("Cast", inputs[0], to=TensorProto.INT64)
    return model.add("Gather", model.constant(weights["weight"]), indices)


# --- pooling ---


@counterpart("maxpool")
def maxpool(
    model: Model, op: Any, inputs: list[str], shapes: list[tuple[int, ...]], weights: Mapping[str, Array]
) -> str:
    return pooled(model, op, "MaxPool", inputs[0], shapes[0])


@counterpart("avgpool")
def avgpool(
    model: Model, op: Any, inputs: list[str], shapes: list[tuple[int, ...]], weights: Mapping[str, Array]
) -> str:
    return pooled(model, op, "AveragePool", inputs[0], shapes[0], count_include_pad=int(op.count_include_pad))


@counterpart("subsample")
def subsample(
    model: Model, op: Any, inputs: list[str], shapes: list[tuple[int, ...]], weights: Mapping[str, Array]
) -> str:
    """A depthwise convolution with ones sums the windows; with ``ceil``, the missing positions are zeros."""
    channels, *sizes = shapes[0]
    stride = op.stride or op.kernel
    rows = []
    for n, k, s, d, (before, after) in zip(sizes, op.kernel, stride, op.dilation, pads(op, tuple(sizes)), strict=True):
        starts = [i for i in range(0, n + before, s) if i + d * (k - 1) < n + before + after + (s - 1) * op.ceil]
        rows.append((before, starts[-1] + d * (k - 1) + 1 - n - before))
    # what no window reaches is cut off, so the padding after an axis may be negative: Pad knows that, Conv does not
    padded = model.add(
        "Pad", inputs[0], model.constant([0, 0, *(b for b, _ in rows), 0, 0, *(a for _, a in rows)], np.int64)
    )
    ones = model.constant(np.ones((channels, 1, *op.kernel)))
    summed = model.add(
        "Conv",
        padded,
        ones,
        kernel_shape=list(op.kernel),
        strides=list(stride),
        dilations=list(op.dilation),
        group=channels,
    )
    scaled = model.add("Mul", summed, channelwise(model, weights["coefficient"], len(sizes)))
    return model.add("Add", scaled, channelwise(model, weights["bias"], len(sizes)))


def pooled(model: Model, op: Any, kind: str, name: str, shape: tuple[int, ...], **more: Any) -> str:
    return model.add(
        kind,
        name,
        kernel_shape=list(op.kernel),
        strides=list(op.stride or op.kernel),
        dilations=list(op.dilation),
        pads=onnx_pads(pads(op, shape[1:])),
        ceil_mode=int(op.ceil),
        **more,
    )


def _whole(
    kind: str, model: Model, op: Any, inputs: list[str], shapes: list[tuple[int, ...]], weights: Mapping[str, Array]
) -> str:
    return model.add(kind, inputs[0])


counterpart("gap")(partial(_whole, "GlobalAveragePool"))
counterpart("gmp")(partial(_whole, "GlobalMaxPool"))


@counterpart("adaptive_avgpool", "adaptive_maxpool")
def adaptive(
    model: Model, op: Any, inputs: list[str], shapes: list[tuple[int, ...]], weights: Mapping[str, Array]
) -> str:
    """Axis by axis: the parts of an axis are cut out, reduced and joined. Averages of averages over equal windows are
    averages, because all windows along one axis are reduced before the next axis is cut."""
    kind = "ReduceMean" if op.name == "adaptive_avgpool" else "ReduceMax"
    name = inputs[0]
    for axis, (n, m) in enumerate(zip(shapes[0][1:], op.size, strict=True), start=2):
        parts = []
        for i in range(m):
            bounds = ([i * n // m], [-(-(i + 1) * n // m)], [axis])
            part = model.add("Slice", name, *(model.constant(numbers, np.int64) for numbers in bounds))
            parts.append(model.add(kind, part, model.constant([axis], np.int64), keepdims=1))
        name = model.add("Concat", *parts, axis=axis)
    return name
