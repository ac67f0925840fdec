"""``archcalc validate``: corrections, made (``--fix``) or shown as a patch (``--diff``)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Archcalc

NET = "input: 3x9x9\nlayers:\n  - a: conv 4 k3 -> relu\n"
UNTIDY = "# mine\ninput: 3x9x9\nvariables: {idle: 1, c: 4}\nlayers:\n  - a: conv c k3 -> bn   # first\n"
TIDY = UNTIDY.replace("idle: 1, ", "").replace("k3", "k3 nobias")
CONTENTS = {
    "line feeds": UNTIDY,
    "no end of the last line": UNTIDY.rstrip("\n"),
    "carriage returns": UNTIDY.replace("\n", "\r"),
    "both": UNTIDY.replace("\n", "\r\n"),
    "both, after a byte order mark": "\ufeff" + UNTIDY.replace("\n", "\r\n"),
    "mixed": UNTIDY.replace("\n", "\r\n", 3),
    "mixed the other way round": UNTIDY[:8] + UNTIDY[8:].replace("\n", "\r\n"),
    "mixed in every line": UNTIDY.replace("9\n", "9\r").replace("}\n", "}\r\n"),
}


def tidied(content: str) -> str:
    return content.replace("idle: 1, ", "").replace("k3", "k3 nobias")


@pytest.fixture(autouse=True)
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a spec in the current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "net.yaml"


def git(*arguments: str, folder: Path, stdin: str = "") -> None:
    settings = ["-c", "core.autocrlf=false", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    ran = subprocess.run(
        ["git", *settings, *arguments],
        cwd=folder,
        input=stdin.encode(),
        env=environment,
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("content", CONTENTS.values(), ids=list(CONTENTS))
def test_fix_corrects_in_place_and_keeps_line_ends_and_permissions(archcalc: Archcalc, net: Path, content: str) -> None:
    net.write_bytes(content.encode())
    os.chmod(net, 0o640)
    ran = archcalc("validate", "net.yaml", "--fix")
    assert ran.status == 0
    assert ran.lines[0] == "ok     net.yaml  (0 expectations, 2 fixed)"
    assert net.read_bytes().decode() == tidied(content)
    assert net.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in net.parent.iterdir()] == ["net.yaml"]


@pytest.mark.parametrize("content", CONTENTS.values(), ids=list(CONTENTS))
def test_git_applies_the_patch_to_any_line_ends(archcalc: Archcalc, net: Path, content: str) -> None:
    net.write_bytes(content.encode())
    ran = archcalc("validate", "net.yaml", "--diff")
    assert ran.status == 3
    assert ran.lines[0] == "ok     net.yaml  (0 expectations, 2 warnings, 2 would be fixed)"
    assert net.read_bytes().decode() == content
    git("apply", folder=net.parent, stdin=ran.out)
    assert net.read_bytes().decode() == tidied(content)
    assert archcalc("validate", "net.yaml", "--diff").status == 0


@pytest.mark.parametrize("name", ["a b.yaml", "ö.yaml", "new\nline.yaml", 'qu"o\\te\t.yaml', "\udcff.yaml"])
@pytest.mark.parametrize("is_repository", [False, True])
@pytest.mark.parametrize("is_absolute", [False, True])
def test_git_applies_the_patch_to_any_name(
    archcalc: Archcalc, tmp_path: Path, name: str, *, is_repository: bool, is_absolute: bool
) -> None:
    file = tmp_path / "nets" / name
    file.parent.mkdir()
    file.write_text(UNTIDY, encoding="utf-8")
    if is_repository:
        git("init", "-q", folder=tmp_path)
    ran = archcalc("validate", str(file) if is_absolute else "nets", "--diff")
    git("apply", folder=tmp_path, stdin=ran.out)
    assert file.read_text(encoding="utf-8") == TIDY


def test_a_patch_is_relative_to_the_repository(
    archcalc: Archcalc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("init", "-q", folder=tmp_path)
    for folder in ("nets", "tools"):
        tmp_path.joinpath(folder).mkdir()
    tmp_path.joinpath("nets", "net.yaml").write_text(UNTIDY, encoding="utf-8")
    monkeypatch.chdir(tmp_path / "tools")
    assert "+++ b/nets/net.yaml" in archcalc("validate", "../nets", "--diff").lines


def test_the_patch_of_a_file_elsewhere_is_relative_to_the_root(
    archcalc: Archcalc, net: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    net.write_text(UNTIDY, encoding="utf-8")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    ran = archcalc("validate", str(net), "--diff")
    assert f"+++ b{os.path.realpath(net)}" in ran.lines


def test_a_failing_spec_says_why_in_addition_to_the_patch(archcalc: Archcalc, net: Path) -> None:
    net.write_text(UNTIDY + "  - b: maxpool 2\nexpect:\n  macs: 3\n", encoding="utf-8")
    ran = archcalc("validate", "net.yaml", "--diff")
    assert ran.status == 1
    assert ran.line("net.yaml:8:9: error[expectation]: macs is ")
    assert ran.line("net.yaml:6:8: warning[dropped-border]")  # which --fix leaves
    assert "+variables: {c: 4}" in ran.lines
    assert "warning[unused-variable]" not in ran.out  # which the patch shows


def test_an_unreadable_file_is_an_error_whatever_else_would_be_fixed(archcalc: Archcalc, net: Path) -> None:
    net.write_text(UNTIDY, encoding="utf-8")
    net.with_name("broken.yaml").write_text("input: 3x9x9\nlayers: [rleu]\n", encoding="utf-8")
    assert archcalc("validate", ".", "--diff").status == 2


def test_fix_adds_quotes_where_yaml_needs_them(archcalc: Archcalc, net: Path) -> None:
    net.write_text("input: 3x9x9\nlayers:\n  - a: relu\n  - b: @a -> relu\n", encoding="utf-8")
    assert archcalc("validate", "net.yaml").status == 2
    ran = archcalc("validate", "net.yaml", "--fix")
    assert ran.status == 0
    assert '  - b: "@a -> relu"\n' in net.read_text(encoding="utf-8")


def test_no_warning_promises_a_correction_that_fix_refuses(archcalc: Archcalc, net: Path) -> None:
    net.write_text("input: 3x9x9\nlayers:\n  - conv 4 k1 -> bn\nexpect:\n  params: 32\n", encoding="utf-8")
    ran = archcalc("validate", "net.yaml", "--fix")  # without the bias, the expectation would fail
    assert ran.status == 0
    assert "= write nobias: this saves 4 parameters" in ran.out
    assert "--fix" not in ran.out


def test_fix_does_not_change_correct_files(archcalc: Archcalc, net: Path) -> None:
    net.write_text(NET, encoding="utf-8")
    stamp = net.stat().st_mtime_ns
    assert archcalc("validate", "net.yaml", "--fix").status == 0
    assert net.stat().st_mtime_ns == stamp


@pytest.mark.parametrize("spec", ["-", "3x9x9 -> conv 4 k3 -> bn", "lenet5"])
def test_no_message_promises_to_correct_what_is_not_a_file(archcalc: Archcalc, net: Path, spec: str) -> None:
    net.write_text(UNTIDY, encoding="utf-8")
    ran = archcalc("validate", "net.yaml", spec, "--fix", stdin=UNTIDY)
    assert ran.status == 2
    assert "--fix corrects files only" in ran.err
    assert net.read_text(encoding="utf-8") == UNTIDY
    assert "--fix" not in archcalc("validate", spec, stdin=UNTIDY).out


def test_corrections_of_standard_input_can_be_shown(archcalc: Archcalc) -> None:
    ran = archcalc("validate", "-", "--diff", stdin=UNTIDY)
    assert ran.status == 3
    assert "+variables: {c: 4}" in ran.lines


def test_fix_respects_read_only_files(archcalc: Archcalc, net: Path) -> None:
    net.write_text(UNTIDY, encoding="utf-8")
    os.chmod(net, 0o444)
    ran = archcalc("validate", "net.yaml", "--fix")
    assert ran.status == 2
    assert ran.lines[0] == "error  net.yaml  (1 error)"
    assert "error[output]: cannot write the corrected file: the file is read-only" in ran.out
    assert net.read_text(encoding="utf-8") == UNTIDY
