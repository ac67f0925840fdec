"""Questions for any setting that meets a condition: kernels, strides, paddings, numbers of layers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import SpecError
from tests.grading.kinds.marking import graded, grader_of, marked, verdicts

SAME = "network: 3x32x32 -> conv 8 k5 s2"
DEEP = "network: {spec: '1x64x64 -> (conv 8 k3)*N', set: {N: 2}}"
HALF = "vary: [conv_1.k, conv_1.p], condition: 'conv_1.H = 16'"
GRADER = grader_of(HALF, SAME)


@given(kernel=st.integers(1, 9), padding=st.integers(0, 4))
def test_every_solution_is_correct_and_nothing_else(kernel: int, padding: int) -> None:
    (mark,) = graded(GRADER, f"k = {kernel}, p = {padding}").marks
    assert mark.right == ((32 + 2 * padding - kernel) // 2 + 1 == 16)


@pytest.mark.parametrize(
    "answer",
    ["p = 2", "2", "padding 2", "conv_1.p: 2", "p is 2", "2 positions", "Padding = 2"],
)
def test_a_value_is_written_with_or_without_its_name(answer: str) -> None:
    assert marked("vary: conv_1.p, condition: 'conv_1.H = 16'", answer, SAME).verdict == "exact"


def test_two_values_in_order_or_by_name() -> None:
    answers = {"5, 2": "exact", "k=5, p=2": "exact", "p = 2 and k = 5": "exact", "(4, 1)": "exact", "k=3;p=1": "exact"}
    answers |= {"2, 5": "wrong", "5": "unreadable", "k=5, k=6": "unreadable", "five, two": "unreadable"}
    assert verdicts(HALF, answers, SAME) == answers


def test_the_least_number_of_layers_that_reaches_a_field() -> None:
    question = "vary: N, condition: 'rf >= 15', which: smallest"
    answers = {
        "7": "exact",
        "7 layers": "exact",
        "N = 7": "exact",
        "6": "wrong",
        "8": "wrong",
        "7.5": "wrong",
        "0": "wrong",
    }
    assert verdicts(question, answers, DEEP) == answers
    assert marked(question, "6", DEEP).sentence == "q is N = 7, not 6. With N = 6, rf is 13."
    mark = marked(question, "8", DEEP)
    assert mark.sentence == "q is N = 7, not 8. The condition also holds for N = 7."
    assert mark.hidden().sentence == "q is not correct. This is not the smallest solution."
    assert marked(question.replace("smallest", "any"), "8", DEEP).verdict == "exact"
    assert marked("vary: N, condition: 'rf <= 15', which: largest", "7", DEEP).verdict == "exact"


def test_fractions_are_written_with_all_decimals() -> None:
    network = "network: {spec: '1x8x8 -> conv floor(100*a) k3', set: {a: 0.5}}"
    mark = marked("vary: 'a=0.1234567,0.7654321', condition: 'params > 1', which: largest", "0.1234567", network)
    assert mark.sentence.startswith("q is a = 0.7654321, not 0.1234567")


def test_all_solutions() -> None:
    question = "vary: conv_1.s, condition: 'conv_1.H = 10', which: all"
    network = "network: 3x32x32 -> conv 8 k5"
    assert verdicts(question, {"3": "exact", "2, 3": "wrong"}, network) == {"3": "exact", "2, 3": "wrong"}
    question = "vary: conv_1.p=0:9, condition: 'conv_1.H > 40', which: all"
    answers = {"7, 8, 9": "exact", "7:9": "exact", "9 8 7": "unreadable", "7, 8": "wrong", "6, 7, 8, 9": "wrong"}
    assert verdicts(question, answers, network) == answers
    assert "Missing solutions: 1 of 3." in marked(question, "7, 8", network).sentence


@pytest.mark.parametrize(
    ("answer", "reason"), [("-1", "must be at least 0"), ("1/2", "must be an integer"), ("40", "H is 54")]
)
def test_impossible_values_are_wrong_with_the_reason(answer: str, reason: str) -> None:
    mark = marked("vary: conv_1.p, condition: 'conv_1.H = 16'", answer, SAME)
    assert mark.verdict == "wrong"
    assert reason in mark.sentence


@pytest.mark.parametrize(
    ("question", "network", "message"),
    [
        ("vary: conv_9.p, condition: 'macs > 1'", SAME, "no layer or stage 'conv_9'"),
        ("vary: conv_1.z, condition: 'macs > 1'", SAME, "has no numeric attribute 'z'"),
        ("vary: M, condition: 'macs > 1'", DEEP, "no variable or input size 'M'"),
        ("vary: conv_1.p, condition: 'mac > 1'", SAME, "no quantity, variable or input size 'mac'"),
        ("vary: conv_1.p, condition: 'macs >'", SAME, "but the text ends here"),
        ("vary: conv_1.p, condition: 'conv_1.H = 999'", SAME, "none of 65 values meets the condition"),
        ("vary: conv_1.p", SAME, "must have a 'condition:'"),
        ("vary: conv_1.p, condition: 'macs > 1', which: best", SAME, "must be one of any, smallest, largest, all"),
        ("vary: conv_1.p, condition: 'macs > 1', network: C", SAME, "no network 'C'"),
    ],
)
def test_settings_that_cannot_be_asked_for_are_errors_of_the_key(question: str, network: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        grader_of(question, network)
    assert message in caught.value.problems[0].message
    assert caught.value.problems[0].place()[:2] == ("key.yaml", 3)
