"""Scale: networks of 1,000, 10,000 and 100,000 layers, as a flat file and as a repeated group.

Prints the seconds for reading, for the analysis (with the receptive fields of every layer) and for `archcalc show
--format csv` as a whole; the microseconds per layer of the last, and their ratio to those of the smallest network (1.00
is linear). Every network is measured in a process of its own.

    python benchmarks/scale.py [LAYERS …]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SIZES = (1_000, 10_000, 100_000)
BODY = ("conv 8 k3 half", "bn", "relu", "add(identity, conv 8 k1)")
"""Five layers, one of them in a branch."""
LAYERS = 5


def flat(layers: int) -> str:
    """Return a spec with one line per layer."""
    lines = "\n".join(f"  - {layer}" for _ in range(layers // LAYERS) for layer in BODY)
    return f"input: 8x16x16\nlayers:\n{lines}\n"


def repeated(layers: int) -> str:
    """Return a spec of the same network as one repeated group."""
    return f"input: 8x16x16\nlayers:\n  - net: ({' -> '.join(BODY)})*{layers // LAYERS}\n"


FORMS = {"flat file": flat, "repeats": repeated}


def measure(path: str) -> None:
    """Time the steps for one file and print them; runs in a process of its own."""
    import resource

    from click.testing import CliRunner

    from archcalc.api import load
    from archcalc.cli import cli

    start = time.perf_counter()
    network = load(path)
    read = time.perf_counter()
    analysis = network.analyze()
    analysed = time.perf_counter()
    del network, analysis
    before = time.perf_counter()
    shown = CliRunner().invoke(cli, ["show", path, "--format", "csv"], catch_exceptions=False)
    whole = time.perf_counter() - before
    assert shown.exit_code == 0, shown.output
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(read - start, analysed - read, whole, peak)


def run(path: Path) -> list[float]:
    """Return the numbers that `measure` prints."""
    command = [sys.executable, __file__, "--measure", str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    printed = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    return [float(number) for number in printed.split()]


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or list(SIZES)
    print(f"{'':9}  {'layers':>9}  {'read s':>8}  {'analyse s':>9}  {'show s':>8}  {'µs/layer':>8}  ratio  peak MiB")
    with tempfile.TemporaryDirectory() as folder:
        for name, write in FORMS.items():
            first = 0.0
            for size in sizes:
                path = Path(folder) / f"{size}.yaml"
                path.write_text(write(size), encoding="utf-8")
                read, analyse, show, peak = run(path)
                each = show / size * 1e6
                first = first or each
                print(
                    f"{name:9}  {size:9,}  {read:8.2f}  {analyse:9.2f}  {show:8.2f}  {each:8.1f}  {each / first:5.2f}"
                    f"  {peak:8.0f}"
                )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2])
    else:
        main()
