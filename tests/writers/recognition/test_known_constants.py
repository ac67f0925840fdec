"""Stored tensors whose numbers tell what they are. The numbers are those of PyTorch's and torchvision's code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from archcalc.executor.interpreter import Interpreter
from archcalc.executor.weights import initial_arrays
from archcalc.graph import Graph
from archcalc.writers.recognition import recognised
from tests.writers.recognition.networks import graph, operators

MASKED = """
input: 5x8
layers:
  - x: identity
  - mask: constant {shape}
  - q: "@x -> linear 8 -> rearrange 'n (h d) = h n d' h=2"
  - k: "@x -> linear 8 -> rearrange 'n (h d) = h n d' h=2"
  - v: "@x -> linear 8 -> rearrange 'n (h d) = h n d' h=2"
  - out: {products} -> rearrange 'h n d = n (h d)' -> linear 8
"""
FUSED = "sdpa(@q, @k, identity, @mask)"
WRITTEN_OUT = """
matmul(add(matmul(@q, @k -> transpose 0x2x1) -> scale 0.5, @mask) -> softmax axis=last, identity)
""".strip()
LATER = np.triu(np.full((5, 5), -np.inf), 1)


def values(network: Graph, arrays: Mapping[str, Any]) -> Any:
    rng = np.random.default_rng(0)
    inputs = {name: rng.standard_normal((2, *shape)) for name, shape in network.inputs.items()}
    stored = {name: array.astype(np.float64) for name, array in arrays.items()}
    (output,) = Interpreter(network, stored).run(inputs).outputs.values()
    return output


@pytest.mark.parametrize("products", [FUSED, WRITTEN_OUT])
def test_a_mask_of_later_positions_makes_attention_causal(products: str) -> None:
    network = graph(MASKED.format(shape="1x5x5", products=products))
    found = recognised(network, {"mask.value": LATER[None]})
    (layer,) = [node for node in found.nodes if node.op.name == "attention"]
    assert operators(found) == ["attention"]
    assert layer.op.attributes()["causal"]

    arrays = initial_arrays(network, seed=1, dtype="float64") | {"mask.value": np.maximum(LATER[None], -1e30)}
    names = {"query": "q/linear", "key": "k/linear", "value": "v/linear", "output": "out/linear"}
    own = {
        f"{layer.name}.{name}{suffix}": arrays[f"{theirs}.{kind}"]
        for name, theirs in names.items()
        for suffix, kind in (("", "weight"), ("_bias", "bias"))
    }
    assert np.allclose(values(network, arrays), values(found, own))


@pytest.mark.parametrize("products", [FUSED, WRITTEN_OUT])
def test_a_mask_without_effect_is_left_out(products: str) -> None:
    network = graph(MASKED.format(shape="1x5x5", products=products))
    found = recognised(network, {"mask.value": np.zeros((1, 5, 5))})
    assert operators(found) == ["attention"]
    assert not found.nodes[-1].op.attributes()["causal"]


@pytest.mark.parametrize("mask", [LATER.T, np.triu(np.full((5, 5), -1.0), 1), np.triu(np.full((5, 5), -np.inf), 2)])
def test_other_masks_are_kept(mask: Any) -> None:
    network = graph(MASKED.format(shape="1x5x5", products=FUSED))
    found = recognised(network, {"mask.value": mask[None]})
    assert sorted(operators(found)) == ["attention", "constant"]


def test_masks_of_unknown_numbers_are_kept() -> None:
    found = recognised(graph(MASKED.format(shape="1x5x5", products=FUSED)))
    assert sorted(operators(found)) == ["attention", "constant"]


POSITIONS = "input: 4x6\nlayers:\n  - add(identity, constant 1x4 -> embedding 9 6 -> reshape 4x6)\n"


def test_vectors_of_consecutive_positions_are_a_slice() -> None:
    network = graph(POSITIONS)
    found = recognised(network, {"constant_1.value": np.arange(2, 6)[None]})
    assert operators(found) == ["learned", "slice", "add"]
    table = np.random.default_rng(0).standard_normal((9, 6))
    before = values(network, {"constant_1.value": np.arange(2, 6)[None], "embedding_1.weight": table})
    assert np.allclose(before, values(found, {f"{found.nodes[1].name}.value": table}))


def test_vectors_at_other_indices_are_looked_up() -> None:
    found = recognised(graph(POSITIONS), {"constant_1.value": np.array([[0, 2, 4, 6]])})
    assert operators(found) == ["constant", "embedding", "add"]
    assert found.nodes[1].output == (4,)


def relative_position_index(*window: int) -> Any:
    """Return torchvision's index of the pairs of positions of a window (``_define_relative_position_index``)."""
    coordinates = np.stack(np.meshgrid(*map(np.arange, window), indexing="ij")).reshape(len(window), -1)
    relative = (coordinates[:, :, None] - coordinates[:, None, :]).transpose(1, 2, 0)
    relative = relative + np.array(window) - 1
    for axis in range(len(window)):
        relative[:, :, axis] *= int(np.prod([2 * n - 1 for n in window[axis + 1 :]]))
    return relative.sum(-1).reshape(-1)


@pytest.mark.parametrize(("window", "written"), [((3, 3), (3, 3)), ((2, 3, 3), (2, 3, 3)), ((2, 4), (2, 4))])
def test_a_row_per_pair_of_positions_is_a_relative_bias(window: tuple[int, ...], written: tuple[int, ...]) -> None:
    n, rows = int(np.prod(window)), int(np.prod([2 * m - 1 for m in window]))
    network = graph(
        f"input: 2x{n}x{n}\nlayers:\n"
        f"  - add(identity, constant {n * n} -> embedding {rows} 2 -> rearrange '(n m) h = h n m' n={n})\n"
    )
    indices = relative_position_index(*window)
    found = recognised(network, {"constant_1.value": indices})
    assert operators(found) == ["relative_bias", "add"]
    assert found.nodes[1].op.attributes()["size"] == written
    table = np.random.default_rng(0).standard_normal((rows, 2))
    before = values(network, {"constant_1.value": indices, "embedding_1.weight": table})
    assert np.allclose(before, values(found, {f"{found.nodes[1].name}.table": table}))


def shifted_window_mask(height: int, width: int, window: int, shift: int) -> Any:
    """Return torchvision's mask (``shifted_window_attention``)."""
    mask, count = np.zeros((height, width)), 0
    slices = ((0, -window), (-window, -shift), (-shift, None))
    for rows in slices:
        for columns in slices:
            mask[rows[0] : rows[1], columns[0] : columns[1]] = count
            count += 1
    parts = mask.reshape(height // window, window, width // window, window).transpose(0, 2, 1, 3)
    parts = parts.reshape(-1, window * window)
    return np.where(parts[:, None] != parts[:, :, None], -100.0, 0.0)[:, None]


def test_the_mask_of_shifted_windows_is_one() -> None:
    network = graph("input: 4x2x9x9\nlayers:\n  - add(identity, constant 4x1x9x9)\n")
    mask = shifted_window_mask(6, 6, 3, 1)
    found = recognised(network, {"constant_1.value": mask})
    assert operators(found) == ["shift_mask", "add"]
    assert np.allclose(values(network, {"constant_1.value": mask}), values(found, {}))


def test_stored_tensors_with_the_same_numbers_are_one() -> None:
    network = graph("input: 2x3\nlayers:\n  - add(identity, constant 2x3) -> mul(identity, constant 2x3)\n")
    same = {"constant_1.value": np.ones((2, 3)), "constant_2.value": np.ones((2, 3))}
    assert operators(recognised(network, same)).count("constant") == 1
    assert operators(recognised(network, same | {"constant_2.value": np.zeros((2, 3))})).count("constant") == 2
