"""``archcalc compare``: networks side by side."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.cli.conftest import Archcalc


def test_networks_stand_side_by_side_with_ratios_to_the_first(archcalc: Archcalc) -> None:
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
    assert "no bundled spec 'resnet5'" in ran.err
    assert not ran.out


def test_an_unknown_quantity_gets_a_suggestion(archcalc: Archcalc) -> None:
    ran = archcalc("compare", "lenet5", "--columns", "flop")
    assert ran.status == 2
    assert "did you mean 'flops'?" in ran.err
