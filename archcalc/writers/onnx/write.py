"""A whole network as an ONNX model. The names of layers, inputs, outputs and stored arrays are kept.

The first axis of every tensor is the batch, whose size is left open. The output of a layer has the name of the layer,
or that of the output of the network that it is; stored arrays are named as in a ``state_dict`` of PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from onnx import TensorProto, helper
from onnx.defs import onnx_opset_version
from onnx.helper import find_min_ir_version_for

from archcalc.executor.weights import array_names, own_shapes
from archcalc.graph import Graph, Node, Ref
from archcalc.ops import import_families
from archcalc.ops.traits import STANDARD_SPREAD
from archcalc.spec.errors import Problem, SpecError, fail
from archcalc.writers.names import unused
from archcalc.writers.onnx.model import NEWEST, OLDEST, Array, ModelBuilder, NotInOnnx
from archcalc.writers.onnx.registry import ALIGNING, append

import_families(__package__)  # registers how layers are written

MAX_BYTES = 2**31 - 2**20
"""The maximum number of bytes of stored arrays: a file of protocol buffers has less than 2 GiB."""
BATCH = "batch"
"""The name of the size of the batch."""


def write_onnx(
    graph: Graph,
    weights: Mapping[str, Array] | None = None,
    *,
    opset: int = NEWEST,
    dtype: DTypeLike = np.float32,
) -> bytes:
    """Return the model of a network at inference.

    Args:
        graph: the network; training heads are left out.
        weights: stored arrays by ``layer.array``; by default, the model has nodes in their places that make arrays of
            equal numbers, so that it is small, valid and can be run.
        opset: the version of ONNX's operators.
        dtype: ``float32`` or ``float64``, the number format of all tensors.

    Raises:
        SpecError: ONNX cannot express some layers in this version, or the arrays are too large; all reasons are listed.
    """
    newest = onnx_opset_version()
    if not OLDEST <= opset <= newest:
        fail("argument", f"the opset must be from {OLDEST} to {newest}, got {opset}", origin="--opset")
    arrays = without_numbers(graph) if weights is None else weights
    size = sum(array.nbytes for array in arrays.values())
    if weights is not None and size > MAX_BYTES:
        what = f"the stored arrays have {size:,} bytes, and an ONNX file has less than 2 GiB"
        fail("write", what, hint="write it without weights", origin=graph.name[:60])
    return _Writer(graph, arrays, opset, dtype).model()


def without_numbers(graph: Graph) -> dict[str, Array]:
    """Return arrays in place of those of a network, each with a single number in memory: 0, or what is neutral."""
    arrays = {}
    for _, node in graph.layers():
        for name, shape in () if node.training else own_shapes(graph, node).items():
            start = node.op.initial(name, shape, STANDARD_SPREAD)
            number = np.zeros((), np.float32) if start.deviation else np.array(start.mean, np.float32)
            arrays[f"{node.name}.{name}"] = np.broadcast_to(number, shape)
    return arrays


class _Writer:
    def __init__(self, graph: Graph, arrays: Mapping[str, Array], opset: int, dtype: DTypeLike) -> None:
        self.graph = graph
        self.arrays = arrays
        self.used: set[str] = {*graph.inputs}
        names = {id(array): self.free(name.replace("/", ".")) for name, array in arrays.items()}
        self.built = ModelBuilder(dtype, opset, names)
        self.names: dict[Ref, str] = {}
        self.single: set[Ref] = set()
        """The tensors that are the same for all examples, with a batch of one."""

    def free(self, name: str) -> str:
        """Return a name that no other tensor has: this one, or this one with a number."""
        found = unused(name, self.used, "_")
        self.used.add(found)
        return found

    def model(self) -> bytes:
        graph, built = self.graph, self.built
        problems = []
        labels = self.labels()
        for index, node in enumerate(graph.nodes):
            if node.is_input:
                built.first_input = built.first_input or node.name
                built.indices.update([node.name] if self.has_indices(index) else [])
                self.names[Ref(index)] = node.name
            elif not node.training:
                try:
                    self.layer(index, node, labels)
                except NotInOnnx as error:
                    problems.append(Problem("write", f"{node.name}: {error}", origin=graph.name[:60]))
                    self.names.update(dict.fromkeys(graph.made_by(index), ""))
        if problems:
            raise SpecError(problems)
        outputs = {name: self.output(name, ref) for name, ref in graph.outputs.items()}
        return self.finished(outputs)

    def has_indices(self, index: int) -> bool:
        """Return whether only layers that take indices read an input, and it is no output."""
        ref = Ref(index)
        readers = [node for node in self.graph.nodes if ref in node.inputs and not node.training]
        limited = all(node.op.index_limit is not None for node in readers)
        return bool(readers) and limited and ref not in self.graph.outputs.values()

    def labels(self) -> dict[Ref, str]:
        """Return a name for every tensor: that of an output of the network, or else that of its layer."""
        found = {}
        for name, ref in self.graph.outputs.items():
            if ref not in found and not self.graph.nodes[ref.node].is_input:
                found[ref] = self.free(name)
        for index, node in self.graph.layers():
            for output, further in enumerate(("", *(f"/{each}" for each in node.op.further_outputs))):
                if Ref(index, output) not in found:
                    found[Ref(index, output)] = self.free(node.name + further)
        return found

    def layer(self, index: int, node: Node, labels: Mapping[Ref, str]) -> None:
        """Append the nodes of a layer.

        Raises:
            NotInOnnx: ONNX cannot express it.
        """
        built = self.built
        built.layer = f"/{node.name}"
        before = len(built.nodes)
        alike = not node.op.is_random and all(ref in self.single for ref in node.inputs)
        read = [self.names[ref] for ref in node.inputs]
        if not alike and node.op.name not in ALIGNING:
            read = [self.spread(ref) if ref in self.single else self.names[ref] for ref in node.inputs]
        own = {name: self.arrays[full] for name, full in array_names(self.graph, node).items()}
        made = append(built, self.graph, node, read, own)
        for output, name in enumerate(made):
            ref = Ref(index, output)
            self.names[ref] = built.renamed(name, labels[ref], before)
            if alike:
                self.single.add(ref)
                built.alike.add(self.names[ref])

    def spread(self, ref: Ref) -> str:
        """Append copies of a tensor for every example, and return their name."""
        return self.built.for_every_example(self.names[ref], tuple(map(int, self.graph.shape(ref))))

    def output(self, name: str, ref: Ref) -> str:
        """Return the name of an output; a tensor that has another name, or a batch of one, is copied."""
        made = self.names[ref]
        if ref in self.single:
            made = self.spread(ref)
        if made == name:
            return made
        label = name if name not in self.used else self.free(name)
        self.built.copied(made, label)
        return label

    def finished(self, outputs: Mapping[str, str]) -> bytes:
        graph, built = self.graph, self.built
        made = helper.make_graph(
            built.nodes,
            graph.name,
            [self.described(name, Ref(index)) for index, name in enumerate(graph.inputs)],
            [self.described(outputs[name], ref) for name, ref in graph.outputs.items()],
            built.constants,
        )
        imports = [helper.make_opsetid("", built.opset)]
        model = helper.make_model(
            made, opset_imports=imports, ir_version=find_min_ir_version_for(imports), producer_name="archcalc"
        )
        return bytes(model.SerializeToString())

    def described(self, name: str, ref: Ref) -> Any:
        sizes: list[str | int | None] = [BATCH, *map(int, self.graph.shape(ref))]
        element = TensorProto.INT64 if name in self.built.indices else self.built.element
        return helper.make_tensor_value_info(name, element, sizes)
