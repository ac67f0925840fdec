"""Reduction of a network that is too large for a measurement: to smaller inputs first, then to fewer channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from archcalc.analysis.propagate import Analysis, analyze
from archcalc.analysis.resize import narrowed, with_smallest_inputs
from archcalc.graph import Graph, write_shape
from archcalc.numeric import Impossible

MIN_REDUCED_SIZE = 16
"""The fewest positions per axis of a reduced input: with fewer, windows would mostly see padding."""
DIVISORS = (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
"""The divisors of channels that are tried."""


class ReducedNetwork(NamedTuple):
    """A network as it is measured."""

    graph: Graph
    analysis: Analysis
    divisor: int = 1
    """By which its channels were divided."""
    is_full_size: bool = False
    """Whether it was not reduced."""

    def __str__(self) -> str:
        """Return the shapes of its inputs and the divisor, e.g. ``3x16x16, channels divided by 4``."""
        inputs = " and ".join(write_shape(shape, self.graph.layout) for shape in self.graph.inputs.values())
        return inputs if self.divisor == 1 else f"{inputs}, channels divided by {self.divisor}"


def reduce_network(graph: Graph, fits: Callable[[Analysis], bool]) -> ReducedNetwork:
    """Return the network, reduced in input size and then in channels until it fits, or as far as it can be reduced."""
    analysis = analyze(graph)
    if fits(analysis):
        return ReducedNetwork(graph, analysis, is_full_size=True)
    least = with_smallest_inputs(graph, MIN_REDUCED_SIZE)
    found = ReducedNetwork(least, analyze(least))
    for divisor in DIVISORS:
        if fits(found.analysis):
            break
        try:
            few = narrowed(least, divisor)
        except Impossible:
            continue
        found = ReducedNetwork(few, analyze(few), divisor)
    return found
