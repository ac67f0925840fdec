"""Formulas as answers: ``k*k*NIC*NF*H*W`` is right if it equals the closed form, however it is written.

The names in a formula are the variables of the spec and the sizes of its inputs. Those that the formula does not use
keep their values, unless the key says in which names the formula must be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archcalc.claims.claim import Claim, Explanation, Judgement, Verdict
from archcalc.claims.expressions import read_formula
from archcalc.claims.feedback import Reason
from archcalc.grading.submission import NetworkText
from archcalc.graph import Graph, input_axes
from archcalc.numeric.helpers import Impossible, NeedsPlain
from archcalc.spec import Given, Limits
from archcalc.spec.errors import Problem, SpecError
from archcalc.spec.syntax import Condition, Value, names_in

if TYPE_CHECKING:
    from archcalc.query.closed_forms import ClosedForm


class FormulaJudge:
    """Judges formulas about one network; each closed form is computed once."""

    def __init__(self, spec: str, network: NetworkText, graph: Graph, limits: Limits) -> None:
        self.spec = spec
        self.given = Given(dict(network.settings), dict(network.shapes))
        self.assume = network.assume
        self.limits = limits
        values = {name: value for name, value in graph.variables.items() if not isinstance(value, str)}
        axes = input_axes(graph.inputs)
        values |= {name: graph.inputs[source][axis] for name, (source, axis) in axes.items() if name not in values}
        self.names = list(values)
        self.parities = {name: f"{name} % 2 == {value % 2}" for name, value in values.items() if type(value) is int}
        """The parity of each value, which formulas often assume: kernels are odd, sizes are even."""
        self._forms: dict[tuple[str, ...], ClosedForm] = {}

    def uses(self, formula: Value | Condition) -> tuple[str, ...]:
        """Return the names of the network in a formula or an assumption, in the order of the network."""
        written = {name.name for name in names_in(formula)}
        return tuple(name for name in self.names if name in written)

    def judge(self, claim: Claim, target: str, free: tuple[str, ...] = ()) -> Judgement:
        """Judge a formula for a target of the network, in the given names or in those that the formula uses."""
        from archcalc.numeric.symbolic import TEXT, TooComplex
        from archcalc.query.formula import in_symbols

        try:
            formula = read_formula(claim.value)
            names = free or self.uses(formula)
            form = self._form(target, names)
            written = in_symbols(form, formula)
            equal, actual = form.equals(written), form.write(TEXT)
            for assumed in () if equal else self._taken_for_granted(names):
                narrower = self._form(target, names, assumed)
                if narrower.equals(in_symbols(narrower, formula)):
                    held = f"{narrower.write(TEXT)}, if {' and '.join(assumed)}, which holds here"
                    return Judgement(claim=claim, verdict=Verdict.EXACT, actual=held, holds=True)
        except SpecError as error:
            first = error.problems[0]
            return _unreadable(claim, first.message, first.code, first.hint)
        except NeedsPlain as error:
            return _unreadable(claim, f"{error} must be a number in a formula, got a symbol")
        except (Impossible, TooComplex, ArithmeticError) as error:
            return _unreadable(claim, str(error))
        if equal is None:
            return _unreadable(claim, f"it cannot be decided whether the formula equals {actual}")
        if equal:
            return Judgement(claim=claim, verdict=Verdict.EXACT, actual=actual, holds=True)
        return Judgement(claim=claim, verdict=Verdict.WRONG, actual=actual, explanations=_apart(form, written))

    def _taken_for_granted(self, free: tuple[str, ...]) -> list[tuple[str, ...]]:
        """The assumptions that a formula may make tacitly: the parity of one of its names, or of all of them."""
        known = tuple(self.parities[name] for name in free if name in self.parities)
        return [*((one,) for one in known), *([known] if len(known) > 1 else [])]

    def _form(self, target: str, free: tuple[str, ...], assumed: tuple[str, ...] = ()) -> ClosedForm:
        from archcalc.query.formula import FormulaQuery, calculate, read_assumptions

        key = (target, *free, *assumed)
        if key not in self._forms:
            assume = [*assumed]
            for text in self.assume:
                used = (name for each in read_assumptions(text, self.limits) for name in self.uses(each))
                if {*used} <= {*free}:
                    assume.append(text)
            asked = FormulaQuery(self.spec, (target,), free, tuple(assume), self.given, limits=self.limits)
            self._forms[key] = calculate(asked).forms.forms[0]
        return self._forms[key]


def _unreadable(claim: Claim, message: str, code: str = "formula", hint: str = "") -> Judgement:
    return Judgement(claim=claim, verdict=Verdict.UNREADABLE, fault=Problem(code, message, claim.place, hint))


def _apart(form: ClosedForm, written: object) -> tuple[Explanation, ...]:
    """An example of values at which a formula and the closed form differ."""
    point = form.differs_at(written)
    values = form.at(**point) if point else None
    if not point or not values:
        return ()
    at = ", ".join(f"{name} = {value}" for name, value in point.items())
    reason = Reason("formula", (("point", at), ("right", f"{values[0]:,}"), ("given", "another one")))
    return (Explanation(reasons=(reason,)),)
