"""How graded submissions are written: tables, files for programs, a page or a results.json each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import click

from archcalc.cli.files import write_file
from archcalc.cli.options import table_text
from archcalc.cli.submissions import file_names
from archcalc.grading.key import Key
from archcalc.grading.marks import Graded
from archcalc.query.derivations import derivation_lines
from archcalc.report.graded import claims_table, class_table, grades, record, sheet, suites
from archcalc.report.render import render, write_json

EACH = {"html": ".html", "gradescope": ".json"}
"""The formats that are one file per submission, and how their names end."""


class Output(NamedTuple):
    """What the options ask for."""

    form: str
    color: str
    file: str | None
    folder: str | None
    explain: bool
    details: bool


def write(graded: Sequence[Graded], key: Key | None, wanted: Output) -> None:
    """Write the results where they are wanted.

    Raises:
        click.UsageError: the format does not go with the place.
    """
    if wanted.form in EACH and (wanted.folder is not None or len(graded) > 1):
        if wanted.folder is None:
            raise click.UsageError(f"{wanted.form} is a file per submission: give an --output-dir")
        _write_each(graded, key, wanted)
        return
    if wanted.folder is not None:
        raise click.UsageError(f"--output-dir is for {' and '.join(EACH)}; use --output")
    text = _each(graded[0], key, wanted) if wanted.form in EACH else _all(graded, key, wanted)
    if wanted.file is not None:
        write_file(wanted.file, text)
    else:
        click.echo(text, nl=False, color=True)


def _write_each(graded: Sequence[Graded], key: Key | None, wanted: Output) -> None:
    assert wanted.folder is not None
    os.makedirs(wanted.folder, exist_ok=True)
    for each, name in zip(graded, file_names(each.name for each in graded), strict=True):
        write_file(os.path.join(wanted.folder, name + EACH[wanted.form]), _each(each, key, wanted))
    click.echo(f"{len(graded)} file{'s' * (len(graded) != 1)} written to {wanted.folder}", err=True)


def _each(graded: Graded, key: Key | None, wanted: Output) -> str:
    if wanted.form == "html":
        from archcalc.report.graded_page import graded_page

        return graded_page(graded, key.title if key is not None else "")
    from archcalc.report.gradescope import gradescope

    return write_json(gradescope(graded, explain=wanted.explain))


def _all(graded: Sequence[Graded], key: Key | None, wanted: Output) -> str:
    if wanted.form == "json":
        document: dict[str, Any] = {"schema": 1, "submissions": [record(each) for each in graded]}
        return write_json(document)
    if wanted.form == "junit":
        from archcalc.report.junit import write_junit

        return write_junit(suites(graded))
    if wanted.form == "csv":
        questions = [question.id for question in key.questions] if key is not None else []
        return render(grades(graded, questions) if questions else claims_table(graded), "csv")
    if len(graded) > 1 and not wanted.details:
        return table_text(class_table(graded), wanted.form, wanted.color)
    return "\n".join(_detailed(each, wanted) for each in graded)


def _detailed(graded: Graded, wanted: Output) -> str:
    """One submission with every answer, or what is wrong with it."""
    if graded.problems:
        return "".join(f"{problem.render()}\n" for problem in graded.problems)
    return table_text(sheet(graded), wanted.form, wanted.color) + (
        _derivations(graded, wanted.form) if wanted.explain else ""
    )


def _derivations(graded: Graded, form: str) -> str:
    lines = []
    for mark in graded.marks:
        for derivation in mark.derivation:
            lines += ["", f"{mark.id}: {derivation.target} {derivation.quantity}".rstrip()]
            steps = derivation_lines(derivation)
            lines += ["", "```", *steps, "```"] if form == "markdown" else [f"  {step}" for step in steps]
    return "".join(f"{line}\n" for line in lines)
