"""Several processes: their results, and how they end."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from multiprocessing import active_children

import numpy as np
import pytest

import archcalc
from archcalc.engine import runner as runners
from archcalc.engine import workers
from archcalc.engine.runner import CAN_FORK, Runner
from archcalc.executor.inputs import random_inputs
from archcalc.executor.interpreter import Interpreter
from archcalc.executor.weights import initial_arrays

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="several workers need a system that forks processes")
NET = (
    "3x48x48 -> conv 16 k3 half -> bn -> relu -> maxpool 2 -> conv 40 k3 half -> bn -> relu -> gap -> fc 10 -> softmax"
)


@pytest.fixture
def runner() -> Iterator[Runner]:
    graph = archcalc.load(NET).graph
    with Runner(graph, initial_arrays(graph), workers=2) as runner:
        yield runner


def until(condition: Callable[[], bool]) -> bool:
    """Return whether a condition becomes true within a few seconds."""
    end = time.monotonic() + 20
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


@pytest.mark.parametrize("count", [2, 3])
def test_workers_give_the_result_of_one(count: int) -> None:
    graph = archcalc.load(NET).graph
    weights = initial_arrays(graph)
    with Runner(graph, weights, workers=count) as several:
        for seed in range(5):
            inputs = random_inputs(graph, seed=seed)
            expected = Interpreter(graph, weights).run(inputs).output
            np.testing.assert_allclose(several.run(inputs).output, expected, rtol=1e-4, atol=1e-6)
            assert len(active_children()) == (count - 1 if seed else 0)  # from the second run on


def test_other_kinds_of_runs_are_correct_as_well(runner: Runner) -> None:
    alone = Interpreter(runner.graph, runner.weights)
    for batch in (1, 1, 2, 1, 2, 2, 2):
        inputs = random_inputs(runner.graph, batch=batch, seed=batch)
        for options in ({}, {"keep": ["conv_1"]}, {"training": True}):
            ours, theirs = (each.run(inputs, **options) for each in (runner, alone))
            for name, array in {**theirs.outputs, **theirs.kept}.items():
                np.testing.assert_allclose({**ours.outputs, **ours.kept}[name], array, rtol=1e-4, atol=1e-6)


def test_they_end_with_the_runner(runner: Runner) -> None:
    inputs = random_inputs(runner.graph)
    runner.run(inputs)
    runner.run(inputs)
    assert active_children()
    runner.close()
    assert not active_children()
    assert runner.run(inputs).output.shape == (1, 10)


def test_they_end_when_the_runner_is_garbage_collected() -> None:
    graph = archcalc.load(NET).graph
    runner, inputs = Runner(graph, initial_arrays(graph), workers=2), random_inputs(graph)
    runner.run(inputs)
    runner.run(inputs)
    del runner
    gc.collect()
    assert until(lambda: not active_children())


def test_a_worker_that_has_ended_is_an_error_and_the_next_run_succeeds(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "CHECK_INTERVAL", 0.05)
    inputs = random_inputs(runner.graph)
    expected = runner.run(inputs).output
    runner.run(inputs)
    (process,) = active_children()
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    with pytest.raises(OSError, match=r"has ended|pipe"):
        runner.run(inputs)
    for _ in range(3):
        np.testing.assert_allclose(runner.run(inputs).output, expected, rtol=1e-4)


def test_they_end_with_a_process_that_is_killed() -> None:
    script = f"""
import archcalc, os, signal
from multiprocessing import active_children
from archcalc.executor.inputs import random_inputs
from archcalc.engine.runner import Runner
from archcalc.executor.weights import initial_arrays
graph = archcalc.load({NET!r}).graph
runner = Runner(graph, initial_arrays(graph), workers=2)
for _ in range(2):
    runner.run(random_inputs(graph))
print(active_children()[0].pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    worker = int(done.stdout)
    assert until(lambda: not alive(worker))


def alive(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_forked_process_leaves_workers_to_its_parent(runner: Runner) -> None:
    inputs, others = (random_inputs(runner.graph, seed=seed) for seed in range(2))
    runner.run(inputs)
    expected, ids = runner.run(inputs).output, [process.pid for process in active_children()]
    with warnings.catch_warnings():  # Python 3.12 warns of threads
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:  # its exit status says whether it succeeded
        try:
            expected = Interpreter(runner.graph, runner.weights).run(others).output
            for _ in range(3):
                np.testing.assert_allclose(runner.run(others).output, expected, rtol=1e-4, atol=1e-6)
            runner.close()
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    np.testing.assert_array_equal(runner.run(inputs).output, expected)
    assert [process.pid for process in active_children()] == ids


def test_they_print_nothing_and_leave_no_files() -> None:
    script = f"""
import archcalc
from archcalc.executor.inputs import random_inputs
from archcalc.engine.runner import Runner
from archcalc.executor.weights import initial_arrays
graph = archcalc.load({NET!r}).graph
runner = Runner(graph, initial_arrays(graph), workers=3)
print("begin", end=" ")
for _ in range(3):
    runner.run(random_inputs(graph))
print("end")
"""
    options = ["-W", "error"]
    done = subprocess.run([sys.executable, *options, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "begin end\n", "")


def test_a_system_without_forks_has_one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners, "CAN_FORK", False)
    graph = archcalc.load(NET).graph
    runner, inputs = Runner(graph, initial_arrays(graph), workers=2), random_inputs(graph)
    first, second = (runner.run(inputs).output for _ in range(2))
    assert runner.workers == 1
    assert not active_children()
    assert (first == second).all()


def test_there_is_at_least_one_worker() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Runner(archcalc.load(NET).graph, {}, workers=0)
