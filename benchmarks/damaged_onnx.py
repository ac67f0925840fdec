"""Damaged ONNX files, for `benchmarks.damaged_files` and a test."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from onnx import AttributeProto, ModelProto, TensorProto

from benchmarks.damaged_bytes import other_bytes, truncated

UNSUITABLE_INTEGERS = (0, -1, 1, 2, 7, 2**31, 2**62, -(2**63), 10**6)
UNSUITABLE_TEXTS = ("", "x", "\n", "Relu", "Loop", "If", "Reshape", "Einsum", "9" * 100, "../x", "?")
UNSUITABLE_NUMBERS = (0.0, -1.0, float("inf"), float("nan"), 1e38)


class Model:
    """A file, and what it consists of."""

    def __init__(self, path: Path) -> None:
        self.data = path.read_bytes()
        self.proto = ModelProto.FromString(self.data)


def other_graph(model: Model, chance: random.Random) -> bytes:
    """Change nodes, their order and their connections."""
    changed = copied(model)
    graph = changed.graph
    for _ in range(chance.choice((1, 1, 1, 3, 10))):
        if not graph.node:
            break
        node = chance.choice(graph.node)
        action = chance.randrange(8)
        if action == 0:
            graph.node.remove(node)
        elif action == 1:
            graph.node.add().CopyFrom(node)
        elif action == 2:  # a cycle, or another tensor
            connect(node.input, chance.choice(graph.node).output, chance)
        elif action == 3:
            connect(node.output, chance.choice(graph.node).input, chance)
        elif action == 4:
            node.op_type = chance.choice((chance.choice(graph.node).op_type, *UNSUITABLE_TEXTS))
        elif action == 5:
            node.domain = chance.choice(("", "com.microsoft", "custom"))
        elif action == 6 and node.input:
            node.input[chance.randrange(len(node.input))] = chance.choice(UNSUITABLE_TEXTS)
        else:
            other_attribute(node, chance)
    return bytes(changed.SerializeToString())


def other_tensors(model: Model, chance: random.Random) -> bytes:
    """Change initializers, inputs and outputs."""
    changed = copied(model)
    graph = changed.graph
    for _ in range(chance.choice((1, 1, 3, 10))):
        if not graph.initializer:
            break
        tensor = chance.choice(graph.initializer)
        action = chance.randrange(8)
        if action == 0:
            graph.initializer.remove(tensor)
        elif action == 1 and tensor.dims:
            tensor.dims[chance.randrange(len(tensor.dims))] = chance.choice(UNSUITABLE_INTEGERS)
        elif action == 2:
            tensor.dims.append(chance.choice(UNSUITABLE_INTEGERS))
        elif action == 3:
            tensor.data_type = chance.randrange(30)
        elif action == 4:
            tensor.raw_data = tensor.raw_data[: chance.randrange(len(tensor.raw_data) + 1)]
        elif action == 5:
            tensor.data_location = TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value=chance.choice(UNSUITABLE_TEXTS))
        elif action == 6 and graph.input:
            sizes = chance.choice(graph.input).type.tensor_type.shape.dim
            if sizes:
                chance.choice(sizes).dim_value = chance.choice(UNSUITABLE_INTEGERS)
        else:
            for imported in changed.opset_import:
                imported.version = chance.choice((0, 1, 7, 11, 13, 99))
    return bytes(changed.SerializeToString())


def copied(model: Model) -> Any:
    changed = ModelProto()
    changed.CopyFrom(model.proto)
    return changed


def connect(names: Any, others: Any, chance: random.Random) -> None:
    """Replace one of the names by one of the others."""
    if names and others:
        names[chance.randrange(len(names))] = chance.choice(others)


def other_attribute(node: Any, chance: random.Random) -> None:
    """Change an attribute, or remove it."""
    if not node.attribute:
        return
    each = chance.choice(node.attribute)
    action = chance.randrange(4)
    if action == 0:
        node.attribute.remove(each)
    elif action == 1:
        each.type = chance.choice((AttributeProto.INT, AttributeProto.INTS, AttributeProto.GRAPH, AttributeProto.FLOAT))
    elif each.ints:
        each.ints[chance.randrange(len(each.ints))] = chance.choice(UNSUITABLE_INTEGERS)
    else:
        each.i = chance.choice(UNSUITABLE_INTEGERS)
        each.f = chance.choice(UNSUITABLE_NUMBERS)


DAMAGES: tuple[Callable[[Model, random.Random], bytes], ...] = (truncated, other_bytes, other_graph, other_tensors)
