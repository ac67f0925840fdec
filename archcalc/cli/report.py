"""``archcalc report``: a page about a network, or about several."""

from __future__ import annotations

from typing import Any

import click

from archcalc.analysis.formats import BITS
from archcalc.cli.commands import VerbCommand
from archcalc.cli.compare import load_all
from archcalc.cli.files import STANDARD_OUTPUT, known_suffix, output_errors, require_new, write_file
from archcalc.cli.options import PositiveInteger, complete_spec, load_network, partial_option, spec_options, stdin_once
from archcalc.cli.training_options import dtype_option, require_places, setup_from, training_setup_options
from archcalc.report.side_by_side import DEFAULT

FORMATS = (".html", ".htm")


@click.command(cls=VerbCommand)
@click.argument("specs", nargs=-1, required=True, shell_complete=complete_spec)
@click.option(
    "-o", "--output", metavar="FILE", required=True, help="The file to write: FILE.html; '-': standard output."
)
@click.option("--batch", type=PositiveInteger(), help="Number of examples, the first axis of every shape.")
@click.option("--training", is_flag=True, help="Include training heads (auxiliary classifiers).")
@dtype_option
@training_setup_options
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@spec_options
@partial_option
def command(specs: tuple[str, ...], output: str, force: bool, **values: Any) -> None:
    """Write a page about a network: its drawing, its layers in a table that can be sorted and filtered, the memory
    during a run, what a chosen unit sees of the input, derivations, what other tools print, and what a training step
    costs.

    For several networks, the page compares figures, memory and drawings; for two, it shows what changed instead
    of the figures. Settings after a SPEC, in the same argument, apply to that SPEC only, as for `compare`.

    The page is one HTML file, which any browser opens without an Internet connection.
    """
    require_new(output, force=force)
    if output != STANDARD_OUTPUT:
        known_suffix(output, FORMATS, "page")
    stdin_once(specs)
    page = page_of_one(specs[0], values) if len(specs) == 1 else page_of_several(specs, values)
    with output_errors("--output", output):
        write_file(output, page)


def page_of_one(spec: str, values: dict[str, Any]) -> str:
    """Return the page of a network."""
    ignore, setup = values["ignore"], setup_from(values)
    network = load_network(spec, values)
    require_places(setup, network.graph)
    options = {name: values[name] for name in ("training", "batch", "layout", "dtype")}
    return network.report(**options, setup=setup, ignore=ignore)


def page_of_several(specs: tuple[str, ...], values: dict[str, Any]) -> str:
    """Return the page that compares networks."""
    from archcalc.report.network_page.comparison import ComparisonPage, comparison_page

    if len(specs) == 2 and values["dtype"] not in BITS:
        raise click.UsageError("--dtype must be one format for all tensors to show what changed between two networks")
    return comparison_page(ComparisonPage(load_all(specs, values, DEFAULT)))
