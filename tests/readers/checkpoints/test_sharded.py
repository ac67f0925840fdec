"""Checkpoints in several files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archcalc import SpecError
from archcalc.readers.checkpoints.read import read_checkpoint
from tests.readers.checkpoints.files import state_dict, write_safetensors, write_torch
from tests.readers.checkpoints.test_safetensors import refusal

SHARDS = {
    "model-00001-of-00002": {"a.w": np.arange(4, dtype="f4"), "b.w": np.ones((2, 2), "f2")},
    "model-00002-of-00002": {"c.w": np.arange(3, dtype="f4")},
}


def write_index(folder: Path, places: Any, name: str = "model.safetensors.index.json") -> Path:
    path = folder / name
    path.write_text(json.dumps({"metadata": {"total_size": 36}, "weight_map": places}))
    return path


@pytest.fixture
def index(tmp_path: Path) -> Path:
    places = {}
    for shard, arrays in SHARDS.items():
        write_safetensors(tmp_path / f"{shard}.safetensors", arrays)
        places |= dict.fromkeys(arrays, f"{shard}.safetensors")
    return write_index(tmp_path, places)


def test_the_tensors_of_all_files_are_one_checkpoint(index: Path) -> None:
    found = read_checkpoint(str(index))
    assert [*found.tensors] == ["a.w", "b.w", "c.w"]
    assert (found.files, found.totals.params, found.totals.bytes) == (2, 11, 36)
    np.testing.assert_array_equal(found.load(found.tensors["c.w"]), SHARDS["model-00002-of-00002"]["c.w"])


def test_files_of_pytorch(tmp_path: Path) -> None:
    places = {}
    for shard, arrays in SHARDS.items():
        write_torch(tmp_path / f"{shard}.bin", state_dict(arrays))
        places |= dict.fromkeys(arrays, f"{shard}.bin")
    found = read_checkpoint(str(write_index(tmp_path, places, "pytorch_model.bin.index.json")))
    assert found.totals.params == 11


def test_all_missing_files_are_named(index: Path) -> None:
    for shard in SHARDS:
        (index.parent / f"{shard}.safetensors").unlink()
    assert refusal(index).endswith(": " + ", ".join(f"{shard}.safetensors" for shard in SHARDS))


def test_an_index_that_would_take_much_memory_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors.index.json"
    path.write_text("[" * 10**7)
    assert "bytes of memory" in refusal(path)


@pytest.mark.parametrize("place", ["../x.safetensors", "/etc/passwd", "a/b.safetensors", "..", "", ".", "a\\b", "a\0b"])
def test_files_outside_of_the_folder_are_not_read(tmp_path: Path, place: str) -> None:
    assert "must be in the folder of the index" in refusal(write_index(tmp_path, {"w": place}))


def test_an_index_that_does_not_fit_its_files(tmp_path: Path, index: Path) -> None:
    first, second = (f"{shard}.safetensors" for shard in SHARDS)
    write_index(tmp_path, {"a.w": first, "d.w": first, "c.w": second})
    with pytest.raises(SpecError) as caught:
        read_checkpoint(str(index))
    assert [problem.message for problem in caught.value.problems] == [
        f"{first} has no tensor 'd.w'",
        f"'b.w' in {first} is not in the index",
    ]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"weight_map": []}', '{"weight_map": {"w": 1}}', "[" * 10**5])
def test_an_index_that_is_not_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(text)
    assert "the index" in refusal(path)
