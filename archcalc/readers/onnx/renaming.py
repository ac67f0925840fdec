"""Nodes with other names of tensors: those of a function's call, or of one iteration of a loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

Rename: TypeAlias = Callable[[str], str]
"""Returns the new name of a tensor."""


def graphs_of(node: Any) -> Iterator[Any]:
    """Return the graphs that a node contains."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def names_read(nodes: Iterable[Any]) -> Iterator[str]:
    """Return the names that nodes read, and those that the graphs in them read or return, as often as they do."""
    for node in nodes:
        yield from node.input
        for graph in graphs_of(node):
            yield from names_read(graph.node)
            yield from (each.name for each in graph.output)


def names_from(graph: Any) -> set[str]:
    """Return the names of a graph's inputs, and of all tensors that are computed from them."""
    stored = {each.name for each in graph.initializer}
    found = {each.name for each in graph.input if each.name not in stored}
    for node in graph.node:
        if not found.isdisjoint(names_read([node])):
            found.update(node.output)
    return found


def local_names(graph: Any) -> Iterator[str]:
    """Return the names of the tensors that are computed in a graph, also in graphs that its nodes contain."""
    yield from (each.name for each in graph.input)
    for node in graph.node:
        yield from node.output
        for inner in graphs_of(node):
            yield from local_names(inner)


def in_place_of(node: Any, outer: Any) -> Any:
    """Return a node that stands for another, whose metadata it gets if it has none."""
    if not node.metadata_props:
        node.metadata_props.extend(outer.metadata_props)
    return node


def renamed(node: Any, rename: Rename, path: str, given: Mapping[str, Any] | None = None) -> Any:
    """Return a copy of a node, and of the graphs in it, with other names.

    Args:
        node: the node.
        rename: returns the new names of tensors.
        path: precedes the name of the node.
        given: the attributes of a function's call, which the node may refer to.
    """
    copy = type(node)()
    copy.CopyFrom(node)
    if path:
        copy.name = f"{path}/{node.name or node.op_type}"
    for own in (copy.input, copy.output):
        own[:] = [rename(name) if name else "" for name in own]
    for at in range(len(copy.attribute) - 1, -1, -1):
        attribute = copy.attribute[at]
        if attribute.ref_attr_name:
            value = (given or {}).get(attribute.ref_attr_name)
            name = attribute.name
            if value is None:
                del copy.attribute[at]
            else:
                attribute.CopyFrom(value)
                attribute.name = name
    for graph in graphs_of(copy):
        for each in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
            each.name = rename(each.name)
        inner = [renamed(each, rename, path, given) for each in graph.node]
        del graph.node[:]
        graph.node.extend(inner)
    return copy
