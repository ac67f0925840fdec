"""Answers in a text file: one per line, ``q1: 156``, ``2) b``, ``c1.params = 156``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archcalc.grading.columns import answer_in
from archcalc.grading.documents import ANSWERS, METADATA_KEYS
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


def has_lines_only(text: str) -> bool:
    """Return whether every line of a text is an answer, a comment or empty."""
    for line in filter(str.strip, text.splitlines()):
        match = _LINE.fullmatch(line.rstrip())
        is_comment = line.startswith("#")
        if not is_comment and (match is None or (match["id"] or "").strip().casefold() in OTHERS):
            return False
        if match is not None and match["id"] is not None and match["value"][:1] in ("{", "|", ">", "&", "!"):
            return False
        if match is not None and match["id"] is not None and not match["value"]:
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
    """Return the id and the value of each line, with their places."""
    start = 0
    for line in source.text.splitlines(keepends=True):
        match = _LINE.fullmatch(line.rstrip())
        if match is not None and not line.startswith("#"):
            id, value = ("id", "value") if match["id"] is not None else ("number", "rest")
            id = id if match[id] is not None else "place"
            text = match[value].strip()
            if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
                text = text[1:-1]
            at = line.find(text, match.start(value)) if text else match.start(value)
            yield Text(source, match[id].strip(), start + match.start(id)), Text(source, text, start + at)
        start += len(line)
