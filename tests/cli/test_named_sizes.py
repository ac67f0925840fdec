"""Sizes that a file leaves open are set by the names that it has for them, in every verb that takes settings."""

from __future__ import annotations

from pathlib import Path

import pytest

import archcalc as package
from archcalc import SpecError
from tests.cli.conftest import Archcalc
from tests.readers.onnx.models import convolutions, write


@pytest.fixture(autouse=True)
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a file whose height and width are one open size with the name ``side``."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, convolutions(size="side"))
    return "net.onnx"


def test_a_size_is_set_for_all_axes_of_its_name(net: str) -> None:
    named, shaped = package.load(net, set={"side": 20}), package.load(net, shapes="3x20x20")
    assert named.graph.inputs == {"x": (3, 20, 20)}
    assert named.analyze().totals.macs == shaped.analyze().totals.macs


def test_an_open_size_is_asked_for_by_its_name(net: str) -> None:
    with pytest.raises(SpecError, match="leaves sizes open") as caught:
        package.load(net)
    assert "--set side=NUMBER" in str(caught.value)


@pytest.mark.parametrize("option", ["3x16x16", "x=3x16x16"])
def test_a_shape_and_a_name_that_contradict_each_other_are_both_named(
    archcalc: Archcalc,
    net: str,
    option: str,
) -> None:
    done = archcalc("show", net, "--set", "side=32", "--shape", option)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(
        f"--set side=32: error[argument]: 'side' is 32, but --shape {option} gives 16 to H of 'x'"
    )
    assert archcalc("show", net, "--set", "side=16", "--shape", option).status == 0


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("sied=32", "no size 'sied' in the model"),
        ("side=0", "must be positive integers, got '0'"),
        ("side=wide", "must be positive integers, got 'wide'"),
    ],
)
def test_a_setting_that_is_none_is_refused(archcalc: Archcalc, net: str, setting: str, message: str) -> None:
    done = archcalc("show", net, "--shape", "3x8x8", "--set", setting)
    assert done.status == 2
    assert message in done.err


def test_solve_varies_a_size_by_its_name(archcalc: Archcalc, net: str) -> None:
    done = archcalc("solve", net, "--vary", "side", "--target", "macs <= 1M")
    assert done.status == 0
    (largest,) = (line for line in done.lines if line.startswith("largest solution"))
    side = int(largest.split(";")[0].split(": ")[1])
    macs = [package.load(net, set={"side": each}).analyze().totals.macs for each in (side, side + 1)]
    assert macs[0] <= 10**6 < macs[1]


@pytest.mark.parametrize("verb", [["sweep", "--set", "H=8,16"], ["solve", "--vary", "H", "--target", "macs <= 1M"]])
def test_sizes_that_remain_open_are_asked_for(archcalc: Archcalc, tmp_path: Path, verb: list[str]) -> None:
    made = convolutions(size="side")
    made.graph.input[0].type.tensor_type.shape.dim[3].dim_param = "width"
    path = write(tmp_path, made)
    done = archcalc(verb[0], str(path), *verb[1:])
    assert done.status == 2
    assert "error[open-size]: the file leaves sizes open: W of 'x'" in done.err
    assert "--set width=NUMBER" in done.err


def test_networks_that_are_compared_take_the_settings_that_they_have(archcalc: Archcalc, net: str) -> None:
    done = archcalc("compare", net, "mobilenet-v1", "--set", "side=8", "--set", "alpha=0.5", "--format", "csv")
    assert done.status == 0
    assert "3x8x8" in done.out
    assert archcalc("compare", f"{net} side=8", f"{net} side=16").status == 0
    done = archcalc("compare", net, "mobilenet-v1", "--set", "side=8", "--set", "beta=0.5")
    assert (done.status, "none of the networks has a variable 'beta'" in done.err) == (2, True)


def test_a_key_is_told_its_own_entries(archcalc: Archcalc, net: str) -> None:
    Path("answers.yaml").write_text("a: 1\n", encoding="utf-8")
    key = "network: net.onnx\nquestions: {a: macs}\n"
    Path("key.yaml").write_text(key, encoding="utf-8")
    done = archcalc("check", "--key", "key.yaml", "answers.yaml")
    assert done.status == 2
    assert "shape: {x: 3xHxW}, or by their names in the file: set: {side: NUMBER}" in done.out + done.err
    Path("key.yaml").write_text(f"set: {{side: 8}}\n{key}", encoding="utf-8")
    assert archcalc("check", "--key", "key.yaml", "answers.yaml").status == 1
