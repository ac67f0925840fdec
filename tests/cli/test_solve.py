"""``archcalc solve`` as users run it."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.cli.conftest import Archcalc


def test_the_largest_width_within_a_budget(archcalc: Archcalc) -> None:
    ran = archcalc("solve", "mobilenet-v1", "--vary", "alpha=0.25:1:0.05", "--target", "macs <= 300M")
    assert ran.status == 0
    assert ran.line("0.25").startswith("0.25 … 0.7 ")
    assert "largest solution: 0.7; smallest: 0.25" in ran.out
    assert "10 of 16 values of alpha from 0.25 to 1 in steps of 0.05 meet the condition" in ran.out


def test_sizes_that_no_input_has_are_no_solutions(archcalc: Archcalc) -> None:
    ran = archcalc("solve", "3x8x8 -> relu", "--vary", "H=-2:3:0.5", "--target", "macs >= 0")
    assert "3 of 11 values" in ran.out
    assert "largest solution: 3; smallest: 1" in ran.out


def test_steps_of_ranges_that_start_between_integers_are_written(archcalc: Archcalc) -> None:
    ran = archcalc("solve", "mobilenet-v1", "--vary", "alpha=1/2:3", "--target", "params > 1")
    assert "3 of 3 values of alpha from 0.5 to 2.5 in steps of 1 meet" in ran.out


def test_a_padding_that_keeps_the_size(archcalc: Archcalc) -> None:
    ran = archcalc("solve", "3x32x32 -> conv 64 k5", "--vary", "conv_1.p", "--target", "conv_1.shape = 64x32x32")
    assert ran.line("2").split() == ["2", "64x32x32"]
    assert ran.status == 0


def test_formats_for_programs(archcalc: Archcalc) -> None:
    arguments = ("solve", "resnet50", "--vary", "H=W", "--target", "conv5_x.H = 7", "--columns", "macs")
    found = json.loads(archcalc(*arguments, "--format", "json").out)
    (only,) = found["solutions"]
    assert (only["first"]["H=W"], only["last"]["H=W"], only["count"]) == (193, 224, 32)
    assert only["last"]["macs"] == 3_857_973_248
    (row,) = csv.DictReader(io.StringIO(archcalc(*arguments, "--format", "csv").out))
    assert (row["first"], row["last"], row["macs last"]) == ("193", "224", "3857973248")


def test_a_condition_without_solutions_has_status_1_and_the_nearest_value(archcalc: Archcalc) -> None:
    ran = archcalc("solve", "mobilenet-v1", "--vary", "alpha=0.25:1:0.25", "--target", "macs = 300M")
    assert ran.status == 1
    assert ran.line("0.75").split() == ["0.75", "325,400,448"]
    assert (
        "none of 4 values of alpha from 0.25 to 1 in steps of 0.25 meets macs = 300M; the nearest is shown" in ran.out
    )
    assert "macs ranges from 41,030,272 to 568,740,352" in ran.out
    empty = archcalc("solve", "3x5x5 -> conv 6 k7", "--vary", "H=W=1:4", "--target", "macs > 0", "--format", "csv")
    assert empty.status == 1
    assert "4 impossible, for example H=W=1: conv_1: a window of 7 does not fit into an axis of size 1" in empty.err


def test_the_nearest_value_is_that_of_the_size_in_the_question_not_of_a_setting_of_its_name(archcalc: Archcalc) -> None:
    ran = archcalc("solve", "3x8x8 -> maxpool 4", "--vary", "H=W=4:32", "--target", "maxpool_1.H = 20")
    assert (ran.status, ran.line("32").split()) == (1, ["32", "8"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--vary", "alhpa", "--target", "macs < 3"), "did you mean 'alpha'?"),
        (("--vary", "alpha=", "--target", "macs < 3"), "a setting must be written NAME or NAME=VALUES"),
        (("--vary", "alpha=1:0", "--target", "macs < 3"), "is empty"),
        (("--vary", "alpha=0:9:0.000001", "--target", "macs < 3"), "more than 1,000,000 values"),
        (("--vary", "alpha", "--target", "mac < 3"), "did you mean 'macs'?"),
        (("--vary", "alpha", "--target", "macs"), "expected a comparison"),
        (("--vary", "alpha", "--vary", "alpha=1", "--target", "macs < 3M"), "'alpha' varies twice"),
        (
            ("--vary", "H=W=1:2000", "--vary", "alpha=1:1000", "--target", "macs < 3M"),
            "more than 1,000,000 combinations",
        ),
        (("--vary", "alpha", "--target", "macs < 3M", "--target", "params < 3M"), "join conditions with 'and'"),
        (("--vary", "alpha", "--set", "rho=0.5,1", "--target", "macs < 3"), "solve varies only the settings of --vary"),
        (("--target", "macs < 3"), "--vary"),
    ],
)
def test_mistakes_are_errors_with_a_reason(archcalc: Archcalc, arguments: tuple[str, ...], message: str) -> None:
    ran = archcalc("solve", "mobilenet-v1", *arguments)
    assert ran.status == 2
    assert message in ran.err
    assert not ran.out


def test_words_may_be_tried_too(archcalc: Archcalc) -> None:
    text = "{input: 3x8x8, variables: {f: relu}, blocks: {unit(g=f): conv 4 k3 -> g}, layers: [unit()]}"
    ran = archcalc("solve", "-", "--vary", "f=relu,gelu", "--target", "flops <= 8000", stdin=text)
    assert (ran.status, ran.line("relu").split()[0]) == (0, "relu")
    assert ran.lines[-1] == "1 of 2 values of f meets the condition"


def test_the_values_of_a_name_without_one_must_be_given(archcalc: Archcalc) -> None:
    network = "3x32x32 -> conv c k3 half -> conv 8 k=k half"
    ran = archcalc("solve", network, "--vary", "c", "--target", "macs < 1M")
    assert (ran.status, "--vary c=1:200" in ran.err, "--set k=…" in ran.err) == (2, True, True)
    assert archcalc("solve", network, "--set", "k=3", "--vary", "c=1:200", "--target", "macs < 1M").status == 0


def test_two_unknowns(archcalc: Archcalc) -> None:
    arguments = ("solve", "3x32x32 -> conv 64 k3", "--vary", "conv_1.k=1:7", "--vary", "conv_1.p=0:3")
    ran = archcalc(*arguments, "--target", "conv_1.shape = 64x32x32")
    rows = [line.split()[:2] for line in ran.out.splitlines()[2:6]]
    assert rows == [["1", "0"], ["3", "1"], ["5", "2"], ["7", "3"]]
    assert "4 of 28 combinations of 7 values of conv_1.k" in ran.out
    found = json.loads(archcalc(*arguments, "--target", "conv_1.H >= 32", "--format", "json").out)
    assert found["vary"] == ["conv_1.k", "conv_1.p"]
    assert [(each["first"]["conv_1.k"], each["first"]["conv_1.p"], each["count"]) for each in found["solutions"]] == [
        (1, 0, 4), (2, 1, 3), (3, 1, 3), (4, 2, 2), (5, 2, 2), (6, 3, 1), (7, 3, 1)
    ]  # fmt: skip
    csv = archcalc(*arguments, "--target", "conv_1.H = 32", "--format", "csv").out.splitlines()
    assert csv[0] == "conv_1.k,first,last,count,conv_1.H first,conv_1.H last"
    assert csv[2] == "3,1,1,1,32,32"
    none = archcalc(*arguments, "--target", "conv_1.H = 50")
    assert (none.status, "none of 28 combinations" in none.out) == (1, True)


def test_a_single_value_is_called_the_only_one(archcalc: Archcalc) -> None:
    ran = archcalc("solve", "8x8x8 -> conv f k3", "--vary", "f=4", "--target", "conv_1.channels = 4")
    assert ran.lines[-1] == "the only value of f meets the condition"
    ran = archcalc("solve", "8x8x8 -> conv f k3", "--vary", "f=4", "--target", "conv_1.channels = 5")
    assert ran.lines[-1] == "the only value of f does not meet conv_1.channels = 5; the nearest is shown"
