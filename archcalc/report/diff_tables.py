"""Comparisons of networks as tables: totals side by side, what changed, and the networks of a folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from archcalc.analysis.formats import in_bytes
from archcalc.arrays.texts import count_text, shape_text
from archcalc.changes.compare import Figure, NetworkDiff
from archcalc.changes.files import ComparedNetwork
from archcalc.changes.rows import ChangeRow
from archcalc.query.quantities import QUANTITIES
from archcalc.report.diff_sentences import attribute_text, change_text, field_text, titles
from archcalc.report.table import AtLeast, Column, Table, bytes_text, without_controls

MARKS = {"added": "+", "removed": "-", "changed": "~", "affected": " "}
"""What stands before a row."""
MAX_PLACES = 3
"""The maximum number of places of a repeated change that are named in a table."""


class NetworkComparison(NamedTuple):
    """Everything that a run of ``diff`` compared."""

    old: str
    """The old side: a SPEC, or a revision."""
    new: str
    networks: tuple[ComparedNetwork, ...]
    revisions: bool = False
    """Whether the sides are revisions, so that there may be any number of networks."""
    notes: tuple[str, ...] = ()

    @property
    def status(self) -> int:
        """The exit status: 2 if something cannot be read, 1 if a gate is exceeded, else 0."""
        return max((network.exit_status for network in self.networks), default=0)

    @property
    def compared(self) -> list[ComparedNetwork]:
        """The networks that differ, or cannot be read."""
        return [network for network in self.networks if network.status != "skipped"]

    @property
    def skipped(self) -> list[ComparedNetwork]:
        """The files that are left out."""
        return [network for network in self.networks if network.status == "skipped"]


def totals_table(diff: NetworkDiff) -> Table:
    """Return the totals of two networks side by side, with the change in per cent, and their inputs and outputs."""
    rows = [_total(figure) for figure in diff.totals]
    for word, tensors in (("input", diff.inputs), ("output", diff.outputs)):
        for tensor in tensors:
            name = word if len(tensors) == 1 else f"{word} {tensor.name}"
            sides = [None if each is None else shape_text(each.shape) for each in (tensor.before, tensor.after)]
            rows.append((name, *sides, "changed" if tensor.differs else "="))
            fields = ["" if each is None else field_text(each.fields) for each in (tensor.before, tensor.after)]
            if word == "output" and any(fields):
                rows.append(
                    (f"RF of {name}", *(each or None for each in fields), "=" if fields[0] == fields[1] else "changed")
                )
    names = titles(diff, "before", "after")
    if names[0] == names[1]:
        names = "before", "after"
    columns = (
        Column("quantity", ""),
        Column("old", names[0], "right", folds=True),
        Column("new", names[1], "right", folds=True),
        Column("change", "change", "right"),
    )
    return Table(columns, tuple(rows))


def _total(figure: Figure) -> tuple[Any, ...]:
    quantity = QUANTITIES[figure.quantity]
    cells: list[Any] = []
    for number in (figure.before, figure.after):
        cell = bytes_text(number) if quantity.unit == "bytes" else number
        cells.append(AtLeast(cell) if figure.is_bound else cell)
    return (quantity.heading, *cells, change_text(figure))


def changes_table(diff: NetworkDiff, most: int | None = None) -> Table:
    """Return what changed, one row for repeated changes.

    Args:
        diff: the comparison.
        most: the most rows; the rest is counted.
    """
    columns = (
        Column("layer", "layer", folds=True),
        Column("times", "", "right"),
        Column("change", "change", folds=True),
        Column("params", "params", "right"),
        Column("macs", "MACs", "right"),
        Column("memory", "memory", "right"),
    )
    rows = diff.rows if most is None else diff.rows[:most]
    notes = [] if len(rows) == len(diff.rows) else [f"and {count_text(len(diff.rows) - len(rows), 'further change')}"]
    notes.append(f"memory: parameters and outputs of the layers, in {diff.dtype}")
    if any(row.kind == "affected" for row in rows):
        notes.append("affected: unchanged layers whose shapes or costs follow from the other changes")
    return Table(columns, tuple(_row(row, diff.dtype) for row in rows), notes=tuple(notes))


def _row(row: ChangeRow, dtype: str) -> tuple[Any, ...]:
    times = None if row.times == 1 or row.kind == "affected" else f"×{row.times:,}"
    added = [row.delta(name) for name in ("params", "macs", "activations")]
    memory = in_bytes(added[0] + added[2], dtype)
    return (
        f"{MARKS[row.kind]} {where_text(row)}",
        times or "",
        what_text(row),
        signed(added[0]),
        signed(added[1]),
        f"{'-' if memory < 0 else '+'}{bytes_text(abs(memory))}" if memory else "=",
    )


def signed(number: int) -> str:
    """Return what is added to a count: with its sign, or ``=``."""
    return f"{number:+,}" if number else "="


def where_text(row: ChangeRow, most: int = MAX_PLACES) -> str:
    """Return the places of a row; of many, the first and the last one."""
    if row.kind == "affected":
        return count_text(row.layers, "layer")
    if row.times <= most:
        return ", ".join(row.places)
    return f"{row.places[0]} … {row.places[-1]}"


def what_text(row: ChangeRow) -> str:
    """Return what was changed: ``stride 2 → 1``, ``relu → gelu``, ``block of 7 layers``, ``stage of 2 layers``."""
    change = row.changes[0]
    if row.kind == "affected":
        return "affected"
    if row.kind != "changed":
        operator = change.operators[row.kind == "added"]
        return f"{row.unit} of {count_text(row.layers // row.times, 'layer')}" if row.is_block else operator
    texts = [attribute_text(each, factor) for each, factor in zip(row.attributes, row.factors, strict=True)]
    if change.before is not None and change.after is not None and change.before.op != change.after.op:
        whole = change.operators if row.times == 1 else (change.before.op, change.after.op)
        texts.append(" → ".join(whole))
    if change.reads is not None:
        texts.append(
            f"reads {', '.join(change.reads[0])} → {', '.join(change.reads[1])}" if row.times == 1 else "reads others"
        )
    return ", ".join(texts)


def networks_table(networks: Iterable[ComparedNetwork]) -> Table:
    """Return the networks of a comparison of revisions, one row each."""
    columns = (
        Column("network", "network", folds=True),
        Column("status", "status"),
        Column("params", "params", "right"),
        Column("params_change", "change", "right"),
        Column("macs", "MACs", "right"),
        Column("macs_change", "change", "right"),
    )
    return Table(columns, tuple(_network(network) for network in networks))


def _network(network: ComparedNetwork) -> tuple[Any, ...]:
    return (shown_name(network), status_text(network), *_cells(network, ("params", "macs")))


def shown_name(network: ComparedNetwork) -> str:
    """Return the name of a network, with its previous one if it was renamed."""
    renamed = network.old_name and network.old_name != network.name and network.status == "renamed"
    return f"{network.old_name} → {network.name}" if renamed else network.name


def status_text(network: ComparedNetwork) -> str:
    """Return what became of a network: ``changed``, ``renamed``, ``over a limit``."""
    return "over a limit" if network.judged.exceeded else network.status


def _cells(network: ComparedNetwork, names: Sequence[str]) -> list[Any]:
    cells: list[Any] = []
    figures = {} if network.diff is None else {figure.quantity: figure for figure in network.diff.totals}
    lone = network.new or network.old
    for name in names:
        if name in figures:
            figure = figures[name]
            cells += [AtLeast(figure.after) if figure.is_bound else figure.after, change_text(figure)]
        else:
            cells += [None if lone is None else lone.totals.of(name), None]
    return cells


def exceeded_lines(network: ComparedNetwork) -> list[str]:
    """Return one line for each limit that a network exceeds."""
    against = {"old": "", "baseline": ", compared with the baseline", "budget": ""}
    return [
        f"over the limit '{each.gate.text.strip()}'{against[each.against]}: {each.message}"
        for each in network.judged.exceeded
    ]


def lone_text(network: ComparedNetwork) -> str:
    """Return the figures of a network that has one side only, or of which one side can be read."""
    side, lone = ("the new side", network.new) if network.new is not None else ("the old side", network.old)
    assert lone is not None
    totals = lone.totals
    said = f"{count_text(totals.layers, 'layer')}, {totals.params:,} parameters, {totals.macs:,} MACs"
    name = without_controls(lone.graph.name)
    return f"{name}, {side}: {said}" if network.status == "error" else f"{name}: {said}"
