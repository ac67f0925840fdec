"""The places of blocks, and what comes of runs that take other courses than the one before."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import archcalc
from archcalc.executor.inputs import random_inputs
from archcalc.executor.kernels import pool
from archcalc.executor.memory import ALIGNED, MOST_BLOCKS, Block, places
from archcalc.executor.runner import Runner
from archcalc.executor.weights import initial
from tests.executor.layers import read


@st.composite
def runs(draw: st.DrawFn) -> list[Block]:
    """Blocks in the order in which they are taken; some outlive the run."""
    sizes = draw(st.lists(st.integers(0, 2_000), max_size=40))
    return [
        Block(size, begin, draw(st.none() | st.integers(begin + 1, len(sizes)))) for begin, size in enumerate(sizes)
    ]


@given(runs())
def test_blocks_alive_at_the_same_time_have_places_apart(blocks: list[Block]) -> None:
    found = places(blocks)
    for block, place in zip(blocks, found, strict=True):
        assert (place is None) == (block.end is None)
        if place is not None:
            assert place.start % ALIGNED == 0
            assert place.stop - place.start >= block.size
    for moment in range(len(blocks)):
        taken = sorted(
            place
            for block, place in zip(blocks, found, strict=True)
            if place is not None and block.end is not None and block.begin <= moment < block.end
        )
        assert all(first.stop <= second.start for first, second in pairwise(taken))


def test_a_chain_needs_two_places() -> None:
    chain = [Block(640, number, number + 2) for number in range(20)]
    assert {place for place in places(chain) if place is not None} == {(0, 640), (640, 1280)}


def test_very_long_runs_are_not_planned() -> None:
    assert not any(places([Block(64, number, number + 1) for number in range(MOST_BLOCKS + 1)]))


@pytest.mark.parametrize("name", ["resnet50", "googlenet", "inception-v4", "xception", "mobilenet-v1"])
def test_later_runs_take_no_more_than_was_alive(name: str) -> None:
    graph = archcalc.load(name, shapes="3x139x139").graph
    runner, inputs = Runner(graph, initial(graph)), random_inputs(graph)
    first, second, third = (runner.run(inputs) for _ in range(3))
    assert second.peak == third.peak <= 1.15 * first.peak
    assert (first.output == second.output).all()
    assert (first.output == third.output).all()


def test_tensors_of_later_runs_begin_at_lines_of_the_cache() -> None:
    graph = read("3x9x9 -> conv 5 k3 -> relu -> conv 7 k3 -> tanh -> fc 2")
    runner, inputs = Runner(graph, initial(graph)), random_inputs(graph)
    starts: list[int] = []
    for _ in range(2):
        starts.clear()
        runner.run(inputs, observe=lambda step: starts.append(step.outputs[0].ctypes.data % ALIGNED))
    assert starts[:-1] == [0] * 4  # the last tensor is the caller's


@pytest.mark.parametrize(
    "spec",
    [
        "16x256x256 -> maxpool k3 s2",
        "16x512x512 -> concat(relu, tanh)",
        "64x1000 -> conv 64 k64 half",
        "16x256x256 -> upsample 2 bilinear",
        "3x512x512 -> upsample 2 bilinear",
        "16x256x256 -> upsample to=500x500",
        "16x256x256 -> prelu",
        "16x512x512 -> ln",
    ],
)
def test_a_run_takes_what_is_estimated(spec: str) -> None:
    (check,) = archcalc.load(spec).verify(["memory"])
    assert check.compared
    assert check.holds, check.detail


@pytest.mark.parametrize("chain", ["sepconv 8 k3 half", "conv 8 k5 half", "upconv 8 k4 s2", "lrn 5", "maxpool k3 s1"])
def test_work_buffers_do_not_grow_with_the_batch(chain: str) -> None:
    graph = read(f"4x100x100 -> {chain}")
    one, many = (Runner(graph, initial(graph)).run(random_inputs(graph, batch=batch)) for batch in (1, 5))
    assert 0 < one.scratch == many.scratch


def test_maps_too_large_for_one_row_are_pooled_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = archcalc.load("2x40x30 -> maxpool k3 s1 half -> avgpool k2 s1 p0:1x1 -> maxpool k2 s1 d2 pad=full").graph
    inputs = random_inputs(graph)
    expected = Runner(graph, {}).run(inputs)
    assert expected.scratch
    monkeypatch.setattr(pool, "LONGEST_ROW", 0)
    found = Runner(graph, {}).run(inputs)
    assert not found.scratch
    np.testing.assert_array_equal(found.output, expected.output)


MIXED = (
    "4x12x12 -> conv 8 k3 half -> concat(relu, split 2 part=0 -> tanh, identity) -> bn -> relu -> maxpool k3 s1 half"
)


@given(st.lists(st.tuples(st.integers(1, 3), st.booleans(), st.booleans(), st.booleans()), min_size=2, max_size=6))
def test_runs_of_different_kinds_do_not_disturb_each_other(
    courses: list[tuple[int, bool, bool, bool]],
) -> None:
    """Other batches, inputs in another order of memory, tensors that are kept, training: each as if it were alone, and
    what it gave stays as it was."""
    graph = read(MIXED)
    weights = initial(graph)
    shared = Runner(graph, weights)
    given, expected = [], []
    for batch, reversed_order, keep, training in courses:
        x = random_inputs(graph, batch=batch)["input"]
        course = {"input": np.asfortranarray(x) if reversed_order else x}
        options = {"keep": ["conv_1", "relu_1"] if keep else [], "training": training}
        given.append(shared.run(course, **options))
        expected.append(Runner(graph, weights).run(course, **options))
    for ours, alone in zip(given, expected, strict=True):
        for name, array in {**alone.outputs, **alone.kept}.items():
            np.testing.assert_array_equal({**ours.outputs, **ours.kept}[name], array)
