"""Patterns of a configuration that match no file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Archcalc

TOML = """\
[tool.archcalc.per-path-ignores]
"nets/a*" = ["dropped-border"]
"published/*" = ["dropped-border"]
"*/b.yaml" = ["unused-input"]
"""
SPEC = "input: 3x8x8\nlayers: [relu]\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project, which is the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets").mkdir()
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / "nets" / name).write_text(SPEC, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(TOML, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("paths", [["."], ["nets/a.yaml"], ["nets/a.yaml", "-"]])
def test_a_pattern_without_files_is_named_whatever_is_validated(archcalc: Archcalc, paths: list[str]) -> None:
    ran = archcalc("validate", *paths, stdin=SPEC)
    assert ran.status == 0
    assert ran.line("pyproject.toml:3:2: warning[unused-pattern]: no file matches the pattern 'published/*'")
    assert ran.out.count("no file matches") == 1
    assert "1 warning" in ran.lines[-1]


def test_it_is_a_warning_like_others(archcalc: Archcalc) -> None:
    assert archcalc("validate", "nets", "--strict").status == 1
    assert archcalc("validate", "nets", "--strict").lines[-1] == "2 specs: 2 ok; 1 error in configurations or baselines"


@pytest.mark.parametrize(("key", "value"), [("per-path-tolerances", "1%"), ("shapes", "3x8x8")])
def test_other_patterns_of_files_are_named_too(archcalc: Archcalc, folder: Path, key: str, value: str) -> None:
    text = f'[{key}]\n"old/*" = "{value}"\n"nets/*" = "{value}"\n[per-path-ignores]\n"old/*" = ["dropped-border"]\n'
    (folder / "archcalc.toml").write_text(text, encoding="utf-8")
    ran = archcalc("validate", "nets")
    assert ran.line("archcalc.toml:2:2: warning[unused-pattern]: no file matches the pattern 'old/*'")
    assert ran.out.count("no file matches") == 1


def test_patterns_that_match_are_not_mentioned(archcalc: Archcalc, folder: Path) -> None:
    (folder / "published" / "deep").mkdir(parents=True)
    (folder / "published" / "deep" / "net.yaml").write_text(SPEC, encoding="utf-8")
    assert archcalc("validate", "nets").lines[-1] == "2 specs: 2 ok"


def test_hidden_files_do_not_count(archcalc: Archcalc, folder: Path) -> None:
    (folder / "published" / ".git").mkdir(parents=True)
    (folder / "published" / ".git" / "net.yaml").write_text(SPEC, encoding="utf-8")
    assert "published" in archcalc("validate", "nets").out


def test_specs_that_are_not_files_give_no_warning_about_patterns(archcalc: Archcalc) -> None:
    assert archcalc("validate", "-", "lenet5", stdin=SPEC).lines[-1] == "2 specs: 2 ok"
