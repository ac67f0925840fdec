"""Validation of one spec: errors, expectations, warnings, growth. The result is plain data for use across processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
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
from archcalc.validation.baseline import (
    BaselineComparison,
    NetworkFigures,
    Tolerance,
    compare,
    figures_of,
    growth_errors,
)
from archcalc.validation.configuration import NO_CONFIGURATION, Configuration
from archcalc.validation.correct import Correction, correct, diff
from archcalc.validation.findings import Finding, findings
from archcalc.validation.paths import FoundSpec, is_spec


class Options(NamedTuple):
    """The options of a validation, which apply to every spec."""

    settings: Mapping[str, str] = {}
    shapes: Mapping[str, str] = {}
    limits: Limits = DEFAULT
    ignore: frozenset[str] = frozenset()
    """The codes of ignored warnings."""
    warn: frozenset[str] = frozenset()
    """The codes of warnings that are reported though they are off by default."""
    error: frozenset[str] = frozenset()
    """The codes of warnings that are failures."""
    strict: bool = False
    """Whether all warnings are failures."""
    with_figures: bool = False
    """Whether figures are compared with a baseline or stored in it."""
    tolerance: Tolerance | None = Tolerance()
    """How much totals may grow; ``None`` for any growth."""
    only_specs: bool = False
    """Whether to skip files that are no specs even if they are named explicitly."""
    fix: Literal["", "write", "diff"] = ""
    """Whether to make mechanical corrections (``write``) or to show them (``diff``)."""


class ValidationTask(NamedTuple):
    """A spec with its configuration and its baseline."""

    found_spec: FoundSpec
    configuration: Configuration = NO_CONFIGURATION
    before: NetworkFigures | None = None
    """The figures of the baseline."""


class ValidationResult(NamedTuple):
    """The result of validating one spec."""

    name: str
    findings: tuple[Finding, ...] = ()
    expectations: int = 0
    skipped: str = ""
    """The reason why the file was skipped, if it was."""
    argument: str = ""
    """The folder or glob in which the file was found."""
    figures: NetworkFigures | None = None
    comparison: BaselineComparison | None = None
    """The comparison with the baseline; ``None`` if the baseline does not contain the spec."""
    corrections: int = 0
    """The number of corrections in `corrected`."""
    corrected: str | None = None
    """The corrected content of the file, if corrections are to be written."""
    diff: str = ""
    """The diff of the corrections, if they are to be shown."""

    @property
    def status(self) -> int:
        """The exit status: 0 if the spec passes, 1 if it fails, 2 if it cannot be read."""
        return max((finding.status for finding in self.findings), default=0)

    @property
    def errors(self) -> int:
        """The number of errors in the input."""
        return sum(finding.status == 2 for finding in self.findings)

    @property
    def failed_expectations(self) -> int:
        """The number of expectations that do not hold."""
        return sum(finding.status == 1 and finding.code == "expectation" for finding in self.findings)

    @property
    def has_grown(self) -> bool:
        """Whether a total has grown beyond its tolerance."""
        return any(finding.status == 1 and finding.code == "growth" for finding in self.findings)

    @property
    def warnings(self) -> int:
        """The number of warnings that let the spec pass."""
        return sum(finding.status == 0 for finding in self.findings)

    @property
    def fatal_warnings(self) -> int:
        """The number of warnings that are failures, by option or configuration."""
        return sum(finding.status == 1 and finding.code in RULES for finding in self.findings)


def examine(options: Options, task: ValidationTask) -> ValidationResult:
    """Read a spec, judge its expectations, find warnings, and compare its figures with the baseline."""
    found_spec = task.found_spec
    if found_spec.problem is not None:
        return ValidationResult(found_spec.name, findings([found_spec.problem], 2, found_spec.name))
    given = Given(options.settings, options.shapes)
    read = partial(read_spec, given=given, inline=found_spec.inline, limits=options.limits)
    correction: Correction | None = None
    try:
        source = found_spec.source or read_file(Path(found_spec.path), found_spec.name, options.limits)
        if not (found_spec.named and not options.only_specs) and not is_spec(source):
            return ValidationResult(
                found_spec.name, skipped="it has neither 'layers:' nor 'input:'", argument=found_spec.argument
            )
        if options.fix and found_spec.path:
            correction = correct(source, found_spec.path, _ignored_codes(options, task), read)
        spec = read(correction.source if correction is not None and options.fix == "write" else source)
    except SpecError as error:
        result = ValidationResult(
            found_spec.name, findings(error.problems, 2, found_spec.name), argument=found_spec.argument
        )
    else:
        result = _judged(options, task, spec, analyze(spec.graph))
        for variant in spec.variants if not spec.source.variant else ():
            result = _with_variant(result, options, task, variant, partial(read, spec.source._replace(variant=variant)))
    if correction is None:
        return result
    if options.fix == "diff":
        return result._replace(diff=diff(source, correction.source))
    return result._replace(corrections=correction.number, corrected=correction.content)


def _with_variant(
    result: ValidationResult, options: Options, task: ValidationTask, variant: str, read: Callable[[], Spec]
) -> ValidationResult:
    """Return the result of a spec with those findings about one of its variants that are new."""
    name = task.found_spec.name
    try:
        spec = read()
        unused = frozenset([code for code in RULES if code.startswith("unused-")])  # what one variant does not use
        options = options._replace(ignore=options.ignore | unused)
        found = _judged(options, task._replace(before=None), spec, analyze(spec.graph))
    except SpecError as error:
        where = f" (in variant {variant})"
        problems = [replace(problem, message=f"{problem.message}{where}") for problem in error.problems]
        found = ValidationResult(name, findings(problems, 2, name))
    known = {(finding.code, finding.line, finding.column) for finding in result.findings}
    new = [each for each in found.findings if each.status or (each.code, each.line, each.column) not in known]
    return result._replace(findings=(*result.findings, *new), expectations=result.expectations + found.expectations)


def _ignored_codes(options: Options, task: ValidationTask) -> frozenset[str]:
    """The codes of warnings that are ignored for a spec."""
    return (options.ignore | task.configuration.ignored(task.found_spec.path)) - options.error - options.warn


def _judged(options: Options, task: ValidationTask, spec: Spec, analysis: Analysis) -> ValidationResult:
    name, settings = task.found_spec.name, task.configuration
    judgements, wrong = judge_each(spec, analysis)
    if not all(judgement.holds for judgement in judgements):
        from archcalc.diagnosis import Explainer  # most specs meet their expectations, and need no diagnosis

        judgements, wrong = judge_each(spec, analysis, explainer=Explainer(analysis))
    failed = [judgement.problem() for judgement in judgements if not judgement.holds]
    fatal = options.error | settings.error
    warnings = lint(spec, analysis, _ignored_codes(options, task), options.warn | settings.warn | fatal)
    strict = options.strict or settings.strict
    found = [
        *findings(wrong, 2, name),
        *findings(failed, 1, name),
        *(each for problem in warnings for each in findings([problem], int(strict or problem.code in fatal), name)),
    ]
    figures, comparison = None, None
    if options.with_figures:
        figures = figures_of(analysis)
        if task.before is not None:
            comparison = compare(task.before, figures)
            if options.tolerance is not None:
                found += findings(growth_errors(task.before, figures, options.tolerance, spec), 1, name)
    return ValidationResult(
        name=name,
        findings=tuple(found),
        expectations=len(judgements),
        argument=task.found_spec.argument,
        figures=figures,
        comparison=comparison,
    )
