"""Answer files: what somebody says of a network, line by line, in YAML, JSON, CSV or a Markdown table.

A file that cannot be read raises one located error. A line that cannot be read is an answer with its problem: it is
neither lost nor does it stop the others.
"""

from __future__ import annotations

from typing import Literal

from archcalc.grading.documents import read_document_answers
from archcalc.grading.submission import AnswerFile
from archcalc.grading.tables import read_csv_answers, read_markdown_answers
from archcalc.spec.errors import Source, fail
from archcalc.spec.limits import DEFAULT, Limits

MOST_ANSWERS = 10_000
"""How many answers a file may hold, unless told otherwise."""

TABLES = (".csv", ".tsv")
MARKDOWN = (".md", ".markdown")
DOCUMENTS = (".yaml", ".yml", ".json")


def read_answers(source: Source, *, limits: Limits = DEFAULT, most: int = MOST_ANSWERS) -> AnswerFile:
    """Read an answer file: its format by the ending of its name, or else by what it looks like.

    Args:
        source: the file's name and text.
        limits: bounds on YAML (entries, nesting).
        most: how many answers it may hold.

    Raises:
        SpecError: it is none, or too large; with its place.
    """
    if not source.text.strip():
        fail("answers", "the file is empty", origin=source.name)
    form = _form(source)
    if form == "document":
        return read_document_answers(source, limits, most)
    return (read_csv_answers if form == "csv" else read_markdown_answers)(source, most)


def _form(source: Source) -> Literal["csv", "markdown", "document"]:
    """What a file is, by the ending of its name or by its text."""
    ending = source.name.lower()
    if ending.endswith(TABLES):
        return "csv"
    if ending.endswith(MARKDOWN):
        return "markdown"
    if ending.endswith(DOCUMENTS):
        return "document"
    lines = [line.strip() for line in source.text.splitlines() if line.strip()]
    if any(line.startswith("|") for line in lines):
        return "markdown"
    return "csv" if ":" not in lines[0] and any(mark in lines[0] for mark in ",;\t") else "document"
