"""Scale: networks of 1,000, 10,000 and 100,000 layers, as a flat file and as a repeated group.

For each format of `archcalc show` that lists every layer, prints the seconds of the processor and the peak memory of
the whole command, and of that the seconds for reading and for the analysis (with the receptive fields of every layer);
the microseconds per layer, and their ratio to those of the smallest network (1.00 is linear). Every run is a process of
its own. The target: 100,000 layers in 5 s and 300 MB.

    python benchmarks/scale.py [LAYERS …]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


OUTPUTS = {
    "table": ("--depth", "all", "--format", "plain"),
    "csv": ("--format", "csv"),
    "json": ("--format", "json"),
}


def measure(path: str, output: str) -> None:
    """Time the steps for one file and print them; runs in a process of its own."""
    import gc
    import resource

    begin = time.process_time()
    gc.disable()  # as `archcalc` does

    import archcalc.analysis.propagate as propagate
    import archcalc.spec as spec
    from archcalc.cli import status_of

    seconds = {}

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            start = time.process_time()
            result = function(*arguments, **options)
            seconds[name] = time.process_time() - start
            return result

        return call

    spec.load_spec = timed("read", spec.load_spec)
    propagate.analyze = timed("analyse", propagate.analyze)  # type: ignore[assignment]
    standard, sys.stdout = sys.stdout, open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    status = status_of(["show", path, *OUTPUTS[output]])
    sys.stdout = standard
    whole = time.process_time() - begin
    assert status == 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(seconds["read"], seconds["analyse"], whole, peak)


def run(path: Path, output: str) -> list[float]:
    """Return the numbers that `measure` prints."""
    command = [sys.executable, __file__, "--measure", str(path), output]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    printed = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    return [float(number) for number in printed.split()]


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or list(SIZES)
    print(f"{'':16}  {'layers':>9}  {'read s':>8}  {'analyse s':>9}  {'show s':>8}  {'µs/layer':>8}  ratio  peak MiB")
    with tempfile.TemporaryDirectory() as folder:
        for name, write in FORMS.items():
            for output in OUTPUTS:
                first = 0.0
                for size in sizes:
                    path = Path(folder) / f"{size}.yaml"
                    path.write_text(write(size), encoding="utf-8")
                    read, analyse, show, peak = run(path, output)
                    each = show / size * 1e6
                    first = first or each
                    print(
                        f"{name + ', ' + output:16}  {size:9,}  {read:8.2f}  {analyse:9.2f}  {show:8.2f}  {each:8.1f}  "
                        f"{each / first:5.2f}  {peak:8.0f}"
                    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(*sys.argv[2:])
    else:
        main()
