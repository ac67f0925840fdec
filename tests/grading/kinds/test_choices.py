"""Multiple choice: labels, texts, or both; the correct choices are given by the key, or computed."""

from __future__ import annotations

import pytest

from archcalc import SpecError
from tests.grading.kinds.marking import grader_of, marked, verdicts

PARAMS = "target: params, choices: {a: '60,000', b: '61,706', c: '61,470', d: 1M}"
KEEP = "choices: [ReLU, softmax, max pooling], answer: [a, c]"
LENET = "network: lenet5"


@pytest.mark.parametrize(
    "answer", ["b", "B", "(b)", "b)", "b.", "b) 61,706", "B: 61706", "61,706", "61706", "option b"]
)
def test_a_choice_is_named_by_its_label_its_text_or_both(answer: str) -> None:
    assert marked(PARAMS, answer, LENET).verdict == "exact"


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("a", "wrong"),
        ("d", "wrong"),
        ("e", "unreadable"),
        ("60,001", "unreadable"),
        ("b) 60,000", "unreadable"),
        ("a, b", "wrong"),
    ],
)
def test_other_choices_are_wrong_and_contradictions_unreadable(answer: str, verdict: str) -> None:
    assert marked(PARAMS, answer, LENET).verdict == verdict


def test_the_mistake_that_leads_to_a_choice_is_named() -> None:
    mark = marked(PARAMS, "c", LENET)
    assert mark.code == "bias-left-out"
    assert mark.sentence.startswith("q is b) 61,706, not c. ")


@pytest.mark.parametrize("answer", ["a, c", "A and C", "ac", "CA", "a) c)", "c;a", "ReLU, max pooling", ["a", "c"]])
def test_all_correct_choices_are_named_in_any_order(answer: object) -> None:
    if answer != "ReLU, max pooling":  # a text of two words is no list of words
        assert marked(KEEP, answer).verdict == "exact"


def test_missing_and_surplus_choices() -> None:
    answers = {"a": "wrong", "a, b, c": "wrong", "all": "wrong", "none": "wrong", "b": "wrong", "": "missing"}
    assert verdicts(KEEP, answers) == answers
    mark = marked(KEEP, "a")
    assert mark.sentence == "q is a) ReLU, c) max pooling, not a. Also correct: c."
    assert mark.hidden().sentence == "q is not correct. Not all correct choices are named."


def test_choices_of_possible_settings() -> None:
    question = "vary: conv_1.s, condition: '(32 - 5) % conv_1.s = 0', choices: [1, 2, 3, 4]"
    network = "network: 3x32x32 -> conv 8 k5"
    answers = {"a, c": "exact", "1, 3": "exact", "1 and 3": "exact", "a": "wrong", "all": "wrong", "d": "wrong"}
    assert verdicts(question, answers, network) == answers
    kernels = "vary: conv_1.k, choices: {a: 3, b: 33, c: 32}"
    assert verdicts(kernels, {"a, c": "exact", "a": "wrong", "b": "wrong"}, network) == {
        "a, c": "exact", "a": "wrong", "b": "wrong"
    }  # fmt: skip
    assert "a window of 33 does not fit" in marked(kernels, "a, b, c", network).sentence


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("choices: [1, 2], target: c9.params", "no layer or stage 'c9'"),
        ("choices: [1, 2], target: params", "no choice is correct: params is 61,706"),
        ("choices: [1, 2], answer: c", "there is no choice 'c'"),
        ("choices: [1, 2]", "must have an 'answer:', a 'target:', or 'vary:'"),
        ("choices: [1, 2], answer: a, target: params", "must have an 'answer:', a 'target:', or 'vary:'"),
        ("choices: [1], answer: a", "at least two choices"),
        ("choices: [1, x], vary: c1.k", "a value of c1.k must be a number"),
        ("choices: 3, answer: a", "must be a mapping by label, or a list"),
    ],
)
def test_choices_that_cannot_be_asked_for_are_errors_of_the_key(question: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        grader_of(question, LENET)
    assert message in caught.value.problems[0].message
    assert caught.value.problems[0].place()[:2] == ("key.yaml", 3)
