"""Follow-through: an earlier wrong answer carried forward, by steps that are right.

The step is taken with the same formulas, from what was claimed before: shapes of the layers before, the layer's own
shape or parameters, the fields of the layers before, the parts of a sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

from archcalc.analysis.receptive import AxisField, Fields, receptive_fields
from archcalc.claims.claim import RIGHT, Claim, Explanation
from archcalc.claims.compare import compare
from archcalc.claims.written import Statement
from archcalc.diagnosis.mistake import Outcome
from archcalc.diagnosis.registry import FOLLOW_THROUGH, NOT_THE_SUM
from archcalc.diagnosis.search import search
from archcalc.diagnosis.target import DiagnosedTarget
from archcalc.diagnosis.variation import Change, Rewrite, Site, vary
from archcalc.diagnosis.windows import changed, more_padding, slides
from archcalc.graph import channels_first, ordered
from archcalc.numeric import Impossible, Number
from archcalc.ops.base import Shape
from archcalc.query.quantities import SUMS
from archcalc.query.targets import Values


@dataclass(frozen=True, eq=False, kw_only=True)
class EarlierClaim:
    """A claim of the same list that others may start from, and whether it is right."""

    claim: Claim
    network: str
    question: DiagnosedTarget
    statement: Statement
    right: bool

    @property
    def values(self) -> tuple[Fraction, ...]:
        """The numbers that are claimed; those of a shape in the layout of the network."""
        values = tuple(number.value for number in self.statement.numbers)
        return ordered(values, self.question.graph.layout) if self.statement.maps_first else values

    @property
    def is_plain(self) -> bool:
        """Whether it gives as many numbers as there are, no bound, and nothing in bytes or words."""
        numbers = self.statement.numbers
        plain = self.statement.relation == "=" and len(numbers) == len(self.question.actual.values)
        return plain and not any(number.unit for number in numbers)


class Step(NamedTuple):
    """What a right step leads to, and the wrong claims that it starts from."""

    values: Values
    start: tuple[EarlierClaim, ...]


def follows(question: DiagnosedTarget, statement: Statement, said: Sequence[EarlierClaim]) -> Explanation | None:
    """The explanation that a value follows from other claims that are wrong, if it does."""
    if statement.relation != "=" or all(each.right for each in said):
        return None
    others = [each for each in said if each.is_plain and each.question.text != question.text]
    wrong_steps = (step for step in _steps(question, others) if step.values != question.actual.values)
    match = next(search(map(_outcome, wrong_steps), [statement], question.actual), None)
    if match is None:
        return None
    return Explanation(code=FOLLOW_THROUGH, sentence=f"the step is right, from {match.clause}")


def _outcome(step: Step) -> Outcome:
    start = " and ".join(f"{each.claim.target} = {each.claim.value}" for each in step.start[:2])
    return Outcome(codes=(FOLLOW_THROUGH,), clauses=(f"{start} as claimed before",), values=step.values)


def misses_the_sum(question: DiagnosedTarget, statement: Statement, said: Sequence[EarlierClaim]) -> Explanation | None:
    """The explanation that a total differs from the sum of the parts that are claimed beside it."""
    if not question.is_total or statement.relation != "=":
        return None
    for parts in _covers(question, said):
        covered = {index for part in parts for index in part.question.members}
        if any(_own(question, index) for index in question.members if index not in covered):
            continue
        total = sum(part.values[0] for part in parts)
        if compare([statement], question.actual._replace(values=(total,))) not in RIGHT:
            written = f"{int(total):,}" if total.denominator == 1 else f"{float(total):,.4g}"
            return Explanation(code=NOT_THE_SUM, sentence=f"the parts claimed sum to {written}")
    return None


def _steps(question: DiagnosedTarget, said: list[EarlierClaim]) -> Iterator[Step]:
    if question.quantity in SUMS:
        for parts in _covers(question, said):
            yield from _sums(question, parts)
        yield from _from_params(question, said)
    if question.quantity in ("rf", "rf_stride", "rf_padding"):
        yield from _from_fields(question, said)
    yield from _from_shapes(question, said)


# --- shapes ---


def _from_shapes(question: DiagnosedTarget, said: list[EarlierClaim]) -> Iterator[Step]:
    shapes: dict[int, Shape] = {}
    start: list[EarlierClaim] = []
    own: EarlierClaim | None = None
    for each in said:
        if each.question.quantity != "shape" or any(value.denominator != 1 for value in each.values):
            continue
        tensor = each.question.tensor
        if tensor.output or question.node(tensor.node).is_input:
            continue
        if tensor.node < min(question.own, default=0):
            shapes[tensor.node] = channels_first(tuple(map(int, each.values)), question.graph.layout)
            start += [each] * (not each.right)
        elif each.question.place == question.place and not each.right:
            own = each
    given = {node: (shape,) for node, shape in shapes.items()}
    if start:
        yield from _varied(question, [], given, start)
    if own is not None and question.quantity in SUMS:
        shape = channels_first(tuple(map(int, own.values)), question.graph.layout)
        right = question.graph.shape(own.question.tensor)
        yield from _varied(question, [Rewrite(_forced(shape, right), flows=True)], given, [*start[-1:], own])


def _varied(
    question: DiagnosedTarget, rewrites: list[Rewrite], given: dict[int, tuple[Shape]], start: list[EarlierClaim]
) -> Iterator[Step]:
    try:
        variation = vary(question.graph, rewrites, where=question.own, last=question.last, given=given)
        values = question.measure(variation) if variation is not None else None
    except Impossible:
        return
    if values is not None:
        yield Step(values, tuple(start[::-1]))


def _forced(shape: Shape, right: Shape) -> Change:
    """The layers whose output is asked for put out this shape: by padding after the input, and by their channels."""

    def change(site: Site) -> Site | None:
        op = site.op
        if op.output(site.inputs) != right:
            return None
        if op.kind == "dense":
            return changed(site, features=shape[-1])
        if not slides(site) or len(shape) != len(right):
            return None
        steps = zip(shape[1:], right[1:], op.strides(), strict=True)
        forced = more_padding(site, [(wanted - now) * s for wanted, now, s in steps]) or site
        if shape[0] != right[0]:
            forced = changed(forced, channels=shape[0]) or forced
        return forced if forced is not site else None

    return change


# --- parameters, and sums ---


def _from_params(question: DiagnosedTarget, said: list[EarlierClaim]) -> Iterator[Step]:
    """MACs as weights times positions, from the layer's own wrong number of parameters, biases among them."""
    if question.quantity not in ("macs", "mults"):
        return
    for each in said:
        if each.right or each.question.quantity != "params" or each.question.place != question.place:
            continue
        held = [
            weight
            for index in question.members
            for weight in question.node(index).op.weights(question.graph.input_shapes(question.node(index)))
        ]
        biases = sum(weight.count for weight in held if weight.name == "bias")
        weights = sum(weight.count for weight in held) - biases
        products = question.actual.values[0]
        if weights and not isinstance(products, str) and products % weights == 0:
            yield Step(((each.values[0] - biases) * (products // weights),), (each,))


def _covers(question: DiagnosedTarget, said: Sequence[EarlierClaim]) -> Iterator[list[EarlierClaim]]:
    """The parts of a sum that are claimed, none of them twice: the smallest parts, or the largest."""
    whole = set(question.members)
    parts = [
        each
        for each in said
        if each.is_plain and each.question.quantity == question.quantity and set(each.question.members) < whole
    ]
    for largest in (False, True):
        covered: set[int] = set()
        chosen = []
        for part in sorted(parts, key=lambda each: len(each.question.members), reverse=largest):
            if covered.isdisjoint(part.question.members):
                covered.update(part.question.members)
                chosen.append(part)
        if chosen:
            yield chosen


def _sums(question: DiagnosedTarget, parts: list[EarlierClaim]) -> Iterator[Step]:
    """The parts that are claimed, and what is right of the others."""
    wrong = tuple(part for part in parts if not part.right)
    if not wrong:
        return
    covered = {index for part in parts for index in part.question.members}
    claimed = sum(part.values[0] for part in parts)
    rest = sum(_own(question, index) for index in question.members if index not in covered)
    yield Step((claimed + rest,), wrong)


def _own(question: DiagnosedTarget, index: int) -> Number:
    number: Number = getattr(question.counts(index), question.quantity) * question.batch
    return number


# --- receptive fields ---


def _from_fields(question: DiagnosedTarget, said: list[EarlierClaim]) -> Iterator[Step]:
    """RF_n from the claimed RF of a layer before, and from the claimed product of the strides, if any."""
    sizes: dict[int, Values] = {}
    strides: dict[int, Values] = {}
    start = []
    for each in said:
        node = each.question.tensor.node if each.question.quantity in ("rf", "rf_stride") else len(question.graph.nodes)
        if node < question.tensor.node:
            (sizes if each.question.quantity == "rf" else strides)[node] = each.values
            start += [each] * (not each.right)
    if not start:
        return
    right = {layer.node: layer.fields for layer in question.analysis.layers}
    given: dict[int, Fields] = {}
    for node in {*sizes, *strides}:
        fields = _with(right[node], sizes.get(node), strides.get(node)) if node in right else None
        if fields is not None:
            given[node] = fields
    graph = replace(question.graph, nodes=question.graph.nodes[: question.tensor.node + 1])
    yield Step(question.read_field(receptive_fields(graph, given=given)[question.tensor.node]), tuple(start[::-1]))


def _with(fields: Fields, sizes: Values | None, strides: Values | None) -> Fields | None:
    """Fields of other sizes and strides; ``None`` where they are not plain windows."""
    result: dict[str, tuple[AxisField, ...]] = {}
    for name, axes in fields.items():
        changed_axes = []
        for number, axis in enumerate(axes):
            if len(axis.paths) != 1 or axis.paths[0].period != 1:
                return None
            path = axis.paths[0]
            if sizes is not None:
                path = path._replace(sizes=(sizes[min(number, len(sizes) - 1)],))
            if strides is not None:
                path = path._replace(advance=strides[min(number, len(strides) - 1)])
            changed_axes.append(replace(axis, paths=(path,)))
        result[name] = tuple(changed_axes)
    return result
