"""Judging: does a statement hold of what the analysis says?"""

from __future__ import annotations

from dataclasses import dataclass

from archcalc.analysis.propagate import Analysis
from archcalc.claims.targets import resolve
from archcalc.claims.written import read_statement
from archcalc.spec.errors import Problem, Span, SpecError, fail, whole_text
from archcalc.spec.read import Expectation, Spec


@dataclass(frozen=True)
class Verdict:
    """Whether an expectation holds."""

    target: str
    value: str
    """As it was written."""
    holds: bool
    actual: str
    span: Span
    """Where the value stands."""

    @property
    def message(self) -> str:
        """One line for people."""
        return f"{self.target} is {self.actual}" + ("" if self.holds else f", expected {self.value}")

    def problem(self) -> Problem:
        """The failed expectation in the form of an error."""
        return Problem("expectation", self.message, self.span)


def judge_expectations(spec: Spec, analysis: Analysis) -> list[Verdict]:
    """Judge every line of a spec's ``expect:``.

    Raises:
        SpecError: a target that does not exist, or a value that cannot be read.
    """
    verdicts, problems = judge_each(spec, analysis)
    if problems:
        raise SpecError(problems)
    return verdicts


def judge_each(spec: Spec, analysis: Analysis) -> tuple[list[Verdict], list[Problem]]:
    """Judge every line of a spec's ``expect:``, and what is wrong with those that cannot be judged."""
    problems: list[Problem] = []
    verdicts = []
    for expectation in spec.expectations:
        try:
            verdicts.append(_judge(expectation, analysis))
        except SpecError as error:
            problems += error.problems
    return verdicts, problems


def _judge(expectation: Expectation, analysis: Analysis) -> Verdict:
    target, value = expectation
    try:
        actual = resolve(target.value.strip(), analysis)
    except LookupError as error:
        fail("expectation", error.args[0], whole_text(target), error.args[1])
    try:
        statement = read_statement(value.value)
    except ValueError as error:
        fail("expectation", str(error), whole_text(value))
    written = actual.values
    if not target.value.endswith("shape"):
        # axes alike may be written one by one, and one number is meant for every axis
        if len(written) == 1:
            written *= max(1, len(statement.numbers))
        elif len(statement.numbers) == 1:
            statement = statement._replace(numbers=statement.numbers * len(written))
    return Verdict(target.value, value.value, statement.holds(written), actual.text, whole_text(value))
