"""Networks with operators that cannot be counted: every format marks lower bounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.cli.conftest import Archcalc
from tests.cli.test_models import SCHEMA
from tests.readers.programs import small_network, with_unknown_operators, write

UNKNOWN = ("relu_", "max_pool2d", "linear")


@pytest.fixture
def whole(tmp_path: Path) -> str:
    return str(write(tmp_path / "whole.pt2", small_network()))


@pytest.fixture
def unknown(tmp_path: Path) -> str:
    return str(write(tmp_path / "net.pt2", with_unknown_operators(small_network(), *UNKNOWN)))


def output(archcalc: Archcalc, *arguments: str) -> str:
    done = archcalc(*arguments)
    assert done.status == 0, done.err
    return done.out


def test_complete_networks_are_not_marked(archcalc: Archcalc, whole: str) -> None:
    assert output(archcalc, "show", whole, "--partial") == output(archcalc, "show", whole)
    assert output(archcalc, "show", "lenet5", "--partial") == output(archcalc, "show", "lenet5")


@pytest.mark.parametrize("form", ["plain", "rich", "markdown", "latex", "html"])
def test_tables_for_people_mark_lower_bounds(archcalc: Archcalc, unknown: str, form: str) -> None:
    text = output(archcalc, "show", unknown, "--partial", "--format", form)
    at_least = r"$\geq$ 7,776" if form == "latex" else "≥ 7,776"
    (total,) = [line for line in text.splitlines() if "total" in line]
    assert at_least in total
    assert "1 × aten.exotic_linear, in" in text


def test_totals_are_marked_if_another_layer_has_the_same_counts(archcalc: Archcalc, tmp_path: Path) -> None:
    """Flattening has no cost either, and as many outputs as the pooling that cannot be counted."""
    path = write(tmp_path / "net.pt2", with_unknown_operators(small_network(), "max_pool2d"))
    assert "≥ 8,496" in output(archcalc, "show", str(path), "--partial")


def test_groups_of_layers_are_marked(archcalc: Archcalc, unknown: str) -> None:
    rows = {
        line.split()[0]: line
        for line in output(archcalc, "show", unknown, "--partial", "--depth", "1").splitlines()
        if line
    }
    assert "≥ 7,776" in rows["stem"]
    assert "≥" not in rows["flatten"]


def test_csv_has_a_column_for_lower_bounds(archcalc: Archcalc, unknown: str, whole: str) -> None:
    lines = [line.split(",") for line in output(archcalc, "show", unknown, "--partial", "--format", "csv").splitlines()]
    assert lines[0][-1] == "lower_bound"
    assert [line[-1] for line in lines[1:]] == ["false", "true", "false", "true", "false", "true"]
    assert "lower_bound" not in output(archcalc, "show", whole, "--partial", "--format", "csv")


def test_json_marks_rows_and_totals(archcalc: Archcalc, unknown: str) -> None:
    record = json.loads(output(archcalc, "show", unknown, "--partial", "--format", "json"))
    jsonschema.validate(record, SCHEMA)
    assert record["totals"]["lower_bound"] is True
    marked = {layer["name"]: layer["attributes"] for layer in record["layers"] if "lower_bound" in layer}
    assert marked["head"] == {"call": "aten.exotic_linear"}
    assert len(marked) == len(UNKNOWN)


def test_comparisons_mark_lower_bounds(archcalc: Archcalc, unknown: str, whole: str) -> None:
    rows = {
        line.split()[0]: line.split()[1:]
        for line in output(archcalc, "compare", whole, unknown, "--partial").splitlines()
    }
    assert rows["MACs"] == ["8,496", "≥", "7,776", "≥", "0.92"]
    assert rows["params"] == ["946", "946", "1.00"]
    reverse = output(archcalc, "compare", unknown, whole, "--partial").splitlines()
    assert [line.split()[-1] for line in reverse if line.startswith("MACs")] == ["-"]
    records: list[Any] = json.loads(output(archcalc, "compare", whole, unknown, "--partial", "--format", "json"))
    assert "lower_bounds" not in records[0]
    assert records[1]["lower_bounds"] == ["macs", "flops"]
    table = output(archcalc, "compare", whole, unknown, "--partial", "--format", "csv").splitlines()
    assert table[0].endswith("net.pt2 lower_bound")
    assert [line.split(",")[0] for line in table if line.endswith("true")] == ["macs", "flops"]


def test_verbs_that_would_not_mark_lower_bounds_refuse(archcalc: Archcalc, unknown: str) -> None:
    for verb in ("explain", "validate", "run", "fold"):
        done = archcalc(verb, unknown)
        assert done.status in (1, 2)
        assert "cannot be counted" in done.out + done.err
