"""Answer files as data: answers about networks, with their places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import NoReturn

from archcalc.spec.errors import Problem, Source, Text, fail


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: a target and a value, both as written."""

    target: Text
    """``LAYER.QUANTITY``, ``QUANTITY``, or the id of a question."""
    value: Text
    """The value with its relation; empty if there is none."""
    problem: Problem | None = None
    """The error of a line that cannot be read."""
    _: KW_ONLY
    convention: Text | None = None
    """In an audit, the codes of the conventions that the value follows."""
    erratum: Text | None = None
    """In an audit, the correct value of a claim that is wrong."""
    reason: str = ""
    """In an audit, the reason in words (``because:``)."""


@dataclass(frozen=True, slots=True)
class NetworkText:
    """A network as a file names it: a SPEC with settings."""

    spec: Text
    _: KW_ONLY
    settings: Mapping[str, Text] = field(default_factory=dict)
    shapes: Mapping[str, Text] = field(default_factory=dict)
    layout: str = ""
    """The layout of shapes in the file, ``chw`` or ``hwc``; if empty, that of the spec."""
    batch: int | None = None
    """The batch size; ``None`` for a single example."""
    assume: tuple[str, ...] = ()
    """Assumptions about the names in formulas: ``k % 2 == 1``."""


@dataclass(frozen=True, slots=True)
class AnswerFile:
    """The content of an answer file."""

    source: Source
    answers: tuple[Answer, ...]
    _: KW_ONLY
    name: str = ""
    """The name of the person, if the file gives it."""
    networks: Mapping[str, NetworkText] = field(default_factory=dict)
    """The networks by the name that targets begin with; a single network has the empty name."""
    audit: bool = False
    """Whether the file is an audit (``claims:``), where every claim is correct or accounted for."""
    columns: tuple[Text, ...] = ()
    """In a table of networks, the title of the column that each answer comes from."""
    notes: tuple[str, ...] = ()
    """Notes on parts of the file that were not read."""


def fail_too_many(max_answers: int, name: str) -> NoReturn:
    """Raise the error that a file has too many answers."""
    fail(
        "limit",
        f"more than {max_answers:,} answers",
        hint="raise the limit with --max-answers",
        origin=name,
    )
