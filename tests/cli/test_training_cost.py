"""What a training step costs, on the command line: one network, 3·8·8 → conv 4 k3 → relu → fc 10."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

import archcalc as package
from tests.cli.conftest import Archcalc

SCHEMA = json.loads((Path(package.__file__).parent / "report" / "show.schema.json").read_text(encoding="utf-8"))
NET = "3x8x8 -> conv 4 k3 -> relu -> fc 10"
WEIGHTS, FILTERS = 4 * 27 + 4 + 10 * 144 + 10, 4 * 27 + 4
MACS, FIRST = 36 * 4 * 27 + 1440, 36 * 4 * 27
PART = "8x4x4 -> split 2 part=1 -> conv 4 k3"
"""A convolution of the second half of its input: PyTorch keeps all of it."""
SAVED = 4 * (3 * 64 + 4 * 36)
"""The image, and the output of ReLU, which the last layer reads."""


def test_the_parts_of_the_memory_are_a_table_with_bars(archcalc: Archcalc) -> None:
    shown = archcalc("show", NET, "--training-step", "--batch", "5", "--optimizer", "adam")
    assert shown.status == 0
    for name, size in (("weights", 4 * WEIGHTS), ("gradients of weights", 4 * WEIGHTS), ("state of adam", 8 * WEIGHTS)):
        assert f" {size:,} " in shown.line(f"{name} "), name
        assert "█" in shown.line(f"{name} ")
    assert f"saved for the backward pass: {5 * SAVED:,} bytes" in shown.out
    macs = f"MACs: forward {5 * MACS:,}, backward {5 * (2 * MACS - FIRST):,}, training step {5 * (3 * MACS - FIRST):,}"
    assert shown.lines[-1] == macs


def test_json_and_csv_have_the_same_figures(archcalc: Archcalc) -> None:
    options = (
        "--training-step",
        "--optimizer",
        "momentum",
        "--freeze",
        "conv_1",
        "--master",
        "fp32",
        "--dtype",
        "bf16",
    )
    document = json.loads(archcalc("show", NET, *options, "--format", "json").out)
    jsonschema.validate(document, SCHEMA)
    step, trained = document["training_step"], WEIGHTS - FILTERS
    assert (step["optimizer"], step["frozen"], step["master"]) == ("momentum", ["conv_1"], "float32")
    parts = step["parts"]
    assert (parts["weights"], parts["master"], parts["gradients"], parts["optimizer"]) == (
        2 * WEIGHTS,
        4 * trained,
        2 * trained,
        4 * trained,
    )
    assert sum(parts.values()) == step["training_memory"]
    assert (step["backward_macs"], step["saved"]) == (1440, 2 * 144)
    rows = archcalc("show", NET, *options, "--format", "csv").lines
    assert rows[:2] == ["part,bytes", f"weights,{2 * WEIGHTS}"]
    assert "training_step" not in json.loads(archcalc("show", NET, "--format", "json").out)


def test_columns_of_layers_add_up_to_the_totals(archcalc: Archcalc) -> None:
    shown = archcalc("show", NET, "--columns", "layer,backward_macs,training_macs,saved")
    rows = [line.split() for line in shown.lines[3:6]]
    assert [row[1:] for row in rows] == [
        [f"{FIRST:,}", f"{2 * FIRST:,}", "768"],
        ["0", "0", "576"],
        ["2,880", "4,320", "0"],
    ]
    assert shown.line("total").split()[1:] == [f"{2 * MACS - FIRST:,}", f"{3 * MACS - FIRST:,}", f"{SAVED:,}"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("explain", NET, "fc_1.backward_macs"), "backward_macs = 2·macs = 2·1,440 = 2,880"),
        (("explain", NET, "conv_1.backward_macs"), "(gradients of weight)"),
        (("explain", NET, "conv_1.backward_macs", "--freeze", "conv_1"), "frozen, and nothing before it is trained"),
        (("explain", NET, "relu_1.saved", "--batch", "2"), "saved_output = C_in·H·W·N·4 = 4·6·6·2·4 = 1,152"),
        (("explain", NET, "fc_1.saved"), "relu_1 keeps it, too"),
        (("explain", NET, "training_memory", "--optimizer", "adam"), "state of adam"),
        (("explain", "6 -> dropout 0.1 -> fc 2 -> dropout 0.1", "dropout_2.saved"), "(1 byte each)"),
        (
            ("formula", "3xHxW -> conv 4 k3 -> relu -> gap -> fc 2", "saved", "--free", "H,W"),
            "saved = 4·H·(7·W − 8) − 32·W + 80",
        ),
        (("formula", NET, "training_macs", "--free", "H,W"), "training_macs = "),
        (("solve", NET, "--vary", "batch", "--target", "saved <= 10000"), "largest solution: 7;"),
        (("solve", NET, "--vary", "batch=1:9", "--target", "training_memory <= 1", "--optimizer", "adam"), "none of 9"),
        (("sweep", NET, "--set", "batch=1,3", "--columns", "saved,training_macs"), f"{3 * SAVED:,}"),
        (("compare", NET, "--columns", "saved,training_memory", "--dtype", "bf16"), "training memory"),
        (("show", PART, "--columns", "layer,saved", "--as", "pytorch"), "conv_1     512"),
        (("explain", PART, "conv_1.saved", "--as", "pytorch"), "it is a view, which keeps all of input"),
        (("formula", "8xHx4 -> split 2 part=0 -> fc 2", "saved", "--free", "H", "--as", "pytorch"), "saved = 128·H"),
        (("sweep", PART, "--set", "batch=1,3", "--columns", "saved", "--as", "pytorch"), "1,536"),
        (("solve", PART, "--vary", "batch", "--target", "saved <= 5120", "--as", "pytorch"), "largest solution: 10;"),
        (("compare", PART, "--columns", "saved", "--as", "pytorch"), "512 B"),
        (("check", "--claim", "lenet5 training_macs = 1131960"), "exact"),
        (("check", "--claim", "lenet5 saved = 35.6 KiB"), "rounds"),
        (("diff", NET, NET.replace("4 k3", "5 k3"), "--fail-on", "saved > +1%"), "saved 1,344 → 1,488"),
    ],
)
def test_every_verb_of_quantities_knows_them(archcalc: Archcalc, arguments: tuple[str, ...], expected: str) -> None:
    ran = archcalc(*arguments)
    assert expected in ran.out + ran.err


@pytest.mark.parametrize(
    ("quantity", "options", "reason"),
    [
        ("saved", ("--as", "pytorch"), "The saved tensors are those that PyTorch keeps (--as pytorch)."),
        ("saved", ("--inplace",), "Activations and dropout overwrite their inputs (--inplace)."),
        ("saved", ("--as", "pytorch", "--inplace"), "keeps with activations in place (--as pytorch --inplace)."),
        ("training_memory", ("--optimizer", "momentum"), "The optimizer is momentum (--optimizer momentum)."),
    ],
)
def test_a_claim_may_follow_another_convention(
    archcalc: Archcalc, quantity: str, options: tuple[str, ...], reason: str
) -> None:
    net = "3x8x8 -> conv 4 k3 -> elu -> conv 4 k3 -> bn -> maxpool 2 -> dropout 0.1 -> fc 10"
    own, other = (archcalc("formula", net, quantity, *chosen).lines[-1].rpartition("= ")[2] for chosen in ((), options))
    assert own != other
    ran = archcalc("check", "--claim", f"{net} {quantity} = {other.replace(',', '')}")
    assert reason in ran.out


def test_budgets_limit_the_costs_of_a_training_step(
    archcalc: Archcalc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text("input: 3x8x8\nlayers: conv 4 k3 -> relu -> fc 10\n", encoding="utf-8")
    Path("archcalc.toml").write_text('[budgets]\n"net.yaml" = "saved <= 1k"\n', encoding="utf-8")
    ran = archcalc("validate", "net.yaml")
    assert ran.status == 1
    assert f"over budget: saved is {SAVED:,}" in ran.out + ran.err


def test_a_variable_called_batch_is_that_variable(archcalc: Archcalc, tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text("input: 4\nvariables: {batch: 3}\nlayers: fc batch\n", encoding="utf-8")
    swept = archcalc("sweep", str(spec), "--set", "batch=1,2", "--columns", "params,macs")
    assert [line.split() for line in swept.lines[2:4]] == [["1", "5", "4"], ["2", "10", "8"]]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("show", "lenet5", "--freeze", "c9"), "--freeze: error[unknown-name]: no layer or stage 'c9'"),
        (("show", "lenet5", "--checkpoint", "c1,c1/conv"), "two checkpoints have a layer in common"),
        (("show", "lenet5", "--optimizer", "lamb"), "'lamb' is not one of 'sgd', 'momentum', 'adam', 'adamw'"),
        (("show", "lenet5", "--dtype", "weights=int3"), "got 'int3'"),
        (
            ("show", "lenet5", "--dtype", "layers=int8"),
            "the kind of tensor must be one of weights, biases",
        ),
        (("show", "lenet5", "--master", "fp"), "got 'fp'"),
        (("show", "lenet5", "--training-step", "--columns", "op"), "--columns does not apply to --training-step"),
        (("show", "lenet5", "--training-step", "--depth", "1"), "--depth does not apply to --training-step"),
        (("show", "lenet5", "--training-step", "--as", "thop"), "no tensors that 'thop' keeps are known"),
        (("show", "lenet5", "--as", "pytorch"), "= add --training-step or --columns saved"),
        (("explain", "lenet5", "saved", "--as", "thop"), "'thop' is not 'pytorch'"),
        (("sweep", "lenet5", "--set", "batch=0:2"), "sizes must be positive integers, got 0"),
        (("solve", "lenet5", "--vary", "batch=1/2,1", "--target", "saved <= 1"), "sizes must be positive integers"),
        (("sweep", "lenet5", "--set", "batch=1,2", "--columns", "saved", "--freeze", "c9"), "'c9' to freeze"),
        (("explain", "lenet5", "c1.training_memory"), "'training_memory' is a quantity of the whole network"),
    ],
)
def test_bad_input_is_one_message(archcalc: Archcalc, arguments: tuple[str, ...], expected: str) -> None:
    ran = archcalc(*arguments)
    assert ran.status == 2
    assert expected in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "lenet5", "--optimizer", "adam"),
        ("show", "lenet5", "--columns", "layer,macs", "--optimizer", "adam"),
        ("compare", "lenet5", "alexnet", "--optimizer", "adam"),
        ("report", "lenet5", "alexnet", "-o", "-", "--optimizer", "adam"),
        ("sweep", "lenet5", "--set", "batch=1,2", "--columns", "macs", "--where", "params > 1", "--optimizer", "adam"),
        ("solve", "lenet5", "--vary", "batch=1:9", "--target", "macs <= 1e9", "--optimizer", "adam"),
        ("formula", "lenet5", "c1.macs", "--optimizer", "adam"),
        ("formula", "lenet5", "--optimizer", "adam"),
        ("explain", "lenet5", "c1", "--optimizer", "adam"),
        ("explain", "lenet5", "c1.params", "--optimizer", "adam"),
    ],
    ids=" ".join,
)
def test_options_of_training_that_change_nothing_are_errors(archcalc: Archcalc, arguments: tuple[str, ...]) -> None:
    ran = archcalc(*arguments)
    assert ran.status == 2
    assert "--optimizer does not change what is printed" in ran.err
    assert not ran.out


def test_options_of_training_apply_to_its_quantities(archcalc: Archcalc) -> None:
    for arguments in (
        ("show", "lenet5", "--columns", "layer,saved"),
        ("show", "lenet5", "--training-step"),
        ("compare", "lenet5", "alexnet", "--columns", "training_memory"),
        ("sweep", "lenet5", "--set", "batch=1,2", "--columns", "macs", "--where", "training_memory > 1"),
        ("sweep", "lenet5", "--set", "batch=1,2", "--columns", "macs", "--sort", "saved"),
        ("solve", "lenet5", "--vary", "batch=1:9", "--target", "macs > 1", "--columns", "c1.saved"),
        ("formula", "lenet5", "c1.backward_macs"),
        ("explain", "lenet5", "c1.saved"),
    ):
        assert archcalc(*arguments, "--optimizer", "adam").status == 0
