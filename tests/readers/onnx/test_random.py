"""Random nodes: the numbers of a seed are those of ONNX's reference implementation, others those of the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, helper
from onnx.reference import ReferenceEvaluator

import archcalc
from archcalc import Network
from tests.readers.onnx.models import model, weights, write

node = helper.make_node


def read(folder: Path, made: ModelProto, **options: Any) -> Network:
    return archcalc.load(str(write(folder, made)), **options)


def assert_as_reference(folder: Path, made: ModelProto) -> Network:
    network = read(folder, made)
    given = {
        name: np.random.default_rng(1).standard_normal((1, *shape)).astype(np.float32)
        for name, shape in network.graph.inputs.items()
    }
    expected = ReferenceEvaluator(made).run(None, given)
    for found, needed in zip(network.run(given).outputs.values(), expected, strict=True):
        np.testing.assert_allclose(found, needed, rtol=1e-5, atol=1e-6)
    return network


@pytest.mark.parametrize(
    ("attributes", "layers"),
    [
        ({}, ["random", "add"]),
        ({"scale": 0.5}, ["random", "scale", "add"]),
        ({"mean": 3.0, "scale": 0.5}, ["random", "scale", "offset", "add"]),
    ],
)
def test_numbers_of_a_seed_are_those_of_the_reference_implementation(
    tmp_path: Path, attributes: dict[str, float], layers: list[str]
) -> None:
    made = model(
        [
            node("RandomNormalLike", ["x"], ["n"], seed=7.0, **attributes),
            node("Add", ["x", "n"], ["y"]),
        ],
        {"x": [1, 3, 4, 4]},
    )
    network = assert_as_reference(tmp_path, made)
    assert [each.op.name for each in network.graph.nodes[1:]] == layers
    assert network.analyze().totals.macs == 0


def test_numbers_of_a_shape_and_between_limits(tmp_path: Path) -> None:
    made = model(
        [
            node("RandomUniform", [], ["u"], shape=[1, 5], low=-2.0, high=3.0, seed=4.0),
            node("RandomNormal", [], ["n"], shape=[5], seed=5.0),
            node("Mul", ["u", "n"], ["t"]),
            node("Add", ["x", "t"], ["y"]),
        ],
        {"x": [1, 5]},
    )
    network = assert_as_reference(tmp_path, made)
    assert [each.outputs for each in network.graph.nodes if each.op.is_random] == [((5,),), ((5,),)]


@pytest.mark.parametrize("outputs", [("y",), ("y", "mask")])
def test_dropout_in_training_keeps_what_the_seed_says(tmp_path: Path, outputs: tuple[str, ...]) -> None:
    made = model(
        [node("Dropout", ["x", "ratio", "trains"], list(outputs), seed=3)],
        {"x": [1, 30]},
        {"ratio": np.array(0.25, np.float32), "trains": np.array(True)},
        outputs,
        formats={"mask": 9},
    )
    network = assert_as_reference(tmp_path, made)
    assert [each.op.name for each in network.graph.nodes[1:]] == ["random", "constant", "compare", "mul", "scale"]


def test_every_example_has_its_own_numbers_by_the_seed_of_the_run(tmp_path: Path) -> None:
    """The shape of the noise follows the batch, which is not part of it."""
    made = model(
        [
            node("Shape", ["x"], ["batch"], start=0, end=1),
            node("Concat", ["batch", "width"], ["shape"], axis=0),
            node("ConstantOfShape", ["shape"], ["zeros"]),
            node("RandomNormalLike", ["zeros"], ["n"]),
            node("MatMul", ["n", "w"], ["styled"]),
            node("Add", ["x", "styled"], ["y"]),
        ],
        {"x": ["n", 3]},
        {"width": np.array([6]), "w": weights(6, 3)},
    )
    network = read(tmp_path, made)
    noise = next(each for each in network.graph.nodes if each.op.is_random)
    assert noise.outputs == ((6,),)
    x = np.zeros((500, 3), np.float32)
    one, again, other = (network.run({"x": x}, seed=seed).output for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    np.testing.assert_allclose(np.cov(one.T), weights(6, 3).T @ weights(6, 3), atol=0.15)


def test_samples_have_the_probabilities_that_are_given(tmp_path: Path) -> None:
    made = model([node("Multinomial", ["x"], ["y"], sample_size=5000)], {"x": [1, 4]}, formats={"y": 6})
    shares = np.array([[0.1, 0.2, 0.3, 0.4]], np.float32)
    found = read(tmp_path, made).run({"x": np.log(shares) + 2}).output
    assert found.shape == (1, 5000)
    np.testing.assert_allclose(np.bincount(found[0].astype(int), minlength=4) / 5000, shares[0], atol=0.03)
