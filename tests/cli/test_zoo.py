"""``archcalc zoo``: the bundled networks."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import jsonschema
import pytest

from archcalc.cli.schema import schemas
from archcalc.spec.catalogue import FIGURES, catalogue
from tests.cli.conftest import Archcalc


def listed(archcalc: Archcalc, *arguments: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archcalc("zoo", *arguments, "--format", "csv").out)))


def test_all_networks_and_variants_are_listed(archcalc: Archcalc) -> None:
    found = listed(archcalc)
    assert [row["name"] for row in found] == [entry.name for entry in catalogue()]
    lenet = next(row for row in found if row["name"] == "lenet5")
    assert (lenet["title"], lenet["input"], lenet["params"], lenet["macs"]) == ("LeNet-5", "1x32x32", "61706", "416520")


def test_shapes_are_in_the_layout_of_each_network(archcalc: Archcalc) -> None:
    assert "512x512x3" in archcalc("zoo", "--columns", "name,input").line("homework-network-a ")


def test_families_are_groups(archcalc: Archcalc) -> None:
    families = [row["family"] for row in listed(archcalc)]
    assert [name for index, name in enumerate(families) if families.index(name) == index] == sorted(
        set(families), key=str.casefold
    )
    lines = archcalc("zoo", "vgg").lines
    assert sum(line.startswith("VGG ") for line in lines) == 1


def test_json_has_a_schema_and_all_totals(archcalc: Archcalc) -> None:
    found: list[dict[str, Any]] = json.loads(archcalc("zoo", "--format", "json").out)
    jsonschema.validate(found, json.loads(schemas()["zoo"]))
    assert set(json.loads(schemas()["zoo"])["items"]["required"]) == {*catalogue()[0]._fields}
    vgg = next(record for record in found if record["name"] == "vgg-d")
    assert vgg["published"]["params"] == {"value": "138M", "source": "Table 2"}


@pytest.mark.parametrize(
    ("arguments", "holds"),
    [
        (("vgg",), lambda row: "vgg" in row["name"]),
        (("VGG", "params < 135M"), lambda row: "vgg" in row["name"] and int(row["params"]) < 135e6),
        (("--task", "segmentation"), lambda row: row["task"] == "segmentation"),
        (("params < 100K",), lambda row: int(row["params"]) < 100_000),
        (("macs = 1.8G", "layers > 20"), lambda row: 1.75e9 <= int(row["macs"]) <= 1.85e9 and int(row["layers"]) > 20),
        (
            ("connections >= 2*params and not trainable = params",),
            lambda row: int(row["trainable"]) != int(row["params"]),
        ),
    ],
)
def test_words_tasks_and_conditions_filter(archcalc: Archcalc, arguments: tuple[str, ...], holds: Any) -> None:
    found = listed(archcalc, *arguments)
    assert found
    assert all(holds(row) for row in found)


def test_a_filter_leaves_out_nothing_that_meets_it(archcalc: Archcalc) -> None:
    names = {row["name"] for row in listed(archcalc, "params < 5M")}
    assert names == {entry.name for entry in catalogue() if entry.params < 5_000_000}


def test_published_figures_and_their_places_are_shown(archcalc: Archcalc) -> None:
    ran = archcalc("zoo", "resnet50")
    assert "trainable 25,557,032 (torchvision)" in next(line for line in ran.lines if " resnet50 " in line)
    assert any(line.startswith("resnet50") and "CVPR 2016, Table 1" in line for line in ran.lines)
    assert "II.B" in archcalc("zoo", "lenet5-1998", "--columns", "name,source").line("lenet5-1998")


def test_no_network_may_meet_all_conditions(archcalc: Archcalc) -> None:
    ran = archcalc("zoo", "lenet", "params > 1G")
    assert ran.status == 0
    assert ran.lines[-1] == "no bundled network meets all of these"
    assert json.loads(archcalc("zoo", "lenet", "params > 1G", "--format", "json").out) == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("lenett",), "did you mean 'lenet"),
        (("ettorchv",), "no bundled network has 'ettorchv'"),
        (("zzz",), "no bundled network has 'zzz'"),
        (("--task", "segmentatio"), "did you mean 'segmentation'?"),
        (("--task", "cooking"), "the tasks are classification"),
        (("prams < 5M",), "did you mean 'params'?"),
        (("params <",), "expected"),
        (("conv1.params < 5",), "the totals are params"),
        (("--columns", "nam"), "did you mean 'name'?"),
        (("--columns", "name", "--format", "json"), "--columns does not apply to json"),
    ],
)
def test_mistakes_are_errors_with_suggestions(archcalc: Archcalc, arguments: tuple[str, ...], expected: str) -> None:
    ran = archcalc("zoo", *arguments)
    assert ran.status == 2
    assert expected in ran.err


def test_the_columns_of_totals_are_those_of_the_catalogue(archcalc: Archcalc) -> None:
    assert {*FIGURES} < {*listed(archcalc, "lenet1")[0]}


def test_no_network_is_read_for_the_list(archcalc: Archcalc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archcalc.spec.read.read_spec", None)
    monkeypatch.setattr("archcalc.api.reading.load_spec", None)
    assert archcalc("zoo", "params < 1M").status == 0
