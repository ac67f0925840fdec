"""Graphs whose calls are added to those of another graph, in the description of the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from archcalc.readers.torch_export.checked_json import InvalidPart, list_at, mapping_at, mappings_at, part, text_at

Json: TypeAlias = dict[str, Any]

TABLES = ("tensor_values", "sym_int_values", "sym_bool_values", "sym_float_values")
"""The tables of a graph about its names."""

TENSORS = frozenset(("as_tensor", "as_tensors", "as_optional_tensor", "as_optional_tensors", "as_nested_tensors"))
"""The kinds of arguments in which ``name`` is that of a tensor."""


MAX_CALLS = 100_000
"""The maximum number of calls of all graphs of a program, each as often as it is called."""


class TooManyCalls(Exception):
    """The graphs of a program have more calls than are added; the message says how many."""


class InliningBudget:
    """The number of calls that graphs may still add to a program."""

    def __init__(self) -> None:
        self.left = MAX_CALLS

    def spend(self, calls: int) -> None:
        """Take a number of calls.

        Raises:
            TooManyCalls: there are not as many left.
        """
        self.left -= calls
        if self.left < 0:
            raise TooManyCalls(f"more than {MAX_CALLS:,} calls in graphs")


class InlinedGraph:
    """A graph to which the calls of other graphs are added."""

    def __init__(self, graph: Json, expanded: Callable[[Json], Json], nesting: int, budget: InliningBudget) -> None:
        """Prepare a graph without nodes.

        Args:
            graph: a graph with its tables of names.
            expanded: returns a graph that is added without the calls of graphs in it.
            nesting: how deep the graph is in others.
            budget: the number of calls that are added to the program at most.
        """
        self.tables: Json = {name: dict(mapping_at(graph, name)) for name in TABLES if name in graph}
        self.nodes: list[Json] = []
        self.makers: dict[str, Json] = {}
        """The nodes by the names of their results."""
        self.expanded, self.nesting, self.budget = expanded, nesting, budget
        self.count = 0

    def append(self, node: Json) -> None:
        """Add a node."""
        self.nodes.append(node)
        self.makers.update((name, node) for name in results_of(node))

    def add(self, graph: Json, given: Sequence[str]) -> list[str]:
        """Add the calls of a graph, given the names of its arguments, and return the names of its results."""
        graph = self.expanded(graph)
        own = names_in(list_at(graph, "inputs"))
        if len(own) != len(given):
            raise InvalidPart("a graph is called with a wrong number of arguments")
        self.budget.spend(1 + len(list_at(graph, "nodes")))
        self.count += 1
        names = dict(zip(own, given, strict=True))

        def renamed(name: str) -> str:
            return names.setdefault(name, f"{name}.{self.nesting}.{self.count}")

        for table in TABLES:
            for name, entry in mapping_at(graph, table).items() if table in graph else ():
                self.tables.setdefault(table, {}).setdefault(renamed(name), entry)
        for node in mappings_at(graph, "nodes"):
            inputs = [{**each, "arg": _with_names(part(each, "arg"), renamed)} for each in mappings_at(node, "inputs")]
            outputs = [_with_names(each, renamed) for each in list_at(node, "outputs")]
            self.append({**node, "inputs": inputs, "outputs": outputs})
        return [renamed(name) for name in names_in(list_at(graph, "outputs"))]

    def call(self, node: Json, function: str, result: Any, /, **arguments: Any) -> None:
        """Add the call of an operator of ATen in place of a call of a graph."""
        self.budget.spend(1)
        inputs = [{"name": name, "arg": value, "kind": 1} for name, value in arguments.items()]
        target = f"torch.ops.aten.{function}"
        self.append({"target": target, "inputs": inputs, "outputs": [result], "metadata": part(node, "metadata")})

    def name(self, node: Json, made: Sequence[str]) -> None:
        """Add calls that give what was made the names of the results of a call of a graph."""
        for name, inner in zip(results_of(node), made, strict=False):
            self.call(node, "alias.default", tensor(name), self=tensor(inner))


def results_of(node: Json) -> list[str]:
    """Return the names of the tensors and numbers that a call makes."""
    return names_in(list_at(node, "outputs"))


def names_in(argument: Any) -> list[str]:
    """Return the names of the tensors and numbers in an argument, or in a list of arguments."""
    found: list[str] = []
    _with_names(argument, lambda name: found.append(name) or name)  # type: ignore[func-returns-value]
    return found


def _with_names(value: Any, renamed: Callable[[str], str], *, is_tensor: bool = False) -> Any:
    """Return an argument with other names of tensors and numbers."""
    if isinstance(value, list):
        return [_with_names(each, renamed, is_tensor=is_tensor) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: renamed(each)
        if isinstance(each, str) and (key == "as_name" or (key == "name" and is_tensor))
        else _with_names(each, renamed, is_tensor=is_tensor or key in TENSORS)
        if key != "as_graph"
        else each
        for key, each in value.items()
    }


def tensor(name: str) -> Json:
    """Return a tensor as an argument or result of a call."""
    return {"as_tensor": {"name": name}}


def arguments_of(node: Json, graphs: int = 1, others: int = 0) -> tuple[list[Any], list[Json]]:
    """Return the arguments of a call, and the graphs among them.

    Args:
        node: the call.
        graphs: how many of its arguments must be graphs.
        others: how many others it must have at least.

    Raises:
        InvalidPart: it has not.
    """
    arguments = [part(each, "arg") for each in list_at(node, "inputs")]
    found = [mapping_at(each["as_graph"], "graph") for each in arguments if part(each, "as_graph") is not None]
    if len(found) != graphs:
        one = "one graph" if graphs == 1 else f"{graphs} graphs"
        raise InvalidPart(f"'{text_at(node, 'target')[:60]}' must be called with {one}, got {len(found)}")
    if len(arguments) < graphs + others:
        raise InvalidPart(f"'{text_at(node, 'target')[:60]}' is called with too few arguments")
    return arguments, found
