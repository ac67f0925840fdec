"""``Network.gradients``: losses, targets and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import archcalc
from archcalc.executor.errors import ArrayError

NETWORK = archcalc.load("2 -> fc 3")
X = {"input": np.array([[1.0, 2], [3, -1]])}
W = np.array([[1.0, 0], [0, 1], [1, 1]])
WEIGHTS = {"fc_1.weight": W, "fc_1.bias": np.zeros(3)}


def gradients(**options: Any) -> Any:
    return NETWORK.gradients(X, ["fc_1"], weights=WEIGHTS, dtype="float64", **options).gradients["fc_1"]


def test_the_gradient_of_the_mean_square_is_that_of_the_definition() -> None:
    target = np.ones((2, 3))
    assert np.allclose(gradients(loss="mse", target=target), 2 * (X["input"] @ W.T - target) / 6)
    assert np.allclose(gradients(loss="mse", target={"fc_1": target}), gradients(loss="mse", target=target))


def test_the_gradient_of_the_cross_entropy_is_p_minus_t() -> None:
    raised = np.exp(X["input"] @ W.T)
    expected = (raised / raised.sum(1, keepdims=True) - np.eye(3)[[2, 0]]) / 2
    assert np.allclose(gradients(loss="cross_entropy", target=np.array([2, 0])), expected)


def test_all_gradients_are_those_of_inputs_and_trained_arrays() -> None:
    assert [*NETWORK.gradients().gradients] == ["input", "fc_1.weight", "fc_1.bias"]
    assert NETWORK.gradients(batch=4).gradients["input"].shape == (4, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "mse"}, "the loss mse needs a target of 'fc_1'"),
        ({"loss": "mse", "target": np.ones(3)}, "target must have shape 2x3, got 3"),
        ({"loss": "cross_entropy", "target": np.array([0, 3])}, "integers from 0 to 2, got 3"),
        ({"upstream": np.ones((3, 2))}, "upstream must have shape 2x3, got 3x2"),
    ],
)
def test_arrays_that_do_not_fit_are_errors(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArrayError, match=message):
        gradients(**options)


def test_a_loss_and_an_upstream_gradient_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="got both"):
        gradients(loss="mse", upstream=np.ones((2, 3)))
