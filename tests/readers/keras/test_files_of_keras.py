"""Files that Keras wrote: shapes, parameters and results must be those that Keras itself has."""

from __future__ import annotations

import json
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

import archcalc
from benchmarks.keras_models import ENTIRE, OLD, SMALL, STORED, differences, small_differences

requires_h5py = pytest.mark.skipif(find_spec("h5py") is None, reason="h5py is not installed")

FILES = Path(__file__).parent / "files"


def facts(path: Path) -> dict:
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("facts.json"))


@pytest.mark.parametrize("name", STORED)
def test_parameters_and_shapes_of_applications(name: str):
    path = FILES / f"{name}.keras"
    assert differences(path, facts(path)) == []


def check_results(path: Path, folder: Path, member: str = "") -> None:
    """Compare the results of a fixture, or of the entire model in HDF5 inside it, with those of Keras."""
    with zipfile.ZipFile(path) as archive:
        Path(folder, f"{path.stem}.npz").write_bytes(archive.read("arrays.npz"))
        copy = folder / f"{path.stem}{Path(member).suffix or path.suffix}"
        copy.write_bytes(archive.read(member) if member else path.read_bytes())
    assert small_differences(copy, facts(path)) == []


@requires_h5py
@pytest.mark.parametrize("name", sorted(SMALL))
def test_results_of_layers(name: str, tmp_path: Path):
    check_results(FILES / f"{name}.keras", tmp_path)


@requires_h5py
@pytest.mark.slow
@pytest.mark.parametrize("name", ["two_ends", "in_steps", "wrapped", "images"])
def test_results_of_a_model_in_hdf5(name: str, tmp_path: Path):
    check_results(FILES / f"{name}.keras", tmp_path, ENTIRE)


OF_VERSION_2 = sorted(path.stem for path in Path(FILES, OLD).glob("*.keras"))


@requires_h5py
@pytest.mark.slow
@pytest.mark.parametrize("member", ["", ENTIRE])
@pytest.mark.parametrize("name", OF_VERSION_2)
def test_results_of_version_2(name: str, member: str, tmp_path: Path):
    check_results(FILES / OLD / f"{name}.keras", tmp_path, member)


@requires_h5py
def test_verification_measures_what_the_analysis_says():
    network = archcalc.load(str(FILES / "two_ends.keras"))
    checks = list(network.verify(["shapes", "params", "operations", "memory"]))
    assert [check.differences for check in checks] == [()] * 4


@requires_h5py
def test_arrays_have_the_names_of_the_layers():
    network = archcalc.load(str(FILES / "text.keras"))
    arrays = network.arrays("float32")
    assert arrays is not None
    assert {"embedding/embedding.weight", "dense/fc.weight", "dense/fc.bias"} <= {*arrays}


def test_a_description_alone_has_no_arrays():
    assert archcalc.load(str(FILES / "ResNet50.keras")).arrays("float32") is None
