"""The receptive fields of a page as data, from which its script draws what one unit sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod
from typing import Any

from archcalc.analysis.fields import AxisField, Field
from archcalc.analysis.propagate import Analysis
from archcalc.analysis.unit import trace_back
from archcalc.graph import Graph, Ref
from archcalc.numeric import Number

MAX_VISITS = 20_000
"""The number of layers that are passed, in total, when the positions that windows leave out are searched."""
MAX_RUNS = 200
"""The number of intervals up to which the positions that a window leaves out are on the page."""


def fields_record(analysis: Analysis, nodes: Iterable[int]) -> dict[str, Any] | None:
    """Return the receptive fields of some layers; ``None`` if none of them has one with positions.

    The record has ``inputs``, the positions of every input by its name; ``fields``, a list; and ``layers``, by the
    index in the graph: the name, the positions, and the index of the field in this list by the name of the input.

    A field is a list with an object per axis: ``word`` if it has no numbers, or else ``paths`` (as in
    `archcalc.analysis.paths.Path`) and ``start``, whether it begins at position 0; and ``holes``, if it leaves out
    positions: the regions that it consists of, each a list of intervals per axis, relative to the start of the window.

    Args:
        analysis: the analysis of the network, whose sizes are plain numbers.
        nodes: the indices of the layers in the graph.
    """
    graph = analysis.graph
    found: list[dict[str, Any]] = []
    index_of: dict[int, int] = {}
    layers: dict[int, dict[str, Any]] = {}
    visits = 0 if _has_gaps(graph) else MAX_VISITS
    for node in nodes:
        layer = analysis.by_node[node]
        own: dict[str, int] = {}
        for name, field in layer.fields.items():
            if not field:
                continue
            if id(field) not in index_of:
                index_of[id(field)] = len(found)
                record: dict[str, Any] = {"axes": [_axis(axis) for axis in field]}
                if visits < MAX_VISITS and _is_linear(field):
                    visits += node
                    record |= _holes(graph, node, name)
                found.append(record)
            own[name] = index_of[id(field)]
        if own:
            layers[node] = {"name": layer.name, "positions": [*graph.positions(Ref(node))], "fields": own}
    if not layers:
        return None
    inputs = {node.name: [*graph.positions(Ref(index))] for index, node in enumerate(graph.nodes) if node.is_input}
    return {"inputs": inputs, "fields": found, "layers": layers}


def _axis(axis: AxisField) -> dict[str, Any]:
    if not axis.paths:
        return {"word": axis.word}
    return {
        "paths": [
            [path.axis, _plain(path.advance), [*map(_plain, path.firsts)], [*map(_plain, path.sizes)]]
            for path in axis.paths
        ],
        **({"start": True} if axis.from_start else {}),
        **({} if axis.exact else {"bound": True}),
    }


def _plain(number: Number) -> int | float:
    return number if isinstance(number, int) else float(number)


def _has_gaps(graph: Graph) -> bool:
    """Return whether a window of some layer leaves out positions, or neighbouring windows do."""
    for index, node in graph.layers():
        if graph.alike[index] == index:
            for reach in node.op.windows(graph.input_shapes(node)):
                for window in reach:
                    if window is not None and window.known and (window.dilation > 1 or window.stride > window.size):
                        return True
    return False


def _is_linear(field: Field) -> bool:
    """Return whether all units have the same window at other places, so that it leaves out the same positions."""
    return all(axis.is_local and len(axis.paths) == 1 and axis.paths[0].period == 1 for axis in field)


def _holes(graph: Graph, node: int, name: str) -> dict[str, Any]:
    """Return the regions that the window of a layer consists of, if these are not a box."""
    positions = graph.positions(Ref(node))
    seen = trace_back(graph, node, tuple(size // 2 for size in positions), clip=False).get(name)
    if seen is None or not seen.exact or seen.number == prod(interval.size for interval in seen.box):
        return {}
    regions = [
        [[*_relative(runs, box.first)] for runs, box in zip(region, seen.box, strict=True)] for region in seen.regions
    ]
    return {"holes": regions} if sum(len(runs) for region in regions for runs in region) <= MAX_RUNS else {}


def _relative(runs: Iterable[Any], first: int) -> Iterator[list[int]]:
    for run in runs:
        yield [run.first - first, run.last - first]
