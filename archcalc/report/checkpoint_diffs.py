"""Comparisons of checkpoints: figures side by side, changes as tables, and data (``checkpoint-diff.schema.json``)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any, NamedTuple

from archcalc.arrays.texts import count_text, float_text, shape_text
from archcalc.changes.checkpoints import CheckpointDiff
from archcalc.readers.checkpoints.checkpoint import Checkpoint, CheckpointTensor
from archcalc.report.checkpoint_tables import SCHEMA, totals_record
from archcalc.report.render import render
from archcalc.report.table import Column, Table, ratio_text

NUMBER = re.compile(r"\d+")
MAX_ROWS = 60
"""The number of rows for people; JSON has all."""


class CheckpointChange(NamedTuple):
    """A change of tensors whose names differ in numbers only."""

    kind: str
    name: str
    """The name, with ``*`` for numbers if there are several."""
    times: int
    old: str
    new: str


def figures_table(names: Sequence[str], checkpoints: Sequence[Checkpoint]) -> Table:
    """Return the totals of checkpoints side by side, with their ratios to those of the first.

    Args:
        names: the names of the columns.
        checkpoints: the checkpoints.
    """
    rows = []
    for quantity in _quantities(checkpoints):
        numbers = [_figure(checkpoint, quantity) for checkpoint in checkpoints]
        cells: list[Any] = [quantity, numbers[0]]
        for number in numbers[1:]:
            cells += [number, ratio_text(number, numbers[0])]
        rows.append(tuple(cells))
    columns = [Column("quantity", "")]
    for index, name in enumerate(names):
        columns.append(Column(name, name, "right"))
        columns += [Column(f"{name} ratio", "ratio", "right")] if index else []
    return Table(tuple(columns), tuple(rows), notes=("a number format: the bytes of the tensors in it",))


def _quantities(checkpoints: Sequence[Checkpoint]) -> list[str]:
    """Return the quantities of checkpoints: totals, then the bytes by number format."""
    formats = dict.fromkeys(name for checkpoint in checkpoints for name in checkpoint.totals.formats)
    return ["tensors", "params", "trainable", "bytes", *formats]


def _figure(checkpoint: Checkpoint, quantity: str) -> int:
    totals = checkpoint.totals
    if hasattr(totals, quantity):
        return int(getattr(totals, quantity))
    return totals.formats[quantity].bytes if quantity in totals.formats else 0


def figures_records(specs: Sequence[str], checkpoints: Sequence[Checkpoint]) -> list[dict[str, Any]]:
    """Return the totals of checkpoints as data."""
    return [
        {"checkpoint": spec, "format": checkpoint.form, "totals": totals_record(checkpoint)}
        for spec, checkpoint in zip(specs, checkpoints, strict=True)
    ]


def checkpoint_diff_text(diff: CheckpointDiff, form: str, *, color: bool = False, width: int | None = None) -> str:
    """Return a comparison as text that ends in a newline.

    Args:
        diff: the comparison.
        form: ``rich``, ``plain``, ``markdown`` or ``json``.
        color: whether ``rich`` uses colour.
        width: the columns of the terminal for ``rich``; ``None`` for no limit.
    """
    if form == "json":
        from archcalc.report.json_text import write_json

        return write_json(diff_record(diff))
    tables = [figures_table([diff.old.name, diff.new.name], [diff.old, diff.new])]
    if not diff.is_equal:
        tables.append(changes_table(diff))
    return "\n".join([f"{summary(diff)}\n", *(render(table, form, color=color, width=width) for table in tables)])


def summary(diff: CheckpointDiff) -> str:
    """Return what changed in a sentence."""
    if diff.is_equal:
        return f"The tensors are the same{'' if diff.differences is None else ', with the same numbers'}."
    renamed = sum(each.tensors for each in diff.renamed)
    counts = {
        "added": len(diff.added),
        "removed": len(diff.removed),
        "renamed": renamed,
        "reshaped": sum(pair.is_reshaped for pair in diff.pairs),
        "in another number format": sum(pair.is_converted for pair in diff.pairs),
        "with other numbers": len(diff.differences or ()),
    }
    return f"Tensors: {', '.join(f'{count:,} {what}' for what, count in counts.items() if count)}."


def changes_table(diff: CheckpointDiff) -> Table:
    """Return what changed, with a row for tensors whose names differ in numbers only."""
    changes = [*_changes(diff)]
    columns = (
        Column("change", "change"),
        Column("name", "tensor", folds=True),
        Column("times", "×", "right"),
        Column("old", "old", folds=True),
        Column("new", "new", folds=True),
    )
    rows = [
        (kind, name, f"×{times}" if times > 1 else "", old or None, new or None)
        for kind, name, times, old, new in changes[:MAX_ROWS]
    ]
    more = len(changes) - MAX_ROWS
    notes = (f"{count_text(more, 'more row')}; --format json has all changes",) if more > 0 else ()
    return Table(columns, tuple(rows), notes=notes)


def _changes(diff: CheckpointDiff) -> Iterator[CheckpointChange]:
    """Yield the changes by kind."""
    for old, new, count in diff.renamed:
        yield CheckpointChange("renamed", "…", count, f"{old}…", f"{new}…")
    yield from _grouped("removed", [(tensor.name, _text(tensor), "") for tensor in diff.removed])
    yield from _grouped("added", [(tensor.name, "", _text(tensor)) for tensor in diff.added])
    reshaped = [pair for pair in diff.pairs if pair.is_reshaped]
    shapes = [(new.name, shape_text(old.shape), shape_text(new.shape)) for old, new in reshaped]
    yield from _grouped("reshaped", shapes)
    converted = [(new.name, old.dtype, new.dtype) for old, new in diff.pairs if old.dtype != new.dtype]
    formats: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, before, after in converted:
        formats[before, after].append(name)
    for (before, after), names in formats.items():
        yield CheckpointChange("converted", names[0] if len(names) == 1 else "…", len(names), before, after)
    for name, difference in sorted((diff.differences or {}).items(), key=lambda each: -each[1]):
        by = f"differs by up to {float_text(difference)}" if isfinite(difference) else "is not finite everywhere"
        yield CheckpointChange("numbers", name, 1, "", by)


def _grouped(kind: str, rows: Sequence[tuple[str, str, str]]) -> Iterator[CheckpointChange]:
    """Yield changes of one kind: those whose names differ in numbers only are one."""
    groups: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for name, old, new in rows:
        groups[NUMBER.sub("*", name), old, new].append(name)
    for (pattern, old, new), names in groups.items():
        yield CheckpointChange(kind, names[0] if len(names) == 1 else pattern, len(names), old, new)


def _text(tensor: CheckpointTensor) -> str:
    return f"{shape_text(tensor.shape)} {tensor.dtype}"


def diff_record(diff: CheckpointDiff) -> dict[str, Any]:
    """Return a comparison as data."""
    record = {
        "schema": SCHEMA,
        "old": diff.old.name,
        "new": diff.new.name,
        "equal": diff.is_equal,
        "totals": {"old": totals_record(diff.old), "new": totals_record(diff.new)},
        "renamed": [each._asdict() for each in diff.renamed],
        "removed": [_tensor(tensor) for tensor in diff.removed],
        "added": [_tensor(tensor) for tensor in diff.added],
        "changed": [
            {"old": _tensor(pair.old), "new": _tensor(pair.new)}
            for pair in diff.pairs
            if pair.is_reshaped or pair.is_converted
        ],
    }
    if diff.differences is not None:
        record["differences"] = [
            {"name": name, "largest": each if isfinite(each) else None} for name, each in diff.differences.items()
        ]
    return record


def _tensor(tensor: CheckpointTensor) -> dict[str, Any]:
    return {"name": tensor.name, "shape": list(tensor.shape), "format": tensor.dtype}
