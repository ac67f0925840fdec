"""Answer files: claims about a network in YAML, JSON, CSV, a Markdown table or lines of text.

A file that cannot be read raises one error with its place. A line that cannot be read is an answer with its error, so
that it is not lost and does not affect the others.
"""

from __future__ import annotations

from typing import Literal

from archcalc.grading.class_tables import IsQuestion, read_class
from archcalc.grading.documents import read_document_answers
from archcalc.grading.lines import has_lines_only, read_lines
from archcalc.grading.submission import AnswerFile
from archcalc.grading.tables import read_csv_answers, read_markdown_answers
from archcalc.spec.errors import Source, fail
from archcalc.spec.limits import DEFAULT, Limits

MAX_ANSWERS = 10_000
"""The default maximum number of answers in a file."""

TABLES = (".csv", ".tsv")
MARKDOWN = (".md", ".markdown")
DOCUMENTS = (".yaml", ".yml", ".json")


def read_submissions(
    source: Source, asked: IsQuestion, *, limits: Limits = DEFAULT, max_answers: int = MAX_ANSWERS
) -> list[AnswerFile]:
    """Read the submissions in a file: one, or those of a class from a table with one row per student.

    Args:
        source: the name and text of the file.
        asked: returns whether the title of a column is a question.
        limits: limits on YAML.
        max_answers: the maximum number of answers of one submission, and of rows of a table.

    Raises:
        SpecError: the text is not an answer file, or has too many answers.
    """
    if source.text.strip() and _form(source) == "csv":
        found = read_class(source, asked, max_answers)
        if found is not None:
            return found
    return [read_answers(source, limits=limits, max_answers=max_answers)]


def read_answers(source: Source, *, limits: Limits = DEFAULT, max_answers: int = MAX_ANSWERS) -> AnswerFile:
    """Read an answer file, whose format is recognised by the extension of its name, or else by its content.

    Args:
        source: the name and text of the file.
        limits: limits on YAML (entries, nesting).
        max_answers: the maximum number of answers in the file.

    Raises:
        SpecError: the text is not an answer file, or has too many answers.
    """
    if not source.text.strip():
        fail("answers", "the file is empty", origin=source.name)
    form = _form(source)
    if form == "document":
        return read_document_answers(source, limits, max_answers)
    return {"csv": read_csv_answers, "markdown": read_markdown_answers, "lines": read_lines}[form](source, max_answers)


def _form(source: Source) -> Literal["csv", "markdown", "lines", "document"]:
    """Return the format of a file, by the extension of its name or by its text."""
    name = source.name.lower()
    if name.endswith(TABLES):
        return "csv"
    if name.endswith(MARKDOWN):
        return "markdown"
    if name.endswith(DOCUMENTS):
        return "document"
    lines = [line.strip() for line in source.text.splitlines() if line.strip()]
    if any(line.startswith("|") for line in lines):
        return "markdown"
    if has_lines_only(source.text):
        return "lines"
    return "csv" if ":" not in lines[0] and any(mark in lines[0] for mark in ",;\t") else "document"
