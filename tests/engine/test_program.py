"""Repeated runs: the places of their tensors, and the same results however workers divide and order the work."""

from __future__ import annotations

import gc
import random
import threading
import tracemalloc
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import inf
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archcalc
from archcalc.engine import runner as runners
from archcalc.engine import winograd, worker
from archcalc.engine.layout import ALIGNMENT, MemoryBlock, byte_ranges
from archcalc.engine.runner import MAX_BLOCKS, Runner
from archcalc.engine.worker import Worker
from archcalc.executor.inputs import random_inputs
from archcalc.executor.interpreter import Interpreter, Run
from archcalc.executor.kernel import Array
from archcalc.executor.weights import initial_arrays
from archcalc.graph import Graph
from tests.executor.layers import read
from tests.random_networks import networks

# --- places ---


@st.composite
def blocks(draw: st.DrawFn) -> list[MemoryBlock]:
    """Return blocks in the order in which they are taken; some outlive the run."""
    sizes = draw(st.lists(st.integers(0, 2_000), max_size=40))
    return [
        MemoryBlock(size, begin, draw(st.just(inf) | st.integers(begin + 1, len(sizes))))
        for begin, size in enumerate(sizes)
    ]


@given(blocks())
def test_blocks_that_are_live_at_the_same_time_do_not_overlap(blocks: list[MemoryBlock]) -> None:
    found = byte_ranges(blocks)
    for block, place in zip(blocks, found, strict=True):
        assert place.start % ALIGNMENT == 0
        assert place.stop - place.start >= block.size
    for moment in range(len(blocks)):
        taken = sorted(place for block, place in zip(blocks, found, strict=True) if block.begin <= moment < block.end)
        assert all(first.stop <= second.start for first, second in pairwise(taken))


def test_a_chain_needs_two_places() -> None:
    chain = [MemoryBlock(640, number, number + 2) for number in range(20)]
    assert set(byte_ranges(chain)) == {(0, 640), (640, 1280)}


def test_very_long_runs_are_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners, "RecordedProgram", lambda *_: pytest.fail("recorded"))
    graph = read(f"2x3x3 -> (conv 2 k1)*{MAX_BLOCKS}")
    runner, inputs = Runner(graph, initial_arrays(graph)), random_inputs(graph)
    first, second = (runner.run(inputs).output for _ in range(2))
    assert (first == second).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet50", "googlenet", "inception-v4", "xception", "mobilenet-v1"])
def test_later_runs_take_no_more_than_the_live_tensors(name: str) -> None:
    graph = archcalc.load(name, shapes="3x139x139").graph
    runner, inputs = Runner(graph, initial_arrays(graph)), random_inputs(graph)
    first, second, third = (runner.run(inputs) for _ in range(3))
    assert second.peak == third.peak <= 1.15 * first.peak
    assert (first.output == second.output).all()
    assert (first.output == third.output).all()


def test_buffers_that_grow_while_calls_are_recorded_are_stored_once() -> None:
    graph = archcalc.load("3x68x68 -> (conv C+24 k3)*5 -> gap").graph
    weights, inputs = initial_arrays(graph), random_inputs(graph)
    with mock.patch.object(winograd, "SLOWDOWN", 0.1):  # its buffers are not known from the first run
        Runner(graph, weights, winograd=True).run(inputs)
        tracemalloc.start()
        try:
            runner = Runner(graph, weights, winograd=True)
            runner.run(inputs)
            run = runner.run(inputs)
            gc.collect()
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert held <= run.peak + run.scratch + (1 << 20)


# --- results ---


class AlternatingWorkers:
    """Workers that take turns in one process: between two barriers, each does all of its work before or after any
    other."""

    def __init__(self, count: int, seed: int) -> None:
        self.workers = [Worker(number, count, self.barrier) for number in range(count)]
        self.random = random.Random(seed)
        self.go = [threading.Semaphore(0) for _ in self.workers]
        self.back = threading.Semaphore(0)
        self.own = threading.local()
        self.ended: list[int] = []
        self.errors: list[Exception] = []

    def allocate(self, size: int) -> Array:
        return np.full(size, 0xFF, np.uint8)  # NaN in every format

    def start(self, tasks: Sequence[Callable[[], None]]) -> Callable[[], None]:
        return lambda: self.together(tasks)

    def close(self) -> None:
        pass

    def together(self, tasks: Sequence[Callable[[], None]]) -> None:
        self.ended = []
        threads = [threading.Thread(target=self.follow, args=(number, task)) for number, task in enumerate(tasks)]
        for thread in threads:
            thread.start()
        while not self.ended:
            for number in self.random.sample(range(len(tasks)), len(tasks)):
                self.go[number].release()
                self.back.acquire()
        for thread in threads:
            thread.join(10)
        assert not self.errors
        assert len(self.ended) == len(tasks)  # all workers passed equally many barriers

    def follow(self, number: int, task: Callable[[], None]) -> None:
        self.own.number = number
        self.go[number].acquire()
        try:
            task()
        except Exception as error:
            self.errors.append(error)
        self.ended.append(number)
        self.back.release()

    def barrier(self) -> None:
        self.back.release()
        self.go[self.own.number].acquire()


def repeated(graph: Graph, count: int, batch: int = 1, seed: int = 0) -> None:
    """Require that a run repeated by this number of workers on other numbers gives what the interpreter gives."""
    weights = initial_arrays(graph, seed=seed)
    team = AlternatingWorkers(count, seed)
    runner = Runner(graph, weights)
    runner._team = lambda: team  # type: ignore[method-assign]
    names = [node.name for _, node in graph.layers() if not node.training]
    runner.run(random_inputs(graph, batch=batch, seed=seed), keep=names[:1])
    for turn in range(1, 3):
        inputs = random_inputs(graph, batch=batch, seed=seed + turn)
        expected = Interpreter(graph, weights).run(inputs, keep=names[:1])
        ours = runner.run(inputs, keep=names[:1])
        assert (runner._program is None) == runner._is_random  # those with random layers are not recorded
        same(ours, expected)


def same(ours: Run, expected: Run) -> None:
    for name, array in {**expected.outputs, **expected.kept}.items():
        scale = np.nanmax(np.abs(array), initial=0) or 1
        np.testing.assert_allclose(
            {**ours.outputs, **ours.kept}[name] / scale, array / scale, rtol=0, atol=1e-5, err_msg=name
        )


@pytest.mark.slow
@settings(max_examples=60)
@given(text=networks(), seed=st.integers(0, 99), count=st.integers(1, 3), batch=st.integers(1, 2), rows=st.booleans())
def test_workers_in_any_order_give_the_result_of_one(text: str, seed: int, count: int, batch: int, rows: bool) -> None:
    least = 1 if rows else worker.MIN_POSITIONS  # the networks are too small to be divided by rows otherwise
    with mock.patch.multiple(worker, MIN_POSITIONS=least, MIN_ROWS=1 if rows else worker.MIN_ROWS):
        repeated(read(text), count, batch, seed)


@pytest.mark.parametrize(
    "chain",
    [
        "maxpool k3 s1 p1 -> relu",
        "avgpool 2 -> bn",
        "concat(relu, tanh) -> relu -> bn",
        "upconv 6 k2 s2 -> relu",
        "lrn 3 -> relu",
        "mul(identity, gap -> conv 8 k1 -> sigmoid) -> relu",
        "conv 12 k3 half g4 -> bn -> relu",
        "conv 8 k3 half reflect weight_norm -> sepconv 8 k3 same circular -> linear 32 weight_norm",
        "dwconv k3 replicate p1 weight_norm -> relu",
        "conv 9 k1 g1 -> relu6 -> leaky_relu",
        "linear 5 -> relu",
        "upsample 2 -> relu -> upsample 2 bilinear -> tanh",
        "transpose 0x2x1 -> relu -> conv 4 k3",
        "slice 0:4 -> conv 4 k3 half -> elu -> prelu",
        "sepconv 10 k3 half -> hardswish",
        "reshape 4x2x32x32 -> relu",
        "conv 8 k3 half g2 -> maxout 2",
        "add(reshape 8x16x64 -> relu -> reshape 8x32x32, identity)",
        "sub(slice 0:8 step=1 -> relu -> tanh, transpose 0x2x1 -> relu)",
        "mul(identity, identity) -> add(identity, flatten -> reshape 8x32x32 -> sigmoid)",
        "concat(split 2 part=0 -> relu, split 2 part=1) -> adaptive_maxpool 5x7 -> upsample 3",
    ],
)
@pytest.mark.parametrize("count", [2, 3])
def test_layers_after_layers_with_another_division_of_work(chain: str, count: int) -> None:
    repeated(archcalc.load(f"8x32x32 -> conv 8 k3 half -> {chain} -> conv 3 k3 half").graph, count)


@pytest.mark.parametrize("chain", ["sepconv 2 k1", "dwconv k3", "conv 2 k1 g2", "conv 2 k3", "conv 1 k1"])
def test_more_workers_than_channels_are_not_an_error(chain: str) -> None:
    repeated(archcalc.load(f"2x5 -> {chain}").graph, 4)


@pytest.mark.parametrize(
    "text",
    [
        """
        input: 8x32x32
        layers:
          - conv 8 k3 half
          - s: conv 8 k3 half
          - v: reshape 4x2x32x32
          - conv 8 k3 half -> conv 8 k3 half
        heads:
          a: "@s -> relu"
          b: "@v -> tanh"
        """,
        """
        input: 8x32x32
        layers:
          - s: conv 8 k3 half
          - t: add(identity, slice 0:1 axis=1)
        heads:
          a: "@input -> relu"
        """,
    ],
    ids=["written in one shape and read in another", "read completely and in part"],
)
@pytest.mark.parametrize("count", [2, 3])
def test_workers_wait_between_different_views_of_the_same_memory(text: str, count: int) -> None:
    for seed in range(5):
        repeated(read(text), count, seed=seed)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "shape", "count"),
    [
        ("resnet18", "3x96x96", 1),
        ("resnet18", "3x96x96", 3),
        ("googlenet", "3x96x96", 2),
        ("mobilenet-v1", "3x96x96", 3),
        ("unet", "1x188x188", 2),
        ("alexnet", "3x99x99", 2),
        ("inception-v4", "3x139x139", 3),
        ("xception", "3x96x96", 2),
        ("lenet5-1998", "1x32x32", 2),
    ],
)
def test_bundled_networks_are_repeated_by_workers(name: str, shape: str, count: int) -> None:
    repeated(archcalc.load(name, shapes=shape).graph, count)


MIXED = (
    "4x12x12 -> conv 8 k3 half -> concat(relu, split 2 part=0 -> tanh, identity) -> bn -> relu -> maxpool k3 s1 half"
)


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(1, 3), st.booleans(), st.booleans(), st.booleans()), min_size=2, max_size=6))
def test_runs_of_different_kinds_do_not_disturb_each_other(
    runs: list[tuple[int, bool, bool, bool]],
) -> None:
    """Other batches, inputs in another memory order, kept tensors, training: each gives what it gives alone, and its
    results do not change afterwards."""
    graph = read(MIXED)
    weights = initial_arrays(graph)
    shared = Runner(graph, weights)
    given, expected = [], []
    for batch, reversed_order, keep, training in runs:
        x = random_inputs(graph, batch=batch)["input"]
        arrays = {"input": np.asfortranarray(x) if reversed_order else x}
        options = {"keep": ["conv_1", "relu_1"] if keep else [], "training": training}
        given.append(shared.run(arrays, **options))
        expected.append(Interpreter(graph, weights).run(arrays, **options))
    for ours, alone in zip(given, expected, strict=True):
        for name, array in {**alone.outputs, **alone.kept}.items():
            np.testing.assert_array_equal({**ours.outputs, **ours.kept}[name], array)
