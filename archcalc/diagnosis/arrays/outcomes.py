"""What the elements of an array are under each mistake, computed once and then searched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from archcalc.claims.feedback import Reason
from archcalc.diagnosis.arrays.elements import FlatArray
from archcalc.diagnosis.arrays.mistakes import ARRAY_MISTAKES
from archcalc.diagnosis.layer_mistakes import LAYER_MISTAKES
from archcalc.diagnosis.mistake import NUMBERS

if TYPE_CHECKING:
    from archcalc.diagnosis.arrays.asked_arrays import AskedArray
    from archcalc.diagnosis.arrays.computation import Computation, NumbersChange
    from archcalc.graph import Graph

MAX_OPERATIONS = 200_000_000
"""The maximum number of operations of all runs under mistakes (some seconds); further mistakes are not tried."""


class ArrayOutcome(NamedTuple):
    """The elements of an array under a mistake."""

    reason: Reason
    elements: FlatArray
    prior: int
    """How common the mistake is; see `archcalc.diagnosis.mistake.Prior`."""


def rearrangement_outcomes(correct: FlatArray) -> list[ArrayOutcome]:
    """Return the outcomes of the mistakes in writing a correct result down."""
    return [
        ArrayOutcome(Reason(mistake.code), elements, mistake.prior)
        for mistake in ARRAY_MISTAKES
        for change in mistake.results
        for elements in change(correct)
    ]


def computation_outcomes(computation: Computation, asked: AskedArray, correct: FlatArray) -> list[ArrayOutcome]:
    """Return the outcomes of the mistakes in computing what is asked.

    A mistake is made in the layer that is asked about, in one layer before it, or in all of these.
    """
    graph = computation.graph
    last = asked.last(graph)
    traces = computation.traces()
    runs = MAX_OPERATIONS // operations_of(graph)
    found: list[ArrayOutcome] = []
    seen = {correct}
    for reason, prior, change in _changes():
        made = {
            index: varied
            for index in sorted(traces, reverse=True)
            if index <= last and (varied := computation.changed(index, change, traces[index].inputs)) is not None
        }
        runs -= len(made) + (len(made) > 1)
        if runs < 0:
            break
        several = [(None, _everywhere(computation, sorted(made), change))] if len(made) > 1 else []
        for index, varied in [*made.items(), *several]:
            elements = None if varied is None else varied.tried(asked)
            if elements is not None and elements not in seen:
                seen.add(elements)
                earlier = index is None or not asked.names(index, graph)
                found.append(ArrayOutcome(replace(reason, earlier=earlier), elements, prior + earlier))
    return found


def operations_of(graph: Graph) -> int:
    """Return the operations of a forward pass, at least 1."""
    return max(1, sum(int(node.op.cost(graph.input_shapes(node)).flops) for _, node in graph.layers()))


def _changes() -> Iterator[tuple[Reason, int, NumbersChange]]:
    """Yield the changes of layers, each with its mistake as a reason and how common that is."""
    from archcalc.diagnosis.arrays.computation import of_layer

    for mistake in ARRAY_MISTAKES:
        for change in (*mistake.numbers, *map(of_layer, mistake.layers)):
            yield Reason(mistake.code), mistake.prior, change
    for known in LAYER_MISTAKES:
        if NUMBERS in known.affects:
            for layer_change in known.changes:
                yield Reason(known.code, kind=known.kind), known.prior_for(NUMBERS), of_layer(layer_change)


def _everywhere(computation: Computation, layers: Iterable[int], change: NumbersChange) -> Computation | None:
    """Return the computation with all of some layers changed, the first one first; ``None`` if that is impossible."""
    found = computation
    for index in layers:
        inputs = found.inputs_of(index)
        varied = None if inputs is None else found.changed(index, change, inputs)
        if varied is None:
            return None
        found = varied
    return found
