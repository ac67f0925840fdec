"""Budgets of a configuration: conditions that the networks of certain files must meet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from archcalc.analysis.propagate import Analysis
from archcalc.query.conditions import holds, read_condition
from archcalc.query.lookup import NetworkNames
from archcalc.query.targets import Evaluator
from archcalc.spec.errors import Problem, SpecError
from archcalc.validation.configuration import Budget


def exceeded_budgets(budgets: Iterable[Budget], analysis: Analysis, name: str) -> tuple[list[Problem], list[Problem]]:
    """Return the budgets that a network exceeds, and the errors of those that do not apply to it.

    Args:
        budgets: the conditions.
        analysis: the analysis of the network.
        name: the name of the spec.
    """
    exceeded, wrong = [], []
    for budget in budgets:
        figures = NetworkNames(analysis.graph, Evaluator.of(analysis))
        try:
            if holds(read_condition(budget.place, budget.condition), figures):
                continue
        except SpecError as error:
            for problem in error.problems:
                message = f"{problem.message}, in the budget '{budget.condition}' of {budget.place}"
                wrong.append(Problem(problem.code, message, hint=problem.hint, origin=name))
            continue
        message = f"over budget: {figures_text(figures.known)}, but the budget is '{budget.condition}'"
        exceeded.append(Problem("budget", message, origin=name, hint=f"it is set in {budget.place}"))
    return exceeded, wrong


def figures_text(known: Mapping[str, Any]) -> str:
    """Return the figures that the names in a condition stand for: ``macs is 1,000``; words stand for themselves."""
    return ", ".join(f"{name} is {_written(figure)}" for name, figure in known.items() if figure != name)


def _written(figure: Any) -> str:
    axes = figure if isinstance(figure, tuple) else (figure,)
    return "x".join(f"{each:,}" if isinstance(each, int) else str(each) for each in axes)
