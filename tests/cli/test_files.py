"""Writing files completely or not at all, without changing their owner, permissions and links."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from archcalc.cli.files import write_file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return an existing file."""
    path = tmp_path / "file"
    path.write_text("old", encoding="utf-8")
    os.chmod(path, 0o664)
    return path


def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    write_file(str(tmp_path / "a"), "text")
    (tmp_path / "b").touch()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to others")
def test_the_owner_stays(file: Path) -> None:
    os.chown(file, 1234, 4321)
    write_file(str(file), "new")
    found = file.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (1234, 4321, 0o664)
    assert file.read_text(encoding="utf-8") == "new"


def test_a_file_that_cannot_be_given_to_its_owner_is_overwritten(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "chown", refuse)
    real = os.stat(file)
    others = os.stat_result((*real[:4], real.st_uid + 1, *real[5:]))
    stat = os.stat
    monkeypatch.setattr(os, "stat", lambda path, **more: others if path == str(file) else stat(path, **more))
    write_file(str(file), "new")
    assert stat(file).st_ino == real.st_ino
    assert file.read_text(encoding="utf-8") == "new"
    assert [path.name for path in file.parent.iterdir()] == ["file"]


def test_hard_links_to_a_file_are_kept(file: Path) -> None:
    os.link(file, file.with_name("other"))
    write_file(str(file), "new")
    assert file.with_name("other").read_text(encoding="utf-8") == "new"


def test_a_link_stays_a_link(file: Path) -> None:
    link = file.with_name("link")
    link.symlink_to(file)
    write_file(str(link), "new")
    assert link.is_symlink()
    assert file.read_text(encoding="utf-8") == "new"


def test_a_read_only_file_is_left_alone(file: Path) -> None:
    os.chmod(file, 0o444)
    with pytest.raises(PermissionError):
        write_file(str(file), "new")
    assert file.read_text(encoding="utf-8") == "old"
    assert [path.name for path in file.parent.iterdir()] == ["file"]


def test_any_text_can_be_written(tmp_path: Path) -> None:
    write_file(str(tmp_path / "a"), "\udcc3\udcb6 \udcff \ud800 →")
    assert (tmp_path / "a").read_text(encoding="utf-8") == r"ö \xff \ud800 →"
