"""The formats of graded submissions, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from archcalc.grading.marks import GradedSubmission
from archcalc.query.derivations import derivation_lines
from archcalc.report.graded import claims_table, class_table, grades, record, sheet, suites
from archcalc.report.render import render, write_json


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How graded submissions are shown."""

    title: str = ""
    """Of the homework."""
    questions: Sequence[str] = ()
    """The ids of the questions, if a key asks any."""
    explain: bool = False
    """Whether right values are derived where answers are not right."""
    details: bool = False
    """Whether every answer is shown, also of many submissions."""
    color: bool = False
    width: int | None = None
    """Columns of the terminal."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """How graded submissions are written."""

    write: Callable[[Sequence[GradedSubmission], Layout], str]
    ending: str = ""
    """Of the name of a file, where each submission has one of its own."""


def _tables(form: str, submissions: Sequence[GradedSubmission], layout: Layout) -> str:
    if len(submissions) > 1 and not layout.details:
        return render(class_table(submissions), form, color=layout.color, width=layout.width)
    return "\n".join(_detailed(form, graded, layout) for graded in submissions)


def _detailed(form: str, graded: GradedSubmission, layout: Layout) -> str:
    """One submission with every answer, or what is wrong with it."""
    if graded.problems:
        return "".join(f"{problem.render()}\n" for problem in graded.problems)
    table = render(sheet(graded), form, color=layout.color, width=layout.width)
    return table + (_derivations(graded, form) if layout.explain else "")


def _derivations(graded: GradedSubmission, form: str) -> str:
    lines = []
    for mark in graded.marks:
        for derivation in mark.derivation:
            lines += ["", f"{mark.id}: {derivation.target} {derivation.quantity}".rstrip()]
            steps = derivation_lines(derivation)
            lines += ["", "```", *steps, "```"] if form == "markdown" else [f"  {step}" for step in steps]
    return "".join(f"{line}\n" for line in lines)


def _csv(submissions: Sequence[GradedSubmission], layout: Layout) -> str:
    table = grades(submissions, layout.questions) if layout.questions else claims_table(submissions)
    return render(table, "csv")


def _json(submissions: Sequence[GradedSubmission], layout: Layout) -> str:
    return write_json({"schema": 1, "submissions": [record(graded) for graded in submissions]})


def _junit(submissions: Sequence[GradedSubmission], layout: Layout) -> str:
    from archcalc.report.junit import write_junit

    return write_junit(suites(submissions))


def _page(submissions: Sequence[GradedSubmission], layout: Layout) -> str:
    from archcalc.report.graded_page import graded_page

    (graded,) = submissions
    return graded_page(graded, layout.title)


def _gradescope(submissions: Sequence[GradedSubmission], layout: Layout) -> str:
    from archcalc.report.gradescope import gradescope

    (graded,) = submissions
    return write_json(gradescope(graded, explain=layout.explain))


FORMATS = {
    "rich": Format(write=partial(_tables, "rich")),
    "plain": Format(write=partial(_tables, "plain")),
    "markdown": Format(write=partial(_tables, "markdown")),
    "csv": Format(write=_csv),
    "json": Format(write=_json),
    "html": Format(write=_page, ending=".html"),
    "gradescope": Format(write=_gradescope, ending=".json"),
    "junit": Format(write=_junit),
}
