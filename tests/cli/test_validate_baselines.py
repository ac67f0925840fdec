"""``archcalc validate`` with baselines: no spec escapes its limits by a new name, other settings, or a damaged file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Archcalc

NET = "variables: {c: 8}\ninput: 3x32x32\nlayers:\n  - stem: conv c k3 -> relu\n  - head: gap -> fc 10\n"
WIDE = NET.replace("c: 8", "c: 48")
BASELINE = ("--baseline", "base.json")


@pytest.fixture(autouse=True)
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of two specs, below the current folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "nets" / "prod"
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text(NET, encoding="utf-8")
    (folder / "b.yaml").write_text("input: 3x8x8\nlayers: [conv 5 k3, bn, conv 6 k3]\n", encoding="utf-8")
    return tmp_path / "nets"


def update(archcalc: Archcalc, *more: str) -> None:
    ran = archcalc("validate", "nets", *BASELINE, "--update-baseline", *more)
    assert ran.status == 0, ran.out


def entries(path: Path = Path("base.json")) -> list[str]:
    return list(json.loads(path.read_text(encoding="utf-8"))["specs"])


def test_a_renamed_folder_keeps_its_limits(archcalc: Archcalc, nets: Path) -> None:
    update(archcalc)
    (nets / "prod").rename(nets / "production")
    (nets / "production" / "a.yaml").write_text(WIDE, encoding="utf-8")
    ran = archcalc("validate", "-q", "nets", *BASELINE)
    assert ran.status == 1
    assert ran.line("failed nets/production/a.yaml").endswith(
        "grown since the baseline, renamed from nets/prod/a.yaml)"
    )
    assert "removed-spec" not in ran.out
    ran = archcalc("validate", "nets", *BASELINE)
    assert ran.line("ok     nets/production/b.yaml").endswith("renamed from nets/prod/b.yaml)")
    records = json.loads(archcalc("validate", "nets", *BASELINE, "--format", "json").out)
    assert [record.get("renamed_from") for record in records] == ["nets/prod/a.yaml", "nets/prod/b.yaml"]


def test_a_renamed_folder_keeps_its_limits_with_settings(archcalc: Archcalc, nets: Path) -> None:
    (nets / "prod" / "b.yaml").unlink()
    update(archcalc)
    update(archcalc, "--set", "c=9")
    (nets / "prod").rename(nets / "production")
    ran = archcalc("validate", "nets", *BASELINE, "--set", "c=9")
    assert ran.line("ok     nets/production/a.yaml").endswith("renamed from nets/prod/a.yaml --set c=9)")
    assert ran.line("base.json: warning[removed-spec]: the baseline has 'nets/prod/a.yaml', which does not exist")


def test_entries_without_a_file_are_listed(archcalc: Archcalc, nets: Path) -> None:
    update(archcalc)
    (nets / "prod" / "b.yaml").unlink()
    message = "base.json: warning[removed-spec]: the baseline has 'nets/prod/b.yaml', which does not exist"
    ran = archcalc("validate", "nets", *BASELINE)
    assert ran.status == 0
    assert message in ran.lines
    assert ran.lines[-1] == "1 spec: 1 ok; 1 warning"
    assert archcalc("validate", "nets", *BASELINE, "--strict").status == 1
    ran = archcalc("validate", "nets", *BASELINE, "--strict", "--update-baseline")
    assert ran.status == 0
    assert message in ran.lines
    assert entries() == ["nets/prod/a.yaml"]
    assert "removed-spec" not in archcalc("validate", "nets", *BASELINE).out


def test_on_request_new_specs_fail(archcalc: Archcalc, nets: Path) -> None:
    update(archcalc)
    (nets / "c.yaml").write_text("input: 3\nlayers: [fc 4]\n", encoding="utf-8")
    assert archcalc("validate", "nets", *BASELINE).status == 0
    ran = archcalc("validate", "-q", "nets", *BASELINE, "--require-baseline")
    assert ran.status == 1
    assert ran.line("nets/c.yaml: error[new-spec]: the baseline has no entry for this spec")
    update(archcalc, "--require-baseline")
    assert archcalc("validate", "nets", *BASELINE, "--require-baseline").status == 0
    assert archcalc("validate", "nets", "--require-baseline").status == 2


def test_a_spec_of_the_baseline_is_not_skipped_as_something_else(archcalc: Archcalc, nets: Path) -> None:
    update(archcalc)
    (nets / "prod" / "a.yaml").write_text(NET.replace("layers", "Layers").replace("input", "Input"), encoding="utf-8")
    ran = archcalc("validate", "nets", *BASELINE)
    assert ran.status == 2
    assert ran.line("error  nets/prod/a.yaml")


def test_settings_have_separate_entries(archcalc: Archcalc, nets: Path) -> None:
    (nets / "prod" / "b.yaml").unlink()
    update(archcalc, "--set", "c=80")
    assert entries() == ["nets/prod/a.yaml --set c=80"]
    assert archcalc("validate", "nets", *BASELINE, "--require-baseline").status == 1
    update(archcalc)
    (nets / "prod" / "a.yaml").write_text(WIDE, encoding="utf-8")
    assert archcalc("validate", "nets", *BASELINE).status == 1
    assert archcalc("validate", "nets", *BASELINE, "--set", "c=80").status == 0
    assert archcalc("validate", "nets", *BASELINE, "--set", "c=90").line("ok").endswith("new: not in the baseline)")


def test_inline_expressions_have_separate_entries(archcalc: Archcalc) -> None:
    update(archcalc, "3x8x8 -> conv 4 k3", "3x8x8 -> conv  5 k3")
    assert entries()[:2] == ["3x8x8 -> conv 4 k3", "3x8x8 -> conv 5 k3"]
    assert archcalc("validate", "3x8x8 -> conv 4 k3", *BASELINE, "--require-baseline").status == 0
    assert archcalc("validate", "3x8x8 -> conv 6 k3", *BASELINE, "--require-baseline").status == 1


def test_a_damaged_baseline_is_an_error_of_the_report_and_is_not_overwritten(archcalc: Archcalc, nets: Path) -> None:
    update(archcalc)
    text = Path("base.json").read_text(encoding="utf-8")
    for damaged in (text.replace('"schema": 1', '"schema": 2'), f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> x\n", ""):
        Path("base.json").write_text(damaged, encoding="utf-8")
        for more in ([], ["--update-baseline"]):
            ran = archcalc("validate", "nets", *BASELINE, *more)
            assert ran.status == 2
            assert ran.line("ok     nets/prod/a.yaml")
            assert ran.line("base.json:") or ran.line("error  base.json")
            assert "error[baseline]" in ran.out
            assert "remove" not in ran.out
            assert Path("base.json").read_text(encoding="utf-8") == damaged


@pytest.mark.slow
def test_processes_that_update_one_baseline_lose_nothing(nets: Path) -> None:
    for number in range(8):
        (nets / f"{number}.yaml").write_text(NET.replace("8", str(number + 1), 1), encoding="utf-8")
    command = [sys.executable, "-m", "archcalc", "validate", *BASELINE, "--update-baseline"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(Path(__file__).parents[2])]))}
    processes = [subprocess.Popen([*command, f"nets/{number}.yaml"], env=environment) for number in range(8)]
    assert [process.wait() for process in processes] == [0] * 8
    assert entries() == [f"nets/{number}.yaml" for number in range(8)]


def test_the_configuration_names_the_baseline_and_what_it_tolerates(archcalc: Archcalc, nets: Path) -> None:
    tables = '[per-path-tolerances]\n"*/prod/*" = ["1000%", "macs=2000%"]\n'
    Path("archcalc.toml").write_text(
        f'baseline = "base.json"\nrequire-baseline = true\ntolerance = "1%"\n{tables}', encoding="utf-8"
    )
    (nets / "archcalc.toml").write_text('baseline = "own.json"\n', encoding="utf-8")
    (nets.parent / "top").mkdir()
    (nets.parent / "top" / "a.yaml").write_text(NET, encoding="utf-8")
    assert archcalc("validate", "nets", "top", "--update-baseline").status == 0
    assert entries() == ["top/a.yaml"]
    assert entries(nets / "own.json") == ["prod/a.yaml", "prod/b.yaml"]
    assert archcalc("validate", "nets", "top").status == 0
    (nets.parent / "top" / "a.yaml").write_text(WIDE, encoding="utf-8")
    ran = archcalc("validate", "nets", "top")
    assert ran.status == 1
    assert "the tolerance is 1 %" in ran.out
    assert archcalc("validate", "top", "--tolerance", "1000%").status == 0
    (nets.parent / "top").rename(nets.parent / "prod")
    (nets.parent / "x").mkdir()
    (nets.parent / "prod").rename(nets.parent / "x" / "prod")
    assert archcalc("validate", "x").status == 0
    (nets.parent / "x" / "new.yaml").write_text("input: 3\nlayers: [fc 4]\n", encoding="utf-8")
    assert archcalc("validate", "x").status == 1


def test_a_configuration_that_cannot_be_read_does_not_stop_the_report(archcalc: Archcalc, nets: Path) -> None:
    (nets / "prod" / "archcalc.toml").write_text("strict = [\n", encoding="utf-8")
    (nets / "c.yaml").write_text("input: 3\nlayers: [fc 4]\n", encoding="utf-8")
    for form in ("text", "json", "junit", "sarif", "gitlab", "github"):
        ran = archcalc("validate", "nets", "--format", form, "--output", "report.txt")
        assert ran.status == 2
        assert ran.line("ok     nets/c.yaml")
        assert ran.line("ok     nets/prod/a.yaml")
        report = Path("report.txt").read_text(encoding="utf-8")
        assert "the file is not valid TOML" in report
        assert "archcalc.toml" in report


def test_excluded_files_are_named(archcalc: Archcalc, nets: Path) -> None:
    Path("pyproject.toml").write_text('[tool.archcalc]\nexclude = ["nets/prod"]\n', encoding="utf-8")
    (nets / "c.yaml").write_text("input: 3\nlayers: [fc 4]\n", encoding="utf-8")
    ran = archcalc("validate", "nets")
    assert "skip   nets/prod  ('nets/prod' is excluded in pyproject.toml)" in ran.lines
    assert ran.lines[-1] == "1 spec: 1 ok; 1 file skipped"
    assert archcalc("validate", "nets/prod/a.yaml").lines[-1] == "1 spec: 1 ok"
    assert archcalc("validate", "nets/prod/a.yaml", "--specs-only").lines[-1] == "0 specs: 0 ok; 1 file skipped"
