"""The order of elements that Keras has along the axes of networks with the channels first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import archcalc
from archcalc.graph import Graph
from archcalc.readers.keras.elements import AxisFactors, UnknownOrder


def graph_of(folder: Path, shape: str, *layers: str) -> Graph:
    path = folder / "net.yaml"
    path.write_text("\n".join([f"input: {shape}", "layers:", *(f"  - {layer}" for layer in layers)]))
    return archcalc.load(str(path)).graph


def read(graph: Graph, axis: int = 0) -> list[int] | None:
    """Return the indices in Keras of what the last layer reads."""
    found = AxisFactors(graph).read(graph.nodes[-1], [axis])
    return None if found is None else found.tolist()


def made(graph: Graph, index: int = 1) -> list[int] | None:
    found = AxisFactors(graph).made(index)
    return None if found is None else found.tolist()


def in_keras(*sizes: int, order: tuple[int, ...]) -> list[int]:
    """Return the index of every element of a tensor in a flattening of it with its axes in another order."""
    moved = np.arange(np.prod(sizes)).reshape([sizes[axis] for axis in order])
    return moved.transpose(np.argsort(order)).reshape(-1).tolist()


def test_flattened_maps_have_the_channels_last(tmp_path: Path) -> None:
    assert read(graph_of(tmp_path, "3x4x5", "flatten", "fc 2")) == in_keras(3, 4, 5, order=(1, 2, 0))


def test_flattened_sequences_keep_their_order(tmp_path: Path) -> None:
    assert read(graph_of(tmp_path, "4x3", "lstm 5", "flatten", "fc 2")) is None


def test_flattened_signals_have_the_channels_last(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "4x8", "conv 3 k1", "maxpool k2 s2", "reshape 12", "fc 2")
    assert read(graph) == in_keras(3, 4, order=(1, 0))


def test_tokens_of_an_image_keep_their_order(tmp_path: Path) -> None:
    layers = ("conv 4 k2 s2", "rearrange 'c h w = (h w) c'", "attention heads=2", "flatten", "fc 2")
    assert read(graph_of(tmp_path, "3x4x4", *layers)) is None


def test_maps_that_a_transposition_puts_in_the_order_of_keras(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "4x5x3", "transpose 2x0x1", "conv 2 k1", "transpose 1x2x0", "flatten", "fc 2")
    assert read(graph) is None


def test_joined_maps_are_flattened_together(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "3x4x5", "concat(conv 2 k1, conv 4 k1)", "flatten", "relu", "fc 2")
    assert read(graph) == in_keras(6, 4, 5, order=(1, 2, 0))


def test_joined_vectors_keep_their_own_orders(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "2x3x4", "concat(flatten, flatten -> fc 3)", "fc 2")
    assert read(graph) == [*in_keras(2, 3, 4, order=(1, 2, 0)), 24, 25, 26]


def test_features_of_columns_have_the_channels_last(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "2x6x8", "conv 4 k1", "rearrange 'c h w = w (c h)'", "gru 3")
    assert read(graph, 1) == in_keras(4, 6, order=(1, 0))


@pytest.mark.parametrize("last", ["conv 2 k1", "identity"])
def test_vectors_that_become_maps(last: str, tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "5", "fc 24", "bn", "relu", "reshape 2x3x4", last)
    assert made(graph) == in_keras(2, 3, 4, order=(1, 2, 0))


def test_a_part_of_a_vector_that_becomes_maps(tmp_path: Path) -> None:
    layers = ("fc 16", "concat(slice 0:3, slice 3:16)", "slice 4:16", "reshape 2x2x3", "conv 2 k1")
    expected = in_keras(2, 2, 3, order=(1, 2, 0))
    assert made(graph_of(tmp_path, "5", *layers)) == [0, 1, 2, 3, *(4 + each for each in expected)]


def test_a_vector_that_is_added_to_flattened_maps(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "2x3x4", "add(flatten -> fc 24, flatten)", "fc 2")
    assert made(graph, 2) == in_keras(2, 3, 4, order=(1, 2, 0))


def test_shuffled_pixels_are_those_of_depth_to_space(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "3x4x4", "conv 8 k1", "pixel_shuffle 2", "conv 3 k1")
    assert made(graph) == in_keras(2, 2, 2, order=(1, 2, 0))


def test_groups_of_channels_keep_their_order(tmp_path: Path) -> None:
    layers = ("conv 6 k1", "rearrange '(g c) h w = (c g) h w' g=2", "conv 3 k1", "flatten", "fc 2")
    graph = graph_of(tmp_path, "3x4x4", *layers)
    assert made(graph) is None
    assert AxisFactors(graph).read(graph.nodes[3], [0]) is None


def test_heads_keep_their_order(tmp_path: Path) -> None:
    layers = ("linear 12", "rearrange 'n (h d) = h n d' h=3", "sdpa(identity, identity, identity)")
    graph = graph_of(tmp_path, "6x8", *layers, "rearrange 'h n d = n (h d)'", "linear 8", "flatten", "fc 3")
    assert made(graph) is None
    assert read(graph) is None


def test_windows_that_are_cut_across_others_keep_their_order(tmp_path: Path) -> None:
    layers = (
        "conv 4 k1",
        "rearrange 'c (a p) (b q) = (a b) (p q) c' p=2 q=2 -> attention heads=2",
        "rearrange '(a b) (p q) c = c (a p) (b q)' a=3 p=2",
        "rearrange 'c (p a) (q b) = (a b) (p q) c' p=2 q=2 -> attention heads=2",
    )
    graph = graph_of(tmp_path, "3x6x6", *layers)
    assert not [*AxisFactors(graph).problems()]
    assert read(graph, 2) is None


def test_a_factor_that_occurs_twice(tmp_path: Path) -> None:
    layers = ("linear 6", "matmul(identity, transpose 1x0)", "add(identity, transpose 1x0)", "reshape 2x2x4", "fc 2")
    graph = graph_of(tmp_path, "4x6", *layers)
    assert AxisFactors(graph).read(graph.nodes[-1], [0, 1, 2]) is None


def test_sums_with_a_transposition_end(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "4x4", "add(identity, transpose 1x0)", "linear 3")
    assert read(graph, 1) is None


def test_a_matrix_without_features_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownOrder, match="no layer tells which of the merged axes"):
        read(graph_of(tmp_path, "28x28", "flatten", "fc 2"))
    assert read(graph_of(tmp_path, "1x28x28", "flatten", "fc 2")) is None


def test_features_of_two_layers_among_positions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownOrder, match="features of several layers"):
        read(graph_of(tmp_path, "3x4x4", "conv 4 k1", "linear 6", "flatten", "fc 2"))


@pytest.mark.parametrize("layer", ["slice 0:4", "roll 1", "split 2 part=1"])
def test_a_part_of_flattened_maps_is_refused(layer: str, tmp_path: Path) -> None:
    (problem,) = AxisFactors(graph_of(tmp_path, "2x3x4", "flatten", layer, "fc 2")).problems()
    assert "depends on the order of elements" in problem


def test_sums_of_different_orders_are_refused(tmp_path: Path) -> None:
    layers = ("add(conv 4 k1 -> flatten, rearrange 'c h w = (c w h)' -> repeat 'n = (a n)' a=2)", "fc 2")
    assert [*AxisFactors(graph_of(tmp_path, "2x3x4", *layers)).problems()]
