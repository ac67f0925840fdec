"""``archcalc compare``: networks side by side."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Archcalc


def test_networks_are_listed_with_ratios_to_the_first(archcalc: Archcalc) -> None:
    ran = archcalc("compare", "resnet50", "vgg-d", "mobilenet-v1", "--columns", "params,macs")
    assert ran.status == 0
    assert ran.line("params").split() == ["params", "25,610,152", "138,357,544", "5.40", "4,253,864", "0.17"]
    assert ran.line("MACs").split()[1:4] == ["3,857,973,248", "15,470,264,320", "4.01"]


def test_every_quantity_can_be_compared(archcalc: Archcalc) -> None:
    names = "input,output,layers,params,trainable,macs,mults,flops,connections,activations,rf,memory,peak"
    ran = archcalc("compare", "lenet5", "unet", "--columns", names, "--format", "csv")
    table = {row["quantity"]: row for row in csv.DictReader(io.StringIO(ran.out))}
    assert [*table] == names.split(",")
    assert table["memory"]["lenet5"] == str(4 * 61_706)
    assert table["rf"]["unet"] == "188–204"


def test_a_setting_goes_to_every_network_that_declares_it(archcalc: Archcalc) -> None:
    ran = archcalc("compare", "resnet50", "lenet5-1998", "mobilenet-v1", "--set", "classes=7", "--columns", "output")
    assert ran.line("output").split() == ["output", "7", "10", "-", "7", "-"]


def test_a_setting_that_no_network_declares_is_an_error(archcalc: Archcalc) -> None:
    ran = archcalc("compare", "resnet50", "lenet5-1998", "--set", "clases=7")
    assert ran.status == 2
    assert "--set clases" in ran.err
    assert "did you mean 'classes'?" in ran.err


def test_json_has_a_record_for_each_network_even_twice_the_same(archcalc: Archcalc) -> None:
    found = json.loads(archcalc("compare", "lenet5", "lenet5", "--format", "json").out)
    assert len(found) == 2
    assert found[0] == found[1]
    assert found[0]["spec"] == "lenet5"
    assert found[0]["params"] == 61_706


def test_expressions_are_numbered(archcalc: Archcalc) -> None:
    ran = archcalc("compare", "3x9x9 -> conv 2 k3", "3x9x9 -> conv 4 k3", "--columns", "params")
    assert "network 1" in ran.lines[0]
    assert "network 2" in ran.lines[0]
    assert ran.line("params").split() == ["params", "56", "112", "2.00"]


@pytest.mark.parametrize("power", [90, -90])
def test_ratios_of_any_size_are_written(archcalc: Archcalc, power: int) -> None:
    specs = ["1x8 -> conv 1 k1", f"1x{8 * 10 ** abs(power)} -> conv 1 k1"][:: 1 if power > 0 else -1]
    assert archcalc("compare", *specs, "--columns", "macs").status == 0


def test_a_broken_network_is_an_error(archcalc: Archcalc) -> None:
    ran = archcalc("compare", "lenet5", "resnet5")
    assert ran.status == 2
    assert "no bundled network 'resnet5'" in ran.err
    assert not ran.out


def test_an_unknown_quantity_gets_a_suggestion(archcalc: Archcalc) -> None:
    ran = archcalc("compare", "lenet5", "--columns", "flop")
    assert ran.status == 2
    assert "did you mean 'flops'?" in ran.err


def test_settings_after_a_spec_are_those_of_this_network_only(archcalc: Archcalc) -> None:
    ran = archcalc("compare", "mobilenet-v1", "mobilenet-v1 alpha=0.5 classes=10", "--columns", "params")
    assert "MobileNet v1 alpha=0.5 classes=10" in ran.lines[0]
    whole, half = (
        archcalc("show", "mobilenet-v1", *options, "--depth", "0", "--format", "csv").lines[1].split(",")[3]
        for options in ((), ("--set", "alpha=0.5", "--set", "classes=10"))
    )
    assert ran.line("params").replace(",", "").split()[1:3] == [whole, half]


def test_settings_after_a_spec_replace_those_of_all(archcalc: Archcalc) -> None:
    specs = ("mobilenet-v1", "mobilenet-v1 alpha=0.5")
    ran = archcalc("compare", *specs, "--set", "alpha=0.25", "--columns", "params", "--format", "json")
    alone = archcalc("compare", "mobilenet-v1 alpha=0.25", "mobilenet-v1 alpha=0.5", "--columns", "params")
    assert [f"{each['params']:,}" for each in json.loads(ran.out)] == alone.line("params").split()[1:3]


def test_a_file_with_settings_and_blanks_in_its_name(archcalc: Archcalc, tmp_path: Path) -> None:
    file = tmp_path / "my net.yaml"
    file.write_text("input: 3x8x8\nvariables: {c: 2}\nlayers: conv c k1\n", encoding="utf-8")
    ran = archcalc("compare", str(file), f"{file} c=4", "--columns", "params")
    assert ran.line("params").split()[1:3] == ["8", "16"]


def test_an_unknown_setting_after_a_spec_is_an_error(archcalc: Archcalc) -> None:
    ran = archcalc("compare", "mobilenet-v1", "mobilenet-v1 alpa=0.5")
    assert ran.status == 2
    assert "no variable 'alpa'" in ran.err
    assert "did you mean 'alpha'?" in ran.err


def test_arguments_of_an_inline_expression_are_not_settings(archcalc: Archcalc) -> None:
    ran = archcalc("compare", "3x9x9 -> conv 2 k=3", "3x9x9 -> conv 2 k=5", "--columns", "params")
    assert ran.line("params").split()[1:3] == ["56", "152"]


@pytest.mark.parametrize(
    ("columns", "note"),
    [
        ("memory", "in float32; memory: size of the parameters"),
        ("params,peak", "in float32; peak: largest total size of the live tensors"),
        ("training_memory", "in float32"),
        ("params,macs", None),
    ],
)
def test_only_what_is_listed_is_explained(archcalc: Archcalc, columns: str, note: str | None) -> None:
    names = columns.split(",")
    ran = archcalc("compare", "lenet5", "alexnet", "--columns", columns)
    assert ran.lines[2 + len(names) :] == ([] if note is None else [note])


def test_shapes_are_written_in_the_layout_of_the_option_and_the_batch_leads_them(archcalc: Archcalc) -> None:
    expression = "3x8x6 -> conv 4 k3"
    arguments = ("compare", expression, "lenet5", "--columns", "input,output", "--batch", "5")
    ran = archcalc(*arguments)
    assert ran.line("input").split() == ["input", "5x3x8x6", "5x1x32x32", "-"]
    assert ran.line("output").split() == ["output", "5x4x6x4", "5x10", "-"]
    ran = archcalc("compare", "resnet18", *arguments[2:], "--layout", "hwc")
    assert ran.line("input").split() == ["input", "5x224x224x3", "5x32x32x1", "-"]
    records = json.loads(archcalc("compare", "resnet18", "--layout", "hwc", "--format", "json").out)
    assert records[0]["input"] == "3x224x224"


def test_the_number_format_is_noted_with_quantities_in_bytes_only(archcalc: Archcalc) -> None:
    for columns, noted in (("macs,backward_macs", False), ("saved", True), ("memory", True), ("kv_cache", True)):
        assert ("in float32" in archcalc("compare", "lenet5", "alexnet", "--columns", columns).out) == noted
