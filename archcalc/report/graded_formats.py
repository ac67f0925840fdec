"""The formats of graded submissions, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from archcalc.grading.marks import GradedSubmission
from archcalc.query.derivations import derivation_lines
from archcalc.report.graded_submissions import (
    claims_table,
    class_table,
    grades_table,
    junit_suites,
    submission_record,
    submission_table,
)
from archcalc.report.json_text import write_json
from archcalc.report.render import render
from archcalc.report.worked_entries import worked_entries


@dataclass(frozen=True, kw_only=True)
class GradingDisplay:
    """Options for showing graded submissions."""

    title: str = ""
    """The title of the homework."""
    questions: Sequence[str] = ()
    """The ids of the questions of the key, if it has any."""
    explain: bool = False
    """Whether to derive the correct values of answers that are not correct."""
    details: bool = False
    """Whether to show every answer even of several submissions."""
    color: bool = False
    width: int | None = None
    """The columns of the terminal; ``None`` for no limit."""
    checkout: str | None = None
    """The folder that a CI server checked out, to which JUnit names files; ``None`` without one."""


@dataclass(frozen=True, kw_only=True)
class GradingFormat:
    """An output format of graded submissions."""

    write: Callable[[Sequence[GradedSubmission], GradingDisplay], str]
    ending: str = ""
    """The extension of file names, if each submission is written to its own file."""


def _tables(form: str, submissions: Sequence[GradedSubmission], display: GradingDisplay) -> str:
    if len(submissions) > 1 and not display.details:
        return render(class_table(submissions), form, color=display.color, width=display.width)
    return "\n".join(_detailed(form, graded, display) for graded in submissions)


def _detailed(form: str, graded: GradedSubmission, display: GradingDisplay) -> str:
    """Return one submission with every answer, or the errors of one that cannot be read."""
    if graded.problems:
        return "".join(f"{problem.render()}\n" for problem in graded.problems)
    table = render(submission_table(graded), form, color=display.color, width=display.width)
    return table + (_derivations(graded, form) if display.explain else "")


def _derivations(graded: GradedSubmission, form: str) -> str:
    lines = []
    for mark in graded.marks:
        titled = [(f"{each.target} {each.quantity}".rstrip(), derivation_lines(each)) for each in mark.derivation]
        for title, steps in [*titled, *worked_entries(mark)]:
            lines += ["", f"{mark.id}: {title}"]
            lines += ["", "```", *steps, "```"] if form == "markdown" else [f"  {step}".rstrip() for step in steps]
    return "".join(f"{line}\n" for line in lines)


def _csv(submissions: Sequence[GradedSubmission], display: GradingDisplay) -> str:
    table = grades_table(submissions, display.questions) if display.questions else claims_table(submissions)
    return render(table, "csv")


def _json(submissions: Sequence[GradedSubmission], display: GradingDisplay) -> str:
    return write_json({"schema": 1, "submissions": [submission_record(graded) for graded in submissions]})


def _junit(submissions: Sequence[GradedSubmission], display: GradingDisplay, *, strict: bool = False) -> str:
    from archcalc.report.junit import write_junit

    return write_junit(junit_suites(submissions, display.checkout), strict=strict)


def _page(submissions: Sequence[GradedSubmission], display: GradingDisplay) -> str:
    from archcalc.report.graded_page import graded_page

    (graded,) = submissions
    return graded_page(graded, display.title)


def _gradescope(submissions: Sequence[GradedSubmission], display: GradingDisplay) -> str:
    from archcalc.report.gradescope import gradescope

    (graded,) = submissions
    return write_json(gradescope(graded, explain=display.explain))


FORMATS = {
    "rich": GradingFormat(write=partial(_tables, "rich")),
    "plain": GradingFormat(write=partial(_tables, "plain")),
    "markdown": GradingFormat(write=partial(_tables, "markdown")),
    "csv": GradingFormat(write=_csv),
    "json": GradingFormat(write=_json),
    "html": GradingFormat(write=_page, ending=".html"),
    "gradescope": GradingFormat(write=_gradescope, ending=".json"),
    "junit": GradingFormat(write=_junit),
    "xunit": GradingFormat(write=partial(_junit, strict=True)),
}
