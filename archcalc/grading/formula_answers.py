"""Formulas as answers: ``k*k*NIC*NF*H*W`` is correct if it equals the closed form, however it is written.

The names in a formula are the variables of the networks and the sizes of their inputs. Those that the formula does not
use keep their values, unless the key says in which names the formula must be.

Whether two formulas are equal is decided by their normal form. Where that cannot decide (which is rare), formulas that
agree at many points in exact arithmetic count as equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from archcalc.analysis.propagate import analyze
from archcalc.claims.claim import Claim, Explanation, Judgement, Verdict
from archcalc.claims.feedback import Reason
from archcalc.claims.formulas import read_formulas
from archcalc.diagnosis.formulas import FormulaSample, explain_formula
from archcalc.diagnosis.target import DiagnosedTarget
from archcalc.grading.submission import NetworkText
from archcalc.graph import Graph, input_axes
from archcalc.numeric.helpers import Impossible, PlainNumberRequired
from archcalc.query.quantities import quantity_named
from archcalc.query.targets import network_of
from archcalc.spec import GivenSettings, Limits, load_spec
from archcalc.spec.errors import Problem, SpecError
from archcalc.spec.syntax import Condition, Value, names_in

if TYPE_CHECKING:
    from archcalc.query.closed_forms import ClosedForm, Counterexample


class FormulaNetwork(NamedTuple):
    """A network about which formulas are judged."""

    spec: str
    """The SPEC."""
    text: NetworkText
    graph: Graph

    def values(self) -> dict[str, Any]:
        """Return the values of the names that a formula may use: variables that are numbers, and input sizes."""
        values = {name: value for name, value in self.graph.variables.items() if not isinstance(value, str)}
        axes = input_axes(self.graph.inputs)
        return values | {
            name: self.graph.inputs[source][axis] for name, (source, axis) in axes.items() if name not in values
        }


class FormulaJudge:
    """Judges formulas about networks; each closed form is computed once."""

    def __init__(self, networks: Mapping[str, FormulaNetwork], limits: Limits) -> None:
        self.networks = networks
        self.limits = limits
        self._forms: dict[tuple[str, ...], ClosedForm] = {}

    def values(self, target: str) -> dict[str, Any]:
        """Return the values of the names that a formula for a target may use, the first ones where networks differ."""
        found: dict[str, Any] = {}
        for part in target.split(" / "):
            network, _ = self._network_of(part.strip())
            found = network.values() | found
        return found

    def judge(self, claim: Claim, free: tuple[str, ...] = ()) -> Judgement | None:
        """Judge a formula for a target, in the given names or in those that the formula uses.

        The result is ``None`` if no names are given and the text is not a formula: that of a shape has as many sizes.
        """
        from archcalc.numeric.symbolic import TooComplex

        try:
            unit = _unit(claim.target)
            readings = read_formulas(claim.value, self.values(claim.target), shape=unit in ("shape", "positions"))
            if not free and unit == "shape" and len(readings[0]) != len(self.form(claim.target, ()).values):
                return None
            judged = [self._judge(claim, formulas, free) for formulas in readings]
            return next((judgement for judgement in judged if judgement.holds), judged[0])
        except SpecError as error:
            first = error.problems[0]
            return _unreadable(claim, first.message, first.code, first.hint)
        except PlainNumberRequired as error:
            return _unreadable(claim, f"{error} must be a number in a formula, got a symbol")
        except (Impossible, TooComplex, ArithmeticError) as error:
            return _unreadable(claim, str(error))

    def form(self, target: str, free: tuple[str, ...], assumed: tuple[str, ...] = ()) -> ClosedForm:
        """Return the closed form of a target, or of a ratio of two, in some names.

        Raises:
            SpecError: there is none in these names.
        """
        key = (target, *free, *assumed)
        if key not in self._forms:
            self._forms[key] = self._calculated(target, free, assumed)
        return self._forms[key]

    def _judge(self, claim: Claim, formulas: tuple[Value, ...], free: tuple[str, ...]) -> Judgement:
        from archcalc.numeric.symbolic import TEXT
        from archcalc.query.formula import in_symbols

        values = self.values(claim.target)
        names = free or tuple(dict.fromkeys(name for formula in formulas for name in _used(formula, values)))
        form = self.form(claim.target, names)
        actual = form.write(TEXT)
        if _unit(claim.target) == "positions":  # a single number stands for every axis
            count = max(len(formulas), len(form.values))
            formulas = formulas * count if len(formulas) == 1 else formulas
            form = replace(form, values=form.values * count) if len(form.values) == 1 else form
        if len(formulas) != len(form.values):
            return _unreadable(claim, f"the answer must have {len(form.values)} sizes, got {len(formulas)}")
        written = [in_symbols(form, formula) for formula in formulas]
        equal = form.equals(*written)
        if equal is not False:
            note = "" if equal else ", with which the formula agrees at all points that were tried"
            return Judgement(claim=claim, verdict=Verdict.EXACT, actual=actual + note, holds=True)
        for assumed in _tacit_assumptions({name: values[name] for name in names}):
            narrower = self.form(claim.target, names, assumed)
            if narrower.equals(*[in_symbols(narrower, formula) for formula in formulas]) is not False:
                held = f"{narrower.write(TEXT)}, if {' and '.join(assumed)}, which holds here"
                return Judgement(claim=claim, verdict=Verdict.EXACT, actual=held, holds=True)
        own = {name: values[name] for name in names}
        mistakes = explain_formula(self._samples(claim.target, form.compared(*written, first=own)))
        if mistakes:
            return Judgement(claim=claim, verdict=Verdict.EXPLAINED, actual=actual, explanations=mistakes)
        difference = form.difference(*written, first=own)
        return Judgement(claim=claim, verdict=Verdict.WRONG, actual=actual, explanations=_example(difference))

    def _samples(self, target: str, points: Iterable[Counterexample]) -> Iterator[FormulaSample]:
        """Yield the networks at some points, with the values of a formula there; none for a ratio."""
        if " / " in target:
            return
        network, asked = self._network_of(target)
        seen: set[tuple[Any, ...]] = set()
        for each in points:
            key = tuple(each.point.values())
            written = tuple([value for value in each.other if value is not None])
            if key in seen or len(written) < len(each.other):
                continue
            seen.add(key)
            given = _given(network, tuple(each.point))._replace(numbers=each.point)
            with suppress(SpecError, Impossible):
                graph = replace(load_spec(network.spec, given, self.limits).graph, layout=network.graph.layout)
                yield FormulaSample(DiagnosedTarget(asked, analyze(graph, batch=network.text.batch)), written)

    def _calculated(self, target: str, free: tuple[str, ...], assumed: tuple[str, ...]) -> ClosedForm:
        from archcalc.query.formula import FormulaQuery, calculate, read_assumptions

        above, ratio, below = target.partition(" / ")
        network, asked = self._network_of(above.strip())
        names = {name: value for known in self.networks.values() for name, value in known.values().items()}
        assume = [*assumed]
        for each in dict.fromkeys(text for known in self.networks.values() for text in known.text.assume):
            used = {name for relation in read_assumptions(each, self.limits) for name in _used(relation, names)}
            if used <= {*free}:
                assume.append(each)
        query = FormulaQuery(
            network.spec,
            (asked,),
            free,
            tuple(assume),
            _given(network, free),
            batch=network.text.batch,
            layout=network.graph.layout,
            limits=self.limits,
        )
        if ratio:
            other, divisor = self._network_of(below.strip())
            query = replace(query, over=other.spec, over_given=_given(other, free), over_targets=(divisor,))
        return calculate(query).forms.forms[0]

    def _network_of(self, target: str) -> tuple[FormulaNetwork, str]:
        name, rest = network_of(target, self.networks)
        return self.networks[name], rest


def _used(formula: Value | Condition, known: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the known names in a formula or an assumption, in the order in which they are known."""
    written = {name.name for name in names_in(formula)}
    return tuple(name for name in known if name in written)


def _tacit_assumptions(values: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return the assumptions that a formula may make tacitly: the parity of one of its names, or of all of them.

    Kernels are often taken to be odd, sizes to be even.
    """
    known = tuple(f"{name} % 2 == {value % 2}" for name, value in values.items() if type(value) is int)
    return [*((one,) for one in known), *([known] if len(known) > 1 else [])]


def _unit(target: str) -> str:
    """Return the unit of the quantity of a target; that of a ratio is ``number``."""
    quantity = quantity_named(target.rpartition(".")[2])
    return "number" if quantity is None or " / " in target else quantity.unit


def _given(network: FormulaNetwork, free: tuple[str, ...]) -> GivenSettings:
    """Return what a file gives for a network, without the values of the free names."""
    settings = {name: text.value for name, text in network.text.settings.items() if name not in free}
    return GivenSettings(
        settings, {name: text.value for name, text in network.text.shapes.items()}, network.text.layout or None
    )


def _unreadable(claim: Claim, message: str, code: str = "formula", hint: str = "") -> Judgement:
    return Judgement(claim=claim, verdict=Verdict.UNREADABLE, fault=Problem(code, message, claim.place, hint))


def _example(difference: Counterexample | None) -> tuple[Explanation, ...]:
    """Return an example of values at which a formula and the closed form differ."""
    if difference is None:
        return ()
    at = ", ".join(f"{name} = {value}" for name, value in difference.point.items())
    correct, other = _written(difference.correct), _written(difference.other)
    reason = Reason("formula", (("point", at), ("right", correct), ("given", other)))
    return (Explanation(reasons=(reason,)),)


def _written(values: tuple[Fraction | int | str | None, ...]) -> str:
    if len(values) > 1:
        return "x".join("?" if value is None else str(value) for value in values)
    (value,) = values
    if value is None:
        return "none, because a divisor is zero"
    return f"{value:,}" if isinstance(value, int) else str(value)
