"""``archcalc check``: grade answers, audit published figures, judge single claims."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from archcalc.cli.commands import VerbCommand
from archcalc.cli.options import PositiveInteger, limit_options, limits_from, pairs_from, stdin_once
from archcalc.cli.output import COLOR_HELP, FORMAT_HELP, default_format, terminal_width, utf8_documents, wants_color
from archcalc.cli.reports import checkout
from archcalc.cli.submissions import SubmittedFile, find_submissions
from archcalc.cli.warnings import ignore_option
from archcalc.report.graded_formats import FORMATS, GradingDisplay
from archcalc.spec.errors import Problem, Source, SpecError, fail
from archcalc.spec.limits import Limits

if TYPE_CHECKING:
    from archcalc.claims.feedback import Feedback
    from archcalc.cli.check_numbers import GivenNumbers
    from archcalc.grading.grade import Grader
    from archcalc.grading.key import Key
    from archcalc.grading.marks import GradedSubmission

PROGRESS_FROM = 50
"""Number of submissions from which a progress bar is shown."""
NUMBERS = ("inputs", "weights", "loss", "targets", "upstream")
"""The options that give the numbers of a claim."""


@click.command(cls=VerbCommand)
@click.argument("answers", nargs=-1, type=click.Path())
@click.option(
    "--key",
    metavar="FILE",
    help="Grade by this key: networks, questions, points, and the share that each verdict earns.",
)
@click.option(
    "--claim",
    "claims",
    multiple=True,
    metavar="TEXT",
    help='Judge this claim instead: "resnet50 macs = 3.8G" (repeatable).',
)
@click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="With --claim, set a variable (repeatable)."
)
@click.option(
    "--shape",
    "shapes",
    multiple=True,
    metavar="[INPUT=]SHAPE",
    help="With --claim, replace an input shape, e.g. 3x320x320 (repeatable).",
)
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="[NAME=]ARRAY",
    help='With --claim, an input of the network, for a claim about numbers that it computes: "1 2; 3 4" (repeatable).',
)
@click.option("--weights", multiple=True, metavar="NAME=ARRAY", help="With --input, a stored array (repeatable).")
@click.option(
    "--loss",
    metavar="LOSS",
    help="With --input, the loss of a claimed gradient, as for `run --backward`: sum, mse or cross_entropy.  "
    "[default: sum]",
)
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="[NAME=]ARRAY",
    help="What --loss compares an output with (repeatable).",
)
@click.option("--upstream", metavar="ARRAY", help="With --input, the gradient of the output, instead of --loss.")
@click.option("--explain", is_flag=True, help="Derive the correct value of every answer that is not correct.")
@click.option("--details", is_flag=True, help="List every answer, even if there are several submissions.")
@click.option("--feedback", metavar="FILE", help="Use the sentences in this file for the feedback.")
@click.option(
    "--list-feedback",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, option, given: _list_feedback(context) if given else None,
    help="Print the sentences of the feedback, as a file to be translated and given to --feedback.",
)
@click.option("--hide-answers", is_flag=True, help="Print the mistakes, but not the correct values.")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    callback=utf8_documents,
    help=FORMAT_HELP,
)
@click.option("--output", "-o", metavar="FILE", help="Write to this file; '-': standard output, the default.")
@click.option("--output-dir", metavar="DIR", help="Write one file per submission to this folder (html, gradescope).")
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help=COLOR_HELP,
)
@click.option(
    "--max-answers",
    type=PositiveInteger(),
    default=10_000,
    show_default=True,
    help="Answers in a file.",
)
@ignore_option
@limit_options
def command(answers: tuple[str, ...], claims: tuple[str, ...], form: str | None, color: str, **values: Any) -> int:
    """Grade answers, audit published figures, or judge a claim.

    ANSWERS are files (YAML, JSON, CSV, a Markdown table, lines of text), folders of such files, or '-' for standard
    input. A CSV file may also have one row per student and one column per question. Answers give values of targets,
    such as c1.params or macs. A wrong value is explained if a known mistake or convention leads to it.

    Exit status: 0 if all answers are correct, 1 if one is not, 2 if something cannot be read.
    """
    form = default_format(form, color)
    if bool(answers) == bool(claims):
        raise click.UsageError("give either ANSWERS or --claim")
    if claims:
        for option in ("key", "feedback"):
            if values[option] is not None:
                raise click.UsageError(f"--{option} applies to ANSWERS, not to --claim")
        from archcalc.cli.check_claims import check_claims
        from archcalc.spec import GivenSettings

        settings = pairs_from(values["settings"], "--set")
        given = GivenSettings(settings, pairs_from(values["shapes"], "--shape", bare=True))
        return check_claims(claims, form, color, limits_from(values), given, values["ignore"], _numbers(values))
    if values["settings"] or values["shapes"]:
        raise click.UsageError("--set and --shape apply to --claim: a key or an audit sets those of its networks")
    if any(values[name] for name in NUMBERS):
        options = "--input, --weights, --loss, --target and --upstream"
        raise click.UsageError(f"{options} apply to --claim: a key gives the numbers of its questions")
    from archcalc.cli.check_output import write

    stdin_once((*answers, values["key"] or "", values["feedback"] or ""))
    limits = limits_from(values)
    feedback = _feedback(values["feedback"], limits)
    key, graded = grade(answers, values, feedback, limits)
    if values["hide_answers"]:
        graded = [each.hidden(feedback) for each in graded]
    layout = GradingDisplay(
        title=key.title if key is not None else "",
        questions=[question.id for question in key.questions] if key is not None else [],
        explain=values["explain"],
        details=values["details"],
        color=wants_color(color),
        width=terminal_width(),
        checkout=checkout(),
    )
    write(graded, form, layout, file=values["output"], folder=values["output_dir"])
    return max(each.status for each in graded)


def _list_feedback(context: click.Context) -> None:
    from archcalc.grading.feedback_file import feedback_template

    click.echo(feedback_template(), nl=False)
    context.exit()


def _feedback(path: str | None, limits: Limits) -> Feedback:
    """Return the sentences of the feedback.

    Raises:
        SpecError: the file of a course cannot be read.
    """
    from archcalc.claims.feedback import ENGLISH
    from archcalc.grading.feedback_file import read_feedback

    return ENGLISH if path is None else read_feedback(source_of(path, limits), limits)


def _numbers(values: Mapping[str, Any]) -> GivenNumbers | None:
    """Return the numbers that the options give; ``None`` if there are none."""
    options = {name: values[name] for name in NUMBERS if values[name]}
    if not options:
        return None
    from archcalc.cli.check_numbers import GivenNumbers

    numbers = GivenNumbers(**options)
    numbers.need_input()
    return numbers


def grade(
    arguments: tuple[str, ...], values: dict[str, Any], feedback: Feedback, limits: Limits
) -> tuple[Key | None, list[GradedSubmission]]:
    """Grade the submissions among the arguments.

    Raises:
        SpecError: the key cannot be read.
    """
    from archcalc.grading.grade import Grader
    from archcalc.grading.key import read_key
    from archcalc.grading.subjects import NetworkLibrary

    key = None
    if values["key"] is not None:
        key = read_key(source_of(values["key"], limits), limits)
    grader = Grader(key, NetworkLibrary(limits), feedback=feedback)
    for warning in grader.warnings:
        click.echo(warning.render(), err=True)
    own = [values[name] for name in ("key", "feedback") if values[name] is not None]
    submitted = find_submissions(arguments, without=own)
    graded: list[GradedSubmission] = []
    for each in with_progress(submitted):
        graded += grade_file(each, grader, limits, values["max_answers"])
    return key, graded


def grade_file(submitted: SubmittedFile, grader: Grader, limits: Limits, most: int) -> list[GradedSubmission]:
    """Read and grade the submissions of a file: one, or those of a class.

    Its errors are part of the result, so that they stop no other submission.
    """
    from archcalc.grading.answers import read_submissions

    try:
        if submitted.problem:
            fail("not-found", submitted.problem, origin=submitted.path)
        source = source_of(submitted.path, limits)
        read = read_submissions(source, grader.is_question, limits=limits, max_answers=most)
        return [grader.grade(each, submitted.name) for each in read]
    except SpecError as error:
        return [grader.unreadable(submitted.name, submitted.path, error)]
    except RecursionError:
        deep = Problem("limit", "nested too deeply to be read", origin=submitted.path)
        return [grader.unreadable(submitted.name, submitted.path, SpecError([deep]))]


def source_of(path: str, limits: Limits) -> Source:
    """Return the text of a file, or of standard input."""
    from pathlib import Path

    from archcalc.spec.locate import decode, read_file

    if path == "-":
        return Source("<stdin>", decode(sys.stdin.buffer.read(limits.bytes + 1), "<stdin>", limits))
    return read_file(Path(path), path, limits)


def with_progress(submitted: list[SubmittedFile]) -> Iterable[SubmittedFile]:
    """Return the submissions, with a progress bar on standard error if that is a terminal and they are many."""
    if len(submitted) < PROGRESS_FROM or not sys.stderr.isatty():
        return submitted
    from rich.console import Console
    from rich.progress import Progress

    def advancing() -> Iterator[SubmittedFile]:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            yield from progress.track(submitted, description="grading")

    return advancing()
