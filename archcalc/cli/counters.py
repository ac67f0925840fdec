"""``archcalc counters``: what other tools print for a network, and why."""

from __future__ import annotations

from typing import Any

import click

from archcalc.analysis.propagate import Analysis
from archcalc.cli.commands import SpecCommand
from archcalc.cli.options import load_network, partial_option, spec_argument, spec_options
from archcalc.cli.output import default_format, output_options, print_pieces, print_table, terminal_width, wants_color


@click.command(cls=SpecCommand)
@spec_argument
@click.option(
    "--tool",
    "tools",
    multiple=True,
    metavar="NAME",
    help="Print this tool only, e.g. thop, 'ptflops 0.6.9' or 'fvcore no_grad' (repeatable).",
)
@click.option(
    "--quantity",
    "quantities",
    multiple=True,
    metavar="NAME",
    help="Print this quantity only: macs, flops, params, trainable_params, non_trainable_params, params_bytes, "
    "input_bytes, forward_backward_bytes, total_bytes, training_flops, backward_flops (repeatable).",
)
@click.option("--layers", is_flag=True, help="List the layers that every term comes from.")
@click.option("--explain", metavar="TOOL", help="Print a page about one tool: its rules, and its numbers step by step.")
@spec_options
@partial_option
@output_options()
def command(
    spec: str,
    tools: tuple[str, ...],
    quantities: tuple[str, ...],
    layers: bool,
    explain: str | None,
    form: str | None,
    color: str,
    **values: Any,
) -> None:
    """Print what popular tools report for a network, and how these numbers differ from archcalc's, term by term.

    What a tool reports depends on details such as the classes of modules and the functions that they call. A model
    saved by torch.export contains them; for any other SPEC, archcalc prints what it assumes.
    """
    from archcalc.analysis.propagate import analyze
    from archcalc.counters.network import counts_of, trace_of
    from archcalc.counters.registry import TOOLS, tools_named
    from archcalc.report import counter_tables
    from archcalc.report.counter_page import page

    if explain is not None and (tools or layers):
        raise click.UsageError("--explain names the tool and always lists the layers: omit --tool and --layers")
    names = [(each, "--tool") for each in tools] if explain is None else [(explain, "--explain")]
    chosen = [tool for name, option in names for tool in tools_named(name, option)] or list(TOOLS)
    wanted = chosen_quantities(quantities, [quantity.name for tool in chosen for quantity in tool.quantities])
    network = load_network(spec, values)
    analysis = analyze(network.graph, receptive=False)
    trace = trace_of(network.graph, network.spec.model, analysis)
    found = counts_of(analysis, network.spec.model, list(dict.fromkeys(chosen)), trace)
    found = [each for each in found if each.quantity.name in wanted]
    form = default_format(form, color)
    if explain is not None:
        if form not in ("rich", "plain", "markdown"):
            raise click.UsageError(f"--explain prints a page: --format must be rich, plain or markdown, got {form}")
        width, colored = terminal_width(), wants_color(color)
        print_pieces(page(found, network.name, trace, form, color=colored, width=width))
        return
    if form == "json":
        from archcalc.report.json_text import write_json

        document = {
            "network": network.name,
            "source": "spec" if trace.assumptions else "file",
            "macs": analysis.totals.macs,
            "params": analysis.totals.params,
            "assumptions": list(trace.assumptions),
            "counters": [counter_tables.record(each, layers=layers) for each in found],
        }
        click.echo(write_json(document), nl=False)
        return
    programs = form == "csv"
    title = f"{network.name}: {analysis.totals.macs:,} MACs, {analysis.totals.params:,} parameters"
    notes = () if programs else (*counter_tables.notes(found, trace), *incomplete(analysis))
    if layers:
        table = counter_tables.layers_table(found, title, notes, programs=programs)
    else:
        table = counter_tables.counts_table(found, title, notes, programs=programs)
    print_table(table, form, color)


def incomplete(analysis: Analysis) -> tuple[str, ...]:
    """Return notes on what archcalc does not count; the figure from which terms start is then a lower bound."""
    return () if analysis.totals.is_complete else analysis.graph.notes


def chosen_quantities(written: tuple[str, ...], known: list[str]) -> list[str]:
    """Return the quantities of ``--quantity``; without any, all that the tools have.

    Raises:
        SpecError: none of the tools has one of these names.
    """
    from archcalc.spec.errors import fail, suggest

    names = list(dict.fromkeys(known))
    for each in written:
        if each not in names:
            hint = suggest(each, names, f"the quantities are {', '.join(names)}")
            fail("unknown-name", f"none of the tools has the quantity '{each[:40]}'", hint=hint, origin="--quantity")
    return list(written) or names
