"""``archcalc formula``: closed forms, where they hold, ratios; as text, LaTeX, JSON and Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate

import archcalc as package
from tests.cli.conftest import Archcalc

FOLDER = Path(package.__file__).parent / "report"
SCHEMA = json.loads((FOLDER / "formula.schema.json").read_text(encoding="utf-8"))

BY_32 = ("--assume", "H % 32 == 0", "--assume", "W % 32 == 0")


def test_the_totals_and_where_they_hold(archcalc: Archcalc) -> None:
    ran = archcalc("formula", "lenet5", "--free", "H,W")
    assert ran.status == 0
    assert ran.lines[0] == "LeNet-5, input 1xHxW"
    assert ran.line("macs") == (
        "macs        = 150·(H − 4)·(W − 4) + 2400·(⌊H/2⌋ − 6)·(⌊W/2⌋ − 6) + 58080·(⌊H/4⌋ − 7)·(⌊W/4⌋ − 7) + 840"
    )
    assert ran.lines[-1] == "where H ≥ 32, W ≥ 32"


def test_one_target_and_assumptions(archcalc: Archcalc) -> None:
    ran = archcalc("formula", "resnet50-v1.5", "macs", "--free", "H,W", *BY_32)
    assert ran.lines[1:] == ["macs = 81456·H·W + 2048000", "where H % 32 == 0, W % 32 == 0"]


def test_shapes_of_layers_and_stages(archcalc: Archcalc) -> None:
    ran = archcalc("formula", "unet", "down2.shape", "--free", "H,W,width")
    assert ran.lines[1] == "down2.shape = 2·width x (⌊H/2⌋ − 6) x (⌊W/2⌋ − 6)"
    ran = archcalc("formula", "homework-network-a", "shape", "--free", "H,W")
    assert ran.lines[1] == "shape = ⌊H/8⌋ x ⌊W/8⌋ x 256"  # as the file writes shapes


def test_every_layer(archcalc: Archcalc) -> None:
    ran = archcalc("formula", "colourisation-base", "params", "--each", "--free", "NIC,NF,k")
    assert ran.line("down1/conv") == "down1/conv.params    = NF·(NIC·k² + 1)"
    assert len([line for line in ran.lines if ".params" in line]) == len(
        package.load("colourisation-base").analyze().layers
    )


def test_settings_and_shapes_count(archcalc: Archcalc) -> None:
    ran = archcalc("formula", "mobilenet-v1", "macs", "--free", "classes", "--set", "alpha=0.5", "--shape", "3x128x128")
    macs = package.load("mobilenet-v1", set={"alpha": "0.5"}, shapes="3x128x128").analyze().totals.macs
    assert ran.lines[1] == f"macs = 512·classes + {macs - 512_000}"


def test_batch_and_memory(archcalc: Archcalc) -> None:
    ran = archcalc("formula", "vgg-d", "memory", "--dtype", "float16", "--free", "classes")
    assert ran.lines[1] == "memory = 8194·classes + 268521088"
    ran = archcalc("formula", "3x8x8 -> conv 4 k3", "activations", "--batch", "5", "--free", "H")
    assert ran.lines[1] == "activations = 120·(H − 2)"


def test_a_ratio_when_sizes_double(archcalc: Archcalc) -> None:
    conditions = ("--assume", "k % 2 == 1, H % 4 == 0, W % 4 == 0")
    ran = archcalc("formula", "colourisation-base", "--free", "NIC,NF,NC,k", "--when", "H=2*H,W=2*W", *conditions)
    assert ran.lines[1] == "growth factor when H becomes 2*H and W becomes 2*W"
    assert ran.line("params").split() == ["params", "=", "1"]
    assert ran.line("activations").split() == ["activations", "=", "4"]


def test_a_ratio_that_only_tends_to_a_number(archcalc: Archcalc) -> None:
    ran = archcalc("formula", "vgg-d", "macs", "--when", "H=2*H,W=2*W")
    assert ran.lines[2] == "macs → 4 as H and W grow (--format json prints the formula)"
    ran = archcalc("formula", "3x32x32 -> conv 8 k3", "macs", "--when", "H=2*H")
    assert ran.lines[2:4] == ["macs = (2·H − 2)/(H − 2)", "     → 2 as H grows"]


def test_the_ratio_to_another_network(archcalc: Archcalc) -> None:
    separable, standard = "3x32x32 -> dwconv k=K half nobias -> conv N k1 nobias", "3x32x32 -> conv N k=K half nobias"
    ran = archcalc("formula", separable, "mults", "--free", "C,H,W,N,K", "--over", standard)
    assert ran.lines[1:3] == [f"ratio to {standard}", "mults = 1/N + 1/K²"]
    ran = archcalc("formula", "separable-example", "mults", "--over", "separable-example-standard")
    assert ran.lines[2] == "mults = 281/6400"


def test_latex(archcalc: Archcalc) -> None:
    ran = archcalc("formula", "mobilenet-v1", "macs", "--free", "alpha,rho", "--format", "latex")
    assert r"\text{macs} &= " in ran.out
    assert r"\left\lfloor 32 \, \alpha \right\rfloor" in ran.out
    assert r"\alpha \ge \frac{1}{32}, 224 \, \rho \in \mathbb{Z}" in ran.out
    assert ran.out.count("{") == ran.out.count("}")


def test_json_has_every_notation(archcalc: Archcalc) -> None:
    record: dict[str, Any] = json.loads(archcalc("formula", "unet", "--free", "H,W", "--format", "json").out)
    assert record["schema"] == 1
    assert record["symbols"] == ["H", "W"]
    assert [formula["target"] for formula in record["formulas"]] == ["shape", "params", "macs", "flops", "activations"]
    shape = record["formulas"][0]
    assert shape["text"] == "2 x (16·⌊(H + 4)/16⌋ − 188) x (16·⌊(W + 4)/16⌋ − 188)"
    assert [eval(size, {}, {"H": 572, "W": 572}) for size in shape["python"]] == [2, 388, 388]
    assert [condition["python"] for condition in record["conditions"]] == ["H >= 188", "W >= 188"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("mobilenet-v1", "--free", "alpha,rho"),
        ("vgg-d", "macs", "--when", "H=2*H"),
        ("lenet5", "shape"),
        ("alexnet", "c5.rf", "--free", "H"),
        ("3x32x32 -> conv 8 k3 g=g half", "--free", "g"),
    ],
)
def test_json_follows_its_schema(archcalc: Archcalc, arguments: tuple[str, ...]) -> None:
    validate(json.loads(archcalc("formula", *arguments, "--format", "json").out), SCHEMA)


def test_python_to_paste(archcalc: Archcalc) -> None:
    space: dict[str, Any] = {}
    exec(archcalc("formula", "resnet50", "macs", "--free", "H,W,width", "--python").out, space)
    assert space["resnet50_macs"](224, 224, 64) == package.load("resnet50").analyze().totals.macs
    with pytest.raises(ValueError, match="the formula holds only if W > 0"):
        space["resnet50_macs"](224, 0, 64)


def test_python_takes_names_that_python_has_itself(archcalc: Archcalc) -> None:
    space: dict[str, Any] = {}
    shown = archcalc("formula", "3x8x8 -> conv lambda k3 g=gcd", "params", "--free", "lambda,gcd", "--python").out
    exec(shown, space)
    assert space["params"](lambda_=6, gcd_=3) == 60


def test_a_ratio_in_python_is_a_fraction(archcalc: Archcalc) -> None:
    space: dict[str, Any] = {}
    exec(archcalc("formula", "3x32x32 -> conv 8 k3", "macs", "--when", "H=2*H", "--python").out, space)
    (function,) = (value for name, value in space.items() if name.startswith("macs"))
    assert str(function(4)) == "3"
    assert str(function(5)) == "8/3"


def test_names_and_changes_may_come_one_by_one(archcalc: Archcalc) -> None:
    together = archcalc("formula", "lenet5", "macs", "--free", "H,W", "--when", "H=2*H,W=2*W")
    apart = archcalc("formula", "lenet5", "macs", "--free", "H", "--free", "W", "--when", "H=2*H", "--when", "W=2*W")
    assert (apart.out, apart.status) == (together.out, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("resnet50", "--free", "Q"), "no variable or input size 'Q'"),
        (("resnet50", "maks", "--free", "H"), "did you mean 'macs'?"),
        (("resnet50", "conv9.macs", "--free", "H"), "no layer or stage 'conv9'"),
        (("resnet50", "shape", "--when", "H=2*H"), "'shape' cannot be divided"),
        (("resnet50", "--when", "H"), "--scale must be NAME=VALUE"),
        (("resnet50", "--free", "H", "--assume", "H % 2"), "must be a comparison"),
        (("resnet50", "--free", "H", "--assume", "H == H + 1"), "this cannot be satisfied"),
        (("resnet50", "conv1.peak", "--free", "H"), "'peak' is a quantity of the whole network"),
        (("3x32x32 -> relu", "macs", "--when", "H=2*H"), "the divisor macs is 0"),
        (("3x32x32 -> (conv 8 k3)*n", "--free", "n"), "it must be a fixed number"),
        (("3x32x32 -> conv 8 k3", "--free", "H", "--set", "x=1"), "no variable 'x'"),
        (("3x32x32 -> conv 8 k3 half", "--free", "half"), "a variable cannot be called 'half'"),
        (("mobilenet-v1", "--free", "rho", "--set", "rho=1"), "'rho' is free, so it cannot be set as well"),
        (("lenet5", "--free", "H,W", "--assume", "H < 9"), "conv on 6x(⌊H/2⌋ − 2)x(⌊W/2⌋ − 2)"),
        (("lenet5", "--python", "--format", "json"), "--python cannot be combined with --format"),
    ],
)
def test_mistakes_are_named(archcalc: Archcalc, arguments: tuple[str, ...], message: str) -> None:
    ran = archcalc("formula", *arguments)
    assert ran.status == 2
    assert message in ran.err
    assert ran.out == ""


def test_a_name_without_a_value_may_be_kept_as_a_symbol(archcalc: Archcalc) -> None:
    ran = archcalc("formula", "3x32x32 -> conv N k3 half", "shape")
    assert ran.status == 2
    assert "--free N" in ran.err
    assert (
        archcalc("formula", "3x32x32 -> conv N k3 half", "shape", "--free", "N").out.splitlines()[-1]
        == "shape = N x 32 x 32"
    )


def test_shapes_are_read_as_they_are_printed(archcalc: Archcalc) -> None:
    ran = archcalc("formula", "3xHxW -> conv 8 k3 half", "macs", "--free", "H,W")
    assert ran.out.splitlines() == ["input 3xHxW", "macs = 216·H·W"]
