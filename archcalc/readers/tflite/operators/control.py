"""Operators that run other subgraphs: branches, and loops whose number of iterations is known."""

from __future__ import annotations

from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.tflite.operation import OperationView
from archcalc.readers.tflite.registry import converts


@converts("WHILE")
def loop(n: OperationView) -> None:
    """Convert a loop that runs while a subgraph of its states is true."""
    condition, body = n.option("CondSubgraphIndex"), n.option("BodySubgraphIndex")
    states = [initial(n, index) for index in range(len(n.operator.inputs))]
    (first,) = n.graph.inlined(condition, states, 1)
    graph = n.graph.graph_of(body, n.path(), len(states), condition)
    made = n.several("Loop", ["", first, *states], len(states), body=graph)
    for output, name in enumerate(made[: len(n.operator.outputs)]):
        n.result(name, output=output)


def initial(n: OperationView, index: int) -> str:
    """Return a state before the first iteration; zeros that the file stores are no parameters."""
    sizes = n.sizes(index)
    if not sizes or not n.graph.is_zero(n.index(index)):
        return n.read(index)
    return n.add("Expand", n.constant(0, n.tensor(index).dtype), n.constant(sizes))


@converts("IF")
def branch(n: OperationView) -> None:
    given = [n.read(index) for index in range(1, len(n.operator.inputs))]
    count = len(n.operator.outputs)
    then, other = (
        n.graph.branch_of(n.option(f"{each}SubgraphIndex"), n.path(), given, count) for each in ("Then", "Else")
    )
    made = n.several("If", [n.read(0)], count, then_branch=then, else_branch=other)
    for output, name in enumerate(made):
        n.result(name, output=output)


@converts("CALL")
def call(n: OperationView) -> None:
    given = [n.read(index) for index in range(len(n.operator.inputs))]
    for output, name in enumerate(n.graph.inlined(n.option("Subgraph"), given, len(n.operator.outputs))):
        n.result(name, output=output)


@converts("CALL_ONCE")
def start(n: OperationView) -> None:
    raise Untranslatable("variables that keep their values between runs")
