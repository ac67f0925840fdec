"""The gradient of every operator, against finite differences and against the chain rule on the definitions by loops."""

from __future__ import annotations

from collections import Counter
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archcalc.executor import gradients  # noqa: F401  # registers the gradients
from archcalc.executor.gradient import GRADIENTS, EvaluatedLayer, Gradients, gradient_of
from archcalc.executor.kernel import KERNELS, Array, Context, kernel_of, storage_of
from archcalc.executor.loops.record import RecordedNumber
from archcalc.executor.loops.reverse import reverse_mode_gradients
from archcalc.executor.loops.run import record_layer
from archcalc.graph import Node
from archcalc.ops.base import REGISTRY
from tests.executor.layers import Layer, layers_of, numbers, read
from tests.operators import ENTRIES
from tests.random_networks import layers

STEP = 1e-5
"""The difference of finite differences, on numbers of about 1."""
NEAR = 1e-5
ROUNDING = 1e-5
"""The error of a difference by rounding, relative to the value and `NEAR`."""
POSITIVE = {"log", "sqrt", "pow", "div"}
"""Operators that are undefined, or steep, for some numbers that are not positive."""
MAX_OPERATIONS = 4_000
"""The maximum number of operations of a layer that is differentiated number by number."""
WITH_GRADIENTS = sorted(cls.name for cls in GRADIENTS)


def layer_of_case(name: str, attributes: dict[str, Any], shapes: Any) -> Layer:
    """Return a layer with attributes, on random inputs."""
    op = REGISTRY[name](**attributes)
    rng = np.random.default_rng(crc32(f"{name}{attributes}{shapes}".encode()))
    inputs = tuple(spaced(rng, (2, *shape), positive=name in POSITIVE) for shape in shapes)
    stored = storage_of(op, shapes)
    weights = {key: numbers(rng, shape, np.float64, positive=key == "variance") * 0.3 for key, shape in stored.items()}
    if op.stores_attributes:
        weights = {key: np.array([float(x) for x in getattr(op, key)]) for key in stored}
    return Layer(Node(name, op, (), ()), inputs, weights, np.float64)


def spaced(rng: np.random.Generator, shape: tuple[int, ...], *, positive: bool) -> Array:
    """Return numbers whose order a small change does not change, in random order."""
    size = int(np.prod(shape))
    each = np.linspace(0.31 if positive else -3.17, 3.17, size + size % 2)[:size]
    return rng.permutation(each).reshape(shape)


def context_of(layer: Layer, training: bool) -> Context:
    return Context(training, (7,), tally=Counter(), batch=2, dtype=np.float64)


def value(layer: Layer, inputs: Any, weights: Any, given: Any, training: bool) -> float:
    """Return the sum of the outputs times what is given."""
    with np.errstate(all="ignore"):
        outputs = kernel_of(layer.op)(layer.op, inputs, weights, context_of(layer, training))
    return float(sum((y * g).sum() for y, g in zip(outputs, given, strict=True)))


def gradients_of(layer: Layer, training: bool = False) -> tuple[Gradients, list[Array]]:
    """Return the gradients of a random weighted sum of the outputs that have gradients, and its weights."""
    with np.errstate(all="ignore"):
        outputs = kernel_of(layer.op)(layer.op, layer.inputs, layer.weights, context_of(layer, training))
    without = layer.op.no_gradient.outputs if layer.op.no_gradient else ()
    rng = np.random.default_rng(11)
    given = [np.zeros(y.shape) if at in without else rng.normal(size=y.shape) for at, y in enumerate(outputs)]
    needed = (True,) * len(layer.inputs)
    point = EvaluatedLayer(layer.inputs, outputs, layer.weights, context_of(layer, training), needed)
    with np.errstate(all="ignore"):
        return gradient_of(layer.op)(layer.op, point, tuple(given)), given


def agree_with_differences(layer: Layer, training: bool = False) -> None:
    """Require that every gradient is the finite difference along a random direction."""
    found, given = gradients_of(layer, training)
    rng = np.random.default_rng(5)
    without = layer.op.no_gradient.inputs if layer.op.no_gradient else ()
    assert [at for at, g in enumerate(found.inputs) if g is None] == list(without)
    assert len(found.inputs) == len(layer.inputs)
    shapes = tuple(x.shape[1:] for x in layer.inputs)
    assert set(found.weights) == {each.name for each in layer.op.weights(shapes) if each.trainable}
    for place, g in [*enumerate(found.inputs), *found.weights.items()]:
        if g is None:
            continue
        array = layer.inputs[place] if isinstance(place, int) else layer.weights[place]
        assert g.shape == array.shape, place
        direction = rng.normal(size=array.shape)
        ends = []
        for sign in (1, -1):
            changed = array + sign * STEP * direction
            inputs = tuple(changed if at == place else x for at, x in enumerate(layer.inputs))
            weights = {key: changed if key == place else x for key, x in layer.weights.items()}
            ends.append(value(layer, inputs, weights, given, training))
        difference = (ends[0] - ends[1]) / (2 * STEP)
        scale = np.linalg.norm(g) + ROUNDING * max(map(abs, ends))
        assert abs(float((g * direction).sum()) - difference) <= NEAR * scale, (layer.op, place)


def test_every_operator_has_a_gradient_or_a_reason_why_not() -> None:
    without = {cls for cls in KERNELS if cls.no_gradient is not None and cls.no_gradient.is_complete}
    assert not without & GRADIENTS.keys()
    assert without | GRADIENTS.keys() == KERNELS.keys()


CASES = [
    pytest.param(name, attributes, shapes, id=f"{name}-{number}")
    for name in WITH_GRADIENTS
    for number, (attributes, shapes) in enumerate(ENTRIES[name].cases if name in ENTRIES else [({}, ((3, 4),))])
]


@pytest.mark.parametrize(("name", "attributes", "shapes"), CASES)
def test_gradients_are_limits_of_differences(name: str, attributes: Any, shapes: Any) -> None:
    agree_with_differences(layer_of_case(name, attributes, shapes))


@pytest.mark.parametrize(
    "text", ["bn", "bn noaffine", "bn eps=1/10", "dropout 0.4", "spatial_dropout 0.5", "dropout 1"]
)
@pytest.mark.parametrize("shape", ["5", "3x7", "4x5x6"])
def test_gradients_in_training_mode(shape: str, text: str) -> None:
    """Batch norm depends on all examples; dropout makes the same choices in both directions."""
    if "spatial" in text and shape == "5":
        return
    (layer,) = layers_of(read(f"{shape} -> {text}"), seed=3)
    agree_with_differences(layer, training=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_GRADIENTS)
@settings(max_examples=8)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_gradients_are_those_of_the_definitions_by_loops(name: str, data: st.DataObject, seed: int) -> None:
    """Every number of every gradient, by the chain rule on the operations that the definition performs."""
    graph = read(data.draw(layers(name)))
    for layer in layers_of(graph, seed, batch=2):
        work = layer.op.cost(graph.input_shapes(layer.node)).flops + sum(x.size for x in layer.inputs)
        if layer.op.name != name or work > MAX_OPERATIONS:
            continue
        found, given = gradients_of(layer)
        named = {f"input {at}": x for at, x in enumerate(layer.inputs)}
        expected = {key: np.zeros(x.shape) for key, x in {**named, **layer.weights}.items()}
        for example in range(2):
            outputs = record_layer(layer.op, [(key, x[example]) for key, x in named.items()], layer.weights)
            results = [
                (number, g[example][index])
                for array, g in zip(outputs, given, strict=True)
                for index, number in np.ndenumerate(array)
                if isinstance(number, RecordedNumber)
            ]
            for (key, index), g in reverse_mode_gradients(results).items():
                expected[key][(example, *index) if key in named else index] += g
        for key, ours in [*zip(named, found.inputs, strict=True), *found.weights.items()]:
            if ours is not None:
                np.testing.assert_allclose(ours, expected[key], rtol=1e-7, atol=1e-7, err_msg=f"{layer.op} {key}")
