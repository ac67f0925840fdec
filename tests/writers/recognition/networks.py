"""Networks of the tests, and what recognition makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from archcalc.analysis.propagate import analyze
from archcalc.executor.interpreter import Interpreter
from archcalc.executor.weights import initial_arrays
from archcalc.graph import Graph
from archcalc.spec import Source, read_spec

Arrays = Mapping[str, Any]


def graph(written: str) -> Graph:
    return read_spec(Source("net.yaml", written)).graph


def operators(network: Graph) -> list[str]:
    """Return the names of the operators of all layers."""
    return [node.op.name for _, node in network.layers()]


def same_totals(one: Graph, other: Graph) -> bool:
    """Return whether two networks have as many parameters and multiply–accumulates, and outputs of the same shapes."""
    before, after = analyze(one).totals, analyze(other).totals
    shapes = [[each.shape(ref) for ref in each.outputs.values()] for each in (one, other)]
    return (before.macs, before.params) == (after.macs, after.params) and shapes[0] == shapes[1]


def same_values(one: Graph, other: Graph, converted: Callable[[Arrays], Arrays] = dict) -> bool:
    """Return whether two networks compute the same from random inputs.

    Args:
        one: a network.
        other: the other network.
        converted: returns the stored arrays of the second network, given those of the first.
    """
    rng = np.random.default_rng(0)
    inputs = {name: rng.standard_normal((2, *shape)) for name, shape in one.inputs.items()}
    arrays = {name: rng.standard_normal(each.shape) for name, each in initial_arrays(one, dtype=np.float64).items()}
    before = Interpreter(one, arrays).run(inputs).outputs
    after = Interpreter(other, converted(arrays)).run(inputs).outputs
    return all(np.allclose(before[name], after[name]) for name in before)
