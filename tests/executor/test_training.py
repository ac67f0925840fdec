"""Dropout, and other differences of training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from archcalc.executor.errors import ArrayError
from tests.executor.layers import Layer, layers_of, read


def layer(text: str, dtype: Any = np.float64, batch: int = 4) -> Layer:
    (found,) = layers_of(read(text), seed=3, batch=batch, dtype=dtype)
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_zeroes_a_share_and_rescales_the_rest(rate: float, dtype: Any) -> None:
    one = layer(f"8x30x30 -> dropout {rate}", dtype)
    (x,), ((y,), _) = one.inputs, one.run(training=True, seed=[1])
    assert y.dtype == dtype
    kept = y != 0
    np.testing.assert_allclose(y[kept], x[kept] / (1 - rate), rtol=1e-6)
    deviation = np.sqrt(rate * (1 - rate) / x.size)
    assert abs(1 - kept.mean() - rate) < 5 * deviation


def test_spatial_dropout_zeroes_entire_maps() -> None:
    one = layer("300x4x4 -> spatial_dropout 0.25")
    (x,), ((y,), _) = one.inputs, one.run(training=True, seed=[2])
    kept = (y != 0).all(axis=(2, 3))
    np.testing.assert_array_equal(kept, (y != 0).any(axis=(2, 3)))
    np.testing.assert_allclose(y[kept], x[kept] / 0.75)
    assert abs(1 - kept.mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / kept.size)


def test_dropout_is_determined_by_the_seed() -> None:
    one = layer("6x9x9 -> dropout 0.5")
    first, again, other = (one.run(training=True, seed=[seed])[0][0] for seed in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("name", ["dropout", "spatial_dropout"])
def test_dropout_has_no_effect_at_inference_or_rate_zero_and_drops_all_at_rate_one(name: str) -> None:
    one = layer(f"6x5x5 -> {name} 0.5")
    np.testing.assert_array_equal(one.run()[0][0], one.inputs[0])
    one = layer(f"6x5x5 -> {name} 0")
    np.testing.assert_array_equal(one.run(training=True)[0][0], one.inputs[0])
    one = layer(f"6x5x5 -> {name} 1")
    np.testing.assert_array_equal(one.run(training=True)[0][0], np.zeros((4, 6, 5, 5)))


def test_a_batch_of_one_number_per_channel_cannot_train_a_batch_norm() -> None:
    with pytest.raises(ArrayError, match="more than one number per channel"):
        layer("5 -> bn", batch=1).run(training=True)


def test_batch_norm_in_training_leaves_every_channel_with_mean_zero_and_variance_one() -> None:
    one = layer("4x6x6 -> bn noaffine eps=1e-9")
    (y,), context = one.run(training=True)
    np.testing.assert_allclose(y.mean((0, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(y.var((0, 2, 3)), 1, rtol=1e-6)
    (x,) = one.inputs
    np.testing.assert_allclose(context.updates["mean"], 0.9 * one.weights["mean"] + 0.1 * x.mean((0, 2, 3)))
    estimate = x.var((0, 2, 3), ddof=1)
    np.testing.assert_allclose(context.updates["variance"], 0.9 * one.weights["variance"] + 0.1 * estimate)
