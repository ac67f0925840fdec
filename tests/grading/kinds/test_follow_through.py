"""Answers that are correct for a wrong answer to an earlier question about the numbers of the same network."""

from __future__ import annotations

import json

import pytest

from archcalc.grading.answers import read_answers
from archcalc.grading.grade import Grader
from archcalc.grading.key import read_key
from archcalc.grading.marks import Mark
from archcalc.grading.subjects import NetworkLibrary
from archcalc.spec.errors import Source

KEY = """
network: 1x4x4 -> conv 1 k2 -> relu -> maxpool 2 s1
input: 0 1 2 3; 4 5 6 7; 8 9 10 11; 12 13 14 15
weights: {conv_1.weight: 1 2; 3 -4, conv_1.bias: 1}
loss: mse
target: 1 2; 3 4
questions:
  - {id: conv, layer: conv_1}
  - {id: relu, layer: relu_1}
  - {id: pool, layer: maxpool_1}
  - {id: corner, layer: "maxpool_1[0,1,1]"}
  - {id: g_relu, grad: relu_1}
  - {id: g_conv, grad: conv_1}
  - {id: g_bias, grad: conv_1.bias}
  - {id: g_other, grad: conv_1.bias, loss: mse, target: 5 6; 7 8}
  - {id: g_given, grad: conv_1.bias, upstream: 1 2; 3 4}
  - {id: other, layer: relu_1, input: 1 1 1 1; 1 1 1 1; 1 1 1 1; 1 1 1 1}
"""
CONV = "-5 17 -7; 21 -13 31; -17 43 -21"
"""A wrong answer to the first question, by no known mistake."""
RELU = "0 17 0; 21 0 31; 0 43 0"
POOL = "21 31; 43 43"
GRADIENT = "0 0 0; 10 0 14.5; 0 39.5 0"
"""Half of the difference between ``POOL`` and the target, at the maxima of ``RELU``."""


def marks_of(answers: dict[str, str], key: str = KEY) -> dict[str, Mark]:
    grader = Grader(read_key(Source("key.yaml", key)), NetworkLibrary())
    found = grader.grade(read_answers(Source("x.yaml", json.dumps({"answers": answers}))), "x")
    return {mark.id: mark for mark in found.marks if answers.get(mark.id)}


def verdicts(answers: dict[str, str], key: str = KEY) -> list[str]:
    return [mark.verdict for mark in marks_of(answers, key).values()]


@pytest.mark.parametrize(
    ("earlier", "later", "answer"),
    [
        ({"conv": CONV}, "relu", RELU),
        ({"conv": CONV}, "pool", POOL),
        ({"conv": CONV}, "corner", "43"),
        ({"relu": RELU}, "pool", POOL),
        ({"conv": CONV}, "g_relu", GRADIENT),
        ({"conv": CONV, "g_relu": "2 3 0; 0 7 -9; 0 13 17"}, "g_conv", "0 3 0; 0 0 -9; 0 13 0"),
        ({"g_relu": "0 0 0; 0 7 -9; 0 13 17"}, "g_conv", "0 0 0; 0 7 -9; 0 13 17"),
        ({"g_relu": "0 0 0; 0 7 -9; 0 13 17"}, "g_bias", "28"),
        ({"g_relu": "2 3 0; 0 7 -9; 0 13 17"}, "g_conv", "0 0 0; 0 7 -9; 0 13 17"),
        ({"g_conv": "2 3 0; 0 7 -9; 0 13 17"}, "g_bias", "33"),
    ],
)
def test_a_correct_step_from_wrong_numbers_has_all_points(earlier: dict[str, str], later: str, answer: str) -> None:
    mark = marks_of({**earlier, later: answer})[later]
    assert (mark.verdict, mark.right, mark.points) == ("follow-through", False, 1)
    assert f"it starts from {', '.join(earlier)}, which is wrong" in mark.sentence


def test_a_step_that_follows_may_itself_be_followed() -> None:
    answers = {"conv": CONV, "relu": RELU, "pool": POOL, "corner": "43"}
    assert verdicts(answers) == ["wrong", "follow-through", "follow-through", "follow-through"]


@pytest.mark.parametrize(
    ("earlier", "later", "answer"),
    [
        ({"conv": "1 2"}, "relu", RELU),  # of another shape
        ({"conv": "many"}, "relu", RELU),
        ({"corner": "43"}, "pool", POOL),  # one number is not the start of a step
        ({"pool": POOL}, "relu", RELU),  # a later layer
        ({"conv": CONV}, "other", RELU),  # another input
        ({"g_conv": "2 3 0; 0 7 -9; 0 13 17"}, "g_other", "33"),  # another target
        ({"g_conv": "2 3 0; 0 7 -9; 0 13 17"}, "g_given", "33"),  # another gradient of the output
        ({"conv": CONV}, "relu", "0 17 0; 21 0 31; 0 43 1"),
        ({}, "relu", RELU),
    ],
)
def test_other_wrong_answers_do_not_follow(earlier: dict[str, str], later: str, answer: str) -> None:
    assert marks_of({**earlier, later: answer})[later].verdict == "wrong"


def test_a_correct_answer_stays_correct_after_a_wrong_one() -> None:
    assert verdicts({"conv": CONV, "pool": "5 7; 13 15"}) == ["wrong", "exact"]


def test_the_key_sets_the_points_of_a_step_that_follows() -> None:
    key = f"partial: {{follow-through: 0.25}}\n{KEY}"
    assert marks_of({"conv": CONV, "relu": RELU}, key)["relu"].points == 0.25
