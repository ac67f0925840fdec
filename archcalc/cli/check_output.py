"""Writing graded submissions: to standard output, to a file, or to a file each."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from archcalc.arrays.texts import count_text
from archcalc.cli.files import output_errors, write_file
from archcalc.cli.submissions import file_names
from archcalc.grading.marks import GradedSubmission
from archcalc.report.graded_formats import FORMATS, GradingDisplay


def write(
    graded: Sequence[GradedSubmission], form: str, layout: GradingDisplay, *, file: str | None, folder: str | None
) -> None:
    """Write results in a format: to a file, to one file each in a folder, or to standard output.

    Raises:
        click.UsageError: the format cannot be written there.
    """
    written = FORMATS[form]
    if folder is None and (len(graded) == 1 or not written.ending):
        text = written.write(graded, layout)
        if file is not None:
            with output_errors("--output", file):
                write_file(file, text)
        else:
            click.echo(text, nl=False, color=True)
        return
    if folder is None:
        raise click.UsageError(f"{form} writes one file per submission: give an --output-dir")
    if not written.ending:
        each = [name for name, known in FORMATS.items() if known.ending]
        raise click.UsageError(f"--output-dir applies to {' and '.join(each)} only: use --output")
    with output_errors("--output-dir", folder):
        os.makedirs(folder, exist_ok=True)
        for submission, name in zip(graded, file_names(each.name for each in graded), strict=True):
            write_file(os.path.join(folder, name + written.ending), written.write([submission], layout))
    click.echo(f"{count_text(len(graded), 'file')} written to {folder}", err=True)
