"""What onnx-tool prints for ONNX files; the numbers were recorded with its version 1.0.1."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import helper

import archcalc
from archcalc import Network, SpecError
from tests.readers.onnx.models import convolutions, model, weights, write

node = helper.make_node


def count(network: Network) -> dict[str, int]:
    return {each.quantity.name: each.value for each in network.counters(["onnx-tool"])}


def test_a_convolutional_network(tmp_path: Path) -> None:
    network = archcalc.load(str(write(tmp_path, convolutions(batch=1))))
    assert count(network) == CONVOLUTIONS
    (terms,) = (each.terms for each in network.counters(["onnx-tool"]) if each.quantity.name == "macs")
    assert network.analyze().totals.macs + sum(term.amount for term in terms) == CONVOLUTIONS["macs"]


def test_operators_that_count_as_several_operations(tmp_path: Path) -> None:
    made = model(
        [
            node("MatMul", ["x", "w"], ["a"]),
            node("LayerNormalization", ["a", "g", "b"], ["n"]),
            node("Softmax", ["n"], ["s"], axis=-1),
            node("Sigmoid", ["s"], ["t"]),
            node("Div", ["t", "g"], ["y"]),
        ],
        {"x": [1, 4, 6]},
        {"w": weights(6, 8), "g": weights(8, seed=1), "b": weights(8, seed=2)},
    )
    assert count(archcalc.load(str(write(tmp_path, made)))) == OPERATORS


def test_networks_without_nodes_of_onnx_are_not_counted() -> None:
    with pytest.raises(SpecError, match="counts the nodes of ONNX files only"):
        archcalc.load("3x8x8 -> conv 4 k3").counters(["onnx-tool"])
    assert archcalc.load("3x8x8 -> conv 4 k3").counters()


CONVOLUTIONS = {"macs": 134_378, "params": 1546}
OPERATORS = {"macs": 2836, "params": 64}
