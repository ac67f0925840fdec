"""Follow-through: a wrong claim carried forward by a step that is correct.

The step is computed with the same formulas from other claimed values: the shapes or receptive fields of earlier layers,
the shape or parameters of the layer itself, or the parts of a sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

from archcalc.analysis.fields import AxisField, Fields
from archcalc.analysis.receptive import receptive_fields
from archcalc.claims.claim import CORRECT, Claim, Explanation
from archcalc.claims.claimed_value import ClaimedValue
from archcalc.claims.compare import compare
from archcalc.claims.feedback import Reason
from archcalc.diagnosis.mistake import Outcome
from archcalc.diagnosis.registry import FOLLOW_THROUGH, NOT_THE_SUM
from archcalc.diagnosis.search import search
from archcalc.diagnosis.target import DiagnosedTarget
from archcalc.diagnosis.variation import Change, Rewrite, Site, vary
from archcalc.diagnosis.windows import changed, has_sliding_window, more_padding
from archcalc.graph import channels_first, ordered
from archcalc.numeric import Impossible, Number
from archcalc.ops.base import Shape
from archcalc.query.quantities import SUMS
from archcalc.query.targets import Values


@dataclass(frozen=True, eq=False, kw_only=True)
class EarlierClaim:
    """A claim of the same list that others may start from."""

    claim: Claim
    network: str
    target: DiagnosedTarget
    claimed: ClaimedValue
    correct: bool

    @property
    def values(self) -> tuple[Fraction, ...]:
        """The claimed numbers; those of a shape are in the layout of the network."""
        values = tuple(number.value for number in self.claimed.numbers)
        return ordered(values, self.target.graph.layout) if self.claimed.channels_first else values

    @property
    def is_plain(self) -> bool:
        """Whether the claim gives as many numbers as the target has, neither as a bound nor in bytes or words."""
        numbers = self.claimed.numbers
        plain = self.claimed.relation == "=" and len(numbers) == len(self.target.actual.values)
        return plain and not any(number.unit for number in numbers)


class FollowedStep(NamedTuple):
    """The result of a correct step, and the wrong claims that it starts from."""

    values: Values
    start: tuple[EarlierClaim, ...]


def explain_follow_through(
    target: DiagnosedTarget, claimed: ClaimedValue, earlier: Sequence[EarlierClaim]
) -> Explanation | None:
    """Return the explanation that a value follows from other claims that are wrong; ``None`` if it does not."""
    if claimed.relation != "=" or all(each.correct for each in earlier):
        return None
    others = [each for each in earlier if each.is_plain and each.target.text != target.text]
    wrong_steps = (step for step in _steps(target, others) if step.values != target.actual.values)
    match = next(search(map(_outcome, wrong_steps), [claimed], target.actual), None)
    if match is None:
        return None
    return Explanation(reasons=match.outcome.reasons)


def _outcome(step: FollowedStep) -> Outcome:
    start = ", ".join(f"{each.claim.target} = {each.claim.value}" for each in step.start[:2])
    return Outcome(reasons=(Reason(FOLLOW_THROUGH, (("start", start),)),), values=step.values)


def explain_sum_mismatch(
    target: DiagnosedTarget, claimed: ClaimedValue, earlier: Sequence[EarlierClaim]
) -> Explanation | None:
    """Return the explanation that a total differs from the sum of its claimed parts; ``None`` if it does not."""
    if not target.is_total or claimed.relation != "=":
        return None
    for parts in _disjoint_parts(target, earlier):
        covered = {index for part in parts for index in part.target.members}
        if any(_own(target, index) for index in target.members if index not in covered):
            continue
        total = sum(part.values[0] for part in parts)
        if compare([claimed], target.actual._replace(values=(total,))) not in CORRECT:
            written = f"{int(total):,}" if total.denominator == 1 else f"{float(total):,.4g}"
            return Explanation(reasons=(Reason(NOT_THE_SUM, (("sum", written),)),))
    return None


def _steps(target: DiagnosedTarget, earlier: list[EarlierClaim]) -> Iterator[FollowedStep]:
    if target.quantity in SUMS:
        for parts in _disjoint_parts(target, earlier):
            yield from _sums(target, parts)
        yield from _from_params(target, earlier)
    if target.quantity in ("rf", "rf_stride", "rf_padding"):
        yield from _from_fields(target, earlier)
    yield from _from_shapes(target, earlier)


# --- shapes ---


def _from_shapes(target: DiagnosedTarget, earlier: list[EarlierClaim]) -> Iterator[FollowedStep]:
    shapes: dict[int, Shape] = {}
    start: list[EarlierClaim] = []
    own: EarlierClaim | None = None
    for each in earlier:
        if each.target.quantity != "shape" or any(value.denominator != 1 for value in each.values):
            continue
        tensor = each.target.tensor
        if tensor.output or target.node(tensor.node).is_input:
            continue
        if tensor.node < min(target.own_nodes, default=0):
            shapes[tensor.node] = channels_first(tuple(map(int, each.values)), target.graph.layout)
            start += [each] * (not each.correct)
        elif each.target.place == target.place and not each.correct:
            own = each
    given = {node: (shape,) for node, shape in shapes.items()}
    if start:
        yield from _under_rewrites(target, [], given, start)
    if own is not None and target.quantity in SUMS:
        shape = channels_first(tuple(map(int, own.values)), target.graph.layout)
        correct = target.graph.shape(own.target.tensor)
        yield from _under_rewrites(target, [Rewrite(change=_forced(shape, correct))], given, [*start[-1:], own])


def _under_rewrites(
    target: DiagnosedTarget, rewrites: list[Rewrite], given: dict[int, tuple[Shape]], start: list[EarlierClaim]
) -> Iterator[FollowedStep]:
    try:
        variation = vary(target.graph, rewrites, where=target.own_nodes, last=target.last, given=given)
        values = target.measure(variation) if variation is not None else None
    except Impossible:
        return
    if values is not None:
        yield FollowedStep(values, tuple(start[::-1]))


def _forced(shape: Shape, correct: Shape) -> Change:
    """Return the change that forces the output of the target's layers to a shape, by padding and by the number of
    channels."""

    def change(site: Site) -> Site | None:
        op = site.op
        if op.output(site.inputs) != correct:
            return None
        if op.kind == "dense":
            return changed(site, features=shape[-1])
        if not has_sliding_window(site) or len(shape) != len(correct):
            return None
        steps = zip(shape[1:], correct[1:], op.strides(), strict=True)
        forced = more_padding(site, [(wanted - now) * s for wanted, now, s in steps]) or site
        if shape[0] != correct[0]:
            forced = changed(forced, channels=shape[0]) or forced
        return forced if forced is not site else None

    return change


# --- parameters, and sums ---


def _from_params(target: DiagnosedTarget, earlier: list[EarlierClaim]) -> Iterator[FollowedStep]:
    """Yield MACs as weights times positions, from the wrong number of parameters claimed for the layer."""
    if target.quantity not in ("macs", "mults"):
        return
    for each in earlier:
        if each.correct or each.target.quantity != "params" or each.target.place != target.place:
            continue
        held = [
            weight
            for index in target.members
            for weight in target.node(index).op.weights(target.graph.input_shapes(target.node(index)))
        ]
        biases = sum(weight.count for weight in held if weight.name == "bias")
        weights = sum(weight.count for weight in held) - biases
        products = target.actual.values[0]
        if weights and not isinstance(products, str) and products % weights == 0:
            yield FollowedStep(((each.values[0] - biases) * (products // weights),), (each,))


def _disjoint_parts(target: DiagnosedTarget, earlier: Sequence[EarlierClaim]) -> Iterator[list[EarlierClaim]]:
    """Yield the claimed parts of a sum, without overlap: once preferring the smallest parts, and once the largest."""
    members = set(target.members)
    parts = [
        each
        for each in earlier
        if each.is_plain and each.target.quantity == target.quantity and set(each.target.members) < members
    ]
    for largest in (False, True):
        covered: set[int] = set()
        chosen = []
        for part in sorted(parts, key=lambda each: len(each.target.members), reverse=largest):
            if covered.isdisjoint(part.target.members):
                covered.update(part.target.members)
                chosen.append(part)
        if chosen:
            yield chosen


def _sums(target: DiagnosedTarget, parts: list[EarlierClaim]) -> Iterator[FollowedStep]:
    """Yield the sum of the claimed parts and of the correct figures of all other layers."""
    wrong = tuple(part for part in parts if not part.correct)
    if not wrong:
        return
    covered = {index for part in parts for index in part.target.members}
    claimed = sum(part.values[0] for part in parts)
    rest = sum(_own(target, index) for index in target.members if index not in covered)
    yield FollowedStep((claimed + rest,), wrong)


def _own(target: DiagnosedTarget, index: int) -> Number:
    number: Number = getattr(target.counts(index), target.quantity) * target.batch
    return number


# --- receptive fields ---


def _from_fields(target: DiagnosedTarget, earlier: list[EarlierClaim]) -> Iterator[FollowedStep]:
    """Yield RF_n from the claimed RF of an earlier layer, and from the claimed product of the strides, if any."""
    sizes: dict[int, Values] = {}
    strides: dict[int, Values] = {}
    start = []
    for each in earlier:
        node = each.target.tensor.node if each.target.quantity in ("rf", "rf_stride") else len(target.graph.nodes)
        if node < target.tensor.node:
            (sizes if each.target.quantity == "rf" else strides)[node] = each.values
            start += [each] * (not each.correct)
    if not start:
        return
    correct = {layer.node: layer.fields for layer in target.analysis.layers}
    given: dict[int, Fields] = {}
    for node in {*sizes, *strides}:
        fields = _replaced_fields(correct[node], sizes.get(node), strides.get(node)) if node in correct else None
        if fields is not None:
            given[node] = fields
    graph = replace(target.graph, nodes=target.graph.nodes[: target.tensor.node + 1])
    yield FollowedStep(target.read_field(receptive_fields(graph, given=given)[target.tensor.node]), tuple(start[::-1]))


def _replaced_fields(fields: Fields, sizes: Values | None, strides: Values | None) -> Fields | None:
    """Return receptive fields with other sizes and strides; ``None`` if they are not simple windows."""
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
