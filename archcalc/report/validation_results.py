"""Results of validation as lines for the terminal, as tables, and as records for programs."""

from __future__ import annotations

from typing import Any

from archcalc.arrays.texts import count_text
from archcalc.query.quantities import heading
from archcalc.report.table import Column, Table
from archcalc.spec.errors import escaped
from archcalc.validation.baseline import (
    STORED_COUNTS,
    STORED_QUANTITIES,
    BaselineChange,
    BaselineComparison,
    LayerFigures,
    change_text,
)
from archcalc.validation.results import ValidationResult

WORDS = ("ok", "failed", "error")
PAINT = (32, 31, 31)
"""The colours of `WORDS`, green and red, as ECMA-48 numbers them (SGR)."""
MAX_NAME_LENGTH = 100
"""The maximum number of characters of a name that are shown."""
SHOWN_QUANTITIES = ("params", "macs")
"""The quantities of changed layers that are shown."""
MAX_ROWS = 40
"""The maximum number of changed layers that are listed."""


def headline(result: ValidationResult, *, color: bool) -> str:
    """Return the line for a spec, coloured if wanted."""
    name = escaped(result.name)
    name = name if len(name) <= MAX_NAME_LENGTH else name[:MAX_NAME_LENGTH] + "…"
    if result.skipped:
        return f"skip   {name}  ({result.skipped})"
    word, paint = WORDS[result.status], PAINT[result.status]
    shown = f"\x1b[{paint}m{word:<6}\x1b[0m" if color else f"{word:<6}"
    return f"{shown} {name}  ({', '.join(_details(result))})"


def _details(result: ValidationResult) -> list[str]:
    found = []
    if result.errors:
        found.append(count_text(result.errors, "error"))
    if result.failed_expectations:
        found.append(f"{result.failed_expectations} of {count_text(result.expectations, 'expectation')} failed")
    elif not result.errors and result.is_spec:
        found.append(count_text(result.expectations, "expectation"))
    if result.exceeded:
        found.append(f"over {count_text(result.exceeded, 'budget')}")
    if result.has_grown:
        found.append("grown since the baseline")
    if result.warnings + result.fatal_warnings:
        found.append(count_text(result.warnings + result.fatal_warnings, "warning"))
    if result.is_new:
        found.append("new: not in the baseline")
    if result.renamed_from:
        found.append(f"renamed from {escaped(result.renamed_from)}")
    if result.corrections:
        found.append(f"{result.corrections} {'would be fixed' if result.diff else 'fixed'}")
    return found


def changes_table(name: str, comparison: BaselineComparison) -> Table:
    """Return the table of changed layers, with the changed totals as notes."""
    columns = (
        Column("layer", "layer"),
        Column("operator", "operator"),
        Column("output", "output"),
        *(Column(quantity, heading(quantity), "right") for quantity in SHOWN_QUANTITIES),
    )
    shown = comparison.changes[:MAX_ROWS]
    totals = zip(STORED_QUANTITIES, comparison.before, comparison.after, strict=True)
    notes = [f"{quantity}: {change_text(old, new)}" for quantity, old, new in totals if old != new]
    if len(comparison.changes) > len(shown):
        notes.insert(0, f"{count_text(len(comparison.changes) - len(shown), 'more layer')} changed")
    title = f"{name}: changes since the baseline"
    return Table(columns, tuple(map(_change_row, shown)), title, notes=tuple(notes))


def _change_row(change: BaselineChange) -> tuple[Any, ...]:
    before, after = change
    either = [row for row in change if row is not None]
    mark = "+" if before is None else "-" if after is None else "~"
    parts = [" → ".join(dict.fromkeys(getattr(row, part) for row in either)) for part in ("name", "op", "output")]
    cells = [_cell(before, after, STORED_COUNTS.index(quantity)) for quantity in SHOWN_QUANTITIES]
    return (f"{mark} {parts[0]}", *parts[1:], *cells)


def _cell(before: LayerFigures | None, after: LayerFigures | None, index: int) -> str:
    if before is not None and after is not None:
        return change_text(before.counts[index], after.counts[index])
    return "".join(f"{row.counts[index]:,}" for row in (before, after) if row is not None)


def result_record(result: ValidationResult) -> dict[str, Any]:
    """Return a result as JSON-ready data."""
    found: dict[str, Any] = {
        "spec": result.name,
        "status": "skipped" if result.skipped else ("ok", "failed", "error")[result.status],
        **({"reason": result.skipped} if result.skipped else {}),
        "expectations": result.expectations,
        "problems": [
            {
                "file": finding.file,
                "line": finding.line,
                "column": finding.column,
                "end_line": finding.end_line,
                "end_column": finding.end_column,
                "level": finding.level,
                "code": finding.code,
                "message": finding.message,
                "hint": finding.hint or None,
            }
            for finding in result.findings
        ],
    }
    if result.corrections:
        found["corrections"] = result.corrections
    if result.diff:
        found["diff"] = result.diff
    if result.is_new:
        found["new"] = True
    if result.renamed_from:
        found["renamed_from"] = result.renamed_from
    if result.comparison is not None:
        before, after, changes = result.comparison
        found["before"] = dict(zip(STORED_QUANTITIES, before, strict=True))
        found["after"] = dict(zip(STORED_QUANTITIES, after, strict=True))
        found["changes"] = [{"before": _layer(change.before), "after": _layer(change.after)} for change in changes]
    return found


def _layer(row: LayerFigures | None) -> dict[str, Any] | None:
    if row is None:
        return None
    counts = dict(zip(STORED_COUNTS, row.counts, strict=True))
    return {"name": row.name, "op": row.op, "output": row.output, **counts}
