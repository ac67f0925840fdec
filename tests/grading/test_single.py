"""One answer to one question."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import archcalc

C1 = {"network": "lenet5", "target": "c1.params"}
FORMULA = {
    "network": "(C)x9x9 -> conv F k=K",
    "set": {"C": 3, "F": 4, "K": 3},
    "target": "params",
    "free": "C, F, K",
}

POOLING = {
    "network": "1x4x4 -> maxpool 2",
    "input": [[1, 3, 2, 9], [7, 4, 1, 5], [8, 5, 2, 3], [4, 2, 1, 4]],
}

GRADIENT = {
    "network": "2 -> fc 3",
    "input": [1, 2],
    "weights": {"fc_1.weight": np.eye(3, 2), "fc_1.bias": [0, 0, 3]},
    "grad": "fc_1.weight",
}
SQUARES = {**GRADIENT, "loss": "mse", "target": np.array([1, 0, 0])}


@pytest.mark.parametrize(
    ("answer", "question", "points", "verdict"),
    [
        (156, "lenet5 c1.params", 1, "exact"),
        (156.0, "lenet5 c1.params", 1, "exact"),
        ("156", C1, 1, "exact"),
        (150, {**C1, "points": 2}, 1, "explained"),
        (150, {**C1, "points": 2, "partial": {"explained": 0.25}}, 0.5, "explained"),
        (150, {**C1, "accept": "bias-left-out"}, 1, "accepted"),
        (7, C1, 0, "wrong"),
        (None, C1, 0, "missing"),
        (..., C1, 0, "missing"),
        ("", C1, 0, "missing"),
        ("many", C1, 0, "unreadable"),
        ((6, 28, 28), "lenet5 c1.shape", 1, "exact"),
        ([6, 28, 28], "lenet5 c1.shape", 1, "exact"),
        (112, "3x9x9 -> conv 4 k3 params", 1, "exact"),
        (28, {"network": "lenet5", "shape": "1x40x40", "target": "c1.H"}, 0, "wrong"),
        (36, {"network": "lenet5", "shape": "1x40x40", "target": "c1.H"}, 1, "exact"),
        ("C*K*K*F + F", FORMULA, 1, "exact"),
        ([[7, 9], [8, 4]], POOLING, 1, "exact"),
        (np.array([[7.0, 9.0], [8.0, 4.0]]), POOLING, 1, "exact"),
        (((7, 9), (8, 4)), {"answer": np.array([[7, 9], [8, 4]])}, 1, "exact"),
        ([[3.75, 4.25], [4.75, 2.5]], POOLING, 0.5, "explained"),
        ([0.1 + 0.2, -1], {"answer": "0.3 -1"}, 1, "exact"),
        ([[0, 0], [4 / 3, 8 / 3], [2, 4]], SQUARES, 1, "exact"),
        (np.outer([0, 2, 3], [1, 2]) / 3, SQUARES, 0.5, "explained"),
        ([[0, 0], [1, 2]], SQUARES, 0, "wrong"),
        (np.outer([1, 0, -1], [1, 2]), {**GRADIENT, "upstream": [1, 0, -1]}, 1, "exact"),
        (-2, {**GRADIENT, "upstream": [1, 0, -1], "grad": "fc_1.weight[2,1]"}, 1, "exact"),
        ([0, -1, 2], {"network": "3 -> relu", "input": [-1, -1, 2]}, 0, "wrong"),
    ],
)
def test_an_answer_earns_points(answer: Any, question: Any, points: float, verdict: str) -> None:
    grade = archcalc.grade(answer, question)
    assert (grade.points, grade.verdict) == (points, verdict)
    assert float(grade) == points
    assert str(grade) == grade.feedback
    assert grade.right == (verdict in ("exact", "accepted"))


def test_feedback_may_withhold_the_correct_value() -> None:
    assert "156" in archcalc.grade(150, C1).feedback
    hidden = archcalc.grade(150, C1, hide_answer=True)
    assert "156" not in hidden.feedback
    assert "biases are left out" in hidden.feedback
    assert hidden.points == 0.5
    assert hidden.code == "bias-left-out"
    assert hidden.mark.actual == ""
    assert "156" not in archcalc.grade(None, C1, hide_answer=True).feedback


@pytest.mark.parametrize(
    "question",
    [
        "lenet5",
        "",
        5,
        {"target": "c1.params"},
        {"network": "lenet5"},
        {"network": "nothing", "target": "params"},
        {"network": "lenet5", "target": "c9.params"},
        {"network": "lenet5", "target": "c1.params", "pionts": 2},
        {**GRADIENT, "loss": "mse"},
        {**GRADIENT, "loss": "mse", "target": [1, 0]},
        {**GRADIENT, "grad": "fc_1.wieght"},
    ],
)
def test_a_question_with_an_error_is_one_of_the_teacher(question: Any) -> None:
    with pytest.raises(archcalc.SpecError) as error:
        archcalc.grade(1, question)
    assert error.value.problems[0].message
