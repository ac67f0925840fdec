"""``archcalc counters``, and tables in the count of another tool."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest

from archcalc.cli.schema import schemas
from archcalc.counters.registry import TOOLS
from tests.cli.conftest import Archcalc

NET = "3x8x8 -> conv 4 k3 p1 -> bn -> relu -> gap -> fc 2"


def document(archcalc: Archcalc, *arguments: str) -> Any:
    return json.loads(archcalc("counters", NET, *arguments, "--format", "json").out)


def test_json_follows_its_schema(archcalc: Archcalc) -> None:
    for options in ((), ("--layers",)):
        found = document(archcalc, *options)
        jsonschema.validate(found, json.loads(schemas()["counters"]))
    (thop, *_) = found["counters"]
    assert thop["value"] == 4 * 27 * 64 + 4 * 256 + 260 + 8
    assert thop["terms"][0] == {"label": "batch norm (4 per element)", "amount": 1024, "layers": {"bn_1": 1024}}


def test_a_tool_and_a_quantity_are_chosen(archcalc: Archcalc) -> None:
    found = document(archcalc, "--tool", "ptflops 0.6.9", "--tool", "keras", "--quantity", "params")
    assert [(each["tool"], each["quantity"]) for each in found["counters"]] == [
        ("ptflops", "params"),
        ("keras", "params"),
    ]


def test_the_help_names_every_quantity(archcalc: Archcalc) -> None:
    written = " ".join(archcalc("counters", "--help").out.split())
    names = {quantity.name for tool in TOOLS for quantity in tool.quantities}
    assert {name for name in names if not re.search(rf"\b{name}\b", written)} == set()


def test_settings_that_change_nothing_are_left_out_for_people(archcalc: Archcalc) -> None:
    assert "no_grad" not in archcalc("counters", NET).out
    assert "no_grad" in archcalc("counters", NET, "--format", "csv").out


def test_tools_are_compared_quantity_by_quantity(archcalc: Archcalc) -> None:
    rows = [line.split("  ") for line in archcalc("counters", NET).out.splitlines()[3:] if "  " in line]
    quantities = [[cell for cell in row if cell][1].strip() for row in rows]
    assert quantities == sorted(quantities, key=quantities.index)
    assert quantities[0] == "macs"


def test_the_table_fits_a_narrow_terminal(archcalc: Archcalc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archcalc.cli.output.on_terminal", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    for width in (80, 120):
        monkeypatch.setenv("COLUMNS", str(width))
        table = archcalc("counters", NET, "--format", "rich").out
        rows = [line for line in table.splitlines() if line.startswith(("thop", "ptflops", "torchinfo"))]
        assert rows
        assert all(len(line) <= width for line in rows)
        assert "\x1b" not in table


def test_a_training_step_has_terms_from_the_training_macs(archcalc: Archcalc) -> None:
    net = "4x8x8 -> conv 8 k1 -> conv 8 k3 g4 -> gap -> fc 2"
    chosen = ("--tool", "flop-counter-mode 2.13", "--quantity", "training_flops")
    found = json.loads(archcalc("counters", net, *chosen, "--layers", "--format", "json").out)
    jsonschema.validate(found, json.loads(schemas()["counters"]))
    (count, on_meta) = found["counters"]
    assert on_meta["setting"] == "meta"
    first, grouped, last = 64 * 4 * 8, 36 * 8 * 2 * 9, 8 * 2
    macs = 2 * first + 3 * grouped + 3 * last
    assert count["start"] == {"quantity": "training_macs", "value": macs}
    assert count["terms"][1] == {
        "label": "weight gradients of grouped convolutions (times the groups)",
        "amount": 2 * 3 * grouped,
        "layers": {"conv_2": 2 * 3 * grouped},
    }
    assert count["value"] == 2 * macs + 2 * 3 * grouped
    page = archcalc("counters", net, "--explain", "flop-counter-mode 2.13", "--quantity", "training_flops").out
    assert f"{macs:,}  archcalc's training MACs" in page
    assert "for weights times the groups" in page


def test_a_claim_about_the_backward_pass_may_count_weight_gradients_times_the_groups(archcalc: Archcalc) -> None:
    run = archcalc("check", "--claim", "mobilenet_v2 backward_macs = 5839076224")  # half of what FlopCounterMode prints
    assert "as flop-counter-mode 2.13 counts" in run.out
    assert "+10,496,731,392 weight gradients of grouped convolutions (times the groups)" in run.out


def test_without_gradients_there_is_no_backward_pass(archcalc: Archcalc) -> None:
    run = archcalc("counters", NET, "--tool", "flop-counter-mode no_grad", "--quantity", "training_flops")
    assert run.status == 2
    assert "the quantities are flops" in run.err


def test_layers_are_listed_for_every_term(archcalc: Archcalc) -> None:
    rows = archcalc("counters", NET, "--tool", "thop 0.1.1", "--layers", "--format", "csv").out.splitlines()
    assert "thop 0.1.1,macs,batch norm (4 per element),bn_1,1024" in rows
    assert 'thop 0.1.1,params,"running statistics and other buffers, which are not parameters",bn_1,-8' in rows


def test_a_page_about_a_tool_has_its_rules_and_the_steps(archcalc: Archcalc) -> None:
    page = archcalc("counters", NET, "--explain", "thop 0.1.1", "--format", "markdown").out
    assert page.startswith("# What thop 0.1.1 counts\n")
    for part in ("count_normalization", "+1,024", "= 8,204", "batch norm (4 per element)", "bn_1"):
        assert part in page


def test_a_page_explains_rules_once_and_settings_that_change_something(archcalc: Archcalc) -> None:
    page = archcalc("counters", NET, "--explain", "fvcore").out
    assert page.count("norm_flop_counter") == 3
    assert "without gradients" not in page
    page = archcalc("counters", "16x32 -> attention heads=2", "--explain", "fvcore").out
    assert page.count("norm_flop_counter") == 3
    assert "without gradients" in page
    assert "with torch.no_grad(): fvcore" in page
    assert archcalc("counters", NET, "--explain", "fvcore no_grad").out.count("without gradients") == 1


def test_a_page_fits_a_narrow_terminal(archcalc: Archcalc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archcalc.cli.output.on_terminal", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    for option in (("--explain", "ptflops"), ("--layers",)):
        lines = archcalc("counters", "16x32 -> attention heads=2", *option).out.splitlines()
        assert len(lines) > 10
        assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--tool", "nothing"), "the tools are thop, ptflops"),
        (("--tool", "thop 7"), "there are 'thop 0.1.1', 'thop 0.0.31'"),
        (("--explain", "nothing"), "--explain nothing: error[unknown-name]: no tool 'nothing'"),
        (("--quantity", "watts"), "the quantities are macs, params"),
        (("--explain", "thop", "--layers"), "omit --tool and --layers"),
        (("--explain", "thop", "--format", "json"), "must be rich, plain or markdown, got json"),
        (("--explain", "thop", "--format", "latex"), "must be rich, plain or markdown, got latex"),
    ],
)
def test_a_wrong_argument_is_an_error_with_what_there_is(
    archcalc: Archcalc, arguments: tuple[str, ...], message: str
) -> None:
    run = archcalc("counters", NET, *arguments)
    assert run.status == 2
    assert message in run.err


def test_show_prints_the_table_in_the_count_of_a_tool(archcalc: Archcalc) -> None:
    table = archcalc("show", NET, "--as", "thop").out.splitlines()
    assert table[1].split()[-4:-1] == ["thop", "0.1.1:", "MACs"]
    assert next(line for line in table if line.startswith("bn_1")).split()[-2] == "1,024"
    assert next(line for line in table if line.startswith("total")).split()[-1] == "8,204"
    assert "does not count the operations" in archcalc("show", NET, "--as", "keras").err
    assert archcalc("show", NET, "--as", "thop", "--format", "json").status == 2


@pytest.mark.parametrize(
    ("spec", "macs", "text"),
    [
        ("1000x1000 -> linear 1000", 10**9, "1.000 G"),
        ("1000x1000 -> linear 10", 10**7, "0.010 G"),
        ("1000x100 -> linear 10", 10**6, "1.000 M"),
        ("100x10 -> linear 4", 4000, "4.000 k"),
        ("2 -> linear 2", 4, "0.004 k"),
    ],
)
def test_published_figures_have_a_unit_in_which_they_are_not_zero(
    archcalc: Archcalc, spec: str, macs: int, text: str
) -> None:
    ran = archcalc("counters", spec, "--tool", "torchvision", "--quantity", "macs")
    assert f"{macs:,} MACs" in ran.lines[0]
    assert text in ran.lines[3]
