"""Operators that call graphs: their graphs become calls of the program, in the description as the file has it.

Most of these operators only say how a graph is to be run: without gradients, in another precision, with less memory.
A scan calls its graph for every position of an axis, whose size is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from archcalc.readers.torch_export.checked import Damaged, list_at, mapping_at, part, text_at

Json: TypeAlias = dict[str, Any]

PREFIX = "torch.ops.higher_order."

ONCE = frozenset(
    (
        "invoke_subgraph",
        "strict_mode",
        "tag_activation_checkpoint",
        "wrap",
        "wrap_activation_checkpoint",
        "wrap_with_autocast",
        "wrap_with_set_grad_enabled",
    )
)
"""The operators that call their graph once, with the arguments behind it."""

TABLES = ("tensor_values", "sym_int_values", "sym_bool_values", "sym_float_values")
"""What a graph says about its names."""

TENSORS = frozenset(("as_tensor", "as_tensors", "as_optional_tensor", "as_optional_tensors", "as_nested_tensors"))
"""The kinds of arguments in which ``name`` is that of a tensor."""

MAX_NESTING = 20
"""How deep graphs in graphs are."""

MAX_CALLS = 100_000
"""How many calls are made of the graphs that are called for every position."""


def with_subgraphs(graph: Json, nesting: int = 0) -> Json:
    """Return a graph in which the calls of graphs have become the calls that are in these graphs.

    Raises:
        Damaged: what is in the place of a graph is none, or graphs are nested too deep.
    """
    nodes = list_at(graph, "nodes")
    if not any(_operator(node) in CALLED for node in nodes):
        return graph
    if nesting > MAX_NESTING:
        raise Damaged(f"graphs are nested more than {MAX_NESTING} deep")
    inlined = _Inlined(graph, nesting)
    for node in nodes:
        call = CALLED.get(_operator(node))
        if call is None or not call(inlined, node):
            inlined.nodes.append(node)
    return {**graph, **inlined.tables, "nodes": inlined.nodes}


def _operator(node: Any) -> str:
    """Return the name of an operator that calls graphs; nothing for any other."""
    target = part(node, "target")
    return target.removeprefix(PREFIX) if isinstance(target, str) and target.startswith(PREFIX) else ""


class _Inlined:
    """A graph to which the calls of other graphs are added."""

    def __init__(self, graph: Json, nesting: int) -> None:
        self.tables: Json = {name: dict(mapping_at(graph, name)) for name in TABLES if name in graph}
        self.nodes: list[Json] = []
        self.nesting = nesting
        self.count = 0

    def add(self, graph: Json, given: Sequence[str]) -> list[str]:
        """Add the calls of a graph, given the names of its arguments, and return the names of its results."""
        graph = with_subgraphs(graph, self.nesting + 1)
        own = [name for argument in list_at(graph, "inputs") for name in names_in(argument)]
        if len(own) != len(given):
            raise Damaged("a graph is called with a wrong number of arguments")
        self.count += 1
        names = dict(zip(own, given, strict=True))

        def renamed(name: str) -> str:
            return names.setdefault(name, f"{name}.{self.nesting}.{self.count}")

        for table in TABLES:
            for name, entry in mapping_at(graph, table).items() if table in graph else ():
                self.tables.setdefault(table, {}).setdefault(renamed(name), entry)
        for node in list_at(graph, "nodes"):
            inputs = [{**each, "arg": _with_names(part(each, "arg"), renamed)} for each in list_at(node, "inputs")]
            outputs = [_with_names(each, renamed) for each in list_at(node, "outputs")]
            self.nodes.append({**node, "inputs": inputs, "outputs": outputs})
        return [renamed(name) for argument in list_at(graph, "outputs") for name in names_in(argument)]

    def call(self, node: Json, function: str, result: Any, /, **arguments: Any) -> None:
        """Add the call of an operator of ATen in the place of a call of a graph."""
        inputs = [{"name": name, "arg": value, "kind": 1} for name, value in arguments.items()]
        target = f"torch.ops.aten.{function}"
        self.nodes.append({"target": target, "inputs": inputs, "outputs": [result], "metadata": part(node, "metadata")})

    def name(self, node: Json, made: Sequence[str]) -> None:
        """Let the results of a call of a graph be those of its last calls."""
        results = [name for argument in list_at(node, "outputs") for name in names_in(argument)]
        for name, inner in zip(results, made, strict=False):
            self.call(node, "alias.default", _tensor(name), self=_tensor(inner))


def names_in(argument: Any) -> list[str]:
    """Return the names of the tensors and numbers in an argument."""
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


def _tensor(name: str) -> Json:
    return {"as_tensor": {"name": name}}


def _arguments(node: Json) -> tuple[list[Any], list[Json]]:
    """Return the arguments of a call, and the graphs among them."""
    arguments = [part(each, "arg") for each in list_at(node, "inputs")]
    graphs = [mapping_at(each["as_graph"], "graph") for each in arguments if part(each, "as_graph") is not None]
    if not graphs:
        raise Damaged(f"'{text_at(node, 'target')[:60]}' is called without a graph")
    return arguments, graphs


def _once(inlined: _Inlined, node: Json) -> bool:
    """Add the graph of a call with the arguments behind it."""
    arguments, graphs = _arguments(node)
    at = next(number for number, each in enumerate(arguments) if part(each, "as_graph") is not None)
    inlined.name(node, inlined.add(graphs[0], names_in(arguments[at + 1 :])))
    return True


def _conditional(inlined: _Inlined, node: Json) -> bool:
    """Add the graph that a fixed condition chooses."""
    arguments, graphs = _arguments(node)
    value = part(arguments[0], "as_bool")
    if value is None:
        value = part(part(arguments[0], "as_sym_bool"), "as_bool")
    if not isinstance(value, bool) or len(graphs) != 2:
        return False
    inlined.name(node, inlined.add(graphs[not value], names_in(arguments[3:])))
    return True


def _scanned(inlined: _Inlined, node: Json) -> bool:
    """Add the graph of a scan for every position along the first axis of its sequences; results are stacked."""
    arguments, graphs = _arguments(node)
    carried, sequences, further = (names_in(each) for each in arguments[1:4])
    metas = [mapping_at(inlined.tables["tensor_values"], name) for name in sequences]
    counts = {part(list_at(meta, "sizes")[0], "as_int") if list_at(meta, "sizes") else None for meta in metas}
    count = counts.pop() if len(counts) == 1 else None
    if type(count) is not int or count * len(list_at(graphs[0], "nodes")) > MAX_CALLS:
        return False
    rows: list[list[str]] = []
    for position in range(count):
        parts = []
        for name, meta in zip(sequences, metas, strict=True):
            parts.append(f"{name}.{len(inlined.nodes)}")
            row = {**meta, "sizes": meta["sizes"][1:], "strides": list_at(meta, "strides")[1:]}
            inlined.tables["tensor_values"][parts[-1]] = row
            index = {"dim": {"as_int": 0}, "index": {"as_int": position}}
            inlined.call(node, "select.int", _tensor(parts[-1]), self=_tensor(name), **index)
        made = inlined.add(graphs[0], [*carried, *parts, *further])
        carried, row_made = made[: len(carried)], made[len(carried) :]
        rows.append(row_made)
    results = [name for argument in list_at(node, "outputs") for name in names_in(argument)]
    inlined.name({**node, "outputs": [_tensor(name) for name in results[: len(carried)]]}, carried)
    for name, column in zip(results[len(carried) :], zip(*rows, strict=True), strict=False):
        tensors = {"as_tensors": [{"name": each} for each in column]}
        inlined.call(node, "stack.default", _tensor(name), tensors=tensors, dim={"as_int": 0})
    return True


CALLED: Mapping[str, Callable[[_Inlined, Json], bool]] = {
    **dict.fromkeys(ONCE, _once),
    "cond": _conditional,
    "scan": _scanned,
}
"""What adds the graphs of a call, by the operator; it returns whether it could."""
