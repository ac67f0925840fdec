"""The window of one output: what it covers of the padded input, and the weights on it."""

from __future__ import annotations

import numpy as np
import pytest

from archcalc.executor.loops.window_view import window_view
from tests.executor.layers import layers_of, read

CONVOLUTIONS = [
    "2x5x6 -> conv 3 k3 nobias",
    "4x6x5 -> conv 4 k2x3 s2 p1 d2 g2 nobias flip",
    "3x7 -> conv 2 k3 same s2 nobias",
    "2x4x4 -> conv 2 k3 half reflect nobias weight_norm",
    "2x4x4 -> conv 2 k3 half circular nobias ws",
    "2x4x4x3 -> conv 2 k2 nobias",
    "3x5x5 -> dwconv k3 p1 multiplier=2 nobias flip",
]
POOLINGS = {
    "2x5x6 -> maxpool k3 s2 p1": np.max,
    "2x5x5 -> maxpool 2 ceil": np.max,
    "2x5x6 -> avgpool k2": np.mean,
    "2x5x6 -> gap": np.mean,
    "2x5x6 -> adaptive_maxpool 2x3": np.max,
}


@pytest.mark.parametrize("spec", CONVOLUTIONS)
def test_the_products_under_a_window_add_up_to_the_output(spec: str) -> None:
    (layer,) = layers_of(read(spec), 3, batch=1)
    (y,), _ = layer.run()
    for index in np.ndindex(y.shape[1:]):
        view = window_view(layer.op, layer.inputs[0][0], layer.weights, index)
        assert view is not None
        assert view.weights is not None
        assert (view.values * view.weights).sum() == pytest.approx(y[0][index])
        assert [view.input[place] for place in view.indices()] == [*view.values.flat]


@pytest.mark.parametrize("spec", POOLINGS)
def test_the_numbers_under_a_window_are_those_that_are_pooled(spec: str) -> None:
    (layer,) = layers_of(read(spec), 3, batch=1)
    (y,), _ = layer.run()
    for index in np.ndindex(y.shape[1:]):
        view = window_view(layer.op, layer.inputs[0][0], layer.weights, index)
        assert view is not None
        assert view.channels == index[:1]
        assert POOLINGS[spec](view.values) == pytest.approx(y[0][index])


def test_the_input_lies_within_its_padding() -> None:
    (layer,) = layers_of(read("1x4x4 -> conv 1 k4 same"), 3, batch=1)
    x = layer.inputs[0][0]
    view = window_view(layer.op, x, layer.weights, (0, 0, 0))
    assert view is not None
    np.testing.assert_array_equal(view.input, np.pad(x, ((0, 0), (1, 2), (1, 2))))


def test_other_layers_have_no_window() -> None:
    (layer,) = layers_of(read("2x3x3 -> relu"), 3)
    assert window_view(layer.op, layer.inputs[0][0], {}, (0, 0, 0)) is None
