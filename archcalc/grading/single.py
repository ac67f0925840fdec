"""The grade of one answer to one question, for cells of notebooks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from archcalc.grading.grade import Grader
from archcalc.grading.key import read_key
from archcalc.grading.kinds.reading import KINDS
from archcalc.grading.marks import Mark
from archcalc.grading.subjects import NetworkLibrary
from archcalc.grading.submission import Answer, AnswerFile
from archcalc.spec.errors import Source, SpecError, Text, fail
from archcalc.spec.limits import DEFAULT

NAME = "question"
"""The name of the question in its key, and in messages."""
DIGITS = 12
"""The significant digits of floats: fewer than they have, because the last ones are noise."""
OF_NETWORK = ("network", "networks", "set", "shape", "layout", "batch", "assume", "partial")
"""What a key says above its questions."""
EXAMPLE = '"lenet5 c1.params", or {"network": "lenet5", "target": "c1.params", "points": 2}'


@dataclass(frozen=True, slots=True)
class Grade:
    """The grade of one answer."""

    mark: Mark
    """The mark with everything that is known about the answer."""

    @property
    def points(self) -> float:
        """The points earned; a cell of nbgrader that ends in this number gives partial credit."""
        return float(self.mark.points)

    @property
    def of(self) -> float:
        """The points that can be earned."""
        return float(self.mark.of)

    @property
    def right(self) -> bool:
        """Whether the answer is correct."""
        return self.mark.right

    @property
    def verdict(self) -> str:
        """One of `archcalc.claims.Verdict`: ``exact``, ``rounds``, ``explained``, ``wrong``, …"""
        return str(self.mark.verdict)

    @property
    def code(self) -> str:
        """The code of the mistake or convention that explains the answer; empty if there is none."""
        return self.mark.code

    @property
    def feedback(self) -> str:
        """The judgement in one line, with the points."""
        return f"{self.points:g} of {self.of:g}: {self.mark.sentence}"

    def __float__(self) -> float:
        """Return the points."""
        return self.points

    def __str__(self) -> str:
        """Return the feedback."""
        return self.feedback


def grade_answer(answer: object, question: str | Mapping[str, Any], *, hide_answer: bool = False) -> Grade:
    """Grade one answer; see `archcalc.api.grade`."""
    source = Source(NAME, _text(answer))
    given = AnswerFile(source, (Answer(Text(source, NAME), Text(source, source.text)),))
    graded = _grader(_key(question)).grade(given, NAME)
    if graded.problems:
        raise SpecError(graded.problems)
    return Grade((graded.hidden() if hide_answer else graded).marks[0])


@lru_cache(maxsize=256)
def _grader(key: str) -> Grader:
    return Grader(read_key(Source(NAME, key)), NetworkLibrary(DEFAULT))


def _key(question: str | Mapping[str, Any]) -> str:
    """Return the text of the key with this question alone.

    Raises:
        SpecError: the question has no network and target.
    """
    if isinstance(question, str):
        network, _, target = question.strip().rpartition(" ")
        question = {"network": network, "target": target}
    if not isinstance(question, Mapping) or not any(each in question for each in ("network", "networks", *KINDS)):
        fail("key", "a question must name a network and a target", origin=NAME, hint=f"for example: {EXAMPLE}")
    if "network" in question and not question["network"]:
        fail("key", "the question names no network", origin=NAME, hint=f"for example: {EXAMPLE}")
    of_key = {name: value for name, value in question.items() if name in OF_NETWORK}
    of_question = {name: value for name, value in question.items() if name not in OF_NETWORK}
    return json.dumps({**of_key, "questions": [{**of_question, "id": NAME}]}, default=_jsonable)


def _jsonable(value: object) -> object:
    """Return an array as lists, and anything else that JSON does not know as text."""
    return _plain(value) if hasattr(value, "tolist") else str(value)


def _text(answer: object) -> str:
    """Return an answer as it would be written: shapes joined by ``x``, arrays as nested lists, and nothing for ``None``
    or ``...``."""
    if answer is None or answer is ...:
        return ""
    answer = _plain(answer)
    if isinstance(answer, list) and all(isinstance(each, str) or str(each).isdecimal() for each in answer):
        return "x".join(map(str, answer))
    return _nested(answer).strip()


def _plain(value: object) -> object:
    """Return arrays and tuples as lists, and floats without the noise of their last digits."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float):
        return int(value) if value.is_integer() else float(f"{value:.{DIGITS}g}")
    return [*map(_plain, value)] if isinstance(value, tuple | list) else value


def _nested(value: object) -> str:
    return f"[{', '.join(map(_nested, value))}]" if isinstance(value, list) else str(value)
