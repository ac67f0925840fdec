"""Properties of kernels that no other library has, or that results do not show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archcalc
from archcalc.executor.kernel import STORAGE, Context, kernel_of, owner
from archcalc.ops.base import REGISTRY
from archcalc.ops.conv import Conv
from archcalc.ops.sampling import DeformableConv, RoiAlign
from tests.executor.layers import layers_of, read
from tests.random_networks import layers


def test_storage_is_stated_only_for_operators_that_store_something() -> None:
    assert {op.name for op in STORAGE} <= set(REGISTRY)


@pytest.mark.parametrize("name", sorted(set(REGISTRY) - {"identity"}))
@settings(max_examples=10)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_inputs_and_stored_arrays_are_not_written_to(name: str, data: st.DataObject, seed: int) -> None:
    for layer in layers_of(read(data.draw(layers(name))), seed):
        given = [*layer.inputs, *layer.weights.values()]
        before = [array.copy() for array in given]
        layer.run()
        for array, copy in zip(given, before, strict=True):
            np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize(
    "spec",
    ["64x80x80 -> conv 8 k3 half", "8x40000 -> conv 8 k9", "4x40x40x40 -> conv 4 k3", "8x100x100 -> upconv 32 k3 s2"],
)
def test_gathered_windows_take_bounded_memory(spec: str) -> None:
    (layer,) = layers_of(read(spec), 0, dtype=np.float32)
    _, context = layer.run()
    assert 0 < owner(context.scratch("columns", (0,), np.uint8)).nbytes <= 9 * 2**19  # 4 MiB and one more row


def test_pointwise_convolutions_copy_nothing() -> None:
    (layer,) = layers_of(read("16x9x9 -> conv 8 k1"), 0)
    _, context = layer.run()
    assert not context.buffers.nbytes


def test_an_embedding_takes_the_nearest_entry_and_passes_on_what_is_not_a_number() -> None:
    run = archcalc.load("4 -> embedding 3 2 -> identity").run
    weights = {"embedding_1.weight": np.arange(6, dtype=np.float32).reshape(3, 2)}
    y = run({"input": np.array([0.0, 1.0, 2.0, 2.0])}, weights=weights).output
    assert y.tolist() == [[[0, 1], [2, 3], [4, 5], [4, 5]]]
    inner = archcalc.load("4 -> scale 1 -> embedding 3 2")
    y = inner.run({"input": np.array([np.nan, -7, 1.4, 99])}, weights={**weights}).output
    assert np.isnan(y[0, 0]).all()
    assert y[0, 1:].tolist() == [[0, 1], [2, 3], [4, 5]]


def test_scratch_is_reused_and_grows() -> None:
    context = Context()
    small = context.scratch("here", (2, 3), np.float32)
    large = context.scratch("here", (4, 5), np.float64)
    assert context.scratch("here", (3,), np.float32).base is owner(large)
    assert owner(small) is not owner(large)
    assert owner(context.scratch("there", (3,), np.float32)) is not owner(large)


def test_owner_is_at_the_end_of_a_chain_of_views() -> None:
    array = np.zeros((4, 6))
    view = np.lib.stride_tricks.sliding_window_view(array.T[1:], 2, axis=0)[..., ::2]
    assert owner(view) is array


def test_without_offsets_a_deformable_convolution_is_a_convolution() -> None:
    rng = np.random.default_rng(0)
    x, weight, bias = rng.normal(size=(2, 4, 6, 5)), rng.normal(size=(6, 2, 3, 3)), rng.normal(size=6)
    common: dict[str, Any] = {"channels": 6, "kernel": (3, 3), "stride": (2, 1), "pad": "half", "dilation": (1, 2)}
    arrays = {"weight": weight, "bias": bias}
    (expected,) = kernel_of(op := Conv(**common, groups=2))(op, (x,), arrays, Context())
    offset = np.zeros((2, 18, *expected.shape[2:]))
    (found,) = kernel_of(op := DeformableConv(**common, groups=2, offset=True))(op, (x, offset), arrays, Context())
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_box_on_a_ramp_reads_the_coordinates_of_its_cells() -> None:
    """Linear interpolation of a ramp is exact; the mean of a cell is the coordinate of its centre."""
    ramp = np.broadcast_to(np.arange(20.0), (1, 1, 16, 20))
    op = RoiAlign(size=(2, 3), boxes=True, scale=2, samples=3)
    (found,) = kernel_of(op)(op, (ramp, np.array([[[2.0, 1.0, 5.0, 4.0]]])), {}, Context())
    np.testing.assert_allclose(found[0, 0, 0], [[5, 7, 9]] * 2)  # from 4 to 10 in three cells


@pytest.mark.parametrize(("word", "mode"), [("valid", "valid"), ("full", "full")])
def test_a_flipped_convolution_is_one_in_the_mathematical_sense(word: str, mode: Any) -> None:
    for layer in layers_of(read(f"1x9 -> conv 1 k4 {word} nobias flip"), 0):
        (y,), _ = layer.run()
        for x, found in zip(layer.inputs[0][:, 0], y[:, 0], strict=True):
            np.testing.assert_allclose(found, np.convolve(x, layer.weights["weight"][0, 0], mode))
