"""Latency: `archcalc show resnet50` as a process, compared with importing the libraries that such a program uses.

Prints medians of interleaved runs (A B A B …) and their ratio to the first; the target is at most 1.5, and at most 3
for a model file. Byte code is compiled in advance to a separate folder, as in an installed package.

    python benchmarks/latency.py [RUNS [FILE]]

FILE is a model, for example ResNet-50 as `torch.export.save` writes it. It is also shown with 400 MB of weights added,
which should not take longer, because weights are not read.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
BASELINE = "import click, yaml, rich.console, rich.table"
COMMANDS = {
    BASELINE: ["-c", BASELINE],
    "archcalc show resnet50": ["-m", "archcalc", "show", "resnet50"],
    "archcalc show resnet50 --format rich": ["-m", "archcalc", "show", "resnet50", "--format", "rich"],
    "archcalc show resnet50 --format json": ["-m", "archcalc", "show", "resnet50", "--format", "json"],
}


WEIGHTS = 400_000_000
"""The number of bytes that are added to a model file."""


def with_weights(file: Path, folder: Path) -> Path:
    """Return a copy of a model file in a folder, with weights added."""
    copy = folder / f"{file.stem}-with-weights{file.suffix}"
    shutil.copyfile(file, copy)
    with zipfile.ZipFile(copy, "a") as archive:
        top = archive.namelist()[0].split("/")[0]
        with archive.open(f"{top}/data/weights/weight_added", "w", force_zip64=True) as member:
            for _ in range(WEIGHTS // 1_000_000):
                member.write(bytes(1_000_000))
    return copy


def seconds(command: list[str], environment: dict[str, str]) -> float:
    """Return the wall-clock time of one process in seconds."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, env=environment, cwd=ROOT, check=True)
    return time.perf_counter() - start


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 21
    files = [Path(name).resolve() for name in sys.argv[2:]]
    with tempfile.TemporaryDirectory() as compiled:
        files += [with_weights(file, Path(compiled)) for file in files]
        commands = COMMANDS | {f"archcalc show {file.name}": ["-m", "archcalc", "show", str(file)] for file in files}
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = compiled
        times: dict[str, list[float]] = {name: [] for name in commands}
        for run in range(runs + 2):
            for name, command in commands.items():
                taken = seconds(command, environment)
                if run >= 2:  # the first rounds compile and warm the caches
                    times[name].append(taken)
    first = median(times[BASELINE])
    for name, found in times.items():
        print(f"{median(found) * 1000:7.1f} ms  {median(found) / first:5.2f} ×  {name}")


if __name__ == "__main__":
    main()
