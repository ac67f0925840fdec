"""Names of a model file that the language does not allow, replaced by similar ones."""

from __future__ import annotations

import re
from dataclasses import replace

from archcalc.graph import Graph
from archcalc.writers.names import unused

NOT_ALLOWED = re.compile(r"[^A-Za-z0-9_]+")
"""The characters that names of inputs, stages and heads do not have."""


def with_valid_names(graph: Graph) -> Graph:
    """Return a graph whose inputs, stages and outputs have names that a spec may use."""
    names = dict.fromkeys((*graph.inputs, *graph.stages, *graph.outputs, *graph.training_outputs))
    taken = {name for name in names if not NOT_ALLOWED.search(name)}
    valid: dict[str, str] = {}
    for name in names:
        if NOT_ALLOWED.search(name):
            valid[name] = unused(NOT_ALLOWED.sub("_", name), taken, "_")
            taken.add(valid[name])
    if not valid:
        return graph
    nodes = []
    for node in graph.nodes:
        stage = valid.get(node.stage or "", node.stage)
        path = (valid.get(node.path[0], node.path[0]), *node.path[1:]) if node.path else ()
        name = valid.get(node.name, node.name)
        nodes.append(replace(node, name=name, path=path, stage=stage, head=valid.get(node.head or "", node.head)))
    return replace(
        graph,
        nodes=tuple(nodes),
        outputs={valid.get(name, name): ref for name, ref in graph.outputs.items()},
        training_outputs={valid.get(name, name): ref for name, ref in graph.training_outputs.items()},
        stages={valid.get(name, name): ref for name, ref in graph.stages.items()},
    )
