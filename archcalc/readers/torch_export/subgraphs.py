"""Operators that call graphs: the calls in their graphs become calls of the program, in the description of the file.

Most of these operators only determine how a graph is run: without gradients, in another precision, with less memory.
Others call their graph for every position of an axis (see `archcalc.readers.torch_export.positions`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from archcalc.readers.torch_export.checked_json import InvalidPart, mappings_at, part
from archcalc.readers.torch_export.decisions import Decisions
from archcalc.readers.torch_export.inlining import (
    InlinedGraph,
    InliningBudget,
    Json,
    TooManyCalls,
    arguments_of,
    names_in,
)
from archcalc.readers.torch_export.positions import BEGIN, NOTHING, end_of, mapped, scanned, vectorised

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
"""The operators that call their graph once, with the arguments after it."""

MAX_REPETITIONS = 1_000
"""The maximum number of times that the graph of a loop is added."""

MAX_NESTING = 20
"""The maximum nesting depth of graphs."""


def with_subgraphs(graph: Json, decisions: Decisions, nesting: int = 0, budget: InliningBudget | None = None) -> Json:
    """Return a graph in which the calls of graphs have become the calls that are in these graphs.

    Args:
        graph: the graph.
        decisions: evaluates conditions.
        nesting: how deep the graph is in others.
        budget: the number of calls that are added at most; by default, those of a whole program.

    Raises:
        InvalidPart: something other than a graph is called, or graphs are nested too deeply.
        TooManyCalls: a graph in others has more calls. In the outermost one, their call is not replaced.
    """
    nodes = mappings_at(graph, "nodes")
    if not any(
        _operator(node) in (*CALLED, *CONDITIONAL) or part(node, "target") in (BEGIN, NOTHING) for node in nodes
    ):
        return graph
    if nesting > MAX_NESTING:
        raise InvalidPart(f"graphs are nested more than {MAX_NESTING} deep")
    budget = budget or InliningBudget()

    def expanded(inner: Json) -> Json:
        return with_subgraphs(inner, decisions.inside(), nesting + 1, budget)

    inlined = InlinedGraph(graph, expanded, nesting, budget)
    index = 0
    while index < len(nodes):
        before = len(inlined.nodes)
        try:
            index = _added(inlined, nodes, index, decisions)
        except TooManyCalls as error:
            if nesting:
                raise
            del inlined.nodes[before:]
            inlined.append({**nodes[index], "reason": str(error)})
            index += 1
    return {**graph, **inlined.tables, "nodes": inlined.nodes}


def _added(inlined: InlinedGraph, nodes: Sequence[Json], index: int, decisions: Decisions) -> int:
    """Add a node or the graphs that it calls, and return the index of the node after it."""
    node, target = nodes[index], part(nodes[index], "target")
    call, condition = CALLED.get(_operator(node)), CONDITIONAL.get(_operator(node))
    end = end_of(nodes, index) if target == BEGIN else None
    if end is not None and vectorised(inlined, nodes[index : end + 1]):
        return end + 1
    if condition is not None:
        condition(inlined, node, decisions)
    elif target != NOTHING and (call is None or not call(inlined, node)):
        inlined.append(node)
    return index + 1


def _operator(node: Any) -> str:
    """Return the name of an operator that calls graphs; an empty text for any other."""
    target = part(node, "target")
    return target.removeprefix(PREFIX) if isinstance(target, str) and target.startswith(PREFIX) else ""


def _once(inlined: InlinedGraph, node: Json) -> bool:
    """Add the graph of a call with the arguments after it."""
    arguments, graphs = arguments_of(node)
    at = next(number for number, each in enumerate(arguments) if part(each, "as_graph") is not None)
    inlined.name(node, inlined.add(graphs[0], names_in(arguments[at + 1 :])))
    return True


def _chosen(inlined: InlinedGraph, node: Json, decisions: Decisions) -> None:
    """Add the graph that a condition chooses, or the call itself if the condition is not known."""
    arguments, graphs = arguments_of(node, graphs=2, others=1)
    value = part(arguments[0], "as_bool")
    if value is None:
        value = part(part(arguments[0], "as_sym_bool"), "as_bool")
    name = next(iter(names_in(arguments[0])), "")
    if not isinstance(value, bool):
        value = decisions.truth(inlined.makers, name)
    if value is None:
        of_sizes = part(arguments[0], "as_sym_bool") is not None
        reason = "the sizes of the input decide" if of_sizes else decisions.reason(inlined.makers, name)
        inlined.append({**node, "reason": reason})
    else:
        inlined.name(node, inlined.add(graphs[not value], names_in(arguments[3:])))


def _repeated(inlined: InlinedGraph, node: Json, decisions: Decisions) -> None:
    """Add the graph of a loop as often as its condition is true, or the call itself if that is not known."""
    arguments, (condition, body) = arguments_of(node, graphs=2, others=2)
    carried, further = names_in(arguments[2]), names_in(arguments[3])
    before = len(inlined.nodes)
    reason = f"more than {MAX_REPETITIONS:,} repetitions"
    for _ in range(MAX_REPETITIONS + 1):
        made = inlined.add(condition, [*carried, *further])
        if len(made) != 1:
            raise InvalidPart("the condition of a loop must have one result")
        value = decisions.truth(inlined.makers, made[0])
        if value is None:
            reason = decisions.reason(inlined.makers, made[0])
            break
        if not value:
            inlined.name(node, carried)
            return
        carried = inlined.add(body, [*carried, *further])
    del inlined.nodes[before:]
    inlined.append({**node, "reason": reason})


CALLED: Mapping[str, Callable[[InlinedGraph, Json], bool]] = {
    **dict.fromkeys(ONCE, _once),
    "map_impl": mapped,
    "scan": scanned,
}
"""The functions that add the graphs of a call, by the operator; each returns whether it could."""

CONDITIONAL: Mapping[str, Callable[[InlinedGraph, Json, Decisions], None]] = {"cond": _chosen, "while_loop": _repeated}
"""The functions that add the graphs of a call that depends on a condition, or the call itself, by the operator."""
