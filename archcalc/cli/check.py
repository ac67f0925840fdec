"""``archcalc check``: answers graded, papers audited, single claims reconciled."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from archcalc.cli.options import bound_options, default_format, limits_from, stdin_once, terminal_width, wants_color
from archcalc.cli.submissions import Handed, find_submissions
from archcalc.report.graded_formats import FORMATS, GradingDisplay
from archcalc.spec.errors import Problem, Source, SpecError, fail
from archcalc.spec.limits import Limits

if TYPE_CHECKING:
    from archcalc.grading.grade import Grader
    from archcalc.grading.key import Key
    from archcalc.grading.marks import GradedSubmission

MANY = 50
"""Submissions that take long enough for a progress bar."""


@click.command()
@click.argument("answers", nargs=-1, type=click.Path())
@click.option("--key", metavar="FILE", help="The networks, the questions, their points, and what a verdict is worth.")
@click.option(
    "--claim", "claims", multiple=True, metavar="TEXT", help='One claim: "resnet50 macs = 3.8G" (repeatable).'
)
@click.option("--explain", is_flag=True, help="Derive the right value wherever an answer is not right.")
@click.option("--details", is_flag=True, help="Every answer, also of many submissions.")
@click.option("--hide-answers", is_flag=True, help="Say what went wrong, but not what is right.")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    help="Output format.  [default: rich on a terminal, plain in a pipe]",
)
@click.option("--output", "-o", metavar="FILE", help="Write there instead of standard output.")
@click.option("--output-dir", metavar="DIR", help="For html and gradescope: a file per submission.")
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Colour; auto follows the terminal, NO_COLOR and FORCE_COLOR.",
)
@click.option(
    "--max-answers", type=click.IntRange(1), default=10_000, show_default=True, help="Bound: answers in a file."
)
@bound_options
def command(answers: tuple[str, ...], claims: tuple[str, ...], form: str | None, color: str, **values: Any) -> int:
    """Grade answers, audit papers, reconcile claims.

    ANSWERS are files (YAML, JSON, CSV, a Markdown table), folders of them, or '-'. Each line says what a target is:
    c1.params, macs. Wrong values are explained where a known mistake or convention gives them. Exit status: 0 all
    right, 1 an answer is not, 2 something cannot be read.
    """
    form = default_format(form, color)
    if bool(answers) == bool(claims):
        raise click.UsageError("give files of answers, or a --claim")
    if claims:
        from archcalc.cli.check_claims import check_claims

        return check_claims(claims, form, color, limits_from(values))
    from archcalc.cli.check_output import write

    stdin_once((*answers, values["key"] or ""))
    key, graded = grade(answers, values)
    if values["hide_answers"]:
        graded = [each.hidden() for each in graded]
    layout = GradingDisplay(
        title=key.title if key is not None else "",
        questions=[question.id for question in key.questions] if key is not None else [],
        explain=values["explain"],
        details=values["details"],
        color=wants_color(color),
        width=terminal_width(),
    )
    write(graded, form, layout, file=values["output"], folder=values["output_dir"])
    return max(each.status for each in graded)


def grade(arguments: tuple[str, ...], values: dict[str, Any]) -> tuple[Key | None, list[GradedSubmission]]:
    """Grade what was handed in.

    Raises:
        SpecError: the key cannot be read.
    """
    from archcalc.grading.grade import Grader
    from archcalc.grading.key import read_key
    from archcalc.grading.subjects import Library

    limits = limits_from(values)
    key = None
    if values["key"] is not None:
        key = read_key(source_of(values["key"], limits), limits)
    grader = Grader(key, Library(limits))
    handed = find_submissions(arguments, without=values["key"])
    graded = []
    for each in with_progress(handed):
        graded.append(grade_one(each, grader, limits, values["max_answers"]))
    return key, graded


def grade_one(handed: Handed, grader: Grader, limits: Limits, most: int) -> GradedSubmission:
    """Read and grade one submission; what is wrong with it stops no other."""
    from archcalc.grading.answers import read_answers

    try:
        if handed.problem:
            fail("not-found", handed.problem, origin=handed.path)
        return grader.grade(read_answers(source_of(handed.path, limits), limits=limits, max_answers=most), handed.name)
    except SpecError as error:
        return grader.unreadable(handed.name, handed.path, error)
    except RecursionError:
        deep = Problem("limit", "nested too deeply to be read", origin=handed.path)
        return grader.unreadable(handed.name, handed.path, SpecError([deep]))


def source_of(path: str, limits: Limits) -> Source:
    """The text of a file, or of standard input."""
    from pathlib import Path

    from archcalc.spec.locate import decode, read_file

    if path == "-":
        return Source("<stdin>", decode(sys.stdin.buffer.read(limits.bytes + 1), "<stdin>", limits))
    return read_file(Path(path), path, limits)


def with_progress(handed: list[Handed]) -> Iterable[Handed]:
    """The submissions, with a progress bar on standard error if that is a terminal and they are many."""
    if len(handed) < MANY or not sys.stderr.isatty():
        return handed
    from rich.console import Console
    from rich.progress import Progress

    def advancing() -> Iterator[Handed]:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            yield from progress.track(handed, description="grading")

    return advancing()
