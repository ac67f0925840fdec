"""Untrusted archives are refused with one reason, before anything large is read."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from archcalc.readers.archive import Archive
from archcalc.spec.errors import SpecError


def archive(folder: Path, members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    path = folder / "net.pt2"
    with zipfile.ZipFile(path, "w", method) as out:
        for name, content in members.items():
            out.writestr(name, content)
    return path


def reason(path: Path, member: str = "a.json", limit: int = 1000) -> str:
    with pytest.raises(SpecError) as caught, Archive(path, "net.pt2") as opened:
        opened.json(member, limit)
    (problem,) = caught.value.problems
    assert problem.origin == "net.pt2"
    return problem.message


def test_members_are_read_without_their_common_folder(tmp_path: Path) -> None:
    path = archive(tmp_path, {"net/a.json": b"[1]", "net/b/c.json": b"{}"})
    with Archive(path, "net.pt2") as opened:
        assert opened.json("a.json") == [1]
        assert "b/c.json" in opened
        assert "net/a.json" not in opened


def test_a_file_that_is_not_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    path.write_text("input: 3x32x32\n")
    assert reason(path) == "not a zip archive, but another kind of file"
    path.write_bytes(b"")
    assert reason(path) == "not a complete zip archive: the file is empty"


def test_a_file_that_does_not_exist(tmp_path: Path) -> None:
    assert "cannot read the file" in reason(tmp_path / "none.pt2")


@pytest.mark.parametrize("length", [1, 30, 60, 90])
def test_a_truncated_archive(tmp_path: Path, length: int) -> None:
    path = archive(tmp_path, {"a.json": b"[1, 2, 3]"})
    path.write_bytes(path.read_bytes()[:length])
    assert reason(path) == "not a complete zip archive: its end is missing"


def test_a_missing_member(tmp_path: Path) -> None:
    assert reason(archive(tmp_path, {"b.json": b"[]"})) == "the archive has no member 'a.json'"


def test_a_member_that_is_too_large(tmp_path: Path) -> None:
    path = archive(tmp_path, {"a.json": b"0" * 2000}, zipfile.ZIP_DEFLATED)
    assert reason(path) == "'a.json' has 2,000 bytes, more than 1,000"


def test_a_member_whose_stated_size_is_wrong(tmp_path: Path) -> None:
    path = archive(tmp_path, {"a.json": b" " * 2_000_000}, zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    central = data.rindex(b"PK\x01\x02")
    data[central + 24 : central + 28] = struct.pack("<I", 10)  # the uncompressed size
    path.write_bytes(bytes(data))
    assert "'a.json'" in reason(path)


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe\xfd", b"[" * 500])
def test_a_member_that_is_not_json(tmp_path: Path, content: bytes) -> None:
    assert "is not valid JSON" in reason(archive(tmp_path, {"a.json": content}))


def test_a_damaged_member(tmp_path: Path) -> None:
    path = archive(tmp_path, {"a.json": b"[1, 2, 3, 4]" * 20}, zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    data[40] ^= 0xFF
    path.write_bytes(bytes(data))
    assert "is damaged" in reason(path)


def test_a_member_that_is_shorter_than_stated(tmp_path: Path) -> None:
    path = archive(tmp_path, {"a.json": b"[1, 2]"}, zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    central = data.rindex(b"PK\x01\x02")
    data[central + 24 : central + 28] = struct.pack("<I", 500)
    path.write_bytes(bytes(data))
    assert reason(path) == "'a.json' is damaged: it ends before its 500 bytes"


def test_an_archive_of_several_disks(tmp_path: Path) -> None:
    data = archive(tmp_path, {"a.json": b"[1, 2, 3]"}).read_bytes()
    end = data.rindex(b"PK\x05\x06")
    path = tmp_path / "net.pt2"
    path.write_bytes(data[:end] + struct.pack("<4sLQL", b"PK\x06\x07", 1, 0, 2) + data[end:])
    assert "span multiple disks" in reason(path)
