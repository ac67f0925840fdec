"""Which tensors of a checkpoint are the stored arrays of a network: by name, else by their order.

Layers of a model file have the tensors that the file names. Other layers have names that lead to their tensors: a layer
``layer1/0/conv1`` has those of the module ``layer1.0.conv1``. All names may have a prefix. The layers that have no
tensors by name are taken from the tensors that are left, if these have the same shapes in the same order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from archcalc.arrays.texts import count_text, shape_text
from archcalc.executor.weights import stored_shapes
from archcalc.graph import Graph, Node
from archcalc.readers.checkpoints.array_names import namings
from archcalc.readers.checkpoints.by_order import by_order
from archcalc.readers.checkpoints.checkpoint import Checkpoint, CheckpointTensor
from archcalc.readers.checkpoints.sources import Naming, WeightSource, in_module, names_of, other_shape
from archcalc.readers.decoding import READABLE
from archcalc.readers.stored_arrays import plain

WRAPPERS = ("module.", "model.", "_orig_mod.", "network.", "net.", "backbone.")
"""Prefixes that training loops and libraries give the names of the tensors of a network."""

LISTED = 8
"""The number of layers, and of tensors, that are listed as what does not fit."""


@dataclass
class Fit:
    """The tensors of a checkpoint that are the stored arrays of a network."""

    sources: dict[str, WeightSource] = field(default_factory=dict)
    """The tensors by ``layer.array``."""
    prefix: str = ""
    """What the names of the tensors have in front of those of the layers."""
    by_order: list[str] = field(default_factory=list)
    """The layers whose tensors were found by order and shape."""
    problems: list[str] = field(default_factory=list)
    """What does not fit, in the network and in the checkpoint: a sentence each."""


def fit(
    graph: Graph,
    checkpoint: Checkpoint,
    in_file: Mapping[str, Sequence[str]],
    unused: Collection[str] = (),
    constants: Collection[str] = (),
    *,
    training: bool = False,
) -> Fit:
    """Find the tensors of a network in a checkpoint.

    Args:
        graph: the network.
        checkpoint: the tensors.
        in_file: the names of its stored arrays in the file that it was read from, by ``layer.array``; empty for a spec.
        unused: the names of parameters in this file that the network does not use.
        constants: arrays that this file has as well, by ``layer.array``, which a checkpoint need not have.
        training: whether the arrays of training heads are needed.
    """
    separator = checkpoint.separator
    tensors = checkpoint.tensors
    layers = [node for _, node in graph.layers() if stored_shapes(graph, node)]
    modules = {node.name: node.name.replace("/", separator) for node in layers}
    known = {plain(name) for names in in_file.values() for name in names} or {*modules.values()}
    prefix = max(_prefixes(tensors, separator), key=lambda prefix: _hits(known, prefix, separator, tensors))
    found = Fit(prefix=prefix)
    idle = {f"{prefix}{name}".rpartition(separator)[0] for name in unused} - {""}
    used = {name for name in tensors if name.removeprefix(prefix) in unused or name.rpartition(separator)[0] in idle}
    left = []
    for node in layers:
        naming = _of_file(graph, node, in_file, prefix, tensors)
        if not in_file:
            naming = _by_name(graph, node, f"{prefix}{modules[node.name]}", separator, tensors)
        if naming:
            used |= names_of(naming)
            found.sources |= _owned(node, naming)
        elif (training or not node.training) and len(node.tied) < len(stored_shapes(graph, node)):
            left.append(node)
    if left and not in_file:
        rest = {name: tensor for name, tensor in tensors.items() if name not in used and tensor.params}
        kinds = [tuple(sorted(stored_shapes(graph, node).items())) for node in left]
        if checkpoint.is_ordered or len({*kinds}) == len(kinds):
            namings, reason = by_order(graph, left, rest, separator)
        else:
            namings, reason = (), "the format sorts them by name, and layers with equal shapes could be confused"
        for node, naming in zip(left, namings, strict=False):
            used |= names_of(naming)
            found.sources |= _owned(node, naming)
            found.by_order.append(node.name)
        if reason:
            which = "layers without tensors of their name" if found.sources else "layers"
            found.problems.append(f"tensors cannot be assigned to the {which} by their order: {reason}")
    needed = [node for node in layers if training or not node.training]
    found.problems += _unsuitable(graph, needed, found, tensors)
    found.problems += _some(_without_tensors(graph, needed, {*found.sources, *constants}), "layer", "without tensors")
    found.problems += _some(_without_layers(checkpoint, used), "tensor", "without a layer")
    return found


def _owned(node: Node, naming: Naming) -> dict[str, WeightSource]:
    """Return the sources of the arrays that belong to a layer, by ``layer.array``."""
    return {f"{node.name}.{array}": source for array, source in naming.items() if array not in node.tied}


def _prefixes(tensors: Mapping[str, CheckpointTensor], separator: str) -> list[str]:
    """Return the prefixes that names may have: none, those that all names have, and common ones."""
    found = [""]
    first = next(iter(tensors), "")
    for at, character in enumerate(first):
        if character == separator and all(name.startswith(first[: at + 1]) for name in tensors):
            found.append(first[: at + 1])
    return [*found, *(each for each in WRAPPERS if each not in found)]


def _hits(known: Collection[str], prefix: str, separator: str, tensors: Mapping[str, CheckpointTensor]) -> int:
    """Return how many tensors have a known name after a prefix, or are in a module with a known name."""
    count = 0
    for name in tensors:
        rest = name.removeprefix(prefix) if name.startswith(prefix) else ""
        while rest and rest not in known:
            rest = rest.rpartition(separator)[0]
        count += bool(rest)
    return count


def _of_file(
    graph: Graph, node: Node, in_file: Mapping[str, Sequence[str]], prefix: str, tensors: Mapping[str, CheckpointTensor]
) -> Naming:
    """Return the tensors of a layer by the names that a model file has for them, as far as they are there."""
    found = {}
    for array in stored_shapes(graph, node):
        names = in_file.get(f"{node.name}.{array}", ())
        full = [f"{name[: len(name) - len(plain(name))]}{prefix}{plain(name)}" for name in names]
        if full and all(plain(name) in tensors for name in full):
            found[array] = WeightSource(tuple(full))
    return found


def _by_name(graph: Graph, node: Node, module: str, separator: str, tensors: Mapping[str, CheckpointTensor]) -> Naming:
    """Return the tensors of a layer in the module of its name, as far as they are there."""
    best: Naming = {}
    for naming in namings(graph, node):
        full = in_module(naming, module, separator)
        there = {array: source for array, source in full.items() if all(name in tensors for name in source.tensors)}
        best = max(best, there, key=len)
    return best


# --- what does not fit ---


def _unsuitable(
    graph: Graph, needed: Sequence[Node], found: Fit, tensors: Mapping[str, CheckpointTensor]
) -> Iterator[str]:
    """Yield a sentence for every array whose tensor has another shape, or an unsuitable number format."""
    for node in needed:
        for array, shape in stored_shapes(graph, node).items():
            source = found.sources.get(f"{node.name}.{array}", WeightSource(()))
            other = other_shape(source, shape, tensors) if source.names else ""
            if other:
                listed = " and ".join(f"'{each}'" for each in source.tensors)
                yield f"{node.name}.{array} must have shape {shape_text(shape)}, got {other} of {listed}"
            for each in source.tensors:
                if tensors[each].dtype not in READABLE:
                    yield f"'{each}' must have a number format of real numbers, got {tensors[each].dtype}"


def _without_tensors(graph: Graph, needed: Sequence[Node], found: Collection[str]) -> Iterator[str]:
    """Yield a sentence for every layer that lacks tensors."""
    for node in needed:
        lacking = [
            f"{array} {shape_text(shape)}"
            for array, shape in stored_shapes(graph, node).items()
            if array not in node.tied and f"{node.name}.{array}" not in found
        ]
        if lacking:
            yield f"{node.name} has no tensors for {', '.join(lacking)}"


def _without_layers(checkpoint: Checkpoint, used: set[str]) -> Iterator[str]:
    """Yield a sentence for every parameter of the checkpoint that no layer has."""
    owned = {checkpoint.shared.get(name, name) for name in used}
    for name, tensor in checkpoint.tensors.items():
        if tensor.params and name not in used and checkpoint.shared.get(name, name) not in owned:
            yield f"'{name}' ({shape_text(tensor.shape)}) belongs to no layer"


def _some(sentences: Iterator[str], noun: str, lacking: str) -> list[str]:
    """Return the first sentences, and one about the others."""
    shown = [*islice(sentences, LISTED)]
    more = sum(1 for _ in sentences)
    return [*shown, f"{count_text(more, f'further {noun}')} {lacking}"] if more else shown
