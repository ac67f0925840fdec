"""The engine and the reference interpreter, compared with PyTorch eager, ONNX Runtime, and matrix products alone.

Every network runs in one process, all candidates in turn (A B A B …) on the same input and the same stored arrays, two
threads each; their outputs are compared before they are timed. Prints medians of the times, their ratios to PyTorch
(below 1: faster than PyTorch), the targets, and the peak memory compared with the estimate of the analysis. Candidates
that are not installed are skipped. There is a pause before every run, because the threads of BLAS and OpenMP poll for
more work for a tenth of a second, which would take a processor from the next candidate. ONNX Runtime optimises the
graph in advance (it folds batch norms); PyTorch eager and archcalc do not.

"engine" are repeated runs by as many workers as the others have threads, with one BLAS thread each, and with Winograd's
minimal filtering; "by definition" is without the latter; "one process" is also without workers, so only BLAS has
threads. "interpreter" is the reference that `verify` relies on: ordinary kernels, nothing reused from run to run.

"products" are the matrix products of the convolutions and fully connected layers, on matrices of their shapes that are
already in memory; depthwise convolutions have none. "peak memory" is that of a first run by tracemalloc, which traces
everything that NumPy allocates (tensors, temporaries, work buffers), plus parameters. "repeated" is the memory of all
workers by the page accounting of the system (Linux), plus parameters. The estimates are those of the analysis for
parameters and live tensors, plus the work buffers of the executor.

    python benchmarks/executor.py [--seconds N] [--threads N] [NETWORK …]
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
import tracemalloc
from collections.abc import Callable
from importlib.util import find_spec
from math import prod
from multiprocessing import active_children
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the counterparts of the layers are among the tests
NETWORKS = ("resnet18", "resnet50", "vgg-d", "googlenet", "mobilenet-v1", "unet")
TARGETS = {"engine": 1.0, "interpreter": 2.0}
"""The target of the time relative to PyTorch, at most, on `TARGET_NETWORKS`."""
TARGET_NETWORKS = ("resnet50", "vgg-d")
TOLERANCE = 1e-3
"""The largest difference of outputs, relative to the largest number: float32 sums in another order."""
PAUSE = 0.2
"""Seconds before every run, in which thread pools go to sleep."""
WARMUP_ROUNDS, MIN_ROUNDS, MAX_ROUNDS = 2, 5, 25


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--seconds", type=float, default=20, help="about how long each network is measured")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def engine(graph: Any, weights: Any, inputs: Any, **options: Any) -> Callable[[], Any]:
    """Return a function that repeats a run of the engine."""
    from archcalc.engine.runner import Runner

    runner = Runner(graph, weights, **options)
    return lambda: runner.run(inputs).output


def interpreter(graph: Any, weights: Any, inputs: Any) -> Callable[[], Any]:
    """Return a function that runs the reference interpreter."""
    from archcalc.executor.interpreter import Interpreter

    return lambda: Interpreter(graph, weights).run(inputs).output


def products(graph: Any) -> Callable[[], Any]:
    """Return a function that computes only the matrix products."""
    import numpy as np

    from archcalc.ops.conv import Conv
    from archcalc.ops.dense import FullyConnected

    rng = np.random.default_rng(0)
    operands = []
    for _, node in graph.layers():
        op, (shape, *_) = node.op, graph.input_shapes(node)
        if node.training:
            continue
        if isinstance(op, Conv):
            rows, sums, columns = (
                node.output[0] // op.groups,
                shape[0] // op.groups * prod(op.kernel),
                prod(node.output[1:]),
            )
            groups = op.groups
        elif isinstance(op, FullyConnected):
            groups, rows, sums, columns = 1, op.features, prod(shape), 1
        else:
            continue
        left = rng.standard_normal((groups, rows, sums), np.float32)
        right = rng.standard_normal((groups, sums, columns), np.float32)
        operands.append((left, right, np.empty((groups, rows, columns), np.float32)))

    def run() -> None:
        for left, right, result in operands:
            np.matmul(left, right, out=result)

    return run


def pytorch(graph: Any, weights: Any, inputs: Any, threads: int) -> Callable[[], Any]:
    """Return a function that runs the layers as PyTorch modules, freeing tensors after their last use."""
    import torch

    from tests.operators.torch_parts import counterpart

    torch.set_num_threads(threads)
    steps, last = [], {}
    for index, node in graph.layers():
        if node.training:
            continue
        last.update({ref.node: index for ref in node.inputs})
        module = None
        if node.op.name != "identity":
            module = counterpart(node.op, list(graph.input_shapes(node))).eval()
            own = [array for name, array in weights.items() if name.rpartition(".")[0] == node.name]
            stored = [*module.parameters(), *(b for name, b in module.named_buffers() if "num_batches" not in name)]
            with torch.no_grad():
                for tensor, array in zip(stored, own, strict=True):
                    tensor.copy_(torch.from_numpy(array).reshape(tensor.shape))
        steps.append((index, module, [ref.node for ref in node.inputs]))
    main = next(iter(graph.outputs.values())).node
    given = {index: torch.from_numpy(inputs[node.name]) for index, node in enumerate(graph.nodes) if node.is_input}

    def run() -> Any:
        with torch.inference_mode():
            tensors = dict(given)
            for index, module, sources in steps:
                read = [tensors[source] for source in sources]
                tensors[index] = read[0] if module is None else module(*read)
                for source in set(sources):
                    if last[source] == index and source != main:
                        del tensors[source]
            return tensors[main].numpy()

    return run


def onnx_runtime(graph: Any, weights: Any, inputs: Any, threads: int) -> Callable[[], Any]:
    """Return a function that runs the layers as an ONNX model."""
    from archcalc.writers.onnx.write import write_onnx
    from tests.executor.onnx_models import given, session

    model = session(write_onnx(graph, weights), threads)
    arrays = given(model, inputs)
    return lambda: model.run(None, arrays)[0]


def peak(run: Callable[[], Any]) -> int:
    """Return the peak of the bytes that a run allocates."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    run()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most - before


def pages() -> int:
    """Return the bytes of memory of this process and its children; shared memory counts once."""
    total = 0
    for process in (os.getpid(), *(each.pid for each in active_children())):
        with open(f"/proc/{process}/smaps_rollup") as file:
            total += next(int(line.split()[1]) for line in file if line.startswith("Pss:")) * 1024
    return total


def repeated(graph: Any, weights: Any, inputs: Any, workers: int) -> tuple[int, int]:
    """Return the bytes that repeated runs take, and those of work buffers."""
    from archcalc.engine.runner import Runner

    gc.collect()
    before = pages()
    with Runner(graph, weights, workers=workers, winograd=True) as runner:
        for _ in range(3):
            run = runner.run(inputs)
        return pages() - before, run.scratch


def measure(name: str, seconds: float, threads: int) -> None:
    """Time one network and print its rows."""
    import numpy as np

    import archcalc
    from archcalc.executor.inputs import random_inputs
    from archcalc.executor.interpreter import Interpreter
    from archcalc.executor.weights import initial_arrays

    network = archcalc.load(name)
    graph = network.graph
    weights, inputs = initial_arrays(graph), random_inputs(graph)
    runs: list[Any] = []
    allocated = peak(lambda: runs.append(Interpreter(graph, weights).run(inputs)))
    shared_bytes = repeated(graph, weights, inputs, threads) if os.path.exists("/proc/self/smaps_rollup") else None
    candidates = {
        "engine": engine(graph, weights, inputs, workers=threads, winograd=True),
        "by definition": engine(graph, weights, inputs, workers=threads),
        "one process": engine(graph, weights, inputs),
        "interpreter": interpreter(graph, weights, inputs),
        "products": products(graph),
    }
    if find_spec("torch"):
        candidates["PyTorch eager"] = pytorch(graph, weights, inputs, threads)
    if find_spec("onnxruntime") and find_spec("onnx"):
        candidates["ONNX Runtime"] = onnx_runtime(graph, weights, inputs, threads)
    expected = candidates["interpreter"]()
    for other, run in candidates.items():
        if other != "products":
            difference = float(np.abs(run() - expected).max() / np.abs(expected).max())
            assert difference < TOLERANCE, f"{name}: {other} differs by {difference:.1e}"
    times: dict[str, list[float]] = {each: [] for each in candidates}
    end = time.perf_counter() + seconds
    for number in range(MAX_ROUNDS + WARMUP_ROUNDS):
        for each, run in candidates.items():
            time.sleep(PAUSE)
            begin = time.perf_counter()
            run()
            if number >= WARMUP_ROUNDS:  # after the recording, with warm caches and buffers
                times[each].append(time.perf_counter() - begin)
        if number >= WARMUP_ROUNDS + MIN_ROUNDS and time.perf_counter() > end:
            break
    base = median(times.get("PyTorch eager", times["interpreter"]))
    print(f"{network.name} ({len(times['engine'])} rounds)", flush=True)
    for each, found in times.items():
        print(f"  {each:14} {median(found) * 1e3:8.1f} ms  min {min(found) * 1e3:8.1f}  {median(found) / base:5.2f} ×")
    memory = network.analyze().memory()
    estimate, used = memory.params + memory.peak + runs[0].scratch, memory.params + allocated
    print(f"  peak memory {used / 2**20:,.1f} MiB, estimate {estimate / 2**20:,.1f}: {used / estimate:.2f} ×")
    if shared_bytes is not None:
        used, estimate = memory.params + shared_bytes[0], memory.params + memory.peak + shared_bytes[1]
        print(f"  repeated    {used / 2**20:,.1f} MiB, estimate {estimate / 2**20:,.1f}: {used / estimate:.2f} ×")
    for each, most in TARGETS.items() if name in TARGET_NETWORKS and "PyTorch eager" in times else ():
        print(f"  target: {each} at most {most} times PyTorch: {median(times[each]) / base:.2f}")


def main() -> None:
    options = arguments()
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(options.threads)  # before NumPy is imported
    for name in options.networks:
        measure(name, options.seconds, options.threads)
        gc.collect()


if __name__ == "__main__":
    main()
