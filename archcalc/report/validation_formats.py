"""The formats of validated specs, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from archcalc.report.github import workflow_commands
from archcalc.report.gitlab import code_quality
from archcalc.report.validated import changes_table, headline, record, summary
from archcalc.validation.codes import documented
from archcalc.validation.examine import Outcome
from archcalc.validation.findings import Finding


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How the result for a spec is presented."""

    quiet: bool = False
    """Whether to print failures only."""
    color: bool = False
    table: str = "plain"
    """The format of tables."""
    width: int | None = None
    """Columns of the terminal."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format of validated specs."""

    report: Callable[[Sequence[Outcome], str], str]
    """The report on all specs, given the version of archcalc."""
    findings: Callable[[Sequence[Finding]], str] | None = None
    """The findings of one spec, if the format writes specs one by one as they are validated."""
    in_checkout: bool = False
    """Whether files are named relative to the folder that the CI server has checked out."""


def write_spec(form: str, outcome: Outcome, layout: Layout) -> str:
    """Return the text on a spec: a line, its findings, and the changes since the baseline."""
    findings = FORMATS[form].findings
    assert findings is not None
    text = "" if layout.quiet and not outcome.status else f"{headline(outcome, color=layout.color)}\n"
    if outcome.diff:
        return text + outcome.diff
    text += findings([finding for finding in outcome.findings if finding.status or not layout.quiet])
    if outcome.comparison is not None and outcome.comparison.differs:
        from archcalc.report.render import render

        table = changes_table(outcome.name, outcome.comparison)
        text += render(table, layout.table, color=layout.color, width=layout.width)
    return text


def _found(outcomes: Iterable[Outcome]) -> list[Finding]:
    return [finding for outcome in outcomes for finding in outcome.findings]


def _texts(findings: Iterable[Finding]) -> str:
    return "".join(f"{finding.text}\n" for finding in findings)


def _text(outcomes: Sequence[Outcome], version: str) -> str:
    lines = "".join(f"{headline(each, color=False)}\n{_texts(each.findings)}" for each in outcomes)
    return f"{lines}{summary(outcomes)}\n"


def _json(document: Any) -> str:
    from archcalc.report.render import write_json

    return write_json(document)


def _junit(outcomes: Sequence[Outcome], version: str) -> str:
    from archcalc.report.junit import Case, Failure, Suite, write_junit

    cases = []
    for outcome in outcomes:
        if outcome.skipped:
            continue
        wrong = [finding for finding in outcome.findings if finding.status]
        failures = [
            Failure(each.advice, each.text, each.code, "error" if each.status == 2 else "failure") for each in wrong
        ]
        cases.append(Case(outcome.name, failures, outcome.name, wrong[0].line if wrong else None))
    return write_junit([Suite("archcalc validate", cases)])


def _sarif(outcomes: Sequence[Outcome], version: str) -> str:
    from archcalc.report.sarif import sarif

    return _json(sarif(_found(outcomes), documented(), version))


FORMATS = {
    "text": Format(report=_text, findings=_texts),
    "github": Format(
        report=lambda outcomes, version: workflow_commands(_found(outcomes)),
        findings=workflow_commands,
        in_checkout=True,
    ),
    "gitlab": Format(report=lambda outcomes, version: _json(code_quality(_found(outcomes))), in_checkout=True),
    "junit": Format(report=_junit),
    "sarif": Format(report=_sarif, in_checkout=True),
    "json": Format(report=lambda outcomes, version: _json([record(outcome) for outcome in outcomes])),
}
