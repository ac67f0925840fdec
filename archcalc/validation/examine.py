"""One spec: errors, expectations, warnings, and what has grown. What comes out is plain data for another process."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

from archcalc.analysis.propagate import Analysis, analyze
from archcalc.claims.judge import judge_each
from archcalc.lint import RULES, lint
from archcalc.spec.errors import SpecError
from archcalc.spec.limits import DEFAULT, Limits
from archcalc.spec.locate import read_file
from archcalc.spec.read import Given, Spec, read_spec
from archcalc.validation.baseline import BaselineComparison, Numbers, Tolerance, compare, growth, numbers_of
from archcalc.validation.configuration import NONE, Configuration
from archcalc.validation.correct import Correction, correct, diff
from archcalc.validation.findings import Finding, findings
from archcalc.validation.paths import Target, is_spec


class Asked(NamedTuple):
    """What is asked of every spec."""

    settings: Mapping[str, str] = {}
    shapes: Mapping[str, str] = {}
    limits: Limits = DEFAULT
    ignore: frozenset[str] = frozenset()
    warn: frozenset[str] = frozenset()
    """Warnings that are not wanted."""
    error: frozenset[str] = frozenset()
    """Warnings that are failures."""
    strict: bool = False
    """Whether all warnings are."""
    numbers: bool = False
    """Whether the numbers are to be compared or stored."""
    tolerance: Tolerance | None = Tolerance()
    """How far totals may grow; ``None``: as far as they like."""
    only_specs: bool = False
    """Whether to skip what is no spec even where it is asked for by name."""
    fix: Literal["", "write", "diff"] = ""
    """Whether to correct what is mechanical, or to show how."""


class Task(NamedTuple):
    """A spec, with what holds for it alone."""

    target: Target
    configuration: Configuration = NONE
    before: Numbers | None = None
    """The numbers of the baseline."""


class Outcome(NamedTuple):
    """What became of one spec."""

    name: str
    findings: tuple[Finding, ...] = ()
    expectations: int = 0
    skipped: str = ""
    """Why it was not looked at, if it was not."""
    argument: str = ""
    """The folder or glob that brought it."""
    numbers: Numbers | None = None
    comparison: BaselineComparison | None = None
    """How it differs from the baseline; ``None`` where it is not in it."""
    corrections: int = 0
    """How many are made in `corrected`."""
    corrected: str | None = None
    """What the file is to become, if that is asked for."""
    diff: str = ""
    """Corrections that would be made, as a diff."""

    @property
    def status(self) -> int:
        """0 all well, 1 an expectation failed, 2 it cannot be read."""
        return max((finding.status for finding in self.findings), default=0)

    @property
    def errors(self) -> int:
        """How many findings are errors in the input."""
        return sum(finding.status == 2 for finding in self.findings)

    @property
    def failed_expectations(self) -> int:
        """How many expectations do not hold."""
        return sum(finding.status == 1 and finding.code == "expectation" for finding in self.findings)

    @property
    def has_grown(self) -> bool:
        """Whether a total has grown beyond its tolerance."""
        return any(finding.status == 1 and finding.code == "growth" for finding in self.findings)

    @property
    def warnings(self) -> int:
        """How many findings are warnings that let the spec pass."""
        return sum(finding.status == 0 for finding in self.findings)

    @property
    def fatal_warnings(self) -> int:
        """How many findings are warnings that were asked to be failures."""
        return sum(finding.status == 1 and finding.code in RULES for finding in self.findings)


def examine(asked: Asked, task: Task) -> Outcome:
    """Read one spec, judge its expectations, look for what is suspicious, compare it with the baseline."""
    target = task.target
    if target.problem is not None:
        return Outcome(target.name, findings([target.problem], 2, target.name))
    given = Given(asked.settings, asked.shapes)
    read = partial(read_spec, given=given, inline=target.inline, limits=asked.limits)
    correction: Correction | None = None
    try:
        source = target.source or read_file(Path(target.path), target.name, asked.limits)
        if not (target.named and not asked.only_specs) and not is_spec(source):
            return Outcome(target.name, skipped="no 'layers:' and no 'input:' in it", argument=target.argument)
        if asked.fix and target.path:
            correction = correct(source, target.path, _unwanted(asked, task), read)
        spec = read(correction.source if correction is not None and asked.fix == "write" else source)
    except SpecError as error:
        outcome = Outcome(target.name, findings(error.problems, 2, target.name), argument=target.argument)
    else:
        outcome = _judged(asked, task, spec, analyze(spec.graph))
    if correction is None:
        return outcome
    if asked.fix == "diff":
        return outcome._replace(diff=diff(source, correction.source))
    return outcome._replace(corrections=correction.number, corrected=correction.content)


def _unwanted(asked: Asked, task: Task) -> frozenset[str]:
    """The warnings that are not wanted for a spec."""
    return (asked.ignore | task.configuration.ignored(task.target.path)) - asked.error - asked.warn


def _judged(asked: Asked, task: Task, spec: Spec, analysis: Analysis) -> Outcome:
    name, settings = task.target.name, task.configuration
    judgements, wrong = judge_each(spec, analysis)
    if not all(judgement.holds for judgement in judgements):
        from archcalc.diagnosis import Explainer  # most specs meet their expectations, and need no diagnosis

        judgements, wrong = judge_each(spec, analysis, explainer=Explainer(analysis))
    failed = [judgement.problem() for judgement in judgements if not judgement.holds]
    fatal = asked.error | settings.error
    warnings = lint(spec, analysis, _unwanted(asked, task), asked.warn | settings.warn | fatal)
    strict = asked.strict or settings.strict
    found = [
        *findings(wrong, 2, name),
        *findings(failed, 1, name),
        *(each for problem in warnings for each in findings([problem], int(strict or problem.code in fatal), name)),
    ]
    numbers, comparison = None, None
    if asked.numbers:
        numbers = numbers_of(analysis)
        if task.before is not None:
            comparison = compare(task.before, numbers)
            if asked.tolerance is not None:
                found += findings(growth(task.before, numbers, asked.tolerance, spec), 1, name)
    return Outcome(
        name=name,
        findings=tuple(found),
        expectations=len(judgements),
        argument=task.target.argument,
        numbers=numbers,
        comparison=comparison,
    )
