"""Answers in a text file: one per line, ``q1: 156``, ``2) b``, ``c1.params = 156``, with the rows of an array below."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from archcalc.grading.columns import answer_in
from archcalc.grading.documents import ANSWERS, METADATA_KEYS
from archcalc.grading.rows import is_open, is_row
from archcalc.grading.submission import Answer, AnswerFile, NetworkText, fail_too_many
from archcalc.spec.errors import Source, Text

_LINE = re.compile(
    r"(?P<id>[^\s:=|,;#>*-][^:=|,;]{0,79}?)\s*(?:=|:(?=\s|$))\s*(?P<value>.*)"
    r"|(?:\(?(?P<number>\w{1,8})\)|(?P<place>\d{1,4})\.)\s+(?P<rest>\S.*)"
)
NAMES = ("name", "student")
NETWORK = "network"
OTHERS = frozenset({*ANSWERS, *METADATA_KEYS} - {*NAMES, NETWORK, "shape", "note", "notes"})
"""The keys of YAML files, which are more than lines."""


class _Line(NamedTuple):
    """A line of a text, with the rows of an array that go on below it."""

    line: str
    start: int
    match: re.Match[str] | None
    """The match of an answer; ``None`` if the line is none."""
    rows: list[str]

    @property
    def value(self) -> str:
        """The answer on the line itself."""
        return "" if self.match is None else (self.match["value"] or self.match["rest"] or "").strip()

    def goes_on_in(self, line: str) -> bool:
        """Return whether a line is a further row of the array that is the answer."""
        if self.match is None or not is_row(line):
            return False
        if is_open("".join([self.value, *self.rows])):
            return True
        return (not self.value or is_row(self.value)) and _LINE.fullmatch(line.strip()) is None


def _lines(text: str) -> Iterator[_Line]:
    """Yield the lines of a text, without empty ones and comments."""
    last: _Line | None = None
    start = 0
    for line in text.splitlines(keepends=True):
        if line.strip() and not line.startswith("#"):
            if last is not None and last.goes_on_in(line.rstrip()):
                last.rows.append(line.strip())
            else:
                if last is not None:
                    yield last
                last = _Line(line, start, _LINE.fullmatch(line.rstrip()), [])
        start += len(line)
    if last is not None:
        yield last


def has_lines_only(text: str) -> bool:
    """Return whether every line of a text is an answer, a further row of one, a comment or empty."""
    for line in _lines(text):
        if line.match is None or (line.match["id"] or "").strip().casefold() in OTHERS:
            return False
        if line.match["id"] is not None and (line.value[:1] in ("{", "|", ">", "&", "!")):
            return False
        if line.match["id"] is not None and not line.value and not line.rows:
            return False
    return True


def read_lines(source: Source, max_answers: int) -> AnswerFile:
    """Read answers in lines.

    Raises:
        SpecError: the file has too many answers.
    """
    answers: list[Answer] = []
    name, networks = "", {}
    for written, value in _pairs(source):
        key = written.value.casefold()
        if key in NAMES:
            name = name or value.value
        elif key == NETWORK:
            networks = {"": NetworkText(value)}
        else:
            answers.append(Answer(written, answer_in(value)))
            if len(answers) > max_answers:
                fail_too_many(max_answers, source.name)
    return AnswerFile(source, tuple(answers), name=name, networks=networks)


def _pairs(source: Source) -> Iterator[tuple[Text, Text]]:
    """Return the id and the value of each answer, with their places; rows of an array are lines of the value."""
    for line, start, match, rows in _lines(source.text):
        if match is None:
            continue
        id, value = ("id", "value") if match["id"] is not None else ("number", "rest")
        id = id if match[id] is not None else "place"
        text = match[value].strip()
        if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
            text = text[1:-1]
        at = line.find(text, match.start(value)) if text else match.start(value)
        written = "\n".join([text, *rows] if text else rows)
        yield Text(source, match[id].strip(), start + match.start(id)), Text(source, written, start + at)
