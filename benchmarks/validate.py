"""Many specs: `archcalc validate` on 1,000 and 10,000 files, in one process and in one per processor, then unchanged.

The files are copies of eight bundled specs, from LeNet to GoogLeNet. Prints the elapsed time, the processor time (which
is more reliable on a busy machine), the specs per second, and the peak memory of the main process and of the largest
other process.

    python benchmarks/validate.py [FILES …]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

from archcalc.api import load

ROOT = Path(__file__).resolve().parent.parent
SIZES = (1_000, 10_000)
SPECS = ("lenet5", "alexnet", "vgg-d", "lenet5-1998", "resnet18", "mobilenet-v1", "unet", "googlenet")


def fill(folder: Path, files: int) -> int:
    """Write specs, a hundred per folder, and return their total number of layers."""
    texts = [(ROOT / "specs" / f"{name}.yaml").read_text(encoding="utf-8") for name in SPECS]
    for index, text in enumerate(islice(cycle(texts), files)):
        place = folder / f"{index // 100:04}"
        place.mkdir(exist_ok=True)
        place.joinpath(f"{index:06}.yaml").write_text(text, encoding="utf-8")
    layers = [sum(1 for _ in load(name).graph.layers()) for name in SPECS]
    return sum(islice(cycle(layers), files))


def run(folder: Path, *options: str) -> list[float]:
    """Return elapsed and processor seconds, and the peak memory in MiB of the main and of the largest other process."""
    code = (
        "import resource, sys\n"
        "from archcalc.cli import status_of\n"
        "status = status_of(['validate', '-q', *sys.argv[1:]])\n"
        "used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]\n"
        "print(sum(each.ru_utime + each.ru_stime for each in used), file=sys.stderr)\n"
        "print(*(each.ru_maxrss / 1024 for each in used), file=sys.stderr)\n"
        "sys.exit(status)\n"
    )
    start = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-c", code, *options, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": f"{folder}/.caches"},
    )
    return [time.perf_counter() - start, *map(float, ran.stderr.split())]


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or list(SIZES)
    print(f"{'specs':>7}  {'layers':>9}  {'processes':>12}  {'s':>6}  {'CPU s':>6}  specs/s  {'MiB':>5}  MiB of others")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            layers = fill(Path(folder), size)
            several = str(len(os.sched_getaffinity(0)))
            kinds = {"1": ("--jobs", "1", "--no-cache"), several: ("--jobs", several), "1, unchanged": ("--jobs", "1")}
            for kind, options in kinds.items():
                seconds, work, own, others = run(Path(folder), *options)
                print(f"{size:7,}  {layers:9,}  {kind:>12}  {seconds:6.1f}  {work:6.1f}  {size / seconds:7.0f}", end="")
                print(f"  {own:5.0f}  {others:5.0f}", flush=True)


if __name__ == "__main__":
    main()
