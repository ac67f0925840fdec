"""Gates: limits on how far a figure may change, or on the figure itself, with which a comparison fails.

======================= ================================================================================
``macs > +2%``          the change, as a percentage of the old figure
``macs > 1.02x``        the ratio of the new figure to the old one
``params > +1M``        the change as a number
``macs > 500M``         the new figure: any condition, such as ``backbone.macs > 4G or params > 20M``
======================= ================================================================================

A percentage needs its sign and a ratio has none, so that neither is taken for the other. A gate that a network without
any change would not pass is refused for the same reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, NamedTuple, TypeAlias

from archcalc.analysis.propagate import Analysis
from archcalc.query.conditions import RELATE, holds, read_condition, side_value
from archcalc.query.lookup import NetworkNames
from archcalc.query.quantities import QUANTITIES, quantity_named
from archcalc.query.targets import Evaluator
from archcalc.spec.errors import Problem, SpecError, fail
from archcalc.spec.syntax import Condition, Relation
from archcalc.validation.baseline import STORED_QUANTITIES, NetworkFigures, figures_of, percent_text
from archcalc.validation.budgets import figures_text

Measure: TypeAlias = Literal["change", "ratio", "difference", "figure"]
"""What a gate compares: a change in per cent, a ratio, a change as a number, or the new figure."""

OPTION = "--fail-on"
_RELATIVE = re.compile(
    r"\s*(?P<target>[^\s<>=!]+)\s*(?P<relation>[<>]=?)\s*(?P<sign>[+\-−]?)\s*(?P<number>[^\s%×x]+)\s*(?P<unit>%|x|×)\s*"
)
_DIFFERENCE = re.compile(
    r"\s*(?P<target>[^\s<>=!]+)\s*(?P<relation>[<>]=?)\s*(?P<sign>[+\-−])\s*(?P<number>[^\s+\-−%]+)\s*"
)
_DECIMAL = re.compile(r"\d{1,12}(\.\d{1,12})?")


@dataclass(frozen=True, slots=True)
class Gate:
    """A limit that was read."""

    text: str
    """As it was written."""
    measure: Measure
    condition: Condition
    """For a figure: the condition on the new network, under which the comparison fails."""
    target: str = ""
    relation: str = ""
    limit: Fraction = Fraction(0)
    """For the other measures: the limit, of a percentage as a fraction."""

    def exceeded_by(self, before: Any, after: Any) -> bool:
        """Return whether a figure exceeds the limit, given its values before and after.

        From 0, every growth is more than any percentage or ratio.
        """
        if self.measure == "difference":
            return bool(RELATE[self.relation](after - before, self.limit))
        if not before:
            return bool(after) and self.relation in (">", ">=")
        change = Fraction(after) / Fraction(before) - (1 if self.measure == "change" else 0)
        return bool(RELATE[self.relation](change, self.limit))


class ExceededGate(NamedTuple):
    """A gate that a network does not pass."""

    gate: Gate
    message: str
    against: Literal["old", "baseline", "budget"]
    """What the figure was compared with: the old network, a baseline, or a fixed number."""


def read_gates(written: Iterable[str]) -> list[Gate]:
    """Read gates as written on a command line.

    Raises:
        SpecError: a text is neither a limit on a change nor a condition, or confuses percentages and ratios.
    """
    return [read_gate(text) for text in written]


def read_gate(text: str) -> Gate:
    """Read a gate; see `read_gates`."""
    relative = _RELATIVE.fullmatch(text)
    if relative is not None:
        return _refused_if_always(_relative(text, relative))
    difference = _DIFFERENCE.fullmatch(text)
    if difference is not None:
        condition = read_condition(OPTION, f"{difference['target']} {difference['relation']} {difference['number']}")
        if isinstance(condition, Relation):
            number = Fraction(side_value(condition.right, _no_name))
            limit = number if difference["sign"] == "+" else -number
            gate = Gate(text, "difference", condition, difference["target"], difference["relation"], limit)
            return _refused_if_always(gate)
    return Gate(text, "figure", read_condition(OPTION, text))


def _relative(text: str, match: re.Match[str]) -> Gate:
    target, relation, sign, number, unit = match.group("target", "relation", "sign", "number", "unit")
    quantity = quantity_named(target.rpartition(".")[2])
    if quantity is None:
        hint = "a limit on a change names a quantity: macs > +2%"
        fail("unknown-name", f"no quantity '{target[:60]}'", origin=OPTION, hint=hint)
    condition = read_condition(OPTION, f"{target} {relation} 0")
    if not _DECIMAL.fullmatch(number):
        fail("argument", f"expected a number before '{unit}', got '{number[:40]}'", origin=OPTION, hint="macs > +2%")
    amount = Fraction(number)
    if unit == "%":
        if not sign:
            shrinks = "<" in relation
            ratio = f"{float(amount / 100 + (amount < 100 and not shrinks)):g}x"
            change = f"{'-' if shrinks else '+'}{number}%"
            hint = f"write {target} {relation} {change} for a change, or {target} {relation} {ratio} for new / old"
            fail(
                "argument",
                f"a percentage is a change and must have a sign, got '{text.strip()[:60]}'",
                origin=OPTION,
                hint=hint,
            )
        limit = amount / 100 if sign == "+" else -amount / 100
        return Gate(text, "change", condition, target, relation, limit)
    if sign:
        ratio = f"{float(1 / amount):g}" if "<" in relation and amount > 1 else number
        hint = f"write {target} {relation} {ratio}x for new / old, or {'-' if '<' in relation else '+'}2% for a change"
        fail("argument", f"a ratio is new / old and has no sign, got '{text.strip()[:60]}'", origin=OPTION, hint=hint)
    return Gate(text, "ratio", condition, target, relation, amount)


def _refused_if_always(gate: Gate) -> Gate:
    """Return the gate.

    Raises:
        SpecError: a network without any change would not pass it.
    """
    if not gate.exceeded_by(1, 1):
        return gate
    if gate.measure == "ratio" and gate.limit < 1:
        percent = f"{float(gate.limit * 100):g}"
        hint = f"growth by {percent} % is {gate.target} > +{percent}%, or {gate.target} > {float(1 + gate.limit):g}x"
    else:
        hint = "for example: macs > +2%, macs > 1.02x, macs < -2%"
    fail("argument", f"'{gate.text.strip()[:60]}' would fail an unchanged network", origin=OPTION, hint=hint)


def _no_name(name: Any) -> Any:
    fail("argument", "expected a number after the sign", name.span, "for example: params > +1M")


class GateJudgement(NamedTuple):
    """The gates that a network does not pass, and the errors of those that cannot be judged."""

    exceeded: tuple[ExceededGate, ...] = ()
    problems: tuple[Problem, ...] = ()


NOT_JUDGED = GateJudgement()


def judge(
    gates: Iterable[Gate], old: Analysis | None, new: Analysis, baseline: NetworkFigures | None = None
) -> GateJudgement:
    """Judge the gates of one network.

    Args:
        gates: the gates.
        old: the analysis before the change; ``None`` for a new network, whose growth has no limit.
        new: the analysis after it.
        baseline: the figures of a baseline, to which the limits on changes apply as well: small steps add up there.
    """
    exceeded: list[ExceededGate] = []
    problems: list[Problem] = []
    stored = None if baseline is None else figures_of(new)
    for gate in gates:
        try:
            if gate.measure == "figure":
                names = NetworkNames(new.graph, Evaluator.of(new))
                if holds(gate.condition, names):
                    exceeded.append(ExceededGate(gate, figures_text(names.known), "budget"))
                continue
            after = _figure(gate, new)
            before = None if old is None else _figure(gate, old, missing_ok=True)
            if before is not None and gate.exceeded_by(before, after):
                exceeded.append(ExceededGate(gate, _growth_text(gate.target, before, after), "old"))
            if baseline is not None and stored is not None and gate.target in STORED_QUANTITIES:
                index = STORED_QUANTITIES.index(gate.target)
                before, after = baseline.totals[index], stored.totals[index]
                if gate.exceeded_by(before, after):
                    exceeded.append(ExceededGate(gate, _growth_text(gate.target, before, after), "baseline"))
        except SpecError as error:
            problems += error.problems
    return GateJudgement(tuple(exceeded), tuple(problems))


def _figure(gate: Gate, analysis: Analysis, *, missing_ok: bool = False) -> Any:
    """Return the figure that a gate limits.

    Args:
        gate: the gate.
        analysis: the network.
        missing_ok: whether to return ``None`` if this network does not have the layer.

    Raises:
        SpecError: there is no such layer, or the figure is a lower bound or no number.
    """
    evaluator = Evaluator.of(analysis)
    try:
        target = evaluator.target(gate.target)
        figure = evaluator.values(target)[0]
    except LookupError as error:
        if missing_ok:
            return None
        fail("unknown-name", error.args[0], hint=error.args[1], origin=f"{OPTION} '{gate.text.strip()[:60]}'")
    if isinstance(figure, str) or not target.quantity.is_number:
        fail("argument", f"'{gate.target[:60]}' is not a single number", origin=f"{OPTION} '{gate.text.strip()[:60]}'")
    if analysis.totals.is_lower_bound(target.quantity.name):
        fail(
            "argument", f"{gate.target[:60]} is only a lower bound, so it cannot be limited", origin=analysis.graph.name
        )
    return figure


def _growth_text(target: str, before: Any, after: Any) -> str:
    """Return a figure before and after as text, with the change in per cent and the ratio."""
    if not before:
        return f"{target} {before:,} → {after:,}"
    change = Fraction(after - before, before)
    sign = "+" if change > 0 else ""
    return f"{target} {before:,} → {after:,} ({sign}{percent_text(change)}, {ratio_text(change + 1)}x)"


def ratio_text(ratio: Fraction) -> str:
    """Return a ratio with four significant digits."""
    return f"{Decimal(f'{Decimal(ratio.numerator) / Decimal(ratio.denominator):.4g}'):f}"


def without_drift(gates: Iterable[Gate]) -> list[str]:
    """Return the quantities of gates on changes that baselines do not store, so that their drift has no limit."""
    targets = [gate.target for gate in gates if gate.measure != "figure"]
    return [target for target in targets if target in QUANTITIES and target not in STORED_QUANTITIES]
