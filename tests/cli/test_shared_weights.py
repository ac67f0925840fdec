"""Networks with shared weights, as users see them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from textwrap import dedent

import pytest

from archcalc.api import load
from tests.analysis.test_shared_weights import LARGE, SMALL, TOWER, TOWERS
from tests.cli.conftest import Archcalc


@pytest.fixture
def path(tmp_path: Path) -> str:
    file = tmp_path / "towers.yaml"
    file.write_text(dedent(TOWERS))
    return str(file)


@pytest.mark.parametrize("quantity", ["params", "trainable"])
def test_sweeps_and_closed_forms_count_as_the_analysis_does(archcalc: Archcalc, path: str, quantity: str) -> None:
    words = ("--set", "width=2,4,9", "--columns", f"{quantity},two.{quantity}", "--format", "csv")
    rows = list(csv.DictReader(archcalc("sweep", path, *words).lines))
    form = json.loads(archcalc("formula", path, quantity, "--free", "width", "--format", "json").out)
    for row, width in zip(rows, (2, 4, 9), strict=True):
        network = load(path, set={"width": width}).analyze()
        assert int(row[quantity]) == getattr(network.totals, quantity)
        assert int(row[f"two.{quantity}"]) == getattr(network.stage("two"), quantity)
        assert eval(form["formulas"][0]["python"], {"width": width}) == getattr(network.totals, quantity)


def test_the_table_says_shared_where_weights_are_used_again(archcalc: Archcalc, path: str) -> None:
    ran = archcalc("show", path, "--columns", "layer,params", "--depth", "all")
    assert ran.line("one/conv_1").split() == ["one/conv_1", str(SMALL)]
    assert ran.line("two/conv_1").split() == ["two/conv_1", "shared"]
    assert ran.line("last").split(None, 1)[1].strip() == "4 + shared"
    rows = list(csv.DictReader(archcalc("show", path, "--columns", "layer,params", "--format", "csv").lines))
    assert sum(int(row["params"]) for row in rows) == TOWER + 4


def test_json_has_how_many_belong_to_earlier_layers(archcalc: Archcalc, path: str) -> None:
    record = json.loads(archcalc("show", path, "--format", "json").out)
    rows = {layer["name"]: (layer["params"], layer.get("shared_params", 0)) for layer in record["layers"]}
    assert rows["one/conv_1"] == (SMALL, 0)
    assert rows["two/conv_1"] == (SMALL, SMALL)
    assert rows["last"] == (LARGE + 4, LARGE)
    assert sum(params - shared for params, shared in rows.values()) == record["totals"]["params"]


def test_derivations_say_that_weights_are_shared(archcalc: Archcalc, path: str) -> None:
    assert "(shared with one/conv_2)" in archcalc("explain", path, "last", "params").out
    whole = archcalc("explain", path, "params").out
    assert "(shared, counted once)" in whole
    assert f"= {TOWER + 4}" in whole
