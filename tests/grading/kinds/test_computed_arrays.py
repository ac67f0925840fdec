"""Questions for the numbers that come out of a layer, and for arrays that the key states."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archcalc import SpecError
from archcalc.grading.answers import read_submissions
from archcalc.grading.grade import Grader
from archcalc.grading.key import read_key
from archcalc.grading.marks import Mark
from archcalc.grading.subjects import NetworkLibrary
from archcalc.report.graded_formats import FORMATS, GradingDisplay
from archcalc.spec.errors import Source
from tests.grading.kinds.marking import graded, grader_of, marked, verdicts

LECTURE = """
network: "1x5x5 -> conv 1 k3 nobias -> relu"
input: 1 2 0 1 3; 2 1 4 2 2; 1 0 1 0 1; 1 2 1 0 2; 2 5 3 1 2
weights: {conv_1.weight: [[1, 0, -1], [2, 0, -2], [1, 0, -1]]}
"""
CONV = "layer: conv_1"
FOUR = "answer: 7 9; 8 4"


def class_marks(name: str, text: str, question: str = FOUR) -> list[tuple[str, Mark]]:
    grader = grader_of(question)
    files = read_submissions(Source(name, text), grader.is_question)
    return [(result.name, result.marks[0]) for result in (grader.grade(each, "x") for each in files)]


def test_the_network_computes_the_answer() -> None:
    """The example of the lecture, with its result."""
    assert marked(CONV, "-3 -1 1; -2 1 1; -1 8 -1", LECTURE).verdict == "exact"
    assert marked("layer: relu_1", "0 0 1; 0 1 1; 0 8 0", LECTURE).verdict == "exact"
    assert marked("input: [[1, 3], [7, 4]], network: 1x2x2 -> maxpool 2", "7").verdict == "exact"


@pytest.mark.parametrize("layer", ["conv_1[0,0]", "conv_1:0,0", "conv_1[0, 0, 0]"])
def test_one_number_may_be_asked(layer: str) -> None:
    assert verdicts(f'layer: "{layer}"', {"-3": "exact", "3": "explained", "4.5": "wrong"}, LECTURE) == {
        "-3": "exact",
        "3": "explained",
        "4.5": "wrong",
    }


def test_a_question_may_have_an_input_of_its_own() -> None:
    own = "layer: conv_1, input: ones"
    assert marked(own, "0 0 0; 0 0 0; 0 0 0", LECTURE).verdict == "exact"


def test_several_inputs_are_given_by_name(tmp_path: Path) -> None:
    (tmp_path / "sum.yaml").write_text("inputs: {a: 2, b: 2}\nlayers:\n  - sum: sub(@a, @b)\n")
    question = "{id: q, network: sum.yaml, input: {a: 1 2, b: 3 -4}}"
    grader = Grader(read_key(Source(str(tmp_path / "key.yaml"), f"questions: [{question}]")), NetworkLibrary())
    assert graded(grader, "-2 6").marks[0].verdict == "exact"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", "answers:\n  q: 7 9; 8 4\n"),
        ("a.yaml", "answers:\n  q: [[7, 9], [8, 4]]\n"),
        ("a.yaml", "answers:\n  q:\n  - [7, 9]\n  - [8, 4]\n"),
        ("a.yaml", "q: |\n  7 9\n  8 4\n"),
        ("a.yaml", "q: 7 9\n  8 4\n"),
        ("a.yaml", "q: >\n  7 9\n  8 4\n"),
        ("a.json", '{"answers": {"q": [[[7, 9], [8, 4]]]}}'),
        ("a.txt", "q: 7 9; 8 4\n"),
        ("a.txt", "q: [[7, 9],\n [8, 4]]\n"),
        ("a.txt", "Name: Ada\nq:\n7, 9\n8, 4\n"),
        ("a.txt", "q: array([[7., 9.],\n       [8., 4.]], dtype=float32)\n"),
        ("a.csv", "question,answer\nq,7 9; 8 4\n"),
        ("a.csv", 'question,answer\nq,"7, 9\n8, 4"\n'),
        ("a.csv", 'Name,q\nAda,"[[7, 9], [8, 4]]"\nBob,7 9; 8 4\n'),
        ("a.md", "| question | answer |\n|-|-|\n| q | 7 9<br>8 4 |\n"),
        ("a.md", "| question | answer |\n|-|-|\n| q | $\\begin{bmatrix} 7 & 9 \\\\ 8 & 4 \\end{bmatrix}$ |\n"),
    ],
)
def test_arrays_are_read_in_every_format_of_answers(name: str, text: str) -> None:
    marks = class_marks(name, text)
    assert marks
    assert [mark.verdict for _, mark in marks] == ["exact"] * len(marks), marks[0][1].sentence


def test_every_wrong_entry_is_named() -> None:
    mark = marked(CONV, "-3 -1 1; -2 5 1; -1 8 0", LECTURE)
    assert mark.verdict == "wrong"
    assert "Entry 2, 2 is 1, not 5. Entry 3, 3 is -1, not 0. 2 entries differ." in mark.sentence
    assert [(each.at, each.given, each.correct) for each in mark.entries] == [
        ((0, 1, 1), "5", "1"),
        ((0, 2, 2), "0", "-1"),
    ]
    hidden = mark.hidden()
    assert "Entry 2, 2 is not 5." in hidden.sentence
    assert not any(each.correct for each in hidden.entries)
    assert not hidden.worked


def test_wrong_entries_are_worked_out_on_request() -> None:
    result = graded(grader_of(CONV, LECTURE), "-3 -1 1; -2 5 1; -1 8 -1")
    working = "conv_1[0, 1, 1] = 1·1 + 4·0 + 2·(−1) + 0·2 + 1·0 + 0·(−2) + 2·1 + 1·0 + 0·(−1) = 1"
    for form in ("plain", "markdown", "gradescope", "html"):
        assert working in FORMATS[form].write([result], GradingDisplay(explain=True)), form
    assert "·" not in FORMATS["plain"].write([result], GradingDisplay())
    record = json.loads(FORMATS["json"].write([result], GradingDisplay()))["submissions"][0]["answers"][0]
    assert record["entries"] == [{"index": [0, 1, 1], "answer": "5", "actual": "1"}]


def test_a_tensor_that_is_read_twice_is_both_operands() -> None:
    result = graded(grader_of('network: "2 -> mul(identity, identity)", input: 1 2'), "1 5")
    assert "mul_1[1] = 2·2 = 4" in FORMATS["plain"].write([result], GradingDisplay(explain=True))


def test_numbers_are_rounded_as_written_or_within_the_tolerance() -> None:
    question = "network: 3 -> softmax, input: 1 2 3"
    assert verdicts(question, {"0.09 0.24 0.67": "", "0.090 0.245 0.665": "", "1/4 1/4 1/2": ""}) == {
        "0.09 0.24 0.67": "exact",
        "0.090 0.245 0.665": "exact",
        "1/4 1/4 1/2": "wrong",
    }
    assert marked(f"{question}, tolerance: 0.1", "0.1 0.2 0.6").verdict == "exact"
    assert marked("answer: 0.33 0.67", "0.333333 0.6667").verdict == "exact"


def test_training_takes_the_statistics_of_the_batch_and_the_masks() -> None:
    norm = graded(grader_of('network: "1 -> bn noaffine eps=0", input: "1; 3", mode: train'), "-1; 2").marks[0]
    assert "Entry 2, 1 is 1, not 2." in norm.sentence
    assert "bn_1[1, 0] = (3 − 2)/1 = 1" in FORMATS["plain"].write(
        [graded(grader_of('network: "1 -> bn noaffine eps=0", input: "1; 3", mode: train'), "-1; 2")],
        GradingDisplay(explain=True),
    )
    dropout = "network: 3 -> dropout, input: 1 2 3, mode: train, masks: {dropout_1: 1 0 1}"
    assert verdicts(dropout, {"2 0 6": "exact", "1 0 3": "explained"}) == {"2 0 6": "exact", "1 0 3": "explained"}


def test_infinity_and_nan_are_numbers() -> None:
    question = "network: 3 -> relu, input: [nan, inf, -inf]"
    assert verdicts(question, {"nan inf 0": "", "NaN, Infinity, 0": "", "0 inf 0": "", "nan -inf 0": ""}) == {
        "nan inf 0": "exact",
        "NaN, Infinity, 0": "exact",
        "0 inf 0": "wrong",
        "nan -inf 0": "explained",  # all signs are reversed
    }


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("7 9 8 4", "The array must have the shape 2x2, not 4 (4 numbers)."),
        ("7 9 1; 8 4 2", "The array must have the shape 2x2, not 2x3 (2 rows of 3 numbers)."),
        ("7 9; 8", "row 2 has 1 number, but the rows before it have 2"),
        ("7 nine; 8 4", "'nine' is not a number (row 1, number 2)"),
        ([[7, "x"], [8, 4]], "'x' is not a number (character 6)"),
        ("[[7, 9], [8, 4]", "'[' is not closed"),
    ],
)
def test_what_is_no_such_array_costs_only_its_question(answer: Any, message: str) -> None:
    key = 'questions: [{id: p, answer: 1 2}, {id: q, answer: "7 9; 8 4"}]'
    grader = Grader(read_key(Source("key.yaml", key)), NetworkLibrary())
    (file,) = read_submissions(Source("a.json", json.dumps({"answers": {"p": "1 2", "q": answer}})), grader.is_question)
    right, wrong = grader.grade(file, "x").marks
    assert right.verdict == "exact"
    assert message in wrong.sentence
    assert wrong.points == 0


@pytest.mark.parametrize(
    ("question", "networks", "message"),
    [
        ('answer: "7 9; 8"', "", "key.yaml:3:22: error[key]: row 2 has 1 number, but the rows before it have 2"),
        ("answer: [[7, 9], 8]", "", "must have numbers or lists, got both"),
        ("answer: 7 nine", "", "key.yaml:3:21: error[key]: 'nine' is not a number (row 1, number 2)"),
        ("answer: 1 2, tolerance: some", "", "error[key]"),
        ("answer: 1 2, layer: conv_1", "", "'layer:' belongs to a question with 'input:' or 'quantity:'"),
        ("input: 1 2 3, network: 4 -> relu", "", "input: the array must have shape 4, got 3 (3 numbers)"),
        ("input: 1 2; 3, network: 4 -> relu", "", "row 2 has 1 number"),
        ("input: {x: 1 2}, network: 4 -> relu", "", "no input 'x'"),
        ("input: 1 2, network: 2 -> fc 1", "", "the numbers of fc_1.weight are not given"),
        ("input: 1 2, network: 2 -> relu, weights: {a.b: 1}", "", "no array 'a.b'"),
        ("input: 1 2, network: 2 -> relu, weights: 1", "", "'weights:' must be a mapping"),
        ("input: 1 2, network: 2 -> relu, mode: test", "", "'mode:' must be inference or train"),
        ("input: 1 2, network: 2 -> relux", "", "relux"),
        ("input: 1 2, network: 2 -> relu, layer: conv_1", "", "there is no layer 'conv_1'"),
        ('input: 1 2, network: 2 -> relu, layer: "relu_1[2]"', "", "'relu_1' has no number [2]: its shape is 2"),
        ("input: 1 -2, network: 2 -> relu, answer: 1 -2", "", "computes [1, 0], not this answer: The activation"),
        ("input: ones, network: resnet50", "", "at most 100,000,000"),
        ("layer: conv_1, weights: {conv_1.weight: 1 2; 3 4}", LECTURE, "must have shape 1x1x3x3, got 2x2"),
        ("input: 1, expect: 2", "", "got both"),
        ("input: 1, target: params", "network: lenet5", "a question must have a target or 'input:'"),
        ("input: 1 2, network: 2 -> dropout, mode: train", "", "the mask of dropout_1 is not given"),
        (
            "input: 1 2, network: 2 -> dropout, mode: train, masks: {dropout_1: 1}",
            "",
            "dropout_1: the array must have shape 2",
        ),
        ("input: 1 2, network: 2 -> relu, masks: {relu_1: 1 1}", "", "no mask 'relu_1'"),
        ("weights: {a: 1}, expect: 2", "", "'weights:' belongs to a question with 'input:'"),
    ],
)
def test_a_fault_of_the_key_is_an_error_before_answers_are_read(question: str, networks: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        grader_of(question, networks)
    assert message in str(caught.value)
    assert str(caught.value).startswith("key.yaml:")


def test_huge_numbers_are_written_shortly() -> None:
    assert "Entry 1 is 1, not 1.00000e+999." in marked("answer: 1 2", "1e999 2").sentence


def test_a_stored_answer_of_the_key_is_compared_with_the_network() -> None:
    assert marked(f"{CONV}, answer: [[-3, -1, 1], [-2, 1, 1], [-1, 8, -1]]", "-3 -1 1; -2 1 1; -1 8 -1", LECTURE).right


def test_a_network_of_a_file_is_found_beside_the_key(tmp_path: Path) -> None:
    (tmp_path / "pool.yaml").write_text("input: 1x2x2\nlayers: [maxpool 2]\n")
    key = Source(str(tmp_path / "key.yaml"), "questions: [{id: q, network: pool.yaml, input: 1 2; 3 4}]")
    assert Grader(read_key(key), NetworkLibrary()).total == 1


GRADIENT = 'network: "1x4x4 -> conv 1 k2", input: arange, weights: {conv_1.weight: 1 2; 3 4}'


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("grad: conv_1.wieght", "there is no input, layer or stored array 'conv_1.wieght'"),
        ("grad: conv_1.weight, loss: mes", "a loss must be one of sum, mse, cross_entropy, got 'mes'"),
        ("grad: conv_1.weight, loss: mse", "the loss mse needs a target"),
        ("grad: conv_1.weight, target: 3", "'target:' belongs to 'loss: mse' or 'loss: cross_entropy'"),
        ("grad: conv_1.weight, loss: mse, target: 1 2", "must have shape 1x3x3"),
        ("grad: conv_1.weight, loss: cross_entropy, target: 1", "needs the scores of two or more classes"),
        ("grad: conv_1.weight, upstream: 1 2", "must have shape 1x3x3"),
        ("grad: conv_1.weight, upstream: ones, loss: mse", "'upstream:' takes the place of 'loss:' and 'target:'"),
        ("grad: 'conv_1.weight[2,2]'", "'conv_1.weight' has no number [2, 2]: its shape is 1x1x2x2"),
        ("grad: conv_1.weight, layer: 'conv_1[0,0]'", "a loss is computed from all numbers of a layer"),
        ("loss: mse, layer: conv_1", "'loss:' belongs to a question with 'grad:'"),
        ("grad: conv_1.weight, loss: mse, target: {fc_1: 1 2}", "there is no layer 'fc_1'"),
    ],
)
def test_a_gradient_that_cannot_be_asked_is_one_error(question: str, message: str) -> None:
    with pytest.raises(SpecError) as error:
        grader_of(f"{GRADIENT}, {question}")
    (problem,) = error.value.problems
    assert message in problem.message
    assert problem.place is not None


def test_the_loss_above_the_questions_holds_unless_a_question_has_one() -> None:
    top = "input: 1 2\nweights: {fc_1.weight: 1 2; 3 4}\nloss: mse\ntarget: 1 7\nnetwork: 2 -> fc 2"
    assert marked("grad: fc_1", [4, 4], top).right
    assert marked("grad: fc_1, upstream: 5 6", [5, 6], top).right
    assert marked("layer: fc_1", [5, 11], top).right


def test_a_gradient_without_numbers_is_an_error() -> None:
    with pytest.raises(SpecError):
        grader_of('network: "2 -> fc 2", grad: fc_1.weight')
