"""``archcalc zoo``: list the bundled networks."""

from __future__ import annotations

import click

from archcalc.cli.options import output_options, print_table


@click.command()
@output_options()
def command(form: str | None, color: str) -> None:
    """List the bundled networks: name, input, parameters, MACs, title, variables."""
    from archcalc.api import bundled, load
    from archcalc.graph import write_shape
    from archcalc.report.table import Column, Table

    rows = []
    for name in bundled():
        analysis = load(name).analyze()
        graph = analysis.graph
        shapes = ", ".join(write_shape(shape, graph.layout) for shape in graph.inputs.values())
        variables = " ".join(f"{variable}={value}" for variable, value in graph.variables.items())
        rows.append((name, shapes, analysis.totals.params, analysis.totals.macs, graph.name, variables))
    columns = (
        Column("name", "name"),
        Column("input", "input"),
        Column("params", "params", "right"),
        Column("macs", "MACs", "right"),
        Column("title", "title", folds=True),
        Column("variables", "variables", folds=True),
    )
    print_table(Table(columns, tuple(rows)), form, color)
