"""Answer files: what somebody says of a network, line by line, in YAML, JSON, CSV or a Markdown table.

A file that cannot be read raises one located error. A line that cannot be read is an answer with its problem: it is
neither lost nor does it stop the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from archcalc.spec.errors import Problem, Source, Text, fail
from archcalc.spec.limits import DEFAULT, Limits

MOST_ANSWERS = 10_000
"""How many answers a file may hold, unless told otherwise."""

TABLES = (".csv", ".tsv")
MARKDOWN = (".md", ".markdown")
DOCUMENTS = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Answer:
    """One line: a target and what is said of it, both as written."""

    target: Text
    """``LAYER.QUANTITY``, ``QUANTITY``, or the id of a question."""
    value: Text
    """The value with its relation; empty where nothing is said."""
    problem: Problem | None = None
    """Why the line cannot be read."""
    convention: Text | None = None
    """Of an audit: the codes of the conventions under which the value is said to hold."""
    erratum: Text | None = None
    """Of an audit: the right value, where the printed one is wrong."""
    because: str = ""
    """Of an audit: the reason, in words."""


@dataclass(frozen=True, slots=True)
class NetworkText:
    """A network as a file names it: a SPEC, and what is set in it."""

    spec: Text
    settings: Mapping[str, str] = field(default_factory=dict)
    shapes: Mapping[str, str] = field(default_factory=dict)
    layout: str = ""
    """How the answers write shapes, ``chw`` or ``hwc``; empty: as the spec does."""
    assume: tuple[str, ...] = ()
    """What holds of the names in formulas: ``k % 2 == 1``."""


@dataclass(frozen=True, slots=True)
class AnswerFile:
    """All of a file."""

    source: Source
    answers: tuple[Answer, ...]
    name: str = ""
    """Whose answers they are, where the file says so."""
    networks: Mapping[str, NetworkText] = field(default_factory=dict)
    """By the name that targets put in front of a dot; a single network has the empty name."""
    audit: bool = False
    """Whether it is an audit (``claims:``): every claim is right as it stands, or says why it is not."""
    notes: tuple[str, ...] = ()
    """What was not read, and why."""


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
        from archcalc.grading.documents import read_document_answers

        return read_document_answers(source, limits, most)
    from archcalc.grading.tables import read_csv_answers, read_markdown_answers

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


def too_many(most: int, name: str) -> NoReturn:
    """Fail: a file holds more answers than it may."""
    fail("limit", f"more than {most} answers", hint="raise the bound with --max-answers", origin=name)
