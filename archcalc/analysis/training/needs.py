"""The gradients that the backward pass computes: none of what no trained parameter acts on, none of frozen layers."""

from __future__ import annotations

from collections.abc import Collection

from archcalc.graph import Graph, Ref
from archcalc.ops.backward import Needs


def needs_of(graph: Graph, frozen: Collection[int]) -> dict[int, Needs]:
    """Return the gradients that are needed of every layer that has any, by its index.

    Training heads are included. The loss depends on all outputs of the network. A tensor needs a gradient if trained
    parameters act on it, and it acts on the loss.

    Args:
        graph: the network.
        frozen: the indices of the layers that are not trained. A stored array that several layers use is trained only
            if none of them is frozen.
    """
    trained = _trained(graph, frozen)
    carrying: set[Ref] = set()
    for index, node in graph.layers():
        for ref in graph.made_by(index):
            acts = bool(trained[index]) and node.op.derives(ref.output)
            if acts or any(read in carrying and node.op.passes(ref.output, at) for at, read in enumerate(node.inputs)):
                carrying.add(ref)
    outputs = (*graph.outputs.values(), *graph.training_outputs.values())
    reached = {ref for ref in outputs if ref in carrying}
    needs: dict[int, Needs] = {}
    for index, node in reversed([*graph.layers()]):
        given = [ref.output for ref in graph.made_by(index) if ref in reached]
        if not given:
            continue
        inputs = tuple(
            [
                ref in carrying and any(node.op.passes(output, place) for output in given)
                for place, ref in enumerate(node.inputs)
            ]
        )
        reached.update(ref for ref, needed in zip(node.inputs, inputs, strict=True) if needed)
        arrays = trained[index] if any(map(node.op.derives, given)) else frozenset()
        found = Needs(inputs, arrays)
        if found.some:
            needs[index] = found
    return needs


def _trained(graph: Graph, frozen: Collection[int]) -> dict[int, frozenset[str]]:
    """Return the names of the stored arrays that are trained, by layer."""
    known: dict[int, frozenset[str]] = {}
    found: dict[int, frozenset[str]] = {}
    stopped: set[tuple[int, str]] = set()
    for index, node in graph.layers():
        kind = graph.alike[index]
        if kind not in known:
            weights = node.op.weights(graph.input_shapes(node))
            known[kind] = frozenset([weight.name for weight in weights if weight.trainable])
        found[index] = known[kind]
        if index in frozen:
            stopped.update((node.tied.get(name, index), name) for name in known[kind])
    if not stopped:
        return found
    return {
        index: frozenset([name for name in names if (graph.nodes[index].tied.get(name, index), name) not in stopped])
        for index, names in found.items()
    }
