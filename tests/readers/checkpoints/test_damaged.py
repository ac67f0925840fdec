"""Damaged checkpoints: every one is read, or refused with one error; the script in benchmarks tries thousands."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from archcalc import SpecError
from benchmarks.damaged_checkpoints import DAMAGES, Checkpoint, read
from tests.readers.checkpoints.files import state_dict, write_safetensors, write_torch, write_torch_legacy

ARRAYS = {f"layer.{at}.{name}": np.ones((2, 3), "f4") for at in range(4) for name in ("weight", "bias")}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["net.safetensors", "net.pth", "old.pth"])
def test_damaged_files(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "net.safetensors":
        write_safetensors(path, ARRAYS)
    else:
        (write_torch if name == "net.pth" else write_torch_legacy)(path, {"model": state_dict(ARRAYS), "epoch": 1})
    original, chance = Checkpoint(path), random.Random(0)
    for damage in DAMAGES:
        for _ in range(60):
            path.write_bytes(damage(original, chance))
            assert origins_of_errors(path) <= {str(path)}


def origins_of_errors(path: Path) -> set[str]:
    """Read a file, and return what the errors are about."""
    try:
        read(path)
    except SpecError as error:
        return {problem.origin for problem in error.problems}
    return set()
