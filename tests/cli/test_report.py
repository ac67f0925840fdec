"""``archcalc report``: one file, which is never damaged."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archcalc import load
from tests.cli.conftest import Archcalc
from tests.readers.programs import small_network, with_unknown_operators, write

SMALL = "3x8x8 -> conv 4 k3 -> bn -> relu -> fc 10"


def test_a_page_is_written(archcalc: Archcalc, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    ran = archcalc("report", SMALL, "-o", str(path))
    assert (ran.status, ran.out, ran.err) == (0, "", "")
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_page_can_go_to_standard_output(archcalc: Archcalc) -> None:
    assert archcalc("report", SMALL, "-o", "-").out.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "page.pdf"], "no page has the suffix '.pdf'"),
        (["-o", "page"], "'page' has no suffix"),
        (["-o", "."], "'.' is a folder"),
        (["-o", "no/such/folder/page.html"], "cannot write 'no/such/folder/page.html'"),
        ([], "Missing option '-o'"),
    ],
)
def test_mistakes_are_named(archcalc: Archcalc, arguments: list[str], message: str) -> None:
    ran = archcalc("report", SMALL, *arguments)
    assert ran.status == 2
    assert message in ran.err


def test_an_existing_file_is_overwritten_on_request_only(archcalc: Archcalc, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("mine")
    ran = archcalc("report", SMALL, "-o", str(path))
    assert ran.status == 2
    assert "--force overwrites it" in ran.err
    assert path.read_text() == "mine"
    assert archcalc("report", SMALL, "-o", str(path), "--force").status == 0
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_warnings_are_on_the_page_unless_they_are_ignored(archcalc: Archcalc) -> None:
    spec = "3x33x33 -> conv 4 k2 s2"
    assert "dropped-border" in archcalc("report", spec, "-o", "-").out
    assert "dropped-border" not in archcalc("report", spec, "-o", "-", "--ignore", "dropped-border").out


def test_of_two_networks_it_shows_what_changed(archcalc: Archcalc) -> None:
    page = archcalc("report", SMALL, "3x8x8 -> conv 6 k3 -> bn -> relu -> fc 10", "-o", "-").out
    assert "network 1 → network 2" in page
    assert 'id="changes"' in page
    assert 'id="totals"' not in page


def test_of_several_networks_it_compares_the_figures(archcalc: Archcalc) -> None:
    page = archcalc("report", "lenet5", "resnet18", "mobilenet-v1 alpha=0.5", "-o", "-").out
    for shown in ("11,699,112", "MobileNet", "alpha=0.5", 'id="totals"', "Memory during a run of LeNet-5"):
        assert shown in page
    assert 'id="changes"' not in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-", "-"], "standard input ('-') can be read only once"),
        (["lenet5", "resnet18", "--dtype", "weights=int4"], "--dtype must be one format for all tensors"),
        (["lenet5", "no-such-network"], "no bundled network 'no-such-network'"),
        (["lenet5", "model.safetensors"], "model.safetensors"),
        (["lenet5", "--freeze", "c9"], "no layer or stage 'c9'"),
    ],
)
def test_mistakes_in_networks_are_named(archcalc: Archcalc, arguments: list[str], message: str) -> None:
    ran = archcalc("report", *arguments, "-o", "-")
    assert ran.status == 2
    assert message in ran.err


def test_a_model_with_uncounted_operators_has_lower_bounds(archcalc: Archcalc, tmp_path: Path) -> None:
    model = tmp_path / "net.pt2"
    write(model, with_unknown_operators(small_network(), "max_pool2d"))
    assert archcalc("report", str(model), "-o", "-").status == 2
    ran = archcalc("report", str(model), "-o", "-", "--partial")
    assert ran.status == 0
    assert "<dd>≥ " in ran.out
    assert "aten.exotic_max_pool2d" in ran.out


def test_shapes_follow_the_options(archcalc: Archcalc) -> None:
    page = archcalc("report", SMALL, "-o", "-", "--batch", "2", "--layout", "hwc", "--shape", "8x9x3").out
    assert "<dd>2x8x9x3</dd>" in page


@pytest.mark.parametrize(("layout", "shape"), [("chw", "7x4x6x8"), ("hwc", "7x6x8x4")])
def test_the_batch_is_the_first_axis_of_every_shape(archcalc: Archcalc, layout: str, shape: str) -> None:
    spec = "3x8x10 -> conv 4 k3 -> relu -> fc 10" if layout == "chw" else "8x10x3 -> conv 4 k3 -> relu -> fc 10"
    options = ("--batch", "7", "--layout", layout, "-o", "-")
    for specs in ([spec], [spec, spec.replace("relu", "tanh")]):
        page = archcalc("report", *specs, *options).out
        page = re.sub(r'data-line="[^"]*"', "", page)  # derivations begin with one example
        found = re.findall(r"(?<!→ )\b[0-9]+(?:x[0-9]+)+\b", page)
        shapes = [each for each in found if {"4", "6", "8"} <= {*each.split("x")}]
        assert shapes
        assert {*shapes} == {shape}


def test_python_returns_the_same_page(archcalc: Archcalc) -> None:
    spec = "3x33x33 -> conv 4 k2 s2 -> relu -> fc 10"
    assert load(spec).report() == archcalc("report", spec, "-o", "-").out
    options = ("--batch", "2", "--layout", "hwc", "--dtype", "float16", "--ignore", "dropped-border")
    written = archcalc("report", "resnet18", *options, "-o", "-").out
    assert load("resnet18").report(batch=2, layout="hwc", dtype="float16", ignore=["dropped-border"]) == written
