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
    for length in range(9, len(content) - 1, 997):
        path.write_bytes(content[:length])
        assert "damaged" in refusal(path)


def test_weights_of_keras_are_not_mapped_to_other_networks(path: Path) -> None:
    write(path, fc_1__kernel=np.ones((2, 2), "f4"))
    with pytest.raises(SpecError, match="weights in HDF5 have the axes of Keras"):
        archcalc.load("2 -> fc 2 nobias").weights(str(path))
