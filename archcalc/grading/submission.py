"""What is handed in: answers about networks, with the places where they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import NoReturn

from archcalc.spec.errors import Problem, Source, Text, fail


@dataclass(frozen=True, slots=True)
class Answer:
    """One line: a target and what is said of it, both as written."""

    target: Text
    """``LAYER.QUANTITY``, ``QUANTITY``, or the id of a question."""
    value: Text
    """The value with its relation; empty where nothing is said."""
    problem: Problem | None = None
    """Why the line cannot be read."""
    _: KW_ONLY
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
    _: KW_ONLY
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
    _: KW_ONLY
    name: str = ""
    """Whose answers they are, where the file says so."""
    networks: Mapping[str, NetworkText] = field(default_factory=dict)
    """By the name that targets put in front of a dot; a single network has the empty name."""
    audit: bool = False
    """Whether it is an audit (``claims:``): every claim is right as it stands, or says why it is not."""
    notes: tuple[str, ...] = ()
    """What was not read, and why."""


def too_many(most: int, name: str) -> NoReturn:
    """Fail: a file holds more answers than it may."""
    fail("limit", f"more than {most} answers", hint="raise the bound with --max-answers", origin=name)
