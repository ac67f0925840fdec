"""Any file gives a result, never an exception, and corrections do what they promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc.spec import Source
from archcalc.spec.limits import Limits
from archcalc.spec.zoo import bundled_folder
from archcalc.validation import FoundSpec, Options
from archcalc.validation.baseline import NetworkFigures
from archcalc.validation.configuration import configuration_of
from archcalc.validation.examine import examine
from archcalc.validation.results import ValidationResult, ValidationTask
from tests.spec.mutations import mutants

DAMAGED = ("lenet5", "lenet1", "unet", "colourisation-unet", "googlenet-naive", "mobilenet-v1")
FEW = Limits(layers=2_000)


def examined(text: str, *, with_figures: bool = False, before: NetworkFigures | None = None) -> ValidationResult:
    found = FoundSpec("net.yaml", source=Source("net.yaml", text))
    task = ValidationTask(found, before=before, baseline="baseline.json" if with_figures else "")
    return examine(Options(update_baseline=True), task)


def task(path: Path) -> ValidationTask:
    return ValidationTask(FoundSpec("net.yaml", path=str(path)), baseline="b")


@pytest.mark.slow
@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files_have_an_outcome_and_corrections_that_hold(tmp_path: Path, name: str) -> None:
    text = (bundled_folder() / f"{name}.yaml").read_text(encoding="utf-8")
    text = text.replace("variables: {", "variables: {idle: 1, ") + "# archcalc: ignore[dropped-border]\n"
    path = tmp_path / "net.yaml"
    corrections = 0
    for damaged in mutants(text, name, 15):
        path.write_bytes(damaged.encode("utf-8", "surrogatepass"))
        result = examine(Options(fix="write", limits=FEW), task(path))
        if result.corrected is not None:
            corrections += 1
            path.write_text(result.corrected, encoding="utf-8", newline="")
            again = examine(Options(fix="write", limits=FEW), task(path))
            assert again.findings == result.findings
            assert again.corrected is None
    assert corrections


def test_settings_are_applied_to_the_spec(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: 3x9x9\nvariables: {c: 2}\nlayers: [conv c k3]\nexpect: {params: 56}\n", encoding="utf-8")
    assert examine(Options(), task(path)).status == 0
    assert examine(Options(settings={"c": "3"}), task(path)).status == 1
    assert examine(Options(settings={"d": "3"}), task(path)).status == 2
    assert examine(Options(shapes={"": "4x9x9"}), task(path)).status == 1


def test_shapes_of_the_configuration_are_applied_unless_others_are_given(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: 3x9x9\nlayers: [conv 2 k3]\nexpect: {params: 74}\n", encoding="utf-8")
    (tmp_path / "archcalc.toml").write_text('shapes = {"*.yaml" = "4x9x9"}\n', encoding="utf-8")
    configured = task(path)._replace(configuration=configuration_of(str(path)))
    assert examine(Options(), configured).status == 0
    assert examine(Options(shapes={"": "3x9x9"}), configured).status == 1


def test_a_mistake_in_a_setting_is_reported_without_a_place_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: 3x9x9\nvariables: {c: 2}\nlayers: [conv c k3]\n", encoding="utf-8")
    (found,) = examine(Options(settings={"c": "3+"}), task(path)).findings
    assert (found.file, found.line) == ("net.yaml", None)
    assert found.text.startswith("--set c:1:3: error[syntax]")


def test_findings_have_begin_end_and_the_line(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: 3x9x9\nlayers:\n  - a: conv 4 k3 -> maxpool 2\n", encoding="utf-8")
    (found,) = examine(Options(), task(path)).findings
    assert (found.file, found.line, found.column, found.end_line, found.end_column) == ("net.yaml", 3, 21, 3, 30)
    assert found.content == "  - a: conv 4 k3 -> maxpool 2"
    assert (found.level, found.status) == ("warning", 0)


GROWN = """input: 3x8x8
layers:
  - a: conv {n} k3 -> relu
  - dw: dwconv k3 half
expect:
  trainable: 160
  a.macs: 3888
"""


def test_a_budget_that_is_exceeded_is_explained_by_what_changed() -> None:
    before = examined(GROWN.format(n=4), with_figures=True).figures
    findings = examined(GROWN.format(n=8), with_figures=True, before=before).findings
    hints = [finding.hint for finding in findings if finding.code == "expectation"]
    assert hints == [
        "changed since the baseline: a/conv conv 4 k3 → conv 8 k3, params 112 → 224; dw params 40 → 80",
        "changed since the baseline: a/conv conv 4 k3 → conv 8 k3, macs 3,888 → 7,776",
    ]


def test_without_a_baseline_no_mistake_of_a_student_is_suspected() -> None:
    text = "input: 3x8x8\nlayers:\n  - a: conv 4 k3 -> relu\n  - dw: dwconv k3 half\nexpect:\n  params: 112\n"
    (finding,) = examined(text).findings
    assert finding.code == "expectation"
    assert finding.message == "params is 152, expected 112"  # the sum without dw
    assert finding.hint == ""


def test_a_removed_and_a_new_layer_are_named() -> None:
    before = examined(GROWN.format(n=4).replace("relu", "relu -> conv 4 k1"), with_figures=True).figures
    after = GROWN.format(n=4).replace("  - dw: dwconv k3 half\n", "  - new: fc 3\n").replace("160", "1")
    hints = [finding.hint for finding in examined(after, with_figures=True, before=before).findings]
    assert "a/conv_2 is removed (conv 4 k1)" in hints[0]
    assert "new is new (fc 3)" in hints[0]
