"""The numbers that other tools print, with their terms, as tables and as a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from archcalc.counters.count import Count, Term
from archcalc.counters.trace import Trace
from archcalc.report.table import Column, Table

STARTS = {
    "macs": "MACs",
    "backward_macs": "backward MACs",
    "training_macs": "training MACs",
    "params": "parameters",
}
"""The names of the figures of archcalc to which terms are added."""

COLUMNS = (
    Column("tool", "tool"),
    Column("version", "version"),
    Column("setting", "setting"),
    Column("quantity", "quantity"),
    Column("value", "value", "right"),
    Column("other", "or", "right"),
    Column("terms", "terms", folds=True),
)


def signed(amount: int) -> str:
    """Return an amount with its sign, from which no line break may separate it."""
    return f"{'−' if amount < 0 else '+'}{abs(amount):,}"


def term_text(term: Term) -> str:
    """Return a term with its reason."""
    return f"{signed(term.amount)} {term.label}"


def terms_text(count: Count) -> str:
    """Return the terms of a count, separated by commas."""
    if count.terms:
        return ", ".join(map(term_text, count.terms))
    return f"= {STARTS[count.quantity.start]}" if count.quantity.start else ""


def derivation_text(count: Count) -> str:
    """Return a figure of archcalc and the terms that lead from it to a count, as one sum."""
    start = [f"{count.start:,} {STARTS[count.quantity.start]}"] if count.quantity.start else []
    return " ".join([*start, *map(term_text, count.terms)])


def without_repeated_settings(counts: Sequence[Count]) -> list[Count]:
    """Return the counts without those that a setting does not change."""
    values = {(c.tool.name, c.tool.version, c.quantity.name): c.value for c in counts if not c.tool.setting}
    return [
        c
        for c in counts
        if not c.tool.setting or c.failure or values.get((c.tool.name, c.tool.version, c.quantity.name)) != c.value
    ]


def by_quantity(counts: Sequence[Count]) -> list[Count]:
    """Return counts with those of the same quantity together, so that tools are compared: operations come first."""
    names = [count.quantity.name for count in counts]
    return sorted(counts, key=lambda count: (not count.quantity.rules, names.index(count.quantity.name)))


def counts_table(counts: Sequence[Count], title: str, notes: Iterable[str], *, programs: bool) -> Table:
    """Return a table with a row for each count.

    Args:
        counts: the counts.
        title: the title.
        notes: the notes below the table.
        programs: whether it is for programs, which get plain numbers and all rows.
    """
    listed = list(counts) if programs else by_quantity(without_repeated_settings(counts))
    columns = [column for column in COLUMNS if programs or _is_needed(column.key, listed)]
    rows = [_cells(count, [column.key for column in columns], programs=programs) for count in listed]
    return Table(tuple(columns), tuple(rows), title=title, notes=tuple(notes))


def _is_needed(key: str, counts: Sequence[Count]) -> bool:
    """Return whether people need a column: versions and settings are beside the tool, and others may be empty."""
    return key not in ("version", "setting", "other") or (key == "other" and any(c.other is not None for c in counts))


def _cells(count: Count, keys: Sequence[str], *, programs: bool) -> tuple[Any, ...]:
    value = count.value if programs or count.quantity.unit.divisor == 1 else count.printed
    cells = {
        "tool": count.tool.name if programs else count.tool.key,
        "version": count.tool.version,
        "setting": count.tool.setting,
        "quantity": count.quantity.name,
        "value": value,
        "other": count.other,
        "terms": terms_text(count),
    }
    return tuple([cells[key] for key in keys])


def layers_table(counts: Sequence[Count], title: str, notes: Iterable[str], *, programs: bool) -> Table:
    """Return a table with a row for each term and layer.

    Args:
        counts: the counts.
        title: the title.
        notes: the notes below the table.
        programs: whether it is for programs, for which the columns begin with the tool; people look for layers, whose
            long names may have lines of their own.
    """
    keys = (
        ("tool", "quantity", "term", "layer", "amount") if programs else ("layer", "amount", "term", "quantity", "tool")
    )
    columns = {
        "tool": Column("tool", "tool"),
        "quantity": Column("quantity", "quantity"),
        "term": Column("term", "term", folds=True),
        "layer": Column("layer", "layer", folds=True),
        "amount": Column("amount", "amount", "right"),
    }
    rows = []
    for count in counts if programs else by_quantity(without_repeated_settings(counts)):
        for term in count.terms:
            for layer, amount in term.layers.items():
                cells: dict[str, Any] = {
                    "tool": count.tool.key,
                    "quantity": count.quantity.name,
                    "term": term.label,
                    "layer": layer or None,
                    "amount": amount,
                }
                rows.append(tuple([cells[key] for key in keys]))
    return Table(tuple([columns[key] for key in keys]), tuple(rows), title=title, notes=tuple(notes))


def record(count: Count, *, layers: bool = False) -> dict[str, Any]:
    """Return a count for JSON."""
    quantity = count.quantity
    found: dict[str, Any] = {
        "tool": count.tool.name,
        "version": count.tool.version,
        "setting": count.tool.setting,
        "quantity": quantity.name,
        "title": quantity.title,
        "value": count.value,
        "printed": count.printed,
    }
    if count.other is not None:
        found["other_value"] = count.other
    if count.failure:
        found["failure"] = count.failure
    if quantity.start:
        found["start"] = {"quantity": quantity.start, "value": count.start}
    found["terms"] = [
        {"label": term.label, "amount": term.amount} | ({"layers": term.layers} if layers else {})
        for term in count.terms
    ]
    return found


def notes(counts: Sequence[Count], trace: Trace, *, settings: bool = True) -> Iterator[str]:
    """Yield notes on the numbers: assumptions, and what the source does not show.

    Args:
        counts: the counts.
        trace: the trace of the network.
        settings: whether to say what settings mean.
    """
    if any(count.quantity.start and not count.quantity.has_backward for count in counts):
        yield "terms lead from archcalc's MACs or parameters to the value"
    passes = [(count.quantity, count.start) for count in counts if count.quantity.has_backward]
    for name, what, start in dict.fromkeys((each.name, STARTS[each.start], start) for each, start in passes):
        yield f"terms of {name} lead from archcalc's {what}, {start:,}, to the value"
    for key, failure in {
        count.tool.key: count.failure for count in without_repeated_settings(counts) if count.failure
    }.items():
        yield f"{key} fails on this network, since {failure}; the value is what its rules would give"
    if trace.assumptions:
        yield "assumed, since the source does not say: " + "; ".join(trace.assumptions)
    if trace.assumptions and any(count.tool.name == "torchsummary" for count in counts):
        yield "torchsummary also adds the outputs of modules that contain others; a spec does not say which exist"
    hidden = trace.hidden
    if any(count.other is not None and count.quantity.rules for count in counts):
        yield (
            f"or: if {len(hidden):,} operations whose source lines are not in the file are written the other way, as "
            "a @ b instead of a.matmul(b), and a.mul(b) instead of a * b; if some of them are, the number is between "
            "both"
        )
    if settings and any(count.tool.setting == "no_grad" for count in without_repeated_settings(counts)):
        yield "no_grad: called within torch.no_grad(); omitted where that makes no difference"
    if any(count.other is not None and count.quantity.otherwise is not None for count in counts):
        number = sum(map(len, trace.silent.values()))
        yield (
            f"or: if {number:,} modules without operations, such as Identity, are called once each; a file does not "
            "record their calls"
        )
