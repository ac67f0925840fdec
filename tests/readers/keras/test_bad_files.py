"""Files that are damaged, or made to do harm: one error each, in little time and memory, and no code is run."""

from __future__ import annotations

import io
import json
import zipfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archcalc
from archcalc import SpecError
from archcalc.readers.keras import flat_model
from tests.readers.keras.descriptions import functional, image, layer, write

FILES = Path(__file__).parent / "files"

requires_h5py = pytest.mark.skipif(find_spec("h5py") is None, reason="h5py is not installed")


def reason(path: Path | str) -> str:
    """Return the only error of a file when its network is read, and run if it can be read."""
    with pytest.raises(SpecError) as caught:
        archcalc.load(str(path)).arrays()
    (problem,) = caught.value.problems
    assert problem.code in ("format", "limit")
    assert problem.origin.startswith(str(path))
    return problem.message


CONTENT = (FILES / "two_ends.keras").read_bytes()


def test_a_truncated_file(tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    for length in range(0, len(CONTENT), 211):
        path.write_bytes(CONTENT[:length])
        assert "not a complete zip archive" in reason(path)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_file_with_changed_bytes(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    changed = bytearray(CONTENT)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(CONTENT) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "changed.keras"
    path.write_bytes(bytes(changed))
    with suppress(SpecError):
        archcalc.load(str(path)).arrays()


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return the containers and keys of all values of a description."""
    if isinstance(value, dict | list):
        own = [(value, key) for key in (value if isinstance(value, dict) else range(len(value)))]
        return own + [each for container, key in own for each in places(container[key])]
    return []


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_description_with_changed_values(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    with zipfile.ZipFile(FILES / "two_ends.keras") as archive:
        description = json.loads(archive.read("config.json"))
    container, key = data.draw(st.sampled_from(places(description)))
    unsuitable = st.sampled_from([None, True, 0, -1, 2**70, 1.5, "x", "", [], {}, [[]], [None], [-3, 2]])
    container[key] = data.draw(unsuitable)
    path = tmp_path_factory.getbasetemp() / "changed.json"
    path.write_text(json.dumps(description))
    with suppress(SpecError):
        archcalc.load(str(path)).analyze()


def test_other_files_with_these_suffixes(tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    path.write_text("input: 3x8x8\nlayers: relu\n")
    assert reason(path) == "not a zip archive, but another kind of file"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<document/>")
    assert "no 'config.json'" in reason(path)
    path.write_text("{}")
    assert "no 'class_name'" in reason(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot read the file"):
        archcalc.load(str(tmp_path / "none.keras"))


def test_a_description_that_grows_when_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("config.json", "w", force_zip64=True) as member,
    ):
        for _ in range(100):
            member.write(b" " * 2**20)
    assert "more than" in reason(path)


def test_a_deeply_nested_description(tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    path.write_text('{"class_name": "Functional", "config": ' + "[" * 100_000)
    assert "not valid JSON" in reason(path)


def test_models_that_multiply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that calls a model twice that calls a model twice … has 2^10 layers."""
    monkeypatch.setattr(flat_model, "MAX_CALLS", 1000)
    model = functional(image(3), layer("ReLU", "r", "image"))
    for depth in range(10):
        inner = {**model, "name": f"m{depth}", "inbound_nodes": layer("", "", "image")["inbound_nodes"]}
        again = {**model, "name": f"n{depth}", "inbound_nodes": layer("", "", f"m{depth}")["inbound_nodes"]}
        model = functional(image(3), inner, again)
    assert "more than 1,000 calls of layers" in reason(write(tmp_path, model))


@pytest.mark.parametrize("partial", [False, True])
def test_outputs_that_a_layer_does_not_have(partial: bool, tmp_path: Path) -> None:
    read = layer("ReLU", "second", "first")
    (node,) = read["inbound_nodes"]
    (tensor,) = node["args"]
    tensor["config"] = {"keras_history": ["first", 0, 7], "shape": [None, 8, 8, 3], "dtype": "float32"}
    path = write(tmp_path, functional(image(8, 8, 3), layer("ReLU", "first", "image"), read))
    with pytest.raises(SpecError, match="output 7 of a layer that has fewer"):
        archcalc.load(str(path), partial=partial).analyze()
    ends = functional(image(8, 8, 3), layer("ReLU", "first", "image"), outputs=[["first", 0, 7]])
    with pytest.raises(SpecError, match="output 7 of a layer that has fewer"):
        archcalc.load(str(write(tmp_path, ends)), partial=partial).analyze()


def test_a_lambda_is_never_run(tmp_path: Path) -> None:
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAAAAAAA", "defaults": None, "closure": None}}
    path = write(tmp_path, functional(image(3), layer("Lambda", "lam", "image", function=code)))
    with pytest.raises(SpecError, match="Lambda"):
        archcalc.load(path)


def with_weights(path: Path, change: Any) -> None:
    """Write a model with one layer whose HDF5 file is changed."""
    import h5py

    description = functional(image(3), layer("Dense", "d", "image", units=2))
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        file["layers/dense/vars/0"] = [[1.0, 2.0]] * 3
        file["layers/dense/vars/1"] = [0.0, 0.0]
        change(file)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(description))
        archive.writestr("model.weights.h5", memory.getvalue())


def replaced(value: Any) -> Any:
    def change(file: Any) -> None:
        del file["layers/dense/vars/0"]
        if value is not None:
            file["layers/dense/vars/0"] = value

    return change


@requires_h5py
def test_links_to_other_files_are_not_followed(tmp_path: Path) -> None:
    import h5py

    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["x"] = [[1.0, 2.0]] * 3
    path = tmp_path / "net.keras"
    with_weights(path, replaced(h5py.ExternalLink(str(other), "x")))
    assert "link to another file" in reason(path)

    def by_another_name(file: Any) -> None:
        file["outside"] = h5py.ExternalLink(str(other), "/")
        replaced(h5py.SoftLink("/outside/x"))(file)

    with_weights(path, by_another_name)
    assert "no array 'layers/dense/vars/0'" in reason(path)


@requires_h5py
def test_numbers_in_other_files_are_not_read(tmp_path: Path) -> None:
    def external(file: Any) -> None:
        del file["layers/dense/vars/0"]
        outside = [(str(tmp_path / "secret"), 0, 24)]
        file.create_dataset("layers/dense/vars/0", (3, 2), "f4", external=outside)

    (tmp_path / "secret").write_bytes(bytes(24))
    path = tmp_path / "net.keras"
    with_weights(path, external)
    assert "in another file" in reason(path)


@requires_h5py
def test_an_array_that_grows_when_it_is_read(tmp_path: Path) -> None:
    def huge(file: Any) -> None:
        del file["layers/dense/vars/0"]
        file.create_dataset("layers/dense/vars/0", (2**15, 2**15), "f4", chunks=(2**15, 2**14))

    path = tmp_path / "net.keras"
    with_weights(path, huge)
    assert "no numbers" in reason(path)


@requires_h5py
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "no array 'layers/dense/vars/0'"),
        ("text", "must be an array of numbers"),
        ([1.0, 2.0, 3.0], "would be 2x3"),
        ([[1.0, 2.0]] * 4, "would be 2x3"),
    ],
)
def test_arrays_that_do_not_fit(value: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    with_weights(path, replaced(value))
    assert message in reason(path)


@requires_h5py
def test_a_description_without_arrays_in_hdf5(tmp_path: Path) -> None:
    import h5py

    path = tmp_path / "net.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(functional(image(3), layer("Dense", "d", "image", units=2)))
        file.create_group("model_weights")
    assert "the layer 'd' has 0 arrays in the file, but needs 2" in reason(path)
