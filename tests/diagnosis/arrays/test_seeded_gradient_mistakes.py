"""Every mistake about gradients is named, seeded by formulas of NumPy that share nothing with archcalc."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from archcalc.diagnosis.arrays.mistakes import ARRAY_MISTAKES
from tests.diagnosis.arrays.test_seeded_array_mistakes import SEEDED as SEEDED_OUTPUTS
from tests.diagnosis.arrays.test_seeded_array_mistakes import correlated, softmax, text
from tests.grading.kinds.marking import marked

X = np.array([[1.0, 2, 0, 1], [2, 1, 4, 2], [1, 0, 1, 3], [1, 2, 1, 0]])
K = np.array([[1.0, 2], [3, 4]])
U = np.array([[1.0, 0, 2], [0, 1, 0], [0, 3, 2]])
"""The gradient of the output."""
W = np.array([[1.0, 2], [3, 5]])
V = np.array([1.0, 2, 4, 9])
G = np.array([1.0, -2, 0.5, 3])
EPSILON = 1e-5
EXAMPLES = np.array([[1.0, 2], [3, 5]])
GIVEN = np.array([[1.0, -1], [2, 0.5]])


def on(network: str, x: Any, grad: str, more: str) -> str:
    return f'network: "{network}", input: {text(x)}, grad: "{grad}", {more}, tolerance: 0.0001%'


def conv(grad: str, more: str = "") -> str:
    weights = f"weights: {{conv_1.weight: {text(K)}}}, upstream: {text(U)}"
    return on("1x4x4 -> conv 1 k2", X, grad, f"{weights}{more}")


def fc(grad: str, more: str, x: Any = (1.0, 2.0), then: str = "") -> str:
    return on(f"2 -> fc 2{then}", x, grad, f"weights: {{fc_1.weight: {text(W)}}}, {more}")


def pooled(spec: str) -> str:
    return on(f"1x4x4 -> {spec}", V[:, None] * V, "input", f"upstream: {text(K)}")


def relu(more: str = "") -> str:
    weights = f"weights: {{fc_1.weight: {text(np.array([[1.0, 2, 3], [3, -5, 1]]))}}}"
    return on("3 -> relu -> fc 2", [-1, -1, 2], "input", f"{weights}, upstream: 1 2{more}")


def residual() -> str:
    weights = f"weights: {{fc_1.weight: {text(np.array([[1.0, 2], [2, 5]]))}}}"
    return on("2 -> add(identity, fc 2)", [1, 2], "input", f"{weights}, upstream: 1 3")


def normalised(x: Any) -> tuple[Any, Any]:
    factor = 1 / np.sqrt(x.var() + EPSILON)
    return (x - x.mean()) * factor, factor


def direct(x: Any, g: Any, *, mean: bool = False, variance: bool = False) -> Any:
    """Return the gradient of numbers that are normalised, with some of the paths."""
    hat, factor = normalised(x)
    return factor * (g - mean * g.mean() - variance * hat * (g * hat).mean())


SCALED = f"weights: {{ln_1.scale: {text(V)}}}, upstream: {text(G)}"
TRAINED = f"mode: train, upstream: {text(G)}"
GROUPS = f"upstream: {text(G)}"
Y = W @ [1.0, 2.0]
P = softmax(Y)
Q = softmax(np.array([1.0, 2.0]))
BATCH = np.stack([softmax(W @ x) for x in EXAMPLES])

SEEDED: list[tuple[str, str, Any]] = [
    ("kernel-not-flipped", conv("input"), correlated(np.pad(U, 1), K)),
    ("gradient-of-kernel-flipped", conv("conv_1.weight"), correlated(X, U)[::-1, ::-1]),
    ("positions-not-summed", conv("conv_1.bias"), U),
    ("upstream-left-out", conv("conv_1.weight"), correlated(X, np.ones((3, 3)))),
    ("matrix-transposed", conv("conv_1.weight"), correlated(X, U).T),
    ("weights-not-transposed", fc("input", "upstream: 1 3"), W @ [1, 3]),
    ("matrix-transposed", fc("fc_1.weight", "upstream: 1 3"), np.outer([1, 2], [1, 3])),
    ("derivative-left-out", relu(), [7, -8, 5]),
    ("sign-of-gradient", relu(), [7, 0, 5]),
    ("jacobian-diagonal", on("2 -> softmax", [1, 2], "input", "upstream: 1 3"), [1, 3] * Q * (1 - Q)),
    ("gradient-to-whole-window", pooled("maxpool 2"), np.kron(K, np.ones((2, 2)))),
    ("gradient-to-whole-window", pooled("maxpool 2"), np.kron(K, np.ones((2, 2))) / 4),
    ("gradient-not-divided", pooled("avgpool 2"), np.kron(K, np.ones((2, 2)))),
    ("gradient-not-divided", on("1x4x4 -> gap", X, "input", "upstream: 3"), np.full((4, 4), 3)),
    ("path-left-out", residual(), [7, 17]),
    ("path-left-out", residual(), [1, 3]),
    ("statistics-constant", on("1x4 -> bn", V, "input", TRAINED), direct(V, G)),
    ("mean-path-left-out", on("1x4 -> bn", V, "input", TRAINED), direct(V, G, variance=True)),
    ("variance-path-left-out", on("1x4 -> bn", V, "input", TRAINED), direct(V, G, mean=True)),
    ("statistics-constant", on("4 -> ln", V, "input", SCALED), direct(V, G * V)),
    ("mean-path-left-out", on("4 -> ln", V, "input", SCALED), direct(V, G * V, variance=True)),
    ("variance-path-left-out", on("4 -> ln axis=last", V, "input", SCALED), direct(V, G * V, mean=True)),
    (
        "variance-path-left-out",
        on("4x1 -> gn 2 eps=0.00001", V, "input", GROUPS),
        [*direct(V[:2], G[:2], mean=True), *direct(V[2:], G[2:], mean=True)],
    ),
    (
        "examples-not-summed",
        fc("fc_1.weight", f"upstream: {text(GIVEN)}", EXAMPLES),
        [np.outer(g, x) for g, x in zip(GIVEN, EXAMPLES, strict=True)],
    ),
    ("examples-not-summed", fc("fc_1.bias", f"upstream: {text(GIVEN)}", EXAMPLES), GIVEN[0]),
    ("examples-averaged", fc("fc_1.weight", f"upstream: {text(GIVEN)}", EXAMPLES), GIVEN.T @ EXAMPLES / 2),
    ("loss-summed", fc("fc_1", "loss: mse, target: 1 7"), 2 * (Y - [1, 7])),
    ("loss-summed", fc("fc_1", "loss: cross_entropy, target: 0 1", EXAMPLES), BATCH - np.eye(2)),
    ("factor-two-left-out", fc("fc_1.weight", "loss: mse, target: 1 7"), np.outer(Y - [1, 7], [1, 2]) / 2),
    ("loss-averaged", fc("fc_1.weight", "loss: sum"), [[0.5, 1], [0.5, 1]]),
    ("target-not-subtracted", fc("fc_1.weight", "loss: cross_entropy, target: 1"), np.outer(P, [1, 2])),
    ("signs-reversed", fc("fc_1.weight", "loss: cross_entropy, target: 1"), np.outer([0, 1] - P, [1, 2])),
]


@pytest.mark.parametrize(("code", "question", "answer"), SEEDED, ids=[f"{each[0]}-{each[1][:32]}" for each in SEEDED])
def test_a_seeded_mistake_is_explained(code: str, question: str, answer: Any) -> None:
    mark = marked(question, np.asarray(answer).tolist())
    assert [reason.code for reason in mark.reasons][:1] == [code], mark.sentence
    assert (mark.verdict, mark.points) == ("explained", mark.of / 2)


def test_every_mistake_is_seeded() -> None:
    assert {each.code for each in ARRAY_MISTAKES} <= {code for code, *_ in (*SEEDED, *SEEDED_OUTPUTS)}


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (conv("conv_1.weight"), correlated(X, U)),
        (conv("input"), correlated(np.pad(U, 1), K[::-1, ::-1])),
        (conv("conv_1.bias"), [U.sum()]),
        (conv("conv_1.weight[0,0,1,1]"), correlated(X, U)[1, 1]),
        (fc("fc_1", "loss: cross_entropy, target: 0 1", EXAMPLES), (BATCH - np.eye(2)) / 2),
        (fc("fc_1.weight", "loss: mse, target: 1 7"), np.outer(Y - [1, 7], [1, 2])),
        (fc("fc_1", "loss: cross_entropy, target: 1", then=" -> softmax"), P - [0, 1]),
        (on("1x4 -> bn", V, "input", TRAINED), direct(V, G, mean=True, variance=True)),
        (on("4 -> ln", V, "input", SCALED), direct(V, G * V, mean=True, variance=True)),
    ],
)
def test_a_correct_gradient_is_correct(question: str, answer: Any) -> None:
    assert marked(question, np.asarray(answer).tolist()).right
