"""Validated specs as lines, tables and records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archcalc.query.quantities import heading
from archcalc.report.table import Column, Table
from archcalc.validation.baseline import COUNTS, QUANTITIES, BaselineComparison, Change, Row, moved
from archcalc.validation.examine import Outcome

WORDS = ("ok", "failed", "error")
PAINT = (32, 31, 31)
"""The colours green and red (ECMA-48, Select Graphic Rendition)."""
MAX_NAME = 100
"""Characters of a name that are printed."""
SHOWN = ("params", "macs")
"""Counts of changed layers that are printed."""
MAX_ROWS = 40
"""Changed layers that are listed."""


def count(number: int, word: str) -> str:
    """Return a number with a word in the singular or plural: ``1 error``, ``2 errors``."""
    return f"{number:,} {word}{'s' * (number != 1)}"


def headline(outcome: Outcome, *, color: bool) -> str:
    """Return the line of a spec."""
    if outcome.skipped:
        return f"skip   {outcome.name[:MAX_NAME]}  ({outcome.skipped})"
    word, paint = WORDS[outcome.status], PAINT[outcome.status]
    name = outcome.name if len(outcome.name) <= MAX_NAME else outcome.name[:MAX_NAME] + "…"
    shown = f"\x1b[{paint}m{word:<6}\x1b[0m" if color else f"{word:<6}"
    return f"{shown} {name}  ({', '.join(_details(outcome))})"


def _details(outcome: Outcome) -> list[str]:
    found = []
    if outcome.errors:
        found.append(count(outcome.errors, "error"))
    if outcome.failed_expectations:
        found.append(f"{outcome.failed_expectations} of {count(outcome.expectations, 'expectation')} failed")
    elif not outcome.errors:
        found.append(count(outcome.expectations, "expectation"))
    if outcome.has_grown:
        found.append("grown since the baseline")
    if outcome.warnings + outcome.fatal_warnings:
        found.append(count(outcome.warnings + outcome.fatal_warnings, "warning"))
    if outcome.numbers is not None and outcome.comparison is None:
        found.append("new: not in the baseline")
    return found + ([f"{outcome.corrections} fixed"] if outcome.corrected is not None else [])


def summary(outcomes: Sequence[Outcome]) -> str:
    """Return the last line of the report."""
    specs = [outcome for outcome in outcomes if not outcome.skipped]
    counts = [sum(outcome.status == status for outcome in specs) for status in (0, 1, 2)]
    words = [f"{counts[0]} ok"]
    words += [f"{n} {word}" for n, word in zip(counts[1:], ("failed", "with errors"), strict=True) if n]
    warnings = sum(outcome.warnings for outcome in specs)
    parts = [f"{count(len(specs), 'spec')}: {', '.join(words)}"]
    parts += [count(warnings, "warning")] if warnings else []
    parts += [f"{count(len(outcomes) - len(specs), 'file')} skipped"] if len(specs) < len(outcomes) else []
    return "; ".join(parts)


def changes_table(name: str, comparison: BaselineComparison) -> Table:
    """Return the table of changes since the baseline, layer by layer, with the totals below."""
    columns = (
        Column("layer", "layer"),
        Column("operator", "operator"),
        Column("output", "output"),
        *(Column(quantity, heading(quantity), "right") for quantity in SHOWN),
    )
    shown = comparison.changes[:MAX_ROWS]
    totals = zip(QUANTITIES, comparison.before, comparison.after, strict=True)
    notes = [f"{quantity}: {moved(old, new)}" for quantity, old, new in totals if old != new]
    if len(comparison.changes) > len(shown):
        notes.insert(0, f"{len(comparison.changes) - len(shown):,} more layers changed")
    title = f"{name}: changes since the baseline"
    return Table(columns, tuple(map(_change_row, shown)), title, notes=tuple(notes))


def _change_row(change: Change) -> tuple[Any, ...]:
    before, after = change
    either = [row for row in change if row is not None]
    mark = "+" if before is None else "-" if after is None else "~"
    parts = [" → ".join(dict.fromkeys(getattr(row, part) for row in either)) for part in ("name", "op", "output")]
    cells = [_cell(before, after, COUNTS.index(quantity)) for quantity in SHOWN]
    return (f"{mark} {parts[0]}", *parts[1:], *cells)


def _cell(before: Row | None, after: Row | None, index: int) -> str:
    if before is not None and after is not None:
        return moved(before.counts[index], after.counts[index])
    return "".join(f"{row.counts[index]:,}" for row in (before, after) if row is not None)


def record(outcome: Outcome) -> dict[str, Any]:
    """Return the JSON record of an outcome."""
    found: dict[str, Any] = {
        "spec": outcome.name,
        "status": "skipped" if outcome.skipped else ("ok", "failed", "error")[outcome.status],
        "expectations": outcome.expectations,
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
            for finding in outcome.findings
        ],
    }
    if outcome.comparison is not None:
        before, after, changes = outcome.comparison
        found["before"] = dict(zip(QUANTITIES, before, strict=True))
        found["after"] = dict(zip(QUANTITIES, after, strict=True))
        found["changes"] = [{"before": _layer(change.before), "after": _layer(change.after)} for change in changes]
    return found


def _layer(row: Row | None) -> dict[str, Any] | None:
    if row is None:
        return None
    counts = dict(zip(COUNTS, row.counts, strict=True))
    return {"name": row.name, "op": row.op, "output": row.output, **counts}


def step_summary(outcomes: Sequence[Outcome]) -> str:
    """Return the summary of a step in GitHub Actions, in Markdown: findings, and changes since the baseline."""
    from archcalc.report.render import render

    lines = ["### archcalc validate", "", summary(outcomes), ""]
    for outcome in outcomes:
        if outcome.findings:
            lines += [f"* {headline(outcome, color=False)}"]
            lines += [f"  * {each.level} `{each.code}`: {_plain(each.advice)}" for each in outcome.findings]
    for outcome in outcomes:
        if outcome.comparison is not None and outcome.comparison.differs:
            lines += ["", render(changes_table(outcome.name, outcome.comparison), "markdown")]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Return a text with the special characters of Markdown escaped."""
    return "".join(f"\\{each}" if each in "\\`*_<>[]|#" else each for each in text)
