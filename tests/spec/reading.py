"""Short ways to read a spec in a test, and to describe the result."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest

from archcalc.graph import Graph, write_shape
from archcalc.spec import GivenSettings, Problem, Source, SpecError, read_spec
from archcalc.spec.limits import DEFAULT, Limits


def graph(text: str, limits: Limits = DEFAULT, **given: Any) -> Graph:
    """Return the graph of a spec file with this text."""
    return read_spec(Source("net.yaml", dedent(text).lstrip("\n")), GivenSettings(**given), limits=limits).graph


def chain(layers: str, shape: str = "8x32x32", limits: Limits = DEFAULT, **given: Any) -> Graph:
    """Return the graph of an inline expression."""
    return read_spec(
        Source("<expression>", f"{shape} -> {layers}"), GivenSettings(**given), inline=True, limits=limits
    ).graph


def ops(network: Graph) -> list[str]:
    """Return the operators of all layers, in order."""
    return [node.op.name for _, node in network.layers()]


def names(network: Graph) -> list[str]:
    """Return the names of all layers, in order."""
    return [node.name for _, node in network.layers()]


def shapes(network: Graph) -> list[str]:
    """Return the shapes of all layers, in order."""
    return [write_shape(node.output) for _, node in network.layers()]


def readers(network: Graph, name: str) -> list[str]:
    """Return the names of what a layer reads."""
    node = next(node for node in network.nodes if node.name == name)
    return [network.nodes[ref.node].name for ref in node.inputs]


def last(network: Graph) -> Any:
    """Return the operator of the last layer."""
    return network.nodes[-1].op


def problems(text: str, limits: Limits = DEFAULT, **given: Any) -> tuple[Problem, ...]:
    """Return the problems of a spec file."""
    with pytest.raises(SpecError) as caught:
        graph(text, limits, **given)
    return caught.value.problems


def problem(text: str, limits: Limits = DEFAULT, **given: Any) -> Problem:
    """Return the only problem of a spec file."""
    found = problems(text, limits, **given)
    assert len(found) == 1, str(SpecError(found))
    return found[0]


def wrong(layers: str, shape: str = "8x32x32", limits: Limits = DEFAULT, **given: Any) -> Problem:
    """Return the only problem of an inline expression."""
    with pytest.raises(SpecError) as caught:
        chain(layers, shape, limits, **given)
    assert len(caught.value.problems) == 1, str(caught.value)
    return caught.value.problems[0]


def marked(found: Problem) -> str:
    """Return the text above the carets of a problem."""
    rows = found.render().split("\n")
    line, carets = rows[1].split(" | ", 1)[1], rows[2].split(" | ", 1)[1]
    return line[carets.index("^") : carets.rindex("^") + 1]
