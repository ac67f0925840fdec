"""Sweeps: a million configurations of MobileNet (width and resolution), compared with analysing them one by one.

Prints seconds, configurations per second and peak memory, each sweep in a process of its own; the loop is timed on a
sample of the same configurations. With CONFIGURATIONS, a sweep of about that many is measured as well:

    python benchmarks/sweep.py [CONFIGURATIONS]
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from fractions import Fraction
from math import isqrt
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = 200


def arguments(side: int) -> list[str]:
    """Return the options for a grid of ``side`` widths from 0.25 to 1 and as many resolutions from 32 on."""
    step = Fraction(3, 4) / (side - 1)
    return ["--set", f"alpha=0.25:1:{step}", "--set", f"rho=32/224:{31 + side}/224:1/224"]


METHODS = {
    "the ten smallest (--sort macs --top 10)": ["--sort", "macs", "--top", "10"],
    "a condition (--where ... --sort -params --top 10)": [
        "--where",
        "macs <= 300M",
        "--sort",
        "-params",
        "--top",
        "10",
    ],
    "a Pareto front (--pareto params,max:macs)": ["--pareto", "params,max:macs"],
    "every row as CSV": ["--format", "csv"],
}


def run(options: list[str]) -> tuple[float, float]:
    """Return the seconds and the peak memory in MiB of one sweep as a process."""
    code = (
        "import resource, sys; from archcalc.cli import status_of; status = status_of(sys.argv[1:]); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=sys.stderr); sys.exit(status)"
    )
    start = time.perf_counter()
    process = subprocess.run(
        [sys.executable, "-c", code, "sweep", "mobilenet-v1", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return time.perf_counter() - start, float(process.stderr.split()[-1])


def loop(side: int) -> float:
    """Return the seconds per configuration when each is read and analysed on its own."""
    import archcalc

    places = [(index * 7919 % side, index * 104729 % side) for index in range(SAMPLE)]
    start = time.perf_counter()
    for width, resolution in places:
        alpha = Fraction(1, 4) + Fraction(3, 4) / (side - 1) * width
        settings = {"alpha": str(alpha), "rho": f"{32 + resolution}/224"}
        archcalc.load("mobilenet-v1", set=settings).analyze()
    return (time.perf_counter() - start) / SAMPLE


def main() -> None:
    print(f"{'':50} {'configurations':>14}  {'s':>7}  {'per second':>11}  {'peak MiB':>8}  ratio")
    each = loop(1000)
    print(f"{'one by one (load, analyze), from a sample':50} {1_000_000:14,}  {each * 1e6:7.0f}  {1 / each:11,.0f}")
    for name, options in METHODS.items():
        seconds, peak = run([*arguments(1000), *options])
        ratio = each * 1e6 / seconds
        print(f"{name:50} {1_000_000:14,}  {seconds:7.2f}  {1e6 / seconds:11,.0f}  {peak:8.0f}  {ratio:,.0f}")
    if len(sys.argv) > 1:
        side = isqrt(int(sys.argv[1]))
        seconds, peak = run([*arguments(side), "--sort", "macs", "--top", "10"])
        print(f"{'many: the ten smallest':50} {side**2:14,}  {seconds:7.1f}  {side**2 / seconds:11,.0f}  {peak:8.0f}")


if __name__ == "__main__":
    main()
