"""``archcalc sweep`` as users run it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from archcalc.api import load
from archcalc.cli.sweep_output import PROGRESS_FROM, progress
from tests.cli.conftest import Archcalc

GRID = ("sweep", "mobilenet-v1", "--set", "alpha=0.25:1:0.25", "--set", "rho=0.5,6/7,1")


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_table_of_the_paper(archcalc: Archcalc) -> None:
    ran = archcalc(*GRID)
    assert ran.status == 0
    assert ran.lines[0].split() == ["alpha", "rho", "params", "MACs"]
    assert "0.75    1  2,601,976  325,400,448" in ran.out  # 325M, 2.6M: Howard et al. 2017, Table 6
    assert ran.lines[-1] == "12 configurations"


def test_every_format_has_every_row(archcalc: Archcalc) -> None:
    expected = []
    for alpha in ("0.25", "0.5", "0.75", "1"):
        for rho in ("0.5", "6/7", "1"):
            totals = load("mobilenet-v1", set={"alpha": alpha, "rho": rho}).analyze().totals
            expected.append({"alpha": alpha, "rho": rho, "params": totals.params, "macs": totals.macs})
    rows = json.loads(archcalc(*GRID, "--format", "json").out)
    assert [{**row, "alpha": str(row["alpha"]), "rho": str(row["rho"])} for row in rows] == expected
    written = table(archcalc(*GRID, "--format", "csv").out)
    assert written == [{key: str(value) for key, value in row.items()} for row in expected]
    assert archcalc(*GRID, "--format", "markdown").out.count("\n|") == 1 + 12


def test_summaries_of_streams_go_to_standard_error(archcalc: Archcalc) -> None:
    ran = archcalc(*GRID, "--format", "csv", "--where", "macs <= 300M")
    assert ran.err == "12 configurations: 3 excluded by --where, 9 remaining\n"
    assert len(table(ran.out)) == 9


def test_sorted_and_the_best(archcalc: Archcalc) -> None:
    rows = table(archcalc(*GRID, "--format", "csv", "--sort", "-macs").out)
    assert [int(row["macs"]) for row in rows] == sorted((int(row["macs"]) for row in rows), reverse=True)
    best = table(archcalc(*GRID, "--format", "csv", "--sort", "-alpha,macs", "--top", "2").out)
    assert [(row["alpha"], row["rho"]) for row in best] == [("1", "0.5"), ("1", "6/7")]


def test_the_pareto_front(archcalc: Archcalc) -> None:
    ran = archcalc(*GRID, "--format", "csv", "--pareto", "macs,max:alpha")
    assert [(row["alpha"], row["rho"]) for row in table(ran.out)] == [(a, "0.5") for a in ("0.25", "0.5", "0.75", "1")]
    assert "4 on the Pareto front of 12" in archcalc(*GRID, "--pareto", "macs,max:alpha").out


def test_both_axes_of_a_picture_at_once_and_layers_as_columns(archcalc: Archcalc) -> None:
    ran = archcalc("sweep", "resnet50", "--shape", "H=W=224:288:32", "--columns", "macs,conv5_x.shape,conv1.rf")
    assert ran.lines[0].split() == ["H=W", "MACs", "conv5_x.shape", "conv1.rf"]
    assert ran.line("224").split() == ["224", "3,857,973,248", "2048x7x7", "7"]
    assert ran.line("288").split()[2] == "2048x9x9"


def test_shapes_words_and_attributes(archcalc: Archcalc, tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text(
        "inputs: {a: 3x8x8, b: 3x8x8}\nvariables: {f: relu}\nblocks:\n  unit(g=f): conv 4 k3 -> g\n"
        "layers:\n  - one: unit()\n  - two: unit()\n"
    )
    rows = table(archcalc("sweep", str(spec), "--shape", "3x8x8,3x9x9x9", "--columns", "shape", "--format", "csv").out)
    assert [(row["shape"]) for row in rows] == ["4x4x4", "4x5x5x5"]
    assert [row["input"] for row in rows] == ["3x8x8", "3x9x9x9"]
    rows = table(archcalc("sweep", str(spec), "--set", "f=relu,gelu", "--columns", "flops", "--format", "csv").out)
    assert [row["f"] for row in rows] == ["relu", "gelu"]
    assert int(rows[0]["flops"]) < int(rows[1]["flops"])
    rows = table(archcalc("sweep", str(spec), "--set", "two/conv.k=1:3", "--columns", "shape", "--format", "csv").out)
    assert [row["shape"] for row in rows] == ["4x6x6", "4x5x5", "4x4x4"]
    fixed = ("--set", "one/conv.k=1", "--shape", "W=20", "--columns", "shape", "--format", "csv")
    rows = table(archcalc("sweep", str(spec), "--set", "two/conv.k=1:2", *fixed).out)
    assert [row["shape"] for row in rows] == ["4x8x20", "4x7x19"]
    rows = table(archcalc("sweep", str(spec), "--shape", "b.H=1:2", "--columns", "shape", "--format", "csv").out)
    assert [row["b.H"] for row in rows] == ["1", "2"]


def test_conditions_may_ask_for_varied_attributes_and_global_fields(archcalc: Archcalc) -> None:
    arguments = ("sweep", "3x8x8 -> conv 2 k3 half -> gap", "--set", "conv_1.k=1:6", "--format", "csv")
    ran = archcalc(*arguments, "--where", "conv_1.k % 2 = 1 and not conv_1.k > 3 and rf = global")
    assert [line.split(",")[0] for line in ran.lines[1:]] == ["1", "3"]
    ran = archcalc(*arguments, "--where", "conv_1.d = 1")
    assert "no quantity, variable or input size 'conv_1.d'" in ran.err


def test_the_reason_for_an_empty_result_is_given(archcalc: Archcalc) -> None:
    impossible = archcalc("sweep", "3x5x5 -> conv 6 k7", "--shape", "H=W=2:5")
    assert impossible.status == 0
    assert impossible.lines[-2] == "4 configurations: 4 impossible, 0 remaining"
    assert impossible.lines[-1].startswith("4 impossible, for example H=W=2: conv_1: a window of 7 does not fit")
    unwanted = archcalc(*GRID, "--where", "macs < 3")
    assert unwanted.lines[-1] == "12 configurations: 12 excluded by --where, 0 remaining"
    assert json.loads(archcalc(*GRID, "--where", "macs < 3", "--format", "json").out) == []


WRONG = {
    ("--set", "alpha=0.5"): "nothing varies",
    ("--set", "alhpa=0.5:1:0.1"): "did you mean 'alpha'?",
    ("--set", "alpha=1:0.5"): "is empty",
    ("--set", "alpha"): "--set must be NAME=VALUES",
    ("--set", "alpha=1,2", "--set", "alpha=3,4"): "'alpha' is set twice",
    ("--shape", "H=0:64:32"): "sizes must be positive integers, got 0",
    ("--shape", "H=32:33:0.5"): "sizes must be positive integers, got 65/2",
    ("--shape", "Z=3x4x4,3x5x5"): "no input 'Z'",
    ("--shape", "X=3,4"): "the only input is input; the sizes are C, H, W",
    ("--shape", "X=3", "--shape", "H=64,96"): "the only input is input; the sizes are C, H, W",
    ("--set", "alpha=1,2", "--where", "macs"): "expected a comparison",
    ("--set", "alpha=1,2", "--where", "macs < 3M", "--where", "params < 3M"): "join conditions with 'and'",
    ("--set", "alpha=1,2", "--where", "mac < 3"): "did you mean 'macs'?",
    ("--set", "alpha=1,2", "--where", "sep99.macs < 3"): "no layer or stage 'sep99'",
    ("--set", "alpha=1,2", "--columns", "sep99.macs"): "no layer or stage 'sep99'",
    ("--set", "alpha=1,2", "--columns", ""): "must name at least one quantity",
    ("--set", "alpha=1,2", "--sort", "mac"): "did you mean 'macs'?",
    ("--set", "alpha=1,2", "--pareto", "max:mac"): "did you mean 'macs'?",
    ("--set", "alpha=1,2", "--columns", "conv0.peak"): "'peak' is a quantity of the whole network",
    ("--set", "conv0/conv.q=1,2"): "has no numeric attribute 'q'",
    ("--set", "conv9.k=1,2"): "no layer or stage 'conv9'",
}


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_mistakes_are_errors_with_a_reason(archcalc: Archcalc, arguments: tuple[str, ...]) -> None:
    ran = archcalc("sweep", "mobilenet-v1", *arguments)
    assert ran.status == 2
    assert WRONG[arguments] in ran.err
    assert not ran.out


def test_truncated_tables_say_so(archcalc: Archcalc) -> None:
    ran = archcalc("sweep", "3x5x5 -> relu", "--shape", "H=1:2000", "--columns", "macs")
    assert len(ran.lines) == 2 + 1000 + 1
    assert ran.lines[-1] == "2,000 configurations: 1,000 of 2,000 shown"


def test_a_long_sweep_on_a_terminal_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    shown = Terminal()
    monkeypatch.setattr("sys.stderr", shown)
    with progress(PROGRESS_FROM - 1, "sweeping") as advance:
        advance(5)
    assert not shown.getvalue()
    with progress(PROGRESS_FROM, "sweeping") as advance:
        advance(PROGRESS_FROM)
    assert "500,000 of 500,000" in shown.getvalue()


def test_rows_are_written_as_they_come(archcalc: Archcalc) -> None:
    rows = table(
        archcalc("sweep", "3x5x5 -> relu", "--shape", "H=W=1:3000", "--columns", "flops", "--format", "csv").out
    )
    assert [int(row["flops"]) for row in rows] == [3 * n * n for n in range(1, 3001)]
