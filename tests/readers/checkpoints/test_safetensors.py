"""Files of safetensors: what they hold, without reading it, and what is wrong with damaged ones."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archcalc import SpecError
from archcalc.readers.checkpoints.read import read_checkpoint
from tests.readers.checkpoints.files import safetensors, write_safetensors

ARRAYS = {
    "conv.weight": np.arange(12, dtype="f4").reshape(2, 3, 2),
    "conv.bias": np.array([0.5, -2], "f2"),
    "steps": np.array(7, "i8"),
}


def refusal(path: Path) -> str:
    with pytest.raises(SpecError) as caught:
        read_checkpoint(str(path))
    (problem,) = caught.value.problems
    assert problem.origin == str(path)
    return problem.message


def test_tensors_have_names_shapes_and_formats(tmp_path: Path) -> None:
    found = read_checkpoint(str(write_safetensors(tmp_path / "net.safetensors", ARRAYS, {"format": "pt"})))
    shapes = {name: (tensor.shape, tensor.dtype, tensor.bytes) for name, tensor in found.tensors.items()}
    assert shapes == {
        "conv.weight": ((2, 3, 2), "float32", 48),
        "conv.bias": ((2,), "float16", 4),
        "steps": ((), "int64", 8),
    }
    assert found.metadata == {"format": "pt"}
    assert (found.totals.tensors, found.totals.params, found.totals.bytes) == (3, 14, 60)


def test_numbers_are_read_on_request(tmp_path: Path) -> None:
    found = read_checkpoint(str(write_safetensors(tmp_path / "net.safetensors", ARRAYS)))
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found.load(found.tensors[name]), array)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_a_file_without_tensors_is_an_error(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    path = write_safetensors(tmp_path / "net.safetensors", {}, metadata)
    assert refusal(path) == "the file has no tensors"


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    """The file is sparse: it has 10 GB, and takes a few blocks on the disk."""
    size = 10 * 2**30
    entry = {"dtype": "BF16", "shape": [size // 2**11, 2**10], "data_offsets": [0, size]}
    path = tmp_path / "large.safetensors"
    path.write_bytes(safetensors({"w": entry}, b""))
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size + size)
    assert read_checkpoint(str(path)).totals.bytes == size


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}, "needs 8 bytes, but has 4"),
        ({"dtype": "F32", "shape": [2**40, 2**20], "data_offsets": [0, 8]}, "needs 4,611,686,018,427,387,904 bytes"),
        ({"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}, "must have a shape"),
        ({"dtype": "F32", "shape": [2.0], "data_offsets": [0, 8]}, "must have a shape"),
        ({"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}, "must have a shape"),
        ({"dtype": "F32", "shape": [1] * 100, "data_offsets": [0, 4]}, "at most 64 integers from 0 on"),
        ({"dtype": "F31", "shape": [2], "data_offsets": [0, 8]}, "has the number format 'F31'"),
        ({"dtype": ["F32"], "shape": [2], "data_offsets": [0, 8]}, "has the number format"),
        ({"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}, "ends before it begins"),
        ({"dtype": "F32", "shape": [2], "data_offsets": [0]}, "must have two offsets"),
        ({"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}, "leaves a gap after the header"),
        ({"dtype": "F32", "shape": [2]}, "must have dtype, shape and data_offsets"),
        (7, "must have dtype, shape and data_offsets"),
    ],
)
def test_an_entry_that_is_wrong_is_named(tmp_path: Path, entry: Any, reason: str) -> None:
    path = tmp_path / "net.safetensors"
    path.write_bytes(safetensors({"w": entry}, bytes(8)))
    message = refusal(path)
    assert "'w'" in message
    assert reason in message


def test_tensors_must_not_overlap(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    entries = {name: {"dtype": "F32", "shape": [2], "data_offsets": [at, at + 8]} for name, at in (("a", 0), ("b", 4))}
    path.write_bytes(safetensors(entries, bytes(12)))
    assert "the tensor 'b' overlaps 'a'" in refusal(path)


@pytest.mark.parametrize("length", [2**60, 10**8 + 1, 100])
def test_the_length_of_the_header_is_not_trusted(tmp_path: Path, length: int) -> None:
    path = tmp_path / "net.safetensors"
    path.write_bytes(struct.pack("<Q", length) + b"{}")
    assert f"its header would have {length:,} bytes" in refusal(path)


def test_a_long_header_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    path.write_bytes(struct.pack("<Q", 2**40))
    with path.open("r+b") as file:
        file.truncate(2**41)
    assert "the header has 1,099,511,627,776 bytes, more than" in refusal(path)


@pytest.mark.parametrize("text", ["[]", "{", '{"a": 1, "a": 1}', "[" * 10**5, "9" * 9999, '{"__metadata__": {"a": 1}}'])
def test_a_header_that_is_not_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "net.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text.encode())
    assert "safetensors" in refusal(path)


def test_every_part_of_a_file_is_refused(tmp_path: Path) -> None:
    path = write_safetensors(tmp_path / "net.safetensors", ARRAYS)
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        assert refusal(path)


def test_a_file_that_does_not_exist(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.safetensors") == "cannot read the file: No such file or directory"
