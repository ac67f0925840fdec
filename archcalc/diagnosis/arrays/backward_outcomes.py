"""What a gradient is under each mistake in the backward pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from archcalc.claims.feedback import Reason
from archcalc.diagnosis.arrays.asked_arrays import AskedGradient
from archcalc.diagnosis.arrays.backward_changes import BackwardLayer, GradientsChange, LossChange, LossGradient
from archcalc.diagnosis.arrays.computation import Computation
from archcalc.diagnosis.arrays.elements import FlatArray
from archcalc.diagnosis.arrays.mistakes import ARRAY_MISTAKES
from archcalc.diagnosis.arrays.outcomes import MAX_OPERATIONS, ArrayOutcome, operations_of
from archcalc.executor.gradient import EvaluatedLayer, Gradients, gradient_of
from archcalc.executor.kernel import Array, Arrays
from archcalc.executor.loss_kinds import GivenLoss
from archcalc.executor.losses import Term, class_axis

PASSES = 3
"""The operations of a forward and a backward pass, in proportion to those of the forward pass."""


def backward_outcomes(computation: Computation, asked: AskedGradient, correct: FlatArray) -> list[ArrayOutcome]:
    """Return the outcomes of the mistakes in the backward pass: in the loss, in one layer, or in all layers."""
    points = _points(computation, asked)
    runs = MAX_OPERATIONS // (PASSES * operations_of(computation.graph))
    found: list[ArrayOutcome] = []
    seen = {correct}
    for reason, prior, varied in _varied(computation, asked, points):
        runs -= 1
        if runs < 0:
            break
        elements = computation.tried(varied)
        if elements is not None and elements not in seen:
            seen.add(elements)
            found.append(ArrayOutcome(reason, elements, prior))
    return found


def _varied(
    computation: Computation, asked: AskedGradient, points: Mapping[str, BackwardLayer]
) -> Iterator[tuple[Reason, int, AskedGradient]]:
    """Yield what is asked under mistakes, each with its reason and how common it is."""
    for mistake in ARRAY_MISTAKES:
        reason = Reason(mistake.code)
        for change in mistake.losses:
            terms = {
                name: _term(term, change, asked.loss.kind, _classes(computation, asked, name))
                for name, term in asked.loss.terms.items()
            }
            yield reason, mistake.prior, replace(asked, loss=replace(asked.loss, terms=terms))
        for rule in mistake.gradients:
            made = [name for name, point in points.items() if rule(point) is not None]
            several: list[Sequence[str]] = [made] if len(made) > 1 else []
            for names in [*([name] for name in made), *several]:
                yield reason, mistake.prior, replace(asked, instead=dict.fromkeys(names, _changed(rule)))


def _points(computation: Computation, asked: AskedGradient) -> dict[str, BackwardLayer]:
    """Return the layers through which the gradient passes, the last one first."""
    found: dict[str, BackwardLayer] = {}

    def noting(name: str) -> Any:
        def product(op: Any, layer: EvaluatedLayer, given: Arrays) -> Gradients:
            own = gradient_of(op)(op, layer, given)
            found[name] = BackwardLayer(op, layer, given, own)
            return own

        return product

    names = [node.name for _, node in computation.graph.layers()]
    replace(asked, instead={name: noting(name) for name in names}).backward(computation)
    return found


def _changed(rule: GradientsChange) -> Any:
    """Return the vector–Jacobian product of a layer under a mistake."""

    def product(op: Any, layer: EvaluatedLayer, given: Arrays) -> Gradients:
        own = gradient_of(op)(op, layer, given)
        return rule(BackwardLayer(op, layer, given, own)) or own

    return product


def _term(term: Term, change: LossChange, kind: GivenLoss | None, classes: int) -> Term:
    """Return the loss of a tensor with its gradient under a mistake."""

    def changed(y: Array) -> tuple[float, Array]:
        value, g = term(y)
        varied = change(LossGradient(kind, y, g, classes))
        return value, g if varied is None else varied

    return changed


def _classes(computation: Computation, asked: AskedGradient, name: str) -> int:
    """Return the axis of the classes for the cross-entropy of logits; −1 for other losses."""
    graph = computation.graph
    ref = graph.find(name)
    assert ref is not None
    is_of_logits = asked.loss.kind == "cross_entropy" and graph.nodes[ref.node].op.scores == "logits"
    return class_axis(graph, ref, name) + 1 if is_of_logits else -1
