"""The backward pass, compared with the forward pass of the reference interpreter.

Both run in turn in one process, on the same arrays, with the gradients of all inputs' layers and trained arrays but not
of the inputs, as in training. Prints the ratio of the medians of their processor times, and the target, at most 3. A
pass has two matrix products for each of the forward pass, so the ratio is about 2 where these prevail. Both use one
thread, because threads of a matrix product that wait for each other also take processor time.

    python benchmarks/backward.py [--rounds N] [--batch N] [NETWORK …]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
NETWORKS = ("resnet18", "googlenet", "mobilenet_v2", "vit_b_16", "unet", "alexnet")
TARGET = 3.0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=4)
    return parser.parse_args()


def ratio(name: str, *, batch: int, rounds: int) -> tuple[float, float]:
    """Return the median processor times of the forward and of the backward pass."""
    import archcalc
    from archcalc.executor.backward import gradients
    from archcalc.executor.inputs import random_inputs
    from archcalc.executor.interpreter import Interpreter
    from archcalc.executor.losses import Loss, sum_loss
    from archcalc.executor.paths import Paths
    from archcalc.executor.weights import initial_arrays

    graph = archcalc.load(name).graph
    weights, inputs = initial_arrays(graph), random_inputs(graph, batch=batch)
    loss = Loss({output: sum_loss() for output in graph.outputs})
    names = [each for each in Paths.derivable(graph, graph.outputs, training=False) if each not in inputs]
    interpreter = Interpreter(graph, weights)
    forward, both = [], []
    for _ in range(rounds):
        forward.append(processor_time(lambda: interpreter.run(inputs)))
        both.append(processor_time(lambda: gradients(graph, inputs, weights, loss, names)))
    return median(forward), median(both) - median(forward)


def processor_time(function: Any) -> float:
    begin = time.process_time()
    function()
    return time.process_time() - begin


def main() -> None:
    chosen = arguments()
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"  # before NumPy is imported
    print(f"batch {chosen.batch}, target at most {TARGET:g}")
    print(f"{'network':16} {'forward':>9} {'backward':>9} {'ratio':>6}")
    for name in chosen.networks:
        forward, backward = ratio(name, batch=chosen.batch, rounds=chosen.rounds)
        print(f"{name:16} {forward:8.2f}s {backward:8.2f}s {backward / forward:6.2f}", flush=True)


if __name__ == "__main__":
    main()
