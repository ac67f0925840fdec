"""Graphs that are called for every position of an axis, whose number is known: scans, maps and vectorised functions.

Their calls are added once for every position. Results are stacked.
"""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.readers.torch_export.checked_json import InvalidPart, integer, list_at, mapping_at, part, text_at
from archcalc.readers.torch_export.inlining import (
    TABLES,
    InlinedGraph,
    Json,
    arguments_of,
    names_in,
    results_of,
    tensor,
)

PREDISPATCH = "torch._functorch.predispatch."
"""Precedes the names of the calls that `torch.vmap` consists of."""

BEGIN, END = f"{PREDISPATCH}_vmap_increment_nesting", f"{PREDISPATCH}_vmap_decrement_nesting"
"""The calls before and after those of a vectorised function."""

NOTHING = f"{PREDISPATCH}lazy_load_decompositions"
"""A call without an effect on tensors."""


def scanned(inlined: InlinedGraph, node: Json) -> bool:
    """Add the graph of a scan for every position along the first axis of its sequences."""
    arguments, (graph,) = arguments_of(node, others=3)
    carried, sequences, further = (names_in(each) for each in arguments[1:4])
    return _for_positions(inlined, node, graph, carried, sequences, further)


def mapped(inlined: InlinedGraph, node: Json) -> bool:
    """Add the graph of a map for every position along the first axis of its tensors."""
    arguments, (graph,) = arguments_of(node, others=2)
    sequences, further = (names_in(each) for each in arguments[1:3])
    return _for_positions(inlined, node, graph, [], sequences, further)


def _for_positions(
    inlined: InlinedGraph, node: Json, graph: Json, carried: list[str], sequences: list[str], further: list[str]
) -> bool:
    """Add a graph for every position along the first axis of sequences; return whether their number is known.

    Args:
        inlined: the graph to which it is added.
        node: the call of the graph, whose results are the last carried tensors, then the stacked results.
        graph: the graph.
        carried: the tensors that it reads first and gives to its next call first.
        sequences: the tensors of which it reads one position.
        further: what else it reads, last.
    """
    sizes = [list_at(mapping_at(inlined.tables.get("tensor_values"), name), "sizes") for name in sequences]
    counts = [part(each[0], "as_int") if each else None for each in sizes]
    count = counts[0] if counts and counts.count(counts[0]) == len(counts) else None
    if type(count) is not int or count <= 0:
        return False
    rows: list[list[str]] = []
    for position in range(count):
        parts = [_at(inlined, node, name, 0, position) for name in sequences]
        made = inlined.add(graph, [*carried, *parts, *further])
        carried, row_made = made[: len(carried)], made[len(carried) :]
        rows.append(row_made)
    results = results_of(node)
    inlined.name({**node, "outputs": [tensor(name) for name in results[: len(carried)]]}, carried)
    for name, column in zip(results[len(carried) :], zip(*rows, strict=True), strict=False):
        _stacked(inlined, node, name, column, 0)
    return True


def _at(inlined: InlinedGraph, node: Json, name: str, axis: int, position: int) -> str:
    """Return the name of one position of a tensor."""
    meta = mapping_at(inlined.tables.get("tensor_values"), name)
    made = f"{name}.{len(inlined.nodes)}"
    axis %= max(len(list_at(meta, "sizes")), 1)
    lists = {key: [each for at, each in enumerate(list_at(meta, key)) if at != axis] for key in ("sizes", "strides")}
    inlined.tables["tensor_values"][made] = {**meta, **lists}
    index = {"dim": {"as_int": axis}, "index": {"as_int": position}}
    inlined.call(node, "select.int", tensor(made), self=tensor(name), **index)
    return made


def _stacked(inlined: InlinedGraph, node: Json, name: str, parts: Sequence[str], axis: int) -> None:
    """Add the call that stacks the results of all positions."""
    tensors = {"as_tensors": [{"name": each} for each in parts]}
    inlined.call(node, "stack.default", tensor(name), tensors=tensors, dim={"as_int": axis})


def _empty(inlined: InlinedGraph, node: Json, name: str) -> None:
    """Add the call that makes a tensor without numbers, the results of no position."""
    sizes = [part(each, "as_int") for each in list_at(mapping_at(inlined.tables.get("tensor_values"), name), "sizes")]
    inlined.call(node, "zeros.default", tensor(name), size={"as_ints": sizes})


# --- vectorised functions ---


def vectorised(inlined: InlinedGraph, nodes: Sequence[Json]) -> bool:
    """Add the calls of `torch.vmap` for every position of the axes that it hides; return whether they are understood.

    Args:
        inlined: the graph to which they are added.
        nodes: the calls from the first to the last one of the function, both included.
    """
    first, *inner, _ = nodes
    count = part(_argument(first, 0), "as_int")
    given, taken, rest = _parts(inner)
    if type(count) is not int or count < 0:
        return False
    if not count:
        for node in taken:
            _empty(inlined, first, _only(results_of(node)))
        return True
    parts = {_only(results_of(node)): _only(names_in(_argument(node, 0))) for node in given}
    axes = {_only(results_of(node)): _axis(node, 1) for node in given}
    made = {name for node in rest for name in results_of(node)}
    read = {name for node in [*rest, *taken] for name in names_in(list_at(node, "inputs"))}
    outside = sorted(read - made - parts.keys())
    results = [_only(names_in(_argument(node, 0))) for node in taken]
    known = {*parts, *outside, *made}
    graph: Json = {
        "inputs": [tensor(name) for name in [*parts, *outside]],
        "outputs": [tensor(name) for name in results],
        "nodes": rest,
        **{
            table: {name: entry for name, entry in inlined.tables[table].items() if name in known}
            for table in TABLES
            if table in inlined.tables
        },
    }
    rows = []
    for position in range(count):
        chosen = [_at(inlined, first, parts[name], axes[name], position) for name in parts]
        rows.append(inlined.add(graph, [*chosen, *outside]))
    for node, column in zip(taken, zip(*rows, strict=True), strict=True):
        _stacked(inlined, first, _only(results_of(node)), column, _axis(node, -1))
    return True


def _parts(nodes: Sequence[Json]) -> tuple[list[Json], list[Json], list[Json]]:
    """Return the calls that hide an axis of what a function is given, those that restore one, and all others."""
    given, taken, rest = [], [], []
    depth = 0
    for node in nodes:
        target = text_at(node, "target")
        depth += (target == BEGIN) - (target == END)
        if not depth and target == f"{PREDISPATCH}_add_batch_dim":
            given.append(node)
        elif not depth and target == f"{PREDISPATCH}_remove_batch_dim":
            taken.append(node)
        else:
            rest.append(node)
    return given, taken, rest


def _argument(node: Json, index: int) -> object:
    """Return an argument of a call, by its place."""
    inputs = list_at(node, "inputs")
    if not -len(inputs) <= index < len(inputs):
        raise InvalidPart("a call of torch.vmap has too few arguments")
    return part(inputs[index], "arg")


def _axis(node: Json, index: int) -> int:
    """Return an argument of a call that is an axis, by its place."""
    return integer(part(_argument(node, index), "as_int"), "an axis of torch.vmap")


def _only(names: Sequence[str]) -> str:
    """Return the only tensor that a call reads or makes."""
    if len(names) != 1:
        raise InvalidPart("a call of torch.vmap must read or make one tensor")
    return names[0]


def end_of(nodes: Sequence[Json], start: int) -> int | None:
    """Return the index of the call that ends a vectorised function; ``None`` if there is none."""
    depth = 0
    for index in range(start, len(nodes)):
        target = part(nodes[index], "target")
        depth += (target == BEGIN) - (target == END)
        if not depth:
            return index
    return None
