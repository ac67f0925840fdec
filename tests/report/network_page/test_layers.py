"""The table of layers of a page: levels of detail, and bars."""

from __future__ import annotations

import pytest

import archcalc
from archcalc.analysis.propagate import Analysis, analyze
from archcalc.report.network_page import layers
from archcalc.report.network_page.layers import BARS, LayersTable, Level
from archcalc.report.network_page.memory import live_bytes

NAMES = [column.key for column in BARS]


def table_of(spec: str, *, training: bool = False) -> LayersTable:
    analysis: Analysis = analyze(archcalc.load(spec).graph, training=training)
    return LayersTable(analysis, "chw", live_bytes(analysis, "float32"))


def shown(table: LayersTable, level: Level) -> list[layers.LayerRow]:
    return [row for row in table.rows if row.first <= level.depth <= row.last]


@pytest.mark.parametrize("spec", ["resnet18", "googlenet", "3x8x8 -> conv 4 k3 -> relu"])
def test_every_level_adds_up_to_the_totals(spec: str) -> None:
    table = table_of(spec, training=True)
    totals = table.analysis.totals
    for level in table.levels:
        rows = shown(table, level)
        assert sum(row.bars[NAMES.index("params")].value for row in rows) == totals.params
        assert sum(row.bars[NAMES.index("macs")].value for row in rows) == totals.macs


def test_rows_are_in_the_order_of_the_network_at_every_level() -> None:
    table = table_of("resnet18")
    assert len(table.levels) > 2
    for level in table.levels:
        nodes = [row.node for row in shown(table, level)]
        assert nodes == sorted(nodes)
    assert [row.texts[0] for row in shown(table, table.levels[-1])] == [layer.name for layer in table.analysis.layers]


def test_the_longest_bar_fills_its_cell() -> None:
    table = table_of("resnet18")
    for level in table.levels:
        for index, scale in enumerate(level.scales):
            lengths = [row.bars[index].share * scale for row in shown(table, level)]
            assert max(lengths) == pytest.approx(1)
            assert min(lengths) >= 0


def test_a_global_field_has_the_longest_bar_and_an_unknown_one_none() -> None:
    *_, convolution, pooled = table_of("3x8x8 -> conv 4 k3 -> gap").rows
    field = NAMES.index("rf")
    assert (convolution.bars[field].text, pooled.bars[field].text) == ("3", "global")
    assert pooled.bars[field].share == 1
    assert pooled.bars[field].value > convolution.bars[field].value


def test_the_memory_in_a_run_is_the_peak_somewhere() -> None:
    table = table_of("resnet18")
    memory = [row.bars[NAMES.index("memory")].value for row in table.rows]
    assert max(memory) == table.analysis.memory().peak


def test_a_training_head_that_does_not_run_holds_nothing() -> None:
    column = NAMES.index("memory")
    head = [row for row in table_of("googlenet").rows if "(training)" in row.texts[0]]
    assert head
    assert all(row.bars[column].text == "-" for row in head)


def test_a_long_network_is_grouped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "MAX_ROWS", 20)
    table = table_of("3x8x8 -> " + " -> ".join(["conv 3 k3 p1"] * 60))
    assert [level.title for level in table.levels] == ["stages"]
    assert len(table.rows) == 5
    assert table.rows[2].texts[:2] == ("… 56 further rows …", "56 layers")
    assert sum(row.bars[0].value for row in table.rows) == table.analysis.totals.params
    assert not table.is_complete
