"""The file of a baseline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from archcalc.analysis.propagate import analyze
from archcalc.spec import Source, SpecError, read_spec
from archcalc.validation import FoundSpec
from archcalc.validation.baseline import NetworkFigures, figures_of
from archcalc.validation.store import BaselineFile
from tests.random_networks import networks


def figures(text: str) -> NetworkFigures:
    return figures_of(analyze(read_spec(Source("x.yaml", text)).graph))


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=[HealthCheck.large_base_example, HealthCheck.function_scoped_fixture])
@given(text=networks())
def test_a_baseline_survives_its_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "base.json"
    found = {'é " x': figures(text), "y": figures(text)}
    path.write_text(BaselineFile(str(path), found).text(), encoding="utf-8")
    assert BaselineFile.read(str(path)).networks == found


def test_a_baseline_has_a_line_for_every_layer() -> None:
    text = BaselineFile("base.json", {"a": figures("input: 3x32x32\nlayers: [conv 6 k5 -> relu]")}).text()
    assert sum('"op"' in line for line in text.splitlines()) == 2
    assert json.loads(text)["schema"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"specs": 3}',
        '{"specs": {"a": {}}}',
        "[" * 100_000,
        "\0",
        "\udcff",
        '{"specs": {"a": {"totals": {"params": true, "macs": 1, "flops": 1, "activations": 1, "memory": 1}}}}',
    ],
)
def test_what_is_no_baseline_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "b.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SpecError, match="not a baseline"):
        BaselineFile.read(str(path))


def test_a_missing_baseline_names_the_option_that_writes_it(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        BaselineFile.read(str(tmp_path / "none.json"))
    assert "--update-baseline" in str(caught.value)


def test_names_do_not_depend_on_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "a.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert BaselineFile("b.json").name(FoundSpec("nets/a.yaml", path="nets/a.yaml")) == "nets/a.yaml"
    monkeypatch.chdir(tmp_path / "nets")
    assert BaselineFile("../b.json").name(FoundSpec("a.yaml", path="a.yaml")) == "nets/a.yaml"
    assert BaselineFile("../b.json").name(FoundSpec("lenet5", path="/somewhere/lenet5.yaml")) == "lenet5"


def test_what_is_gone_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").touch()
    found = figures("input: 3\nlayers: [relu]")
    store = BaselineFile(str(tmp_path / "b.json"), dict.fromkeys(("a.yaml", "b.yaml", "lenet5", "3 -> relu"), found))
    assert json.loads(store.text())["specs"].keys() == {"a.yaml", "lenet5", "3 -> relu"}
