"""HDF5 files with weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archcalc
from archcalc import SpecError
from archcalc.readers.checkpoints.read import read_checkpoint
from tests.readers.checkpoints.test_safetensors import refusal

h5py = pytest.importorskip("h5py")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.h5"


def write(path: Path, **arrays: Any) -> None:
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name.replace("__", "/")] = array


def test_data_sets_are_tensors(path: Path) -> None:
    kernel = np.arange(6, dtype="f4").reshape(2, 3)
    write(path, dense__kernel=kernel, dense__bias=np.zeros(3, "f2"))
    found = read_checkpoint(str(path))
    assert {name: (each.shape, each.dtype) for name, each in found.tensors.items()} == {
        "dense/bias": ((3,), "float16"),
        "dense/kernel": ((2, 3), "float32"),
    }
    np.testing.assert_array_equal(found.load(found.tensors["dense/kernel"]), kernel)


def test_links_to_other_files_are_not_followed(path: Path, tmp_path: Path) -> None:
    write(tmp_path / "other.h5", w=np.ones(2))
    with h5py.File(path, "w") as file:
        file["w"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/w")
    assert "'w' is a link to another file, which is not followed" in refusal(path)


def test_numbers_in_other_files_are_not_read(path: Path, tmp_path: Path) -> None:
    (tmp_path / "numbers.bin").write_bytes(bytes(16))
    with h5py.File(path, "w") as file:
        file.create_dataset("w", (2,), "f8", external=[(str(tmp_path / "numbers.bin"), 0, 16)])
    assert "the numbers of 'w' are in another file" in refusal(path)


def test_virtual_data_sets_are_not_read(path: Path, tmp_path: Path) -> None:
    write(tmp_path / "other.h5", w=np.ones(2))
    with h5py.File(path, "w") as file:
        layout = h5py.VirtualLayout((2,), "f8")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "w", (2,))
        file.create_virtual_dataset("w", layout)
    assert "the numbers of 'w' are in another file" in refusal(path)


def test_groups_within_themselves_and_other_names_of_a_tensor(path: Path) -> None:
    with h5py.File(path, "w") as file:
        group = file.create_group("group")
        group["w"] = np.ones(2)
        group["group"] = group
        group["link"] = h5py.SoftLink("/nowhere")
        file["again"] = group["w"]
    assert [*read_checkpoint(str(path)).tensors] == ["again"]


@pytest.mark.parametrize("value", ["text", [b"a", b"b"]])
def test_texts_are_not_tensors(path: Path, value: Any) -> None:
    write(path, w=value)
    assert "'w' must be an array of numbers" in refusal(path)


def test_a_file_without_tensors(path: Path) -> None:
    write(path)
    assert refusal(path) == "the file has no tensors"


def test_a_file_that_is_cut(path: Path) -> None:
    write(path, w=np.ones(1000))
    content = path.read_bytes()
    for length in (9, 800, len(content) - 1000):
        path.write_bytes(content[:length])
        assert "damaged" in refusal(path)


def with_description(path: Path) -> bytearray:
    """Write a file with a text of any length as an attribute, and return its content."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = "x" * 3000
        file["w"] = np.zeros(5000)
    return bytearray(path.read_bytes())


def test_a_file_on_which_the_library_crashes(path: Path) -> None:
    content = with_description(path)
    content[content.index(b"\x19\x01\x01\x00\x10\x00\x00\x00") + 1] = 0x66  # the kind of the text
    path.write_bytes(content)
    assert "damaged" in refusal(path)


@pytest.mark.slow
def test_a_file_in_which_the_library_loops(path: Path) -> None:
    content = with_description(path)
    content[content.index(b"GCOL") + 9] += 0x42  # the size of the heap that has the text
    path.write_bytes(content)
    assert "damaged" in refusal(path)


def test_files_of_other_programs_have_no_weights_for_a_network(path: Path) -> None:
    write(path, fc_1__kernel=np.ones((2, 2), "f4"))
    with pytest.raises(SpecError, match="no layers in the form in which Keras stores them"):
        archcalc.load("2 -> fc 2 nobias").weights(str(path))
