"""Typical wrong answers to questions about published layers and exercises: their mistakes are named correctly.

The file says how each answer arises; its mistake was classified by hand before archcalc was run.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import pytest

from archcalc.analysis.propagate import analyze
from archcalc.claims import Claim, Judge, Judgement, Verdict
from archcalc.diagnosis import CODES, Explainer
from archcalc.spec import Source, read_spec
from tests.specs.published import read_facts

FACTS = read_facts("wrong_answers.yaml")


class WrongAnswer(NamedTuple):
    network: str
    target: str
    reckoning: str
    names: tuple[frozenset[str], ...]
    """The sets of codes that name the mistake correctly."""

    @property
    def answer(self) -> str:
        """The answer as the student writes it."""
        sizes = [
            Fraction(eval(part, {"__builtins__": {}})).limit_denominator(10**6)  # calculations from our own file
            for part in self.reckoning.split(" x ")
        ]
        return "x".join(str(size) if size.denominator == 1 else str(float(size)) for size in sizes)


def wrong_answers() -> Iterator[WrongAnswer]:
    for facts in FACTS:
        for target, reckoning, codes in facts["answers"]:
            names = tuple(frozenset(code.strip().split("+")) for code in codes.split("|"))
            yield WrongAnswer(facts["network"], target, str(reckoning), names)


ANSWERS = list(wrong_answers())


@cache
def judge_of(network: str) -> Judge:
    analysis = analyze(read_spec(Source("net.yaml", f"{{{network}}}")).graph)
    return Judge(analysis, explainer=Explainer(analysis))


def judged(wrong: WrongAnswer) -> Judgement:
    (judgement,) = judge_of(wrong.network).judge([Claim(wrong.target, wrong.answer)])
    return judgement


def is_named(wrong: WrongAnswer, explained: Judgement) -> bool:
    found = [frozenset(explanation.code.split("+")) for explanation in explained.explanations]
    return any(name in found for name in wrong.names)


def test_the_list_is_long_and_names_known_mistakes() -> None:
    assert len(ANSWERS) >= 100
    assert {code for wrong in ANSWERS for name in wrong.names for code in name} <= set(CODES)


@pytest.mark.slow
def test_typical_wrong_answers_are_named_correctly() -> None:
    judgements = [(wrong, judged(wrong)) for wrong in ANSWERS]
    assert all(judgement.verdict in (Verdict.EXPLAINED, Verdict.WRONG) for _, judgement in judgements)
    unnamed = [
        (wrong.target, wrong.reckoning, [explanation.code for explanation in judgement.explanations])
        for wrong, judgement in judgements
        if not is_named(wrong, judgement)
    ]
    assert len(unnamed) <= len(ANSWERS) // 50, unnamed


@pytest.mark.slow
def test_the_correct_name_usually_comes_first() -> None:
    first = [
        frozenset(judgement.explanations[0].code.split("+")) in wrong.names
        for wrong, judgement in ((wrong, judged(wrong)) for wrong in ANSWERS)
        if judgement.explanations
    ]
    assert sum(first) >= len(first) * 19 // 20
