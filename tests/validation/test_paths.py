"""The specs that the arguments of a command stand for."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc.spec.limits import DEFAULT
from archcalc.validation import FoundSpec, find_specs


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, with files of all kinds."""
    for name in ("b.yaml", "a.yml", "deep/c.json", "deep/my net.yaml", ".hidden/d.yaml", "deep/.e.yaml", "notes.txt"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("input: 3\nlayers: [relu]\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(*arguments: str) -> list[str]:
    return [found_spec.name for found_spec in find_specs(arguments, DEFAULT)]


def one(argument: str) -> FoundSpec:
    (found_spec,) = find_specs([argument], DEFAULT)
    return found_spec


def test_a_folder_is_searched_recursively_except_for_hidden_files() -> None:
    assert names(".") == ["a.yml", "b.yaml", "deep/c.json", "deep/my net.yaml"]
    assert names("deep") == ["deep/c.json", "deep/my net.yaml"]


def test_a_folder_has_model_files_too(folder: Path) -> None:
    for name in ("deep/net.onnx", "deep/net.pt2", "deep/weights.bin"):
        (folder / name).write_bytes(b"")
    assert names("deep") == ["deep/c.json", "deep/my net.yaml", "deep/net.onnx", "deep/net.pt2"]
    assert {each.name for each in find_specs(["deep"], DEFAULT) if each.is_model} == {"deep/net.onnx", "deep/net.pt2"}


def test_a_folder_has_models_in_hdf5_but_not_weights_alone(folder: Path) -> None:
    h5py = pytest.importorskip("h5py")
    for name, attribute in (("net.h5", "model_config"), ("weights.h5", "layer_names")):
        with h5py.File(folder / "deep" / name, "w") as file:
            file.attrs[attribute] = "{}"
    assert names("deep") == ["deep/c.json", "deep/my net.yaml", "deep/net.h5"]


def test_patterns_match_files_and_folders() -> None:
    assert names("*.yaml") == ["b.yaml"]
    assert names("**/*.json") == ["deep/c.json"]
    assert names("de*") == ["deep/c.json", "deep/my net.yaml"]
    assert one("*.toml").problem is not None


def test_a_file_is_seen_once_however_often_it_is_named() -> None:
    assert names("b.yaml", ".", "./deep/c.json") == ["b.yaml", "a.yml", "deep/c.json", "deep/my net.yaml"]


def test_a_file_is_a_file_even_if_its_name_has_a_blank() -> None:
    assert one("deep/my net.yaml").path == "deep/my net.yaml"
    assert one("notes.txt").named


def test_bundled_networks_and_expressions_have_their_names() -> None:
    assert one("lenet5").path.endswith("lenet5.yaml")
    assert one("3x8x8 -> relu").inline


@pytest.mark.parametrize("argument", ["nowhere.yaml", "no-such-network", "deep/none/", "\0", ""])
def test_a_missing_path_is_a_separate_problem(argument: str) -> None:
    assert one(argument).problem is not None


def test_an_empty_folder_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    problem = one("empty").problem
    assert problem is not None
    assert problem.code == "not-found"
