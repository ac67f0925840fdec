"""Export a module of the user's code in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from archcalc.spec.errors import fail
from archcalc.spec.models import PYTHON_OBJECT

Result = TypeVar("Result")


@dataclass(frozen=True)
class ExportRequest:
    """What the process exports."""

    place: str
    """The module, dotted, or the path of a file."""
    name: str
    """The object in it: a module, or a class or function that makes one."""
    arguments: Mapping[str, str]
    """The arguments of the class or function, as Python literals or texts."""
    shapes: Mapping[str, tuple[int, ...]]
    """The shapes of the inputs without the batch, by name; ``""``: the first."""
    batch_axes: Mapping[str, int | None]
    """The axes of inputs that are the batch, by name, where that is not the first; ``None``: the input has none."""
    path: str
    """Where the program is written."""


def export_in_process(
    spec: str,
    arguments: Mapping[str, str],
    shapes: Mapping[str, tuple[int, ...]],
    batch_axes: Mapping[str, int | None],
    use: Callable[[Path], Result],
) -> Result:
    """Export a module, and return what a function makes of the file, which exists only during its call.

    Args:
        spec: the object, ``package.module:object`` or ``file.py:object``.
        arguments: the arguments of the class or function.
        shapes: the shapes of the inputs without the batch, by name; ``""``: the first.
        batch_axes: the axes of inputs that are the batch, where that is not the first.
        use: called with the path of the file.

    Raises:
        SpecError: PyTorch is missing, there is no such object, or it cannot be exported.
    """
    match = PYTHON_OBJECT.fullmatch(spec)
    assert match is not None
    if find_spec("torch") is None:
        hint = "install it (pip install torch), or export the module elsewhere and read the .pt2 file"
        fail("missing", "PyTorch is needed to read a module", origin=spec, hint=hint)
    if not shapes:
        hint = "for example: --shape 3x224x224, or --shape NAME=SHAPE for each input"
        fail("argument", "the shape of the input is needed", origin=spec, hint=hint)
    with tempfile.TemporaryDirectory(prefix="archcalc-") as folder:
        path = Path(folder) / f"{match['name'].rpartition('.')[2]}.pt2"
        request = ExportRequest(
            match["place"], match["name"], dict(arguments), dict(shapes), dict(batch_axes), str(path)
        )
        done = subprocess.run(
            [sys.executable, "-P", str(Path(__file__).with_name("export.py"))],
            input=json.dumps(asdict(request)),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or not path.exists():
            _refuse(spec, done)
        return use(path)


def _refuse(spec: str, done: subprocess.CompletedProcess[str]) -> None:
    """Raise the error that the process reports on the last line of its output."""
    lines = done.stdout.strip().splitlines()
    try:
        report = json.loads(lines[-1])
        fail(report["code"], report["message"], origin=report["where"] or spec, hint=report["hint"])
    except (IndexError, KeyError, ValueError, TypeError):
        last = done.stderr.strip().splitlines()[-1:] or [f"the process ended with status {done.returncode}"]
        fail("export", f"the module cannot be exported: {last[0][:300]}", origin=spec)
