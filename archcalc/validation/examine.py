"""Validation of one spec: errors, expectations, warnings, growth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from archcalc.analysis.propagate import Analysis, analyze
from archcalc.claims.judge import judge_each
from archcalc.lint import FIXABLE, RULES, lint
from archcalc.spec.errors import Problem, Source, SpecError
from archcalc.spec.locate import read_file
from archcalc.spec.read import read_spec
from archcalc.spec.records import Spec
from archcalc.validation.baseline import changes_text, compare, figures_of, growth_errors
from archcalc.validation.budgets import exceeded_budgets
from archcalc.validation.correct import Correction, correct, patch, patch_name
from archcalc.validation.findings import findings
from archcalc.validation.recognize import is_spec, is_spec_file, may_be_data
from archcalc.validation.results import Options, ValidationResult, ValidationTask


def examine(options: Options, task: ValidationTask) -> ValidationResult:
    """Read a spec, judge its expectations, find warnings, and compare its figures with the baseline."""
    found_spec = task.found_spec
    if found_spec.problem is not None:
        found = findings([found_spec.problem], 2, found_spec.name)
        return ValidationResult(found_spec.name, found, argument=found_spec.argument)
    if found_spec.skipped:
        return ValidationResult(found_spec.name, skipped=found_spec.skipped, argument=found_spec.argument)

    def read(source: Source) -> Spec:
        given = options.given.applied_to(source)
        if found_spec.is_own_file and not given.shapes:
            given = given._replace(shapes=task.configuration.shapes(found_spec.path))
        return read_spec(source, given, inline=found_spec.inline, limits=options.limits)

    correction: Correction | None = None
    reason = "it has neither 'layers:' nor 'input:'"
    skipped = ValidationResult(found_spec.name, skipped=reason, argument=found_spec.argument)
    try:
        source = found_spec.source or read_file(Path(found_spec.path), found_spec.name, options.limits)
        if may_be_data(source.text) and _is_other_file(options, task):
            return skipped
        if options.fix and (found_spec.is_file or (found_spec.is_stdin and options.fix == "diff")):
            correction = correct(source, found_spec.path or None, _ignored_codes(options, task), read)
        spec = read(correction.source if correction is not None and options.fix == "write" else source)
    except SpecError as error:
        if _is_other_file(options, task):
            return skipped
        found = findings(error.problems, 2, found_spec.name)
        result = ValidationResult(found_spec.name, found, argument=found_spec.argument)
    else:
        result = _judged(options, task, spec, analyze(spec.graph))
        for variant in spec.variants if not spec.source.variant else ():
            result = _with_variant(result, options, task, variant, partial(read, spec.source._replace(variant=variant)))
    if correction is None:
        return result
    if options.fix == "diff":
        name = patch_name(found_spec.path) if found_spec.is_file else found_spec.name
        return result._replace(corrections=correction.number, diff=patch(name, correction.before, correction.content))
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


def _is_other_file(options: Options, task: ValidationTask) -> bool:
    """Return whether a file in which errors were found may be, and is, something other than a spec."""
    found_spec = task.found_spec
    if (
        found_spec.inline
        or found_spec.is_model
        or task.before is not None
        or (found_spec.named and not options.only_specs)
    ):
        return False
    if found_spec.source is not None:
        return not is_spec(found_spec.source.text)
    return not is_spec_file(found_spec.path, options.limits.bytes)


def _ignored_codes(options: Options, task: ValidationTask) -> frozenset[str]:
    """Return the codes of warnings that are ignored for a spec."""
    return (options.ignore | task.configuration.ignored_codes(task.found_spec.path)) - options.error - options.warn


def _judged(options: Options, task: ValidationTask, spec: Spec, analysis: Analysis) -> ValidationResult:
    name, settings = task.found_spec.name, task.configuration
    judgements, wrong = judge_each(spec, analysis)
    figures = figures_of(analysis) if task.baseline else None
    comparison = compare(task.before, figures) if task.before is not None and figures is not None else None
    changed = () if comparison is None else comparison.changes
    failed = [
        replace(judgement.problem(), hint=changes_text(changed, judgement.target))
        for judgement in judgements
        if not judgement.holds
    ]
    exceeded, unfit = exceeded_budgets(task.budgets, analysis, name) if task.budgets else ([], [])
    fatal = options.error | settings.error
    warnings = lint(spec, analysis, _ignored_codes(options, task), options.warn | settings.warn | fatal)
    if options.fix == "write" or not task.found_spec.is_file:  # --fix does not correct what is left
        warnings = [replace(warning, hint=warning.hint.removesuffix(FIXABLE)) for warning in warnings]
    strict = options.strict or settings.strict
    found = [
        *findings([*wrong, *unfit], 2, name),
        *findings([*failed, *exceeded], 1, name),
        *(each for problem in warnings for each in findings([problem], int(strict or problem.code in fatal), name)),
    ]
    if figures is not None:
        if task.before is not None:
            if not options.update_baseline:
                tolerance = settings.tolerance_for(task.found_spec.path).overridden(options.tolerance)
                grown = growth_errors(task.before, figures, tolerance, spec)
                found += findings(grown, 1, name, identity="totals")
        elif task.is_required:
            found += findings([_new_spec(name)], 1, name)
    return ValidationResult(
        name=name,
        findings=tuple(found),
        expectations=len(judgements),
        argument=task.found_spec.argument,
        figures=figures,
        comparison=comparison,
        is_new=bool(task.baseline) and comparison is None,
        renamed_from=task.renamed_from,
    )


def _new_spec(name: str) -> Problem:
    message = "the baseline has no entry for this spec, so its figures have no limit"
    return Problem("new-spec", message, origin=name, hint="--update-baseline adds it")
