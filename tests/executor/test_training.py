"""Dropout, and other differences of training."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from archcalc.executor.errors import ArrayError
from archcalc.executor.loops.training import record_training
from archcalc.executor.training import PYTORCH, TENSORFLOW, MovingAverage, random_mask
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


def test_dropout_may_be_scaled_at_inference_instead() -> None:
    one = layer("6x5x5 -> dropout 0.25 scale=inference")
    (x,), ((y,), _) = one.inputs, one.run(training=True, seed=[1])
    np.testing.assert_array_equal(y[y != 0], x[y != 0])
    np.testing.assert_allclose(one.run()[0][0], 0.75 * x)


@pytest.mark.parametrize("scale", ["training", "inference"])
def test_the_output_of_dropout_at_inference_is_the_mean_over_all_masks(scale: str) -> None:
    one = layer(f"3 -> dropout 0.25 scale={scale}", batch=1)
    mean = np.zeros((1, 3))
    for kept in product([0.0, 1.0], repeat=3):
        probability = np.prod([0.75 if each else 0.25 for each in kept])
        mean += probability * one.run(training=True, mask=np.array([kept]))[0][0]
    np.testing.assert_allclose(mean, one.run()[0][0])


def test_moving_averages_of_tensorflow_keep_the_momentum_and_the_variance_of_the_batch() -> None:
    one = layer("4x6x6 -> bn")
    (x,), (_, context) = one.inputs, one.run(training=True, average=TENSORFLOW)
    np.testing.assert_allclose(context.updates["mean"], 0.99 * one.weights["mean"] + 0.01 * x.mean((0, 2, 3)))
    np.testing.assert_allclose(context.updates["variance"], 0.99 * one.weights["variance"] + 0.01 * x.var((0, 2, 3)))


@pytest.mark.parametrize("average", [PYTORCH, TENSORFLOW])
@pytest.mark.parametrize(
    "text",
    [
        "2x3x2 -> bn",
        "3 -> bn noaffine",
        "2x2 -> dropout 0.3",
        "2x2 -> dropout 0.3 scale=inference",
        "2x3 -> spatial_dropout",
        "2x2 -> dropout 1",
    ],
)
def test_kernels_and_definitions_agree_in_training(text: str, average: MovingAverage) -> None:
    one = layer(text)
    mask = random_mask(one.op, one.inputs[0].shape, [5]) if "dropout" in text else None
    (y,), context = one.run(training=True, seed=[5], average=average)
    found = record_training(one.op, {"x": one.inputs[0]}, one.weights, mask, average)
    np.testing.assert_allclose(y, found.output.astype(float), rtol=1e-12, atol=1e-12)
    assert set(found.updates) == set(context.updates)
    for name, array in found.updates.items():
        np.testing.assert_allclose(context.updates[name], array.astype(float), rtol=1e-12)
    if found.mean is not None:
        expected = 0 if "dropout 1" in text else one.run()[0][0]
        np.testing.assert_allclose(found.mean.astype(float), expected)
