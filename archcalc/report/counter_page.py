"""A page about a tool: what it watches, what it counts, and how it comes to its numbers for a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archcalc.counters.count import Count, Term
from archcalc.counters.rules import ToolQuantity
from archcalc.counters.trace import Trace
from archcalc.report.aligned_tables import fold
from archcalc.report.counter_tables import STARTS, notes, signed, without_repeated_settings
from archcalc.report.render import render
from archcalc.report.table import Column, Table

SETTINGS = {"no_grad": ", without gradients", "meta": ", on the meta device"}
"""How headings say that a tool was used in a certain way."""

MAX_LAYERS = 4
"""The maximum number of layers, the largest ones, that are listed for a term."""


def page(
    counts: Sequence[Count], network: str, trace: Trace, form: str, *, color: bool = False, width: int | None = None
) -> Iterator[str]:
    """Yield the pieces of the page. Rules that several numbers have in common are written once.

    Args:
        counts: the counts of the tools.
        network: the name of the network.
        trace: its trace.
        form: the format of tables, one of `archcalc.report.render`; texts are Markdown.
        color: whether the format ``rich`` uses colour.
        width: the columns of the terminal for ``rich``; ``None`` for no limit.
    """

    def text(line: str) -> str:
        return "\n".join(fold(line, width if form == "rich" else None)) + "\n\n"

    def table(rows: Table) -> str:
        return render(rows, form, color=color, width=width) + "\n"

    subject = ""
    explained: list[ToolQuantity] = []
    for count in without_repeated_settings(counts):
        tool, quantity = count.tool, count.quantity
        if subject != (subject := f"{tool.name} {tool.version}"):
            yield text(f"# What {subject} counts")
            yield text(f"{tool.package}. Call: `{tool.use}`")
            yield text(f"It watches {tool.watches}.")
        yield text(f"## {quantity.title}: {count.printed} for {network}{SETTINGS.get(tool.setting, '')}")
        if explained and tool.setting:
            yield text(f"Call: `{tool.use}`")
        yield table(steps_table(count))
        if count.other is not None:
            yield text(f"Or {count.other:,}; see the note at the end.")
        if quantity in explained:
            yield text("The rules are those above.")
        elif quantity.rules:
            yield text("n: elements of the first input, m: of the output, K: multiply–accumulates. Everything else: 0.")
            yield table(rules_table(quantity))
        elif quantity.source:
            yield text(f"Source: {quantity.source}")
        explained.append(quantity)
    for note in notes(counts, trace, settings=False):
        yield text(f"{note[0].upper()}{note[1:]}.").removesuffix("\n")


def steps_table(count: Count) -> Table:
    """Return the terms that lead from a figure of archcalc to a count."""
    quantity = count.quantity
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
    return Table(columns, tuple(rows))


def rules_table(quantity: ToolQuantity) -> Table:
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
    more = f", and {len(named) - len(largest):,} more" if len(named) > len(largest) else ""
    return ", ".join(largest) + more
