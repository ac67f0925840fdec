"""Running graphs: which tensors are freed or kept, and the outputs."""

from __future__ import annotations

from typing import Any
from weakref import ReferenceType, ref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archcalc
from archcalc.executor.errors import ArrayError
from archcalc.executor.inputs import random_inputs
from archcalc.executor.interpreter import Interpreter, Run
from archcalc.executor.kernel import Array, owner
from archcalc.executor.weights import initial_arrays
from tests.executor.layers import read
from tests.random_networks import networks


def prepared(spec: str, *, shapes: str | None = None, batch: int = 1, training: bool = False) -> tuple[Any, ...]:
    graph = archcalc.load(spec, shapes=shapes).graph
    return graph, initial_arrays(graph, training=training), random_inputs(graph, batch=batch)


def same(ours: Any, theirs: Any) -> None:
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


# --- memory ---


@pytest.mark.slow
@settings(max_examples=60)
@given(text=networks(), seed=st.integers(0, 99), training=st.booleans())
def test_a_run_leaves_its_inputs_and_other_results_alone(text: str, seed: int, training: bool) -> None:
    graph = read(text)
    weights = initial_arrays(graph, seed=seed, training=True)
    inputs = random_inputs(graph, batch=2, seed=seed)
    before = {name: array.copy() for name, array in {**weights, **inputs}.items()}
    interpreter = Interpreter(graph, weights)
    try:
        kept = interpreter.run(inputs, training=training, seed=seed)
    except ValueError:
        assert training  # a batch norm over one number
        return
    first = {name: array.copy() for name, array in kept.outputs.items()}
    again = interpreter.run(inputs, training=training, seed=seed)
    same(first, again.outputs)
    same(kept.updates, again.updates)
    same(first, kept.outputs)
    same(before, {**weights, **inputs})


@pytest.mark.slow
@settings(max_examples=50)
@given(text=networks())
def test_kept_tensors_are_the_outputs_of_layers(text: str) -> None:
    graph = read(text)
    interpreter, inputs = Interpreter(graph, initial_arrays(graph)), random_inputs(graph)
    names = [node.name for _, node in graph.layers() if not node.training]
    seen: dict[str, Array] = {}
    interpreter.run(inputs, observe=lambda step: seen.update({step.node.name: step.outputs[0]}))
    same(seen, interpreter.run(inputs, keep=names).kept)


def test_the_memory_of_a_tensor_is_free_after_its_last_reader() -> None:
    graph, weights, inputs = prepared("4x8x8 -> conv 4 k3 -> bn -> relu -> tanh")
    tensors: list[ReferenceType[Any]] = []
    alive: list[int] = []

    def count(trace: Any) -> None:
        tensors.append(ref(owner(trace.outputs[0])))
        alive.append(sum(each() is not None for each in tensors))

    Interpreter(graph, weights).run(inputs, observe=count)
    assert alive == [1, 2, 2, 2]


def test_views_count_once() -> None:
    graph, weights, inputs = prepared("2x4x4 -> tanh -> add(reshape 4x4x2, reshape 4x4x2)")
    assert Interpreter(graph, weights).run(inputs).peak == 2 * 32 * 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spec", "shapes"), [("lenet5", None), ("resnet18", None), ("googlenet", "3x128x128"), ("unet", "1x284x284")]
)
def test_peak_is_at_most_that_of_the_analysis(spec: str, shapes: str | None) -> None:
    network = archcalc.load(spec, shapes=shapes)
    graph = network.graph
    interpreter = Interpreter(graph, initial_arrays(graph))
    estimate = network.analyze().memory()
    for _ in range(3):
        run = interpreter.run(random_inputs(graph))
        assert run.peak <= estimate.peak
        assert run.scratch < 5 * 2**20


def test_peak_is_that_of_one_example_times_the_batch() -> None:
    graph, weights, one = prepared("3x16x16 -> conv 8 k1 -> relu -> conv 8 k1 -> fc 4")
    many = {name: np.repeat(array, 6, 0) for name, array in one.items()}
    assert Interpreter(graph, weights).run(many).peak == 6 * Interpreter(graph, weights).run(one).peak


# --- outputs ---


@pytest.mark.slow
def test_heads_come_with_the_main_output_and_training_heads_in_training() -> None:
    graph, weights, inputs = prepared("googlenet", shapes="3x224x224", training=True)
    interpreter = Interpreter(graph, weights)
    assert [*interpreter.run(inputs).outputs] == ["head"]
    assert [*interpreter.run(inputs, training=True).outputs] == ["head", "aux1", "aux2"]


def test_training_heads_need_their_arrays_in_training_only() -> None:
    graph, weights, inputs = prepared("3x9x9 -> conv 2 k3 -> gap -> fc 2")
    assert Interpreter(graph, weights).run(inputs, training=True).outputs
    graph, weights, inputs = prepared("googlenet", shapes="3x224x224")
    with pytest.raises(ArrayError, match=r"aux1/conv\.weight is missing"):
        Interpreter(graph, weights).run(inputs, training=True)


def test_a_batch_gives_the_results_of_its_examples() -> None:
    graph, weights, inputs = prepared("resnet18", shapes="3x64x64", batch=3)
    interpreter = Interpreter(graph, weights)
    together = interpreter.run(inputs).output
    for example in range(3):
        alone = interpreter.run({name: array[example : example + 1] for name, array in inputs.items()}).output
        np.testing.assert_allclose(together[example : example + 1], alone, rtol=1e-3, atol=1e-6)


def test_both_number_formats_agree() -> None:
    network = archcalc.load("googlenet", shapes="3x96x96")
    single, double = (network.run(dtype=dtype).output for dtype in ("float32", "float64"))
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(single, double, rtol=1e-2, atol=1e-6)


def test_dropout_follows_the_seed() -> None:
    network = archcalc.load("1000 -> dropout 0.5")
    first, again, other = (network.run({"input": np.ones(1000)}, training=True, seed=n).output for n in (1, 1, 2))
    assert set(np.unique(first)) == {0.0, 2.0}
    assert (first == again).all()
    assert not (first == other).all()


def test_running_statistics_move_in_training_only() -> None:
    network = archcalc.load("4x9x9 -> bn")
    x = np.random.default_rng(0).normal(3, 2, (8, 4, 9, 9))
    assert not network.run({"input": x}).updates
    run: Run = network.run({"input": x}, training=True)
    assert sorted(run.updates) == ["bn_1.mean", "bn_1.variance"]
    np.testing.assert_allclose(run.updates["bn_1.mean"], 0.1 * x.mean((0, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(run.output.mean((0, 2, 3)), 0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "spec",
    [
        "resnet152",
        "3x64x64 -> conv 8 k3 half -> (conv 8 k3 half -> relu)*151 -> gap -> fc 10",
        "3x64x64 -> conv 8 k3 half -> (add(identity, conv 8 k3 half -> relu -> conv 8 k3 half))*75 -> gap -> fc 10",
        "3x64x64 -> conv 8 k3 half ws -> (conv 8 k3 half ws -> bn -> relu)*151 -> gap -> fc 10",
    ],
)
def test_activations_stay_in_range_through_152_layers(spec: str) -> None:
    graph, weights, inputs = prepared(spec, shapes="3x64x64")
    sizes: dict[str, float] = {}

    def note(step: Any) -> None:
        sizes[step.node.name] = float(np.abs(step.outputs[0]).max())

    run = Interpreter(graph, weights).run(inputs, observe=note)
    assert np.isfinite(run.output).all()
    assert run.output.std() > 0
    assert max(sizes.values()) < 1e5


# --- inputs that do not fit ---


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ({}, "the input 'input' is missing"),
        ({"input": np.zeros((1, 3, 8, 8), np.float32), "other": np.zeros(1)}, "there is no input 'other'"),
        ({"input": np.zeros((3, 8, 8), np.float32)}, "must have shape Nx3x8x8, got 3x8x8"),
        ({"input": np.zeros((0, 3, 8, 8), np.float32)}, "got 0x3x8x8"),
        ({"input": np.zeros((1, 3, 8, 8), np.float64)}, "must have the number format float32, got float64"),
    ],
)
def test_inputs_that_do_not_fit_are_named(inputs: dict[str, Array], problem: str) -> None:
    graph, weights, _ = prepared("3x8x8 -> conv 2 k3")
    with pytest.raises(ArrayError, match=problem):
        Interpreter(graph, weights).run(inputs)


def test_several_inputs_have_one_batch() -> None:
    graph = read("inputs: {a: 2x3, b: 2x3}\nlayers: add(@a, @b)\n")
    with pytest.raises(ArrayError, match="different numbers of examples"):
        Interpreter(graph, {}).run({"a": np.zeros((1, 2, 3)), "b": np.zeros((2, 2, 3))})


@pytest.mark.parametrize("dtype", ["float16", "longdouble"])
def test_other_number_formats_are_refused(dtype: str) -> None:
    graph = read("3x8x8 -> conv 2 k3 -> gelu")
    with pytest.raises(ArrayError, match="must have the number format float32 or float64"):
        Interpreter(graph, initial_arrays(graph, dtype=np.dtype(dtype)))
    with pytest.raises(ArrayError, match="must have the number format float32 or float64"):
        Interpreter(read("3x8x8 -> elu"), {}).run({"input": np.zeros((1, 3, 8, 8), dtype)})
