"""``archcalc explain``: derivations in the notation that was asked for."""

from __future__ import annotations

import re

import pytest

from archcalc.cli.explain import wrapped
from archcalc.query.quantities import DERIVED, QUANTITIES, Scope
from tests.cli.conftest import Archcalc
from tests.cli.test_program import on_terminal


def test_a_layer_is_derived_in_symbols_and_numbers(archcalc: Archcalc) -> None:
    ran = archcalc("explain", "lenet5", "c1/conv")
    assert ran.status == 0
    assert ran.lines[0] == "c1/conv: conv, 1x32x32 → 6x28x28"
    assert "    weight = C_out·C_in·k·k = 6·1·5·5 = 150" in ran.lines
    assert "    params = weight + bias = 150 + 6 = 156" in ran.lines
    assert [line.strip() for line in ran.lines if re.fullmatch(r"  \w+", line)] == ["shape", "params", "macs", "rf"]


def test_layer_and_quantity_may_be_one_word(archcalc: Archcalc) -> None:
    assert archcalc("explain", "lenet5", "c1/conv.params").out == archcalc("explain", "lenet5", "c1/conv", "params").out


def test_a_stage_and_the_network_are_sums(archcalc: Archcalc) -> None:
    stage = archcalc("explain", "resnet18", "conv1", "params")
    assert stage.lines[-1].split() == ["params", "=", "9,408", "+", "256", "=", "9,664"]
    alone = archcalc("explain", "lenet5-1998", "c1", "params")  # one layer of the stage has some: its derivation
    assert alone.lines[-1].endswith("params = weight + bias = 150 + 6 = 156")
    network = archcalc("explain", "resnet50", "params")
    assert network.lines[-1].endswith("= 25,610,152")
    assert "    conv2_x =    218,624    (0.9 %)" in network.lines


def test_a_block_of_one_layer_is_that_layer(archcalc: Archcalc) -> None:
    assert archcalc("explain", "resnet50", "conv1/conv_bn/conv").lines[0].startswith("conv1/conv: conv, ")


def test_shape_and_field_of_the_network_are_those_of_its_output(archcalc: Archcalc) -> None:
    assert archcalc("explain", "unet", "shape").lines[0] == "out: conv, 64x388x388 → 2x388x388"
    assert archcalc("explain", "lenet5", "rf").lines[-1].strip() == "RF_6 = global    (f6/fc: sees all positions)"


@pytest.mark.parametrize("quantity", DERIVED)
@pytest.mark.parametrize(("scope", "target"), [("network", ()), ("stage", ("c3",)), ("layer", ("c3/conv",))])
def test_every_quantity_of_every_target_has_a_derivation(
    archcalc: Archcalc, scope: Scope, target: tuple[str, ...], quantity: str
) -> None:
    if scope not in QUANTITIES[quantity].scopes or quantity in ("L", "D"):
        return
    ran = archcalc("explain", "lenet5-1998", *target, quantity)
    assert ran.status == 0
    assert len(ran.lines) > 3


@pytest.mark.parametrize("target", ["c1/conv", "c1"])
def test_neurons_are_the_product_of_the_shape(archcalc: Archcalc, target: str) -> None:
    ran = archcalc("explain", "lenet5", target, "neurons")
    assert ran.lines[-1].strip() == "neurons = C_out·H_out·W_out = 6·28·28 = 4,704"


def test_markdown_has_formulas_between_dollars(archcalc: Archcalc) -> None:
    ran = archcalc("explain", "lenet5", "c1/conv", "params", "--format", "markdown")
    assert ran.lines[0] == "## c1/conv: conv, 1x32x32 → 6x28x28"
    assert ran.lines.count("$$") == 4
    assert r"\mathrm{bias} &= C_{\mathrm{out}} = 6 \\" in ran.lines


@pytest.mark.parametrize("arguments", [("unet", "rf"), ("googlenet", "3a"), ("vgg-d", "fc8/softmax"), ("xception",)])
def test_latex_escapes_names_and_sets_words_as_words(archcalc: Archcalc, arguments: tuple[str, ...]) -> None:
    ran = archcalc("explain", *arguments, "--format", "latex")
    for line in ran.lines:
        assert line.isascii(), line
        if line.startswith((r"\subsection", r"\paragraph")) or "displaybreaks" in line:
            continue
        words = "".join(re.findall(r"\\text\{(.*?)\}(?: \\\\|$)", line))
        assert not re.search(r"(?<!\\)_", re.sub(r"\$.*?\$", "", words)), line
        formulas = re.sub(r"\\(text|mathrm)\{.*?\}", "", line)
        assert not re.search(r"[A-Za-z]{3,}", re.sub(r"\\[A-Za-z]+", "", formulas.replace("{align*}", ""))), line


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("c1/cnv",), "did you mean 'c1/conv'?"),
        (("c1/conv", "parms"), "did you mean 'params'?"),
        (("input",), "`archcalc show"),
        (("neurons",), "'neurons' is a quantity of one output, not of the network"),
        (("gradient",), "write LAYER.gradient"),
        (("c1", "params", "surplus"), "unexpected argument 'surplus'"),
    ],
)
def test_unknown_targets_get_a_hint(archcalc: Archcalc, arguments: tuple[str, ...], hint: str) -> None:
    ran = archcalc("explain", "lenet5", *arguments)
    assert ran.status == 2
    assert hint in ran.err
    assert not ran.out


def test_long_equations_continue_on_the_next_line_of_a_terminal() -> None:
    lines = on_terminal("explain", "resnet50", "macs").splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[-1].split()[-2:] == ["=", "3,857,973,248"]
    assert lines[-1].startswith(" " * 14)


@pytest.mark.parametrize("quantity", ["params", "macs", "flops", "activations", "connections"])
def test_a_total_to_which_one_layer_contributes_is_derived_as_that_of_the_layer(
    archcalc: Archcalc, quantity: str
) -> None:
    network = "3x32x32 -> conv 6 k5"
    assert archcalc("explain", network, quantity).out == archcalc("explain", network, f"conv_1.{quantity}").out
    assert archcalc("explain", network).out == archcalc("explain", network, "conv_1").out


def test_a_sum_of_several_layers_stays_a_sum(archcalc: Archcalc) -> None:
    assert "conv_2" in archcalc("explain", "3x32x32 -> conv 6 k5 -> conv 6 k1", "params").out
    assert "weight" in archcalc("explain", "3x32x32 -> conv 6 k5 -> relu", "params").out


@pytest.mark.parametrize("width", [40, 60, 80])
def test_no_line_of_a_formula_is_broken_within_brackets(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archcalc.cli.explain.terminal_width", lambda: width)
    formula = "macs = " + " + ".join(f"{size}·⌊(H + {size})/(2 + k)⌋" for size in range(30, 60))
    lines = wrapped(formula).splitlines()
    assert len(lines) > 1
    assert all(len(line) <= width and line.count("⌊") == line.count("⌋") for line in lines)
    assert " ".join(line.strip() for line in lines) == formula
