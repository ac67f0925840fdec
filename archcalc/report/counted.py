"""The numbers that other tools print, with their terms, as tables and as a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from archcalc.counters.count import Count, Term
from archcalc.counters.rules import Quantity, Tool
from archcalc.counters.trace import Trace
from archcalc.report.table import Column, Table

STARTS = {"macs": "MACs", "params": "parameters"}
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

MAX_LAYERS = 12
"""The maximum number of layers, the largest ones, that are listed for a term of a page."""


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


def shown(counts: Sequence[Count]) -> list[Count]:
    """Return the counts without those that a setting does not change."""
    values = {(c.tool.name, c.tool.version, c.quantity.name): c.value for c in counts if not c.tool.setting}
    return [
        c
        for c in counts
        if not c.tool.setting or c.failure or values.get((c.tool.name, c.tool.version, c.quantity.name)) != c.value
    ]


def counts_table(counts: Sequence[Count], title: str, notes: Iterable[str], *, programs: bool) -> Table:
    """Return a table with a row for each count.

    Args:
        counts: the counts.
        title: the title.
        notes: the notes below the table.
        programs: whether it is for programs, which get plain numbers and all rows.
    """
    listed = list(counts) if programs else shown(counts)
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


def layers_table(counts: Sequence[Count], title: str, notes: Iterable[str]) -> Table:
    """Return a table with a row for each term and layer."""
    columns = (
        Column("tool", "tool"),
        Column("quantity", "quantity"),
        Column("term", "term", folds=True),
        Column("layer", "layer"),
        Column("amount", "amount", "right"),
    )
    rows = [
        (count.tool.key, count.quantity.name, term.label, layer or None, amount)
        for count in counts
        for term in count.terms
        for layer, amount in term.layers.items()
    ]
    return Table(columns, tuple(rows), title=title, notes=tuple(notes))


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


def notes(counts: Sequence[Count], trace: Trace) -> Iterator[str]:
    """Yield notes on the numbers: assumptions, and what the source does not show."""
    if any(count.quantity.start for count in counts):
        yield "terms lead from archcalc's MACs or parameters to the value"
    for key, failure in {count.tool.key: count.failure for count in shown(counts) if count.failure}.items():
        yield f"{key} fails on this network, since {failure}; the value is what its rules would give"
    if trace.assumptions:
        yield "assumed, since the source does not say: " + "; ".join(trace.assumptions)
    if trace.assumptions and any(count.tool.name == "torchsummary" for count in counts):
        yield "torchsummary also adds the outputs of modules that contain others; a spec does not say which exist"
    hidden = trace.hidden
    if any(count.other is not None and count.quantity.rules for count in counts):
        yield (
            f"or: if {len(hidden)} operations whose source lines are not in the file are written the other way, as "
            "a @ b instead of a.matmul(b), and a.mul(b) instead of a * b"
        )
    if any(count.tool.setting == "no_grad" for count in shown(counts)):
        yield "no_grad: called within torch.no_grad(); omitted where that makes no difference"
    if any(count.other is not None and count.quantity.otherwise is not None for count in counts):
        yield f"or: if {len(trace.silent)} modules without operations, such as Identity, are called once each"


def page(counts: Sequence[Count], network: str, trace: Trace, form: str) -> Iterator[str]:
    """Yield the pieces of a page about tools: what they watch, what they count, and how their numbers are obtained.

    Args:
        counts: the counts of the tools.
        network: the name of the network.
        trace: its trace.
        form: the format of tables: ``markdown``, or another one of `archcalc.report.render`.
    """
    by_tool: dict[str, list[Count]] = {}
    for count in counts:
        by_tool.setdefault(count.tool.key, []).append(count)
    for key, of_tool in by_tool.items():
        yield from _about(of_tool[0].tool, key)
        for count in of_tool:
            yield from _derived(count, network, form)
    for note in notes(counts, trace):
        yield f"{note[0].upper()}{note[1:]}.\n"


def _about(tool: Tool, key: str) -> Iterator[str]:
    yield f"# What {key} counts\n\n"
    yield f"{tool.package}. Call: `{tool.use}`\n\n"
    yield f"It watches {tool.watches}.\n\n"


def _derived(count: Count, network: str, form: str) -> Iterator[str]:
    quantity = count.quantity
    yield f"## {quantity.title}: {count.printed} for {network}\n\n"
    rows: list[tuple[Any, ...]] = []
    if quantity.start:
        rows.append((f"{count.start:,}", f"archcalc's {STARTS[quantity.start]}", None))
    rows += [(signed(term.amount), term.label, _layers_text(term)) for term in count.terms]
    rows.append((f"= {count.value:,}", quantity.title, None))
    columns = (
        Column("amount", "amount", "right"),
        Column("reason", "reason", folds=True),
        Column("layers", "layers", folds=True),
    )
    yield _rendered(Table(columns, tuple(rows)), form)
    if count.other is not None:
        yield f"\nOr {count.other:,}; see the note at the end.\n"
    yield "\n"
    if quantity.rules:
        yield "n: elements of the first input, m: of the output, K: multiply–accumulates. Everything else: 0.\n\n"
        yield _rendered(rules_table(quantity), form)
        yield "\n"
    elif quantity.source:
        yield f"Source: {quantity.source}\n\n"


def rules_table(quantity: Quantity) -> Table:
    """Return the rules of a quantity as a table."""
    columns = (
        Column("counted", "counted", folds=True),
        Column("as", "as", folds=True),
        Column("source", "source", folds=True),
    )
    rows = [(_counted(rule.watched, rule.names), rule.formula.text, rule.source) for rule in quantity.rules]
    return Table(columns, tuple(rows))


def _counted(watched: str, names: str) -> str:
    """Return what a rule is about."""
    if names == "*":
        return "modules without submodules"
    listed = ", ".join(names.split())
    return {"module": f"modules {listed}", "function": f"calls of {listed}", "operator": f"operators {listed}"}[watched]


def _layers_text(term: Term) -> str | None:
    """Return the layers of a term, the largest first, as far as they fit."""
    named = {layer: amount for layer, amount in term.layers.items() if layer}
    if not named:
        return None
    largest = sorted(named, key=lambda layer: -abs(named[layer]))[:MAX_LAYERS]
    more = f", and {len(named) - len(largest)} more" if len(named) > len(largest) else ""
    return ", ".join(largest) + more


def _rendered(table: Table, form: str) -> str:
    from archcalc.report.render import render

    return render(table, form)
