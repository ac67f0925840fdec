"""Files that would take much memory are refused before they do; each is shown in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.readers.programs import call, document, write

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the memory of a process is not known"),
]

MAX_MEGABYTES = 300
MODEL = "net/models/model.json"


def repeated(unit: bytes, size: int) -> bytes:
    """Return a JSON list of about ``size`` bytes."""
    return b"[" + unit * (size // len(unit)) + b"0]"


def description(folder: Path, content: bytes) -> Path:
    """Return an archive with a compressed description of the network."""
    path = folder / "net.pt2"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MODEL, content)
    return path


def huge_member(folder: Path) -> Path:
    path = folder / "net.pt2"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(MODEL, "w", force_zip64=True) as out:
        for _ in range(100):
            out.write(bytes(2**20))
    return path


def lists(folder: Path) -> Path:
    return description(folder, repeated(b"[],", 23 * 2**20))


def mappings(folder: Path) -> Path:
    return description(folder, repeated(b'{"a":1},', 23 * 2**20))


def texts(folder: Path) -> Path:
    return description(folder, repeated('"\U0001f600",'.encode(), 23 * 2**20))


def several_descriptions(folder: Path) -> Path:
    """Return an archive whose members are small enough each, but not together."""
    content = b'{"config":' + repeated(b"1.5,", 6 * 2**20) + b"}"
    path = folder / "net.pt2"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("models/model", "data/weights/model_weights_config", "data/constants/model_constants_config"):
            archive.writestr(f"net/{name}.json", content)
    return path


def many_members(folder: Path) -> Path:
    path = folder / "net.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(21_000):
            archive.writestr(f"net/{number}", b"")
    return path


def long_list_of_members(folder: Path) -> Path:
    path = folder / "net.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(500):
            info = zipfile.ZipInfo(f"net/{number}")
            info.comment = bytes(60_000)
            archive.writestr(info, b"")
    return path


def deep_nesting(folder: Path) -> Path:
    return description(folder, b"[" * 10**6)


BOMBS = [huge_member, lists, mappings, texts, several_descriptions, many_members, long_list_of_members, deep_nesting]


SHOW = """
import sys
from archcalc.cli import status_of

status = status_of(["show", sys.argv[1]])
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
sys.exit(status)
"""


def shown(path: Path) -> tuple[int, str, float]:
    """Show a file; return the exit status, the errors, and the largest amount of memory in megabytes."""
    done = subprocess.run([sys.executable, "-c", SHOW, str(path)], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr, int(done.stdout.splitlines()[-1]) / 1024


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.__name__)
def test_a_file_that_would_take_much_memory_is_one_error(tmp_path: Path, bomb: Callable[[Path], Path]) -> None:
    path = bomb(tmp_path)
    status, errors, megabytes = shown(path)
    assert status == 2, errors
    assert errors.startswith(f"{path}: error[")
    assert len(errors.splitlines()) == 1
    assert megabytes < MAX_MEGABYTES


def test_a_long_network_is_shown(tmp_path: Path) -> None:
    names = ["x", *(f"t{number}" for number in range(10_000))]
    calls = [call("relu.default", after, self=f"@{before}") for before, after in pairwise(names)]
    program = document({"x": (1, 8)}, calls, dict.fromkeys(names[1:], (1, 8)))
    for record in (*calls, *program["graph_module"]["graph"]["tensor_values"].values()):
        for key in {*record} - {"target", "inputs", "outputs", "sizes", "dtype"}:
            del record[key]
    status, errors, megabytes = shown(write(tmp_path / "net.pt2", program))
    assert (status, errors) == (0, "")
    assert megabytes < MAX_MEGABYTES
