"""Questions whose answer the key gives: numbers, shapes, matrices, words."""

from __future__ import annotations

import pytest

from archcalc import SpecError
from tests.grading.kinds.marking import grader_of, marked, verdicts

MATRIX = "expect: [[1, 0], [2, 0.5]]"


@pytest.mark.parametrize(
    ("question", "answers"),
    [
        ("expect: 156", {"156": "exact", "1.56e2": "exact", "6*26": "exact", "150": "wrong", "many": "unreadable"}),
        ("expect: 61.7K", {"61.7K": "exact", "61,700": "exact", "61,706": "wrong"}),
        ("expect: 0.25, tolerance: 1%", {"0.2501": "exact", "0.26": "wrong", "1/4": "exact", "0.3": "rounds"}),
        ("expect: 100, tolerance: 2", {"98": "exact", "102": "exact", "97": "wrong", "about 99": "exact"}),
        ("expect: 6x28x28", {"6x28x28": "exact", "(6, 28, 28)": "exact", "6x28": "wrong", "28x28x6": "wrong"}),
        ("expect: softmax", {"Softmax": "exact", " softmax. ": "exact", "sigmoid": "wrong"}),
    ],
)
def test_values_are_read_as_people_write_them(question: str, answers: dict[str, str]) -> None:
    assert verdicts(question, answers) == answers


@pytest.mark.parametrize(
    "answer",
    [
        [[1, 0], [2, 0.5]],
        "[[1, 0], [2, 0.5]]",
        "1 0; 2 0.5",
        "1, 0\n2, 0.5",
        "((1, 0), (2, 0.5))",
        "np.array([[1., 0.], [2., 0.5]])",
        r"\begin{pmatrix} 1 & 0 \\ 2 & 1/2 \end{pmatrix}",
        r"$\left[\begin{matrix}1&0\\2&0.5\end{matrix}\right]$",
        [["1", "0"], ["2", ".5"]],
    ],
)
def test_matrices_are_read_in_every_notation(answer: object) -> None:
    assert marked(MATRIX, answer).verdict == "exact"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([[1, 2], [0, 0.5]], "Rows and columns are swapped"),
        ([[-1, 0], [-2, -0.5]], "All signs are reversed"),
        ([[1, 0], [2, 0.6]], "Entry 2, 2 is 0.5, not 0.6"),
        ([[1, 1], [2, 0.6]], "2 entries differ"),
        ([[1, 0, 0], [2, 0.5, 0]], "must have the shape 2x2, not 2x3 (2 rows of 3 numbers)"),
        ([[1, 0], [2]], "row 2 has 1 number, the rows before it have 2"),
        ("one", "is not a number"),
    ],
)
def test_mistakes_in_a_matrix_are_named(answer: object, reason: str) -> None:
    mark = marked(MATRIX, answer)
    assert not mark.right
    assert reason in mark.sentence


def test_a_hidden_correct_answer_is_not_in_the_reason() -> None:
    hidden = marked(MATRIX, [[1, 0], [2, 0.6]]).hidden()
    assert (hidden.actual, hidden.sentence) == ("", "q is not correct. Entry 2, 2 is not 0.6.")


@pytest.mark.parametrize(("entry", "is_correct"), [("0.33", True), ("0.3333", True), ("0.34", False), ("1/3", True)])
def test_entries_are_rounded_as_written_or_within_the_tolerance(entry: str, is_correct: bool) -> None:
    assert marked("expect: [1/3, 2]", f"[{entry}, 2]").right == is_correct
    assert marked("expect: [1/3, 2], tolerance: 0.01", f"[{entry}, 2]").right


@pytest.mark.parametrize(
    "vector", ["[1, 2, 3]", "1 2 3", "1, 2, 3", "[[1], [2], [3]]", "1; 2; 3", [1, 2, 3], [[1], [2], [3]]]
)
def test_a_vector_is_a_row_or_a_column(vector: object) -> None:
    assert marked("expect: [1, 2, 3]", vector).verdict == "exact"
    assert marked("expect: [[1], [2], [3]]", vector).verdict == "exact"


@pytest.mark.parametrize(
    ("question", "place"),
    [
        ("expect: [[1, 0], [2]]", "key.yaml:3:21: error[key]"),
        ("expect: at most 3", "key.yaml:3:21: error[key]"),
        ("expect: 3, tolerance: some", "key.yaml:3:35: error[key]"),
        ("expect: 3, target: macs", "key.yaml:3:5: error[key]"),
        ("expect: 3, answer: a", "key.yaml:3:24: error[key]"),
        ("expect: 3, by_hand: yes", "key.yaml:3:5: error[key]"),
    ],
)
def test_a_value_that_cannot_be_asked_for_is_an_error_of_the_key(question: str, place: str) -> None:
    with pytest.raises(SpecError) as caught:
        grader_of(question, "network: lenet5")
    assert str(caught.value).startswith(place)
