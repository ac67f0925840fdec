"""What the backward pass of an operator needs and counts, against what its gradient reads and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

import numpy as np
import pytest

from archcalc.analysis.formats import read_formats
from archcalc.analysis.training.cost import TrainingCost
from archcalc.analysis.training.setup import TrainingSetup
from archcalc.executor.backward import gradients
from archcalc.executor.gradient import EvaluatedLayer, Gradients, gradient_of
from archcalc.executor.inputs import random_inputs
from archcalc.executor.kept import absent
from archcalc.executor.kernel import Array, Context, kernel_of
from archcalc.executor.losses import Loss, sum_loss
from archcalc.executor.paths import Paths
from archcalc.executor.weights import array_names, initial_arrays
from archcalc.ops.backward import Needs
from archcalc.ops.base import REGISTRY
from tests.executor.layers import read
from tests.executor.test_gradients import CASES, layer_of_case

INDICES = {"take", "gather", "scatter", "topk", "embedding"}
"""Operators whose gradient cannot be computed with other numbers in place of indices."""


class Case:
    """A layer on random inputs, with random gradients of its outputs."""

    def __init__(self, name: str, attributes: Any, shapes: Any) -> None:
        self.layer = layer_of_case(name, attributes, shapes)
        self.op, self.sizes = self.layer.op, tuple(x.shape[1:] for x in self.layer.inputs)
        with np.errstate(all="ignore"):
            context = Context(True, (7,), batch=2, dtype=np.float64)
            self.outputs = kernel_of(self.op)(self.op, self.layer.inputs, self.layer.weights, context)
        rng, derives = np.random.default_rng(3), self.op.derives
        self.given = tuple(
            rng.normal(size=y.shape) if derives(at) else np.zeros(y.shape) for at, y in enumerate(self.outputs)
        )
        outputs = range(len(self.outputs))
        passed = tuple(any(self.op.passes(at, place) for at in outputs) for place in range(len(self.sizes)))
        self.needs = Needs(passed, frozenset(each.name for each in self.op.weights(self.sizes) if each.trainable))

    def kept(self, needs: Needs) -> tuple[set[int], set[int], bool]:
        """Return the places of inputs and outputs that are declared, and whether something is computed anew."""
        kept = self.op.kept(self.sizes, needs) if needs.some else ()
        anew = any(each.kind == "made" for each in kept)  # what the operator makes is computed anew from all inputs
        inputs = {each.place for each in kept if each.kind == "input"} | ({*range(len(self.sizes))} if anew else set())
        return inputs, {each.place for each in kept if each.kind == "output"}, anew

    def gradients(self, needs: Needs, inputs: Collection[int] = (), outputs: Collection[int] = ()) -> Gradients:
        """Return the gradients without the inputs and outputs at these places."""
        self.tally = Counter[str]()
        point = EvaluatedLayer(
            without(self.layer.inputs, inputs),
            without(self.outputs, outputs),
            self.layer.weights,
            Context(True, (7,), tally=self.tally, batch=2, dtype=np.float64),
            needs.inputs,
            bool(needs.arrays),
        )
        with np.errstate(all="ignore"):
            return gradient_of(self.op)(self.op, point, self.given)

    def with_only(self, needs: Needs, inputs: set[int], outputs: set[int]) -> Gradients:
        """Return the gradients without all other inputs and outputs."""
        others = {*range(len(self.sizes))} - inputs, {*range(len(self.outputs))} - outputs
        return self.gradients(needs, *others)


def without(arrays: tuple[Array, ...], places: Collection[int]) -> tuple[Array, ...]:
    return tuple([absent(array) if place in places else array for place, array in enumerate(arrays)])


def are_equal(one: Gradients, other: Gradients) -> bool:
    pairs = [
        *zip(one.inputs, other.inputs, strict=True),
        *((g, other.weights[name]) for name, g in one.weights.items()),
    ]
    return all(a is b or (a is not None and b is not None and np.array_equal(a, b)) for a, b in pairs)


@pytest.mark.parametrize(("name", "attributes", "shapes"), CASES)
def test_a_gradient_reads_the_declared_tensors_and_counts_the_declared_macs(
    name: str, attributes: Any, shapes: Any
) -> None:
    case = Case(name, attributes, shapes)
    needs = case.needs
    expected = case.gradients(needs)
    assert case.tally["macs"] == 2 * case.op.backward_macs(case.sizes, needs)
    inputs, outputs, anew = case.kept(needs)
    assert are_equal(case.with_only(needs, inputs, outputs), expected)
    if name in INDICES or anew:
        return
    for place in inputs:
        assert not are_equal(case.gradients(needs, {place}), expected), ("input", place)
    for place in outputs:
        assert not are_equal(case.gradients(needs, (), {place}), expected), ("output", place)


@pytest.mark.parametrize(("name", "attributes", "shapes"), CASES)
def test_the_gradient_of_the_inputs_of_a_frozen_layer_reads_the_declared_tensors(
    name: str, attributes: Any, shapes: Any
) -> None:
    case = Case(name, attributes, shapes)
    frozen = case.needs._replace(arrays=frozenset())
    inputs, outputs, _ = case.kept(frozen)
    found = case.with_only(frozen, inputs, outputs)
    assert are_equal(Gradients(found.inputs), Gradients(case.gradients(frozen).inputs))


@pytest.mark.parametrize(("name", "attributes", "shapes"), CASES)
def test_gradients_that_are_not_needed_are_not_computed(name: str, attributes: Any, shapes: Any) -> None:
    """Those of the arrays of a frozen layer, and those of the inputs of the first layer, which are data."""
    case = Case(name, attributes, shapes)
    frozen = case.needs._replace(arrays=frozenset())
    first = case.needs._replace(inputs=(False,) * len(case.sizes))
    for needs in (frozen, first):
        case.gradients(needs)
        assert case.tally["macs"] == 2 * (case.op.backward_macs(case.sizes, needs) if needs.some else 0), needs


NETWORKS = {
    "residual": "3x9x9 -> conv 4 k3 p1 -> bn -> relu -> add(identity, conv 4 k3 p1 -> bn) -> relu -> maxpool 2 -> fc 3",
    "linear": "2x9x9 -> conv 4 k3 -> conv 4 k2 -> avgpool 2 -> dwconv k3 -> gap -> fc 5 -> softmax",
    "several readers": "4x6 -> ln axis=last -> concat(linear 3, linear 2 -> gelu, axis=1) -> mul(sigmoid, linear 5)",
    "views": "4x3x3 -> conv 6 k1 -> reshape 9x6 -> transpose 1x0 -> linear 5 -> silu -> flatten -> fc 2 -> log_softmax",
    "applied twice": '{inputs: {x: "4"}, shared: {w: "fc 4 -> tanh"}, layers: "w -> w -> fc 2"}',
}


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("text", NETWORKS.values(), ids=NETWORKS)
def test_a_run_keeps_the_bytes_and_counts_the_macs_of_the_analysis(text: str, frozen: bool) -> None:
    """Frozen are the first layer with weights and all other layers that have its weights."""
    graph, batch = read(text), 3
    stored = [(node.name, name) for _, node in graph.layers() for name in array_names(graph, node).values()]
    first = stored[0][1] if frozen else ""
    stopped = [layer for layer, name in stored if name == first]
    cost = TrainingCost(graph, TrainingSetup(frozen=tuple(stopped)), batch=batch)
    weights = initial_arrays(graph, seed=1, dtype=np.float64, training=True)
    loss = Loss({name: sum_loss() for name in graph.outputs})
    frozen_arrays = {name for layer, name in stored if layer in stopped}
    known = {*Paths.derivable(graph, loss.terms, training=True)} - graph.inputs.keys() - frozen_arrays
    inputs = random_inputs(graph, batch=batch, seed=2, dtype=np.float64)
    found = gradients(graph, inputs, weights, loss, sorted(known), training=True, tally=True)
    assert found.saved == cost.saved(cost.runs, read_formats("float64"))
    for index, node in graph.layers():
        assert found.counts.get(node.name, {}).get("macs", 0) == cost.backward_macs([index]), node.name


IN_PLACE = sorted(
    name for name, cls in REGISTRY.items() if cls.in_place == "output" and cls.differentiated_by == "input"
)


@pytest.mark.parametrize("name", IN_PLACE)
def test_what_is_written_over_its_input_determines_the_derivative(name: str) -> None:
    op = REGISTRY[name]()
    x = np.linspace(-3, 3, 101)[None, :]
    (y,) = kernel_of(op)(op, (x,), {}, Context(dtype=np.float64))
    assert (np.diff(y) > 0).all()  # so that the input, and with it the derivative, is a function of the output
