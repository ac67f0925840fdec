"""``archcalc zoo``: list the bundled networks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from archcalc.cli.columns import chosen_columns
from archcalc.cli.options import complete_spec
from archcalc.cli.output import default_format, output_options, print_table
from archcalc.query.quantities import QUANTITIES
from archcalc.report.table import Column, Table
from archcalc.spec.catalogue import FIGURES, CatalogueEntry, catalogue, record

COLUMNS = {
    column.key: column
    for column in (
        Column("family", "family"),
        Column("name", "name"),
        Column("task", "task"),
        Column("input", "input"),
        *(Column(name, QUANTITIES[name].heading, "right") for name in FIGURES),
        Column("title", "title", folds=True),
        Column("aliases", "also", folds=True),
        Column("variables", "variables", folds=True),
        Column("published", "published", folds=True),
        Column("source", "source", folds=True),
    )
}
DEFAULT = ("family", "name", "input", "params", "macs", "published")
MAX_SOURCES = 40
"""Below longer tables, the sources are not listed."""


@click.command()
@click.argument("filters", metavar="[WORD|CONDITION]...", nargs=-1, shell_complete=complete_spec)
@click.option("--task", metavar="NAME", help="List only networks for this task, e.g. segmentation.")
@click.option(
    "--columns",
    metavar="NAMES",
    help=f"Columns, separated by commas: {', '.join(COLUMNS)}.  [default: {','.join(DEFAULT)}; all for csv]",
)
@output_options()
def command(filters: tuple[str, ...], task: str | None, columns: str | None, form: str | None, color: str) -> None:
    """List the bundled networks and their variants by family, and where their figures are published.

    A WORD selects those that have it in their name, family, task or title; a CONDITION those whose totals meet it:

    \b
    archcalc zoo vit
    archcalc zoo "params < 5M and macs <= 300M" --task classification
    """
    from archcalc.query.zoo import filters as read_filters

    form = default_format(form, color)
    names = chosen_columns(columns, tuple(COLUMNS), tuple(COLUMNS) if form == "csv" else DEFAULT)
    required = read_filters(filters, task, catalogue())
    found = [entry for entry in catalogue() if all(holds(entry) for holds in required)]
    if form == "json":
        if columns is not None:
            raise click.UsageError("--columns does not apply to json, which has all columns")
        from archcalc.report.json_text import write_json

        click.echo(write_json([record(entry) for entry in found]), nl=False)
        return
    rows = [cells(entry, names) for entry in found]
    if form != "csv" and names[:1] == ("family",):
        rows = without_repetitions(rows)
    table = Table(tuple(COLUMNS[name] for name in names), tuple(rows), notes=tuple(notes(found, names)))
    print_table(table, form, color)


def cells(entry: CatalogueEntry, names: tuple[str, ...]) -> tuple[Any, ...]:
    """Return the row of a network."""
    texts = {
        "aliases": ", ".join(entry.aliases),
        "published": "; ".join(
            f"{target} {separated(figure['value'])} ({figure['source']})" for target, figure in totals_in(entry).items()
        ),
    }
    return tuple([texts.get(name, getattr(entry, name)) for name in names])


def totals_in(entry: CatalogueEntry) -> dict[str, Any]:
    """Return the published figures of the whole network."""
    return {name: figure for name, figure in entry.published.items() if "." not in name.removeprefix("training.")}


def separated(written: str) -> str:
    """Return a figure with separators: within braces, specs have none."""
    return f"{int(written):,}" if written.isdecimal() else written


def without_repetitions(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return rows in which the family is written once, in the first row of each."""
    found, before = [], None
    for row in rows:
        found.append(("" if row[0] == before else row[0], *row[1:]))
        before = row[0]
    return found


def notes(found: list[CatalogueEntry], names: tuple[str, ...]) -> list[str]:
    """Return the lines below the table: where the networks are described, unless there are too many."""
    if not found:
        return ["no bundled network meets all of these"]
    if "source" in names:
        return []
    sources: dict[str, list[str]] = {}
    for entry in found:
        sources.setdefault(entry.source, []).append(entry.name)
    if len(sources) > MAX_SOURCES:
        return [f"{len(found)} networks; `archcalc zoo WORD` says where they are described"]
    return [f"{', '.join(listed)}: {source}" for source, listed in sources.items() if source]
