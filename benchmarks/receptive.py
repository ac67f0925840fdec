"""Receptive fields of 1,000, 10,000 and 100,000 layers: the closed form of all layers, and one unit of the last.

Prints seconds (the best of three) and microseconds per layer with their ratio to the smallest network (1.00 is linear).

    python benchmarks/receptive.py [LAYERS …]
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable

import archcalc
from archcalc.analysis.receptive import receptive_fields
from archcalc.analysis.unit import trace_back

SIZES = (1_000, 10_000, 100_000)
NETWORKS = {
    "chain": ("8x32x32 -> (conv 8 k3 half -> relu)*{}", 2),
    "residual": ("8x32x32 -> (add(identity, conv 8 k3 half -> bn) -> relu)*{}", 4),
    "U-shaped, 4 phases": (
        "8x32x32 -> maxpool 4 -> upsample 4 bilinear -> (add(identity, conv 8 k3 half -> bn) -> relu)*{}",
        4,
    ),
    "dilated": ("8x256 -> (conv 8 k3 d2 half -> conv 8 k2 d16 same)*{}", 2),
}


def seconds(work: Callable[[], object]) -> float:
    """Return the shortest of three times in seconds."""
    times = []
    for _ in range(3):
        gc.collect()
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or SIZES
    gc.disable()
    print(
        f"{'network':20} {'layers':>8} {'all fields':>11} {'µs/layer':>9} {'ratio':>6} {'one unit':>9} {'µs/layer':>9}"
    )
    for name, (spec, per_repeat) in NETWORKS.items():
        smallest = 0.0
        for size in sizes:
            graph = archcalc.load(spec.format(size // per_repeat)).graph
            last = len(graph.nodes) - 1
            unit = tuple(n // 3 for n in graph.nodes[last].output[1:])
            fields = seconds(lambda graph=graph: receptive_fields(graph))  # type: ignore[misc]
            one = seconds(lambda graph=graph, last=last, unit=unit: trace_back(graph, last, unit, clip=True))  # type: ignore[misc]
            each = fields / last * 1e6
            smallest = smallest or each
            print(
                f"{name:20} {last:8,} {fields:9.2f} s {each:9.1f} {each / smallest:6.2f}"
                f" {one:7.2f} s {one / last * 1e6:9.1f}"
            )


if __name__ == "__main__":
    main()
