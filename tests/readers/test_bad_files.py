"""Untrusted files give one error or a network; nothing in them is executed, and stated sizes are checked."""

from __future__ import annotations

import pickle
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archcalc
from archcalc import SpecError
from tests.readers.programs import payloads, small_network, write


def reason(path: Path) -> str:
    with pytest.raises(SpecError) as caught:
        archcalc.load(str(path))
    (problem,) = caught.value.problems
    assert problem.code in ("format", "limit")
    assert problem.origin == str(path)
    return problem.message


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write(tmp_path_factory.mktemp("whole") / "net.pt2", small_network()).read_bytes()


def test_a_truncated_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.pt2"
    for length in range(0, len(content), 211):
        path.write_bytes(content[:length])
        assert "not a complete zip archive" in reason(path)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_file_with_changed_bytes(
    content: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "changed.pt2"
    path.write_bytes(bytes(changed))
    with suppress(SpecError):
        network = archcalc.load(str(path))
        network.analyze()


def test_a_text_with_this_suffix(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    path.write_text("input: 3x8x8\nlayers: relu\n")
    assert reason(path) == "not a zip archive, but another kind of file"


def test_another_archive_with_this_suffix(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<document/>")
    assert "not a program of torch.export" in reason(path)


def test_a_description_that_grows_when_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("net/models/model.json", "w", force_zip64=True) as member,
    ):
        for _ in range(100):
            member.write(b" " * 2**20)
    assert "more than" in reason(path)


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return Path.mkdir, (self.marker,)


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """Return a file whose pickles make the folder `marker` when they are loaded."""
    program = small_network()
    config = payloads(program)
    for entry in config.values():
        entry["use_pickle"] = True
    path = write(tmp_path / "net.pt2", program, config)
    bomb = pickle.dumps(Trap(tmp_path / "marker"))
    with zipfile.ZipFile(path, "a") as archive:
        for member in ("data/sample_inputs/model.pt", "data.pkl", *(f"data/weights/weight_{n}" for n in range(3))):
            archive.writestr(f"net/{member}", bomb)
    return path


def test_the_trap_works(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Trap(tmp_path / "marker")))
    assert (tmp_path / "marker").exists()


def test_no_pickle_is_loaded(trap: Path) -> None:
    network = archcalc.load(str(trap))
    assert network.analyze().totals.layers == 6
    with pytest.raises(SpecError, match="stored as a pickle"):
        network.run()
    assert not (trap.parent / "marker").exists()


def test_members_outside_their_folder_are_not_followed(tmp_path: Path) -> None:
    program = small_network()
    config = payloads(program)
    (tmp_path / "secret").write_bytes(b"\0" * 10_000)
    for entry in config.values():
        entry["path_name"] = "../../../secret"
    path = write(tmp_path / "net.pt2", program, config)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("net/data/weights/weight_0", b"\0" * 864)
    with pytest.raises(SpecError, match="no numbers for the array"):
        archcalc.load(str(path)).run()
