"""The configuration of a project: where it is found, what it sets, and its errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc.validation.configuration import configuration_of, exclusion


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
    assert found.ignored_codes(str(tmp_path / "x.yaml")) == {"unused-block"}
    assert found.ignored_codes(str(tmp_path / "old/deep/x.yaml")) == {"unused-block", "dropped-border"}
    assert found.ignored_codes(str(tmp_path / "old/x.json")) == {"unused-block", "dropped-border", "unused-input"}


def test_the_last_pattern_decides_the_shapes_of_a_file(tmp_path: Path) -> None:
    write(tmp_path / "archcalc.toml", '[shapes]\n"*" = "3x8x8"\n"a/*" = ["x = 3x9x9", "state=5"]\n')
    assert configuration_of(str(tmp_path / "net.onnx")).shapes(str(tmp_path / "net.onnx")) == {"": "3x8x8"}
    inner = str(tmp_path / "a" / "net.onnx")
    assert configuration_of(inner).shapes(inner) == {"x": "3x9x9", "state": "5"}


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
        ("exclude = [3]", "list of patterns"),
        ("baseline = 3", "name of a file"),
        ('require-baseline = "yes"', "true or false"),
        ("tolerance = 3", "list of percentages"),
        ('tolerance = "3"', "a percentage such as 1% or macs=2%, got '3'"),
        ('tolerance = ["weights=3%"]', "no quantity 'weights'"),
        ('[per-path-tolerances]\n"a/*" = "x"', "a percentage"),
        ('[shapes]\n"a/*" = 3', "list of shapes"),
        ('[shapes]\n"a/*" = "x=3x"', "'x=3x' is not a shape"),
        ('[shapes]\n"a/*" = "3xHxW"', "'3xHxW' is not a shape: it must consist of numbers, got the name 'H'"),
        ('[shapes]\n"a/*" = ["x=3", "x=4"]', "gives the input 'x' two shapes"),
        ("ignore = [", ":1:11: error[configuration]: the file is not valid TOML"),
        ("strict = true\n  ignore = x", ":2:12: error[configuration]: the file is not valid TOML"),
        ("\0", "not valid TOML"),
    ],
)
def test_a_mistake_is_reported_with_its_file(tmp_path: Path, text: str, hint: str) -> None:
    write(tmp_path / "archcalc.toml", text)
    (problem,) = configuration_of(str(tmp_path / "net.yaml")).problems
    assert str(tmp_path / "archcalc.toml") in problem.render()
    assert hint in problem.render()
    assert "error[configuration]" in problem.render()


def test_the_section_of_a_project_is_a_table(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", "[tool]\narchcalc = 3\n")
    assert configuration_of(str(tmp_path / "net.yaml")).problems


def test_a_configuration_that_cannot_be_followed_is_not_overlooked(tmp_path: Path) -> None:
    (tmp_path / "archcalc.toml").symlink_to(tmp_path / "nowhere.toml")
    (problem,) = configuration_of(str(tmp_path / "net.yaml")).problems
    assert "No such file" in problem.message


def test_files_and_folders_are_excluded_by_every_configuration_above(tmp_path: Path) -> None:
    write(tmp_path / "archcalc.toml", 'exclude = ["vendor/", "*/draft-*.yaml"]\n')
    write(tmp_path / "vendor" / "deep" / "archcalc.toml", "strict = true\n")
    assert exclusion(str(tmp_path / "vendor")) == "'vendor/' is excluded in archcalc.toml"
    assert exclusion(str(tmp_path / "vendor" / "deep" / "a.yaml"))
    assert exclusion(str(tmp_path / "nets" / "draft-1.yaml"))
    assert not exclusion(str(tmp_path / "nets" / "a.yaml"))
    assert not exclusion(str(tmp_path / "vendor.yaml"))


def test_a_baseline_is_relative_to_its_configuration(tmp_path: Path) -> None:
    write(tmp_path / "archcalc.toml", 'baseline = "ci/base.json"\nrequire-baseline = true\n')
    found = configuration_of(str(tmp_path / "nets" / "a.yaml"))
    assert (Path(found.baseline), found.require_baseline) == (tmp_path / "ci" / "base.json", True)


def test_the_last_pattern_that_matches_has_its_tolerance(tmp_path: Path) -> None:
    tables = (
        '[per-path-tolerances]\n"research/*" = ["5%", "macs=50%"]\n"research/old/*" = "params=0"\n"x.yaml" = "2%"\n'
    )
    write(tmp_path / "archcalc.toml", f'tolerance = ["1%", "macs=2%"]\n{tables}')
    found = configuration_of(str(tmp_path / "x.yaml"))

    def percent(path: str, quantity: str) -> float:
        return float(found.tolerance_for(str(tmp_path / path)).of(quantity) * 100)

    assert [percent("a.yaml", quantity) for quantity in ("params", "macs")] == [1, 2]
    assert [percent("x.yaml", quantity) for quantity in ("params", "macs")] == [2, 2]
    assert [percent("research/a.yaml", quantity) for quantity in ("params", "macs")] == [5, 50]
    assert [percent("research/old/a.yaml", quantity) for quantity in ("params", "macs", "flops")] == [0, 50, 5]
