"""The output formats of validation, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from archcalc.lint import FIXABLE
from archcalc.report.github import inert, workflow_commands
from archcalc.report.gitlab import code_quality
from archcalc.report.validation_results import changes_table, headline, result_record
from archcalc.report.validation_totals import summary
from archcalc.validation.codes import documented_codes
from archcalc.validation.findings import Finding
from archcalc.validation.results import ValidationResult


@dataclass(frozen=True, kw_only=True)
class ValidationDisplay:
    """Options for showing the result of a spec."""

    quiet: bool = False
    """Whether to print failures only."""
    color: bool = False
    table: str = "plain"
    """The format of tables."""
    width: int | None = None
    """The columns of the terminal; ``None`` for no limit."""
    in_actions: bool = False
    """Whether GitHub Actions reads the output, so that only findings may be workflow commands."""


@dataclass(frozen=True, kw_only=True)
class ValidationFormat:
    """An output format of validation."""

    report: Callable[[Sequence[ValidationResult], str], str]
    """Writes the report on all specs, given the version of archcalc."""
    findings: Callable[[Sequence[Finding]], str] | None = None
    """Writes the findings of one spec, in formats that are written spec by spec, as soon as each is validated."""
    in_checkout: bool = False
    """Whether file names are relative to the folder that the CI server checked out."""


def write_spec(form: str, result: ValidationResult, display: ValidationDisplay) -> str:
    """Return the text on one spec: a line, its findings, the patch that would correct it, and its changes."""
    findings = FORMATS[form].findings
    assert findings is not None
    line = "" if display.quiet and not result.status else f"{headline(result, color=display.color)}\n"
    redundant = FIXABLE if result.diff else ()  # the patch shows what these warnings say
    shown = [each for each in result.findings if each.status or not (display.quiet or each.hint.endswith(redundant))]
    found = findings(shown)
    rest = result.diff
    if result.comparison is not None and result.comparison.differs:
        from archcalc.report.render import render

        table = changes_table(result.name, result.comparison)
        rest += render(table, display.table, color=display.color, width=display.width)
    if not display.in_actions:
        return line + found + rest
    return inert(line) + (found if findings is workflow_commands else inert(found)) + inert(rest)


def _found(results: Iterable[ValidationResult]) -> list[Finding]:
    return [finding for result in results for finding in result.findings]


def _texts(findings: Iterable[Finding]) -> str:
    return "".join(f"{finding.text}\n" for finding in findings)


def _text(results: Sequence[ValidationResult], version: str) -> str:
    lines = "".join(write_spec("text", each, ValidationDisplay()) for each in results)
    return f"{lines}{summary(results)}\n"


def _json(document: Any) -> str:
    from archcalc.report.json_text import write_json

    return write_json(document)


def _junit(results: Sequence[ValidationResult], version: str, *, strict: bool = False) -> str:
    from archcalc.report.junit import Case, Failure, Suite, write_junit

    cases = []
    for result in results:
        wrong = [finding for finding in result.findings if finding.status]
        failures = [
            Failure(each.advice, each.text, each.code, "error" if each.status == 2 else "failure") for each in wrong
        ]
        cases.append(Case(result.name, failures, result.name, wrong[0].line if wrong else None, result.skipped))
    return write_junit([Suite("archcalc validate", cases)], strict=strict)


def _sarif(results: Sequence[ValidationResult], version: str) -> str:
    from archcalc.report.sarif import SkippedFile, sarif

    skipped = [SkippedFile(result.name, result.skipped) for result in results if result.skipped]
    return _json(sarif(_found(results), documented_codes(), version, skipped))


FORMATS = {
    "text": ValidationFormat(report=_text, findings=_texts),
    "github": ValidationFormat(
        report=lambda results, version: workflow_commands(_found(results)),
        findings=workflow_commands,
        in_checkout=True,
    ),
    "gitlab": ValidationFormat(report=lambda results, version: _json(code_quality(_found(results))), in_checkout=True),
    "junit": ValidationFormat(report=_junit, in_checkout=True),
    "xunit": ValidationFormat(report=partial(_junit, strict=True), in_checkout=True),
    "sarif": ValidationFormat(report=_sarif, in_checkout=True),
    "json": ValidationFormat(report=lambda results, version: _json([result_record(result) for result in results])),
}
