"""Marks of answers to one question of a key."""

from __future__ import annotations

import json
from typing import Any

from archcalc.grading.answers import read_answers
from archcalc.grading.grade import Grader
from archcalc.grading.key import read_key
from archcalc.grading.marks import GradedSubmission, Mark
from archcalc.grading.subjects import NetworkLibrary
from archcalc.spec.errors import Source


def grader_of(question: str, networks: str = "") -> Grader:
    """Return the grader of a key with one question, in YAML's flow notation without its id."""
    return Grader(
        read_key(Source("key.yaml", f"{networks}\nquestions:\n  - {{id: q, {question}}}\n")), NetworkLibrary()
    )


def graded(grader: Grader, answer: Any) -> GradedSubmission:
    return grader.grade(read_answers(Source("x.yaml", json.dumps({"answers": {"q": answer}}, ensure_ascii=False))), "x")


def marked(question: str, answer: Any, networks: str = "") -> Mark:
    (mark,) = graded(grader_of(question, networks), answer).marks
    return mark


def verdicts(question: str, answers: dict[Any, str], networks: str = "") -> dict[Any, str]:
    """Return the verdicts of answers to one question."""
    grader = grader_of(question, networks)
    return {
        answer: graded(grader, json.loads(answer) if answer[:1] == "[" else answer).marks[0].verdict
        for answer in answers
    }
