"""``archcalc report``: a page about a network."""

from __future__ import annotations

from typing import Any

import click

from archcalc.cli.commands import SpecCommand
from archcalc.cli.files import STANDARD_OUTPUT, known_suffix, output_errors, require_new, write_file
from archcalc.cli.options import PositiveInteger, load_network, partial_option, spec_argument, spec_options
from archcalc.cli.training_options import dtype_option, require_places, setup_from, training_setup_options

FORMATS = (".html", ".htm")


@click.command(cls=SpecCommand)
@spec_argument
@click.option(
    "-o", "--output", metavar="FILE", required=True, help="The file to write: FILE.html; '-': standard output."
)
@click.option("--batch", type=PositiveInteger(), help="Number of examples, the first axis of every shape.")
@click.option("--training", is_flag=True, help="Include training heads.")
@dtype_option
@training_setup_options
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@spec_options
@partial_option
def command(spec: str, output: str, force: bool, **values: Any) -> None:
    """Write a page about a network: its drawing, its layers in a table that sorts and filters, the memory over a run,
    what a chosen unit sees of the input, derivations, what other tools print, and what a training step costs.

    The page is one HTML file, which any browser opens without a network connection.
    """
    require_new(output, force=force)
    if output != STANDARD_OUTPUT:
        known_suffix(output, FORMATS, "page")
    ignore, setup = values["ignore"], setup_from(values)
    network = load_network(spec, values)
    require_places(setup, network.graph)
    from archcalc.lint import lint
    from archcalc.report.network_page.page import NetworkPage, network_page

    analysis = network.analyze(training=values["training"], batch=values["batch"], setup=setup)
    warnings = lint(network.spec, analysis if values["batch"] is None else network.analyze(), ignore)
    page = NetworkPage(network.spec, analysis, warnings, values["layout"] or analysis.graph.layout, values["dtype"])
    with output_errors("--output", output):
        write_file(output, network_page(page))
