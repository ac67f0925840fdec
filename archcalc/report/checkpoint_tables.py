"""The parameters of checkpoints as tables, and as JSON-ready data in a stable form (``checkpoint.schema.json``)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from archcalc.arrays.texts import count_text, shape_text
from archcalc.readers.checkpoints.checkpoint import Checkpoint, CheckpointTensor, OmittedPart
from archcalc.readers.checkpoints.outline import OutlineRow
from archcalc.report.table import Column, Table, bytes_in_full

SCHEMA = 1
LISTED = 3
"""The number of names that a note lists."""
TIMES = Column("times", "×", "right")
COLUMNS = (
    Column("name", "tensor", folds=True),
    Column("shape", "shape"),
    Column("format", "format"),
    Column("params", "params", "right"),
    Column("bytes", "bytes", "right"),
)


def checkpoint_table(checkpoint: Checkpoint, rows: Sequence[OutlineRow]) -> Table:
    """Return the table of a checkpoint for people.

    Args:
        checkpoint: the checkpoint.
        rows: its rows; see `archcalc.readers.checkpoints.outline.Outline.rows`.
    """
    totals = checkpoint.totals
    repeats = any(row.times > 1 for row in rows)
    columns = (COLUMNS[0], *(TIMES,) * repeats, *COLUMNS[1:])
    cells = [
        (
            row.name or "all",
            *(f"×{row.times}" if row.times > 1 else "",) * repeats,
            count_text(row.tensors // row.times, "tensor") if row.tensor is None else shape_text(row.tensor.shape),
            ", ".join(row.formats),
            row.params,
            row.bytes,
        )
        for row in rows
    ]
    total = ("total", *(None,) * repeats, None, None, totals.params, totals.bytes)
    return Table(columns, tuple(cells), _title(checkpoint), (total,), (*_notes(checkpoint, rows),))


def tensors_table(checkpoint: Checkpoint) -> Table:
    """Return the table of all tensors of a checkpoint for programs."""
    cells = [
        (each.name, "x".join(map(str, each.shape)), each.dtype, each.params, each.bytes)
        for each in checkpoint.tensors.values()
    ]
    return Table(COLUMNS, tuple(cells))


def rows_table(rows: Iterable[OutlineRow]) -> Table:
    """Return the table of rows for programs."""
    cells = [(row.name, row.times, *_of_row(row), row.params, row.bytes) for row in rows]
    return Table((COLUMNS[0], TIMES, *COLUMNS[1:]), tuple(cells))


def _of_row(row: OutlineRow) -> tuple[str | None, str]:
    """Return the shape of a row, if it is one tensor, and its number formats."""
    return None if row.tensor is None else "x".join(map(str, row.tensor.shape)), ", ".join(row.formats)


def checkpoint_record(checkpoint: Checkpoint, rows: Iterable[OutlineRow] | None) -> dict[str, Any]:
    """Return a checkpoint as data.

    Args:
        checkpoint: the checkpoint.
        rows: its rows; ``None`` for all tensors.
    """
    tensors = (
        [_tensor_record(each) for each in checkpoint.tensors.values()] if rows is None else [*map(_row_record, rows)]
    )
    return {
        "schema": SCHEMA,
        "checkpoint": checkpoint.name,
        "format": checkpoint.form,
        "files": checkpoint.files,
        "part": checkpoint.part or None,
        "other_parts": [each._asdict() for each in checkpoint.others],
        "metadata": dict(checkpoint.metadata),
        "tensors": tensors,
        "shared": [{"name": name, "with": other} for name, other in checkpoint.shared.items()],
        "totals": totals_record(checkpoint),
    }


def totals_record(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the totals of a checkpoint as data."""
    totals = checkpoint.totals
    formats = {name: each._asdict() for name, each in totals.formats.items()}
    return {**totals._asdict(), "formats": formats}


def _tensor_record(tensor: CheckpointTensor) -> dict[str, Any]:
    return {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "format": tensor.dtype,
        "params": tensor.params,
        "trainable": tensor.trainable,
        "bytes": tensor.bytes,
    }


def _row_record(row: OutlineRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "times": row.times,
        "tensors": row.tensors,
        "shape": list(row.tensor.shape) if row.tensor else None,
        "format": ", ".join(row.formats),
        "params": row.params,
        "trainable": row.trainable,
        "bytes": row.bytes,
    }


def _title(checkpoint: Checkpoint) -> str:
    files = f" in {checkpoint.files} files" if checkpoint.files > 1 else ""
    part = f", part '{checkpoint.part}'" if checkpoint.part else ""
    return f"{checkpoint.name}{part}: {count_text(len(checkpoint.tensors), 'tensor')}, {checkpoint.form}{files}"


def _notes(checkpoint: Checkpoint, rows: Sequence[OutlineRow]) -> Iterable[str]:
    totals = checkpoint.totals
    if totals.trainable != totals.params:
        yield f"trainable: {totals.trainable:,} of {totals.params:,} parameters (the rest are moving averages)"
    for name, (tensors, numbers, size) in totals.formats.items():
        yield f"{name}: {count_text(numbers, 'number')} in {count_text(tensors, 'tensor')}, {bytes_in_full(size)}"
    ignored = [tensor for tensor in checkpoint.counted() if not tensor.params and tensor.numbers]
    if ignored:
        listed = ", ".join(dict.fromkeys(tensor.last for tensor in islice(ignored, 1000)))
        yield f"not parameters: {count_text(len(ignored), 'tensor')} of counters, indices or tables ({listed[:120]})"
    if checkpoint.shared:
        some = [f"{name} = {other}" for name, other in islice(checkpoint.shared.items(), LISTED)]
        more = ", …" * (len(checkpoint.shared) > LISTED)
        yield f"stored once under several names, and counted once: {', '.join(some)}{more}"
    if any(row.times > 1 for row in rows):
        yield "×: equal modules in one row, whose parameters and bytes are added"
    if any(row.tensor is None for row in rows):
        yield "modules are grouped; --depth all lists every tensor"
    if checkpoint.others:
        yield f"other parts of the file: {', '.join(map(_part, checkpoint.others[:LISTED]))}; FILE:PART shows one"
    for key, text in islice(checkpoint.metadata.items(), LISTED):
        yield f"{key}: {text if len(text) <= 80 else f'{text[:80]}…'}"


def _part(part: OmittedPart) -> str:
    return f"{part.name} ({count_text(part.tensors, 'tensor')}, {bytes_in_full(part.bytes)})"
