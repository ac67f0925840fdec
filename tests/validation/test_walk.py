"""Folders and patterns: their files, and those that cannot be read, are left out, or are links."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from archcalc.spec.limits import DEFAULT
from archcalc.validation import FoundSpec, find_specs
from tests.unprivileged import unprivileged

pytestmark = pytest.mark.skipif(os.name == "nt", reason="symbolic links and permissions as on POSIX systems")
EVERYTHING = ["nets", "nets/**", "nets/**/*.yaml"]


@pytest.fixture(autouse=True)
def tree(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the current folder, accessible to every user, with a spec in the folder ``nets/deep``."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place).resolve()
        folder.chmod(0o755)
        monkeypatch.chdir(folder)
        add(folder / "nets" / "deep" / "a.yaml")
        yield folder


def add(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("input: 3\nlayers: [relu]\n", encoding="utf-8")


def found(*arguments: str) -> dict[str, FoundSpec]:
    """Return the specs that are found, by name; unexpected errors fail the test."""
    return {each.name: each for each in find_specs(arguments, DEFAULT)}


def specs(*arguments: str) -> list[str]:
    return [name for name, each in found(*arguments).items() if not each.problem and not each.skipped]


@pytest.mark.parametrize("argument", [*EVERYTHING, "nets/sec", "nets/*/*", "nets/sec/*.yaml", "*/*/b.yaml"])
@pytest.mark.parametrize("mode", [0o000, 0o600, 0o300])
def test_a_folder_that_cannot_be_read_is_an_error(tree: Path, argument: str, mode: int) -> None:
    add(tree / "nets" / "sec" / "b.yaml")
    (tree / "nets" / "sec").chmod(mode)
    with unprivileged():
        reasons = {name: each.problem.message for name, each in found(argument).items() if each.problem}
    assert reasons in (
        {"nets/sec": "cannot read the folder: Permission denied"},
        {"nets/sec/b.yaml": "cannot read the folder: Permission denied"},
    )


@pytest.mark.parametrize("argument", EVERYTHING)
def test_links_to_folders_are_followed(tree: Path, argument: str) -> None:
    add(tree / "elsewhere" / "deeper" / "b.yaml")
    (tree / "nets" / "link").symlink_to("../elsewhere")
    assert specs(argument) == ["nets/deep/a.yaml", "nets/link/deeper/b.yaml"]


@pytest.mark.parametrize("argument", EVERYTHING)
def test_a_folder_is_entered_once_and_by_its_own_name(tree: Path, argument: str) -> None:
    (tree / "nets" / "also-deep").symlink_to("deep")
    (tree / "nets" / "deep" / "self").symlink_to(".")
    (tree / "nets" / "deep" / "up").symlink_to("..")
    assert specs(argument) == ["nets/deep/a.yaml"]


@pytest.mark.parametrize("argument", EVERYTHING)
def test_links_that_are_not_followed_are_named(tree: Path, argument: str) -> None:
    add(tree / "outside.yaml")
    (tree / "nets" / "lost").symlink_to("/nowhere")
    (tree / "nets" / "top").symlink_to("..")
    names = found(argument)
    assert names["nets/top"].skipped == "a symbolic link to a folder that contains it"
    assert argument == "nets/**/*.yaml" or names["nets/lost"].skipped == "a symbolic link that leads nowhere"
    assert specs(argument) == ["nets/deep/a.yaml"]


@pytest.mark.parametrize("argument", EVERYTHING)
def test_a_lost_link_with_the_name_of_a_spec_is_a_spec_that_cannot_be_read(tree: Path, argument: str) -> None:
    (tree / "nets" / "lost.yaml").symlink_to("/nowhere.yaml")
    assert specs(argument) == ["nets/deep/a.yaml", "nets/lost.yaml"]


@pytest.mark.parametrize("argument", EVERYTHING)
def test_named_pipes_do_not_block(tree: Path, argument: str) -> None:
    os.mkfifo(tree / "nets" / "pipe.yaml")
    assert found(argument)["nets/pipe.yaml"].skipped == "a pipe or another special file"


@pytest.mark.parametrize("argument", EVERYTHING)
def test_what_the_configuration_excludes_is_named_and_not_entered(tree: Path, argument: str) -> None:
    (tree / "archcalc.toml").write_text('exclude = ["nets/vendor", "*.draft.yaml"]\n', encoding="utf-8")
    add(tree / "nets" / "vendor" / "b.yaml")
    add(tree / "nets" / "c.draft.yaml")
    (tree / "nets" / "vendor").chmod(0o000)
    with unprivileged():
        names = found(argument)
    assert {name for name, each in names.items() if "archcalc.toml" in each.skipped} == {
        "nets/vendor",
        "nets/c.draft.yaml",
    }
    assert not any(each.problem for each in names.values())


def test_a_named_file_is_excluded_only_on_request(tree: Path) -> None:
    (tree / "archcalc.toml").write_text('exclude = ["nets"]\n', encoding="utf-8")
    (named,) = find_specs(["nets/deep/a.yaml"], DEFAULT)
    assert not named.skipped
    (hooked,) = find_specs(["nets/deep/a.yaml"], DEFAULT, exclude_named=True)
    assert hooked.skipped


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.yaml", ["top.yaml"]),
        ("./*/*/a.yaml", ["./nets/deep/a.yaml"]),
        ("**/a.yaml", ["nets/deep/a.yaml"]),
        ("n[aeo]ts/d??p", ["nets/deep/a.yaml"]),
        ("nets/**/**/*.yaml", ["nets/deep/a.yaml"]),
        (".h*/*.yaml", [".hidden/h.yaml"]),
        ("*/.b.yaml", ["nets/.b.yaml"]),
        ("nets/*.yaml", []),
        ("top.yaml/*", []),
    ],
)
def test_patterns_match_as_those_of_the_shell(tree: Path, pattern: str, expected: list[str]) -> None:
    for name in ("top.yaml", ".hidden/h.yaml", "nets/.b.yaml"):
        add(tree / name)
    assert specs(pattern) == expected
    absolute = [name.replace("./", "") for name in expected]
    assert [os.path.relpath(name, tree) for name in specs(f"{tree}/{pattern}")] == absolute
