"""Many specs: `archcalc validate` over 1,000 and 10,000 files, in one process and in as many as there are processors.

The files are copies of a few bundled specs, each with a width of its own, among them deep ones. Prints the seconds of
the whole process, the specs per second, and the peak memory of the main process and of the largest of the others.

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

ROOT = Path(__file__).resolve().parent.parent
SIZES = (1_000, 10_000)
SPECS = ("lenet5", "alexnet", "vgg-d", "lenet5-1998", "resnet18", "mobilenet-v1", "unet", "googlenet")


def fill(folder: Path, files: int) -> int:
    """Write so many specs, a hundred to a folder; how many layers they have together is that of their originals."""
    texts = [(ROOT / "specs" / f"{name}.yaml").read_text(encoding="utf-8") for name in SPECS]
    for index, text in enumerate(islice(cycle(texts), files)):
        place = folder / f"{index // 100:04}"
        place.mkdir(exist_ok=True)
        place.joinpath(f"{index:06}.yaml").write_text(text, encoding="utf-8")
    return files


def run(folder: Path, *options: str) -> tuple[float, float, float]:
    """Seconds, and the peak memory in MiB of the main process and of the largest of its own."""
    code = (
        "import resource, sys\n"
        "from archcalc.cli import run\n"
        "status = run(['validate', '-q', '--ignore', 'field-past-input,dropped-border', *sys.argv[1:]])\n"
        "for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):\n"
        "    print(resource.getrusage(who).ru_maxrss / 1024, file=sys.stderr)\n"
        "sys.exit(status)\n"
    )
    start = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-c", code, *options, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    seconds = time.perf_counter() - start
    own, others = map(float, ran.stderr.split())
    return seconds, own, others


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or list(SIZES)
    print(f"{'specs':>7}  {'processes':>9}  {'seconds':>7}  {'specs/s':>7}  {'MiB':>5}  MiB of the largest other")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            fill(Path(folder), size)
            for jobs in (1, len(os.sched_getaffinity(0))):
                seconds, own, others = run(Path(folder), "--jobs", str(jobs))
                print(f"{size:7,}  {jobs:9}  {seconds:7.1f}  {size / seconds:7.0f}  {own:5.0f}  {others:5.0f}")


if __name__ == "__main__":
    main()
