"""Budgets of a configuration: conditions that the networks of certain files must meet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archcalc.analysis.propagate import Analysis
from archcalc.graph import input_axes
from archcalc.query.conditions import holds, read_condition
from archcalc.query.quantities import COMMON, is_measured
from archcalc.query.targets import Evaluator
from archcalc.spec.errors import Problem, Span, SpecError, fail, suggest
from archcalc.spec.numerals import GLOBAL
from archcalc.spec.syntax import Name
from archcalc.validation.configuration import Budget


def over_budget(budgets: Iterable[Budget], analysis: Analysis, name: str) -> tuple[list[Problem], list[Problem]]:
    """Return the budgets that a network exceeds, and the errors of those that do not apply to it.

    Args:
        budgets: the conditions.
        analysis: the analysis of the network.
        name: the name of the spec.
    """
    exceeded, wrong = [], []
    for budget in budgets:
        figures = _Figures(analysis)
        try:
            if holds(read_condition(budget.place, budget.condition), figures):
                continue
        except SpecError as error:
            for problem in error.problems:
                message = f"{problem.message}, in the budget '{budget.condition}' of {budget.place}"
                wrong.append(Problem(problem.code, message, hint=problem.hint, origin=name))
            continue
        listed = ", ".join(f"{word} is {text}" for word, text in figures.written.items())
        message = f"over budget: {listed}, but must be '{budget.condition}'"
        exceeded.append(Problem("budget", message, origin=name, hint=f"the budget is in {budget.place}"))
    return exceeded, wrong


class _Figures:
    """Looks up the names in a condition: quantities, variables and input sizes."""

    def __init__(self, analysis: Analysis) -> None:
        self.graph, self.evaluator = analysis.graph, Evaluator.of(analysis)
        self.written: dict[str, str] = {}
        """The texts of the figures that were looked up, by name."""

    def __call__(self, name: Name) -> Any:
        value = self._value(name.name, name.span)
        axes = value if isinstance(value, tuple) else (value,)
        self.written[name.name] = "x".join(f"{each:,}" if isinstance(each, int) else str(each) for each in axes)
        return value

    def _value(self, name: str, span: Span) -> Any:
        axes = input_axes(self.graph.inputs)
        if name in self.graph.variables:
            return self.graph.variables[name]
        if name in axes:
            node, axis = axes[name]
            return self.graph.inputs[node][axis]
        if name == GLOBAL:
            return name
        if not is_measured(name.rpartition(".")[2]):
            known = [*COMMON, *self.graph.variables, *axes]
            hint = suggest(name, known, f"the quantities are {', '.join(COMMON[:9])} …")
            fail("unknown-name", f"no quantity, variable or input size '{name[:60]}'", span, hint)
        try:
            target = self.evaluator.target(name)
            values = self.evaluator.values(target)
        except LookupError as error:
            fail("unknown-name", error.args[0], span, error.args[1])
        return values[0] if target.quantity.is_number else values
