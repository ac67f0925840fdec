"""Backward passes of whole networks: against finite differences, and what has no gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings

from archcalc.analysis.propagate import analyze
from archcalc.executor.backward import gradients
from archcalc.executor.errors import ArrayError
from archcalc.executor.inputs import random_inputs
from archcalc.executor.interpreter import Interpreter
from archcalc.executor.kernel import Array
from archcalc.executor.losses import Loss, cross_entropy_of_tensor, mean_square_loss, sum_loss, weighted_loss
from archcalc.executor.paths import Paths
from archcalc.executor.weights import initial_arrays
from archcalc.graph import Graph
from tests.executor.layers import read
from tests.random_networks import networks
from tests.spec.reading import chain

STEP = 1e-6
SHARED = '{inputs: {x: "4"}, shared: {w: "fc 4 -> tanh"}, layers: "w -> w -> fc 2"}'


def arrays_of(graph: Graph, *, batch: int = 2, training: bool = False) -> tuple[dict[str, Array], dict[str, Array]]:
    weights = initial_arrays(graph, seed=1, dtype=np.float64, training=training)
    return random_inputs(graph, batch=batch, seed=2, dtype=np.float64), weights


def loss_of_all(graph: Graph, seed: int = 3) -> Loss:
    """Return a random weighted sum of all outputs."""
    rng = np.random.default_rng(seed)
    return Loss({name: weighted_loss(rng.normal(size=graph.shape(ref))) for name, ref in graph.outputs.items()})


def difference(
    graph: Graph,
    inputs: Mapping[str, Array],
    weights: Mapping[str, Array],
    loss: Loss,
    name: str,
    direction: Array,
    training: bool = False,
) -> float:
    """Return the difference quotient of a loss along a direction of an input or stored array."""
    values = []
    for sign in (1, -1):
        changed = {
            key: array + sign * STEP * direction if key == name else array
            for key, array in {**inputs, **weights}.items()
        }
        interpreter = Interpreter(graph, {key: changed[key] for key in weights})
        run = interpreter.run({key: changed[key] for key in inputs}, training=training, keep=loss.terms)
        values.append(loss(run.kept)[0])
    return (values[0] - values[1]) / (2 * STEP)


def agree(
    graph: Graph, inputs: Mapping[str, Array], weights: Mapping[str, Array], loss: Loss, training: bool = False
) -> dict[str, Array]:
    """Require that all gradients are differences along a random direction; return the gradients."""
    names = Paths.derivable(graph, loss.terms, training=training)
    found = gradients(graph, inputs, weights, loss, names, training=training).gradients
    rng = np.random.default_rng(4)
    for name in names:
        direction = rng.normal(size=found[name].shape)
        expected = difference(graph, inputs, weights, loss, name, direction, training)
        near = 1e-4 * (np.linalg.norm(found[name]) + 1e-3 * abs(loss_value(graph, inputs, weights, loss)) + 1e-5)
        assert abs(float((found[name] * direction).sum()) - expected) <= near, name
    return dict(found)


def loss_value(graph: Graph, inputs: Mapping[str, Array], weights: Mapping[str, Array], loss: Loss) -> float:
    return loss(Interpreter(graph, weights).run(inputs, keep=loss.terms).kept)[0]


@pytest.mark.parametrize(
    "text",
    [
        "3x8x8 -> conv 4 k3 p1 -> bn -> relu -> add(identity, conv 4 k3 p1) -> maxpool 2 -> flatten -> fc 3",
        "6x8 -> attention heads=2 -> ln axis=last -> gelu -> mean axis=0 -> linear 3",
        "5x4 -> lstm 3 bidirectional -> fc 2",
        "2x6x6 -> dwconv k3 multiplier=2 -> lrn -> upconv 3 k2 s2 -> gap -> softmax",
    ],
)
def test_gradients_of_networks_are_limits_of_differences(text: str) -> None:
    graph = read(text)
    agree(graph, *arrays_of(graph), loss_of_all(graph))


@pytest.mark.parametrize(
    ("shape", "layer"),
    [("2x5", "upconv 3 k1 s1 p0:1"), ("2x5x4", "upconv 3 k1 s1 p1:0x0:1"), ("2x5", "upconv 3 k1 s1 d2 outpad=1")],
)
def test_transposed_convolutions_of_single_positions_crop_and_pad(shape: str, layer: str) -> None:
    graph = chain(layer, shape)
    agree(graph, *arrays_of(graph), loss_of_all(graph))


@pytest.mark.parametrize("size", ["1x1", "3x3"])
def test_gradients_through_batch_norms_in_training(size: str) -> None:
    """A batch norm subtracts the mean of the batch, and with it whatever was added to a channel: its gradient is 0."""
    graph = read(f"3x{size} -> conv 5 k1 -> bn -> conv 4 k1 -> bn eps=1/10")
    inputs, weights = arrays_of(graph, batch=4, training=True)
    loss = Loss(
        {
            name: weighted_loss(np.random.default_rng(3).normal(size=(4, *map(int, graph.shape(ref)))))
            for name, ref in graph.outputs.items()
        }
    )
    in_training, at_inference = (agree(graph, inputs, weights, loss, training) for training in (True, False))
    for name in ("conv_1.bias", "bn_1.shift", "conv_2.bias"):
        assert np.abs(in_training[name]).max() < 1e-12 * np.abs(at_inference[name]).max()


@pytest.mark.slow
@settings(max_examples=30)
@given(text=networks())
def test_every_array_of_a_random_network_has_a_gradient_of_its_shape(text: str) -> None:
    graph = read(text)
    assume(analyze(graph).totals.flops < 300_000)
    inputs, weights = arrays_of(graph)
    names = Paths.derivable(graph, graph.outputs, training=False)
    found = gradients(graph, inputs, weights, loss_of_all(graph), names).gradients
    for name, g in found.items():
        assert g.shape == {**inputs, **weights}[name].shape


def test_shared_weights_have_the_sum_of_the_gradients_of_their_uses() -> None:
    graph = read(SHARED)
    agree(graph, *arrays_of(graph), loss_of_all(graph))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_have_the_number_format_of_the_run(dtype: Any) -> None:
    graph = read(
        "3x8x8 -> conv 4 k3 -> gelu -> elu -> hardswish -> bn -> avgpool 2 -> upsample 2 bilinear -> gap -> fc 3"
    )
    inputs, weights = random_inputs(graph, dtype=dtype), initial_arrays(graph, dtype=dtype)
    (output,) = graph.outputs
    found = gradients(graph, inputs, weights, Loss({output: sum_loss()}), [*inputs, "conv_1.weight", "elu_1"]).gradients
    assert {g.dtype for g in found.values()} == {np.dtype(dtype)}


@pytest.mark.parametrize("end", ["fc 3", "fc 3 -> softmax", "fc 3 -> log_softmax", "linear 3 axis=last -> identity"])
def test_losses_are_differentiated(end: str) -> None:
    graph = read(f"4 -> {end}")
    (output,) = graph.outputs
    term = cross_entropy_of_tensor(graph, graph.outputs[output], np.array([2, 0]), output)
    agree(graph, *arrays_of(graph), Loss({output: term}))
    agree(graph, *arrays_of(graph), Loss({output: mean_square_loss(np.ones((2, 3)))}))


@pytest.mark.parametrize("end", ["fc 3", "fc 3 -> softmax", "fc 3 -> log_softmax"])
def test_the_gradient_of_the_logits_is_the_difference_from_the_target(end: str) -> None:
    """∂L/∂z = (p − t)/N, whether the network ends with logits, probabilities or their logarithms."""
    graph = read(f"4 -> {end}")
    (output,) = graph.outputs
    inputs, weights = arrays_of(graph)
    labels = np.array([2, 0])
    loss = Loss({output: cross_entropy_of_tensor(graph, graph.outputs[output], labels, output)})
    found = gradients(graph, inputs, weights, loss, ["fc_1"])
    z = Interpreter(graph, weights).run(inputs, keep=["fc_1"]).kept["fc_1"]
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    np.testing.assert_allclose(found.gradients["fc_1"], (p - np.eye(3)[labels]) / 2, rtol=1e-12, atol=1e-15)
    assert found.loss == pytest.approx(-np.log(p[[0, 1], labels]).mean())


def test_a_tensor_that_two_layers_read_has_the_sum_of_their_gradients() -> None:
    graph = read("2 -> scale 3 -> add(identity, scale 5)")
    (output,) = graph.outputs
    found = gradients(graph, *arrays_of(graph), Loss({output: sum_loss()}), ["scale_1", "input"])
    np.testing.assert_array_equal(found.gradients["scale_1"], np.full((2, 2), 6.0))
    np.testing.assert_array_equal(found.gradients["input"], np.full((2, 2), 18.0))


@pytest.mark.parametrize(
    ("text", "name", "reason"),
    [
        ("4 -> fc 3 -> floor -> fc 2", "fc_1.weight", "'floor_1' (floor) passes none on (it is constant"),
        ("4 -> bn -> fc 3", "bn_1.mean", "it is not trained"),
        ("4 -> embedding vocabulary=9 dim=3", "input", "indices are integers"),
        ("4 -> fc 3", "fc_1.wait", "there is no input, layer or stored array 'fc_1.wait'"),
    ],
)
def test_what_has_no_gradient_has_a_reason(text: str, name: str, reason: str) -> None:
    graph = read(text)
    (output,) = graph.outputs
    with pytest.raises(ArrayError) as raised:
        gradients(graph, *arrays_of(graph), Loss({output: sum_loss()}), [name])
    assert reason in str(raised.value)


def test_the_loss_may_not_depend_on_a_layer() -> None:
    graph = read("4 -> fc 3 -> fc 2")
    with pytest.raises(ArrayError, match=r"the loss does not depend on 'fc_2\.weight'"):
        gradients(graph, *arrays_of(graph), Loss({"fc_1": sum_loss()}), ["fc_2.weight"])


def test_a_path_around_an_operator_without_gradient_is_followed() -> None:
    graph = read("4 -> fc 3 -> add(identity, floor)")
    (output,) = graph.outputs
    found = gradients(graph, *arrays_of(graph), Loss({output: sum_loss()}), ["fc_1"])
    np.testing.assert_array_equal(found.gradients["fc_1"], np.ones((2, 3)))


def test_matrix_products_of_the_backward_pass_are_counted() -> None:
    """Two products for every one of the forward pass, and one less for a layer whose input needs no gradient."""
    graph = read("3x8x8 -> conv 4 k3 -> relu -> conv 5 k3 -> flatten -> fc 3")
    (output,) = graph.outputs
    weights = [f"{name}.weight" for name in ("conv_1", "conv_2", "fc_1")]
    inputs, stored = arrays_of(graph)
    found = gradients(graph, inputs, stored, Loss({output: sum_loss()}), weights, tally=True)
    forward = {name: counts["macs"] for name, counts in found.run.counts.items() if "macs" in counts}
    assert {name: counts["macs"] for name, counts in found.counts.items() if "macs" in counts} == {
        "conv_1": forward["conv_1"],
        "conv_2": 2 * forward["conv_2"],
        "fc_1": 2 * forward["fc_1"],
    }
