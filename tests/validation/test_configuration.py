"""What a project says about warnings: where that is found, what it says, what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc.spec import SpecError
from archcalc.validation.configuration import configuration_of


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_the_nearest_file_above_a_spec_holds(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", '[tool.archcalc]\nignore = ["unused-block"]\nstrict = true\n')
    write(tmp_path / "a" / "pyproject.toml", '[project]\nname = "no word about archcalc"\n')
    write(tmp_path / "b" / "archcalc.toml", 'error = ["unused-table"]\n')
    above = configuration_of(str(tmp_path / "a" / "deep" / "net.yaml"))
    assert (above.ignore, above.strict) == ({"unused-block"}, True)
    own = configuration_of(str(tmp_path / "b" / "net.yaml"))
    assert (own.ignore, own.error, own.strict) == (set(), {"unused-table"}, False)


def test_paths_have_codes_of_their_own(tmp_path: Path) -> None:
    text = 'ignore = ["unused-block"]\n[per-path-ignores]\n"old/*" = ["dropped-border"]\n"*.json" = ["unused-input"]\n'
    write(tmp_path / "archcalc.toml", text)
    found = configuration_of(str(tmp_path / "x.yaml"))
    assert found.ignored(str(tmp_path / "x.yaml")) == {"unused-block"}
    assert found.ignored(str(tmp_path / "old/deep/x.yaml")) == {"unused-block", "dropped-border"}
    assert found.ignored(str(tmp_path / "old/x.json")) == {"unused-block", "dropped-border", "unused-input"}


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("ignore = 3", "list of codes"),
        ('ignore = "unused-block"', "list of codes"),
        ('ignore = ["unused-blocks"]', "did you mean 'unused-block'?"),
        ('ingore = ["unused-block"]', "did you mean 'ignore'?"),
        ("strict = 1", "true or false"),
        ("per-path-ignores = []", "table"),
        ('[per-path-ignores]\n"a/*" = ["x"]', "no warning has the code 'x'"),
        ("ignore = [", ":1:11: error[configuration]: the file is not valid TOML"),
        ("strict = true\n  ignore = x", ":2:12: error[configuration]: the file is not valid TOML"),
        ("\0", "not valid TOML"),
    ],
)
def test_a_mistake_is_reported_with_its_file(tmp_path: Path, text: str, hint: str) -> None:
    write(tmp_path / "archcalc.toml", text)
    with pytest.raises(SpecError) as caught:
        configuration_of(str(tmp_path / "net.yaml"))
    assert str(tmp_path / "archcalc.toml") in str(caught.value)
    assert hint in str(caught.value)
    assert "error[configuration]" in str(caught.value)


def test_the_section_of_a_project_is_a_table(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", "[tool]\narchcalc = 3\n")
    with pytest.raises(SpecError):
        configuration_of(str(tmp_path / "net.yaml"))
