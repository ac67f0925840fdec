"""A comparison as an HTML page: the layers of both networks side by side, in light and dark mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from archcalc.analysis.propagate import Analysis, Layer
from archcalc.changes.compare import NetworkDiff
from archcalc.graph import write_shape
from archcalc.report.diff_sentences import sentences
from archcalc.report.diff_tables import (
    NetworkComparison,
    changes_table,
    exceeded_lines,
    lone_text,
    shown_name,
    totals_table,
)
from archcalc.report.pages import template
from archcalc.report.table import cell_text, without_controls
from archcalc.spec.write import write_layer

CONTEXT = 2
"""The unchanged layers that are shown before and after a change; longer runs are folded."""


class LayerCell(NamedTuple):
    """A layer on one side."""

    name: str
    operator: str
    output: str
    params: str
    macs: str


class LayerPair(NamedTuple):
    """A row: a layer on each side, or on one of them."""

    kind: str
    """``same``, ``affected``, ``changed``, ``added`` or ``removed``."""
    old: LayerCell | None
    new: LayerCell | None


class RowGroup(NamedTuple):
    """Consecutive rows, of which unchanged ones may be folded."""

    folded: bool
    pairs: tuple[LayerPair, ...]


def diff_page(comparison: NetworkComparison) -> str:
    """Return the page of a comparison."""
    page = template("diff_page.html", human=cell_text, without_controls=without_controls)
    return page.render(
        comparison=comparison,
        exceeded_lines=exceeded_lines,
        lone_text=lone_text,
        shown_name=shown_name,
        **changes_functions(),
    )


def changes_functions() -> dict[str, Callable[..., object]]:
    """Return the functions that the template ``diff.html`` calls, by their names there."""
    return {"sentences": sentences, "totals_table": totals_table, "changes_table": changes_table, "runs": runs}


def runs(diff: NetworkDiff) -> list[RowGroup]:
    """Return the layers of both networks side by side, with runs of two or more that have not changed folded."""
    pairs = list(_pairs(diff))
    shown = [False] * len(pairs)
    for index, pair in enumerate(pairs):
        if pair.kind not in ("same", "affected"):
            for near in range(max(0, index - CONTEXT), min(len(pairs), index + CONTEXT + 1)):
                shown[near] = True
    sides = zip((True, *shown), (*shown[1:], True), strict=False)
    shown = [now or (before and after) for now, (before, after) in zip(shown, sides, strict=False)]
    found: list[RowGroup] = []
    start = 0
    for index in range(1, len(pairs) + 1):
        if index == len(pairs) or shown[index] != shown[start]:
            found.append(RowGroup(not shown[start], tuple(pairs[start:index])))
            start = index
    return found


def _pairs(diff: NetworkDiff) -> Iterator[LayerPair]:
    """Yield the rows in the order of the new network; a removed layer stands where it was."""
    kinds = {change.layer.node: change.kind for change in diff.changes if change.after is not None}
    partners = {after: before for before, after in diff.alignment.pairs.items()}
    old, new = diff.old.layers, diff.new.layers
    waiting = [index for index in range(len(old) - 1, -1, -1) if index not in diff.alignment.pairs]
    for index, layer in enumerate(new):
        before = partners.get(index)
        while before is not None and waiting and waiting[-1] < before:
            yield LayerPair("removed", _cell(diff.old, old[waiting.pop()]), None)
        partner = None if before is None else _cell(diff.old, old[before])
        yield LayerPair(kinds.get(layer.node, "same"), partner, _cell(diff.new, layer))
    for index in reversed(waiting):
        yield LayerPair("removed", _cell(diff.old, old[index]), None)


def _cell(analysis: Analysis, layer: Layer) -> LayerCell:
    graph = analysis.graph
    return LayerCell(
        without_controls(layer.name),
        write_layer(graph.nodes[layer.node].op, graph.layout),
        write_shape(graph.nodes[layer.node].output, graph.layout, analysis.batch),
        cell_text(analysis.own_count(layer, "params")),
        cell_text(layer.macs),
    )
