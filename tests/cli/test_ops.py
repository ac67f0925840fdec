"""``archcalc ops``: the operators."""

from __future__ import annotations

import csv
import io
import json

import pytest

from archcalc.executor import gradients  # noqa: F401  # registers the gradients
from archcalc.executor.gradient import GRADIENTS
from archcalc.ops.base import REGISTRY
from archcalc.spec.grammar import JOINS
from tests.cli.conftest import Archcalc


def test_every_operator_is_listed_in_one_line(archcalc: Archcalc) -> None:
    found = list(csv.DictReader(io.StringIO(archcalc("ops", "--format", "csv").out)))
    assert sorted(row["operator"] for row in found) == sorted(REGISTRY)
    assert all(row["summary"] and "\n" not in row["summary"] for row in found)


def test_the_table_of_operators_has_the_columns_asked_for(archcalc: Archcalc) -> None:
    ran = archcalc("ops", "--format", "markdown", "--columns", "operator,shape,params,cost,source")
    assert [cell.strip() for cell in ran.lines[0].strip("|").split("|")] == [
        *("operator", "shape", "params", "cost", "source")
    ]
    assert len([line for line in ran.lines if line.startswith("| ")]) == len(REGISTRY) + 1


@pytest.mark.parametrize("name", REGISTRY)
def test_every_operator_is_documented_completely(archcalc: Archcalc, name: str) -> None:
    found = json.loads(archcalc("ops", name, "--format", "json").out)
    for section in ("summary", "signature", "shape", "params", "cost", "window", "source", "gradient"):
        assert found[section], section
    assert [argument["name"] for argument in found["arguments"]] == [p.name for p in REGISTRY[name].parameters()]
    assert all(argument["help"] for argument in found["arguments"])
    page = archcalc("ops", name).out
    assert page.startswith(found["signature"])
    assert all(argument["name"] in page for argument in found["arguments"])


def test_the_page_says_how_arguments_are_written(archcalc: Archcalc) -> None:
    ran = archcalc("ops", "conv")
    assert ran.line("kernel").split()[:4] == ["kernel", "k3,", "kernel=…", "required"]
    assert "positional" in ran.line("channels")
    assert "nobias" in ran.line("bias")
    assert "half" in ran.line("pad")


def test_joins_are_written_with_their_branches(archcalc: Archcalc) -> None:
    assert archcalc("ops", "concat").out.startswith("concat(chain, chain, …[, axis=…][, crop=none|smallest])\n")


def test_the_words_of_an_argument_are_listed(archcalc: Archcalc) -> None:
    assert "axis=all|last|channels" in archcalc("ops", "ln").line("axis")
    assert "bias=yes|no" in archcalc("ops", "conv").line("bias")


def test_json_documents_all_operators(archcalc: Archcalc) -> None:
    found = json.loads(archcalc("ops", "--format", "json").out)
    assert sorted(record["name"] for record in found) == sorted(REGISTRY)


def test_an_unknown_operator_gets_a_suggestion(archcalc: Archcalc) -> None:
    for name, meant in (("maxpol", "maxpool"), ("BatchNorm2d", "bn")):
        ran = archcalc("ops", name)
        assert ran.status == 2
        assert f"did you mean '{meant}'?" in ran.err


def test_columns_are_for_the_table(archcalc: Archcalc) -> None:
    ran = archcalc("ops", "conv", "--columns", "shape")
    assert ran.status == 2
    assert "--columns" in ran.err


def test_every_operator_has_a_gradient_or_says_why_not(archcalc: Archcalc) -> None:
    table = archcalc("ops", "--columns", "operator,gradient", "--format", "csv").out
    listed = {row["operator"]: row["gradient"] for row in csv.DictReader(io.StringIO(table))}
    assert {name for name, text in listed.items() if not text.startswith("of no ")} == {cls.name for cls in GRADIENTS}
    assert listed["floor"] == "of no inputs or arrays: it is constant between its steps"
    assert listed["topk"] == "not through output 2: indices are integers"
    assert "gradient of all inputs and trained arrays" in archcalc("ops", "conv").out


@pytest.mark.parametrize(("name", "argument", "default"), [("bn", "eps", "1e-5"), ("lrn", "beta", "0.75")])
def test_defaults_are_printed_as_a_spec_writes_them(archcalc: Archcalc, name: str, argument: str, default: str) -> None:
    arguments = json.loads(archcalc("ops", name, "--format", "json").out)["arguments"]
    assert [each["default"] for each in arguments if each["name"] == argument] == [default]


@pytest.mark.parametrize(
    ("name", "argument", "written"),
    [
        ("lstm", "state", ("state=@…", "-")),
        ("rearrange", "sizes", ("NAME=…", "-")),
        ("softmax", "axis", ("axis=last|channels|…", "0")),
        ("ln", "axis", ("axis=all|last|channels", "all")),
        ("conv", "bias", ("bias=yes|no", "yes")),
    ],
)
def test_arguments_are_printed_as_a_spec_writes_them(
    archcalc: Archcalc, name: str, argument: str, written: tuple[str, str]
) -> None:
    arguments = json.loads(archcalc("ops", name, "--format", "json").out)["arguments"]
    assert [(each["written"], each["default"]) for each in arguments if each["name"] == argument] == [written]


@pytest.mark.parametrize("name", JOINS)
def test_joins_are_documented_with_as_many_chains_as_they_take(archcalc: Archcalc, name: str) -> None:
    signature = archcalc("ops", name).lines[0]
    pattern = "'a b, a b = a b', " * signature.count("'…'")
    most = signature.count("chain")
    least = most - signature.count("[, chain]")
    for count, takes in ((least - 1, False), (least, True), (most + 1, "chain, …" in signature)):
        ran = archcalc("show", f"8x8 -> {name}({pattern}{', '.join(['identity'] * count)})")
        assert (ran.status == 0) is takes, (signature, count, ran.err)
