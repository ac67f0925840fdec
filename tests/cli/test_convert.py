"""``archcalc convert``: formats by suffix and by name, and files that are never damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Archcalc

SMALL = "3x8x8 -> conv 4 k3 -> bn -> relu -> fc 10"
TEXTS = {".yaml": "input: 3x8x8", ".mmd": "flowchart TD", ".dot": "digraph", ".csv": "layer,op,output"}


@pytest.mark.parametrize(("suffix", "start"), TEXTS.items())
def test_the_suffix_decides_about_the_format(archcalc: Archcalc, tmp_path: Path, suffix: str, start: str) -> None:
    path = tmp_path / f"net{suffix.upper()}"
    assert archcalc("convert", SMALL, "-o", str(path)).status == 0
    assert start in path.read_text()


def test_an_impossible_opset_is_named_by_its_option(archcalc: Archcalc) -> None:
    ran = archcalc("convert", SMALL, "-o", "-", "--to", "onnx", "--opset", "3")
    assert ran.status == 2
    assert ran.err.startswith("--opset: error[argument]: the opset must be from 18 to")


def test_standard_output_needs_the_name_of_a_format(archcalc: Archcalc) -> None:
    ran = archcalc("convert", SMALL, "-o", "-")
    assert ran.status == 2
    assert "add --to with one of spec" in ran.err
    assert archcalc("convert", SMALL, "-o", "-", "--to", "dot").out.startswith("digraph")


def test_csv_is_that_of_show(archcalc: Archcalc) -> None:
    shown = archcalc("show", "lenet5", "--format", "csv").out
    assert archcalc("convert", "lenet5", "-o", "-", "--to", "csv").out == shown


def test_an_existing_file_is_overwritten_on_request_only(archcalc: Archcalc, tmp_path: Path) -> None:
    path = tmp_path / "net.dot"
    path.write_text("mine")
    ran = archcalc("convert", SMALL, "-o", str(path))
    assert ran.status == 2
    assert ran.err == f"--output: error[output]: the file '{path}' exists\n  = --force overwrites it\n"
    assert path.read_text() == "mine"
    assert archcalc("convert", SMALL, "-o", str(path), "--force").status == 0
    assert path.read_text().startswith("digraph")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "is a folder"),
        ("net.foo", "no format has the suffix '.foo'"),
        ("net.yml2", "did you mean '.yml'?"),
        ("net", "has no suffix"),
        ("missing/net.dot", "No such file or directory"),
    ],
)
def test_places_and_names_that_cannot_be_written(archcalc: Archcalc, tmp_path: Path, name: str, message: str) -> None:
    ran = archcalc("convert", SMALL, "-o", str(tmp_path / name))
    assert ran.status == 2
    assert message in ran.err
    assert ran.err.count("error[") == 1
    assert not [*tmp_path.iterdir()]


def test_an_option_of_another_format_is_an_error(archcalc: Archcalc) -> None:
    ran = archcalc("convert", SMALL, "-o", "-", "--to", "spec", "--depth", "1")
    assert ran.status == 2
    assert "--depth does not apply to a spec" in ran.err


def test_nothing_is_written_for_a_network_with_errors(archcalc: Archcalc, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    assert archcalc("convert", "3x8x8 -> conv 4 k9", "-o", str(path)).status == 2
    assert not [*tmp_path.iterdir()]


def test_an_onnx_model_has_the_arrays_of_a_seed_or_a_file(archcalc: Archcalc, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    seeded, given, arrays = (tmp_path / name for name in ("seeded.onnx", "given.onnx", "arrays.npz"))
    assert archcalc("convert", SMALL, "-o", str(seeded), "--seed", "3").status == 0
    assert archcalc("run", SMALL, "--seed", "3", "--save-weights", str(arrays)).status == 0
    assert archcalc("convert", SMALL, "-o", str(given), "--weights", str(arrays)).status == 0
    assert seeded.read_bytes() == given.read_bytes()
    assert archcalc("verify", str(seeded)).status == 0


def test_options_for_arrays_exclude_each_other(archcalc: Archcalc, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    ran = archcalc("convert", SMALL, "-o", str(tmp_path / "net.onnx"), "--seed", "3", "--no-weights")
    assert ran.status == 2
    assert "--seed and --no-weights exclude each other" in ran.err
