"""``archcalc rf``: receptive fields, and what a single unit sees."""

from __future__ import annotations

from typing import Any

import click

from archcalc.analysis.receptive import receptive_fields
from archcalc.analysis.unit import UnitField, unit_field
from archcalc.cli.commands import SpecCommand
from archcalc.cli.files import STANDARD_OUTPUT
from archcalc.cli.options import load_network, partial_option, spec_argument, spec_options, tensor_named
from archcalc.cli.output import default_format, output_options, print_table, terminal_width, writes_blocks
from archcalc.cli.rf_survey import Survey
from archcalc.graph import Graph, Ref
from archcalc.spec.errors import fail


@click.command(cls=SpecCommand)
@spec_argument
@click.argument("layer", required=False)
@click.option(
    "--at", metavar="Y,X", help="Print what the unit of LAYER at this position sees (one index per spatial axis)."
)
@click.option(
    "--from",
    "source",
    metavar="LAYER",
    help="Measure relative to the output of this layer, stage or input instead of the inputs.",
)
@click.option("--all", "everything", is_flag=True, help="Also list layers that do not change the receptive field.")
@click.option(
    "--svg",
    metavar="FILE",
    help="Draw the window of a unit of LAYER on the input; by default the middle one. '-' is standard output.",
)
@click.option("--image", metavar="PHOTO", help="Draw on this photo, scaled and cropped to the input; needs --svg.")
@spec_options
@partial_option
@output_options()
def command(spec: str, layer: str | None, form: str | None, color: str, **values: Any) -> None:
    """Print receptive fields: the window of the input that a unit of a layer depends on.

    The table has the size of each layer's window, its stride (the distance between the windows of neighbouring units)
    and padding (how far the first window extends beyond the input), per axis where the axes differ. With LAYER, only
    the layers that it depends on are listed. With --at, the window of one unit is printed, before and after clipping at
    the borders of the input.
    """
    for option in ("at", "svg"):
        if values[option] is not None and layer is None:
            raise click.UsageError(f"--{option} needs a LAYER")
    if values["image"] is not None and values["svg"] is None:
        raise click.UsageError("--image needs --svg FILE")
    network = load_network(spec, values)
    graph = network.graph
    source = None if values["source"] is None else tensor_named(network, values["source"], "--from")
    node = None if layer is None else tensor_named(network, layer, "LAYER").node
    unit = None
    if node is not None and (values["at"] is not None or values["svg"] is not None):
        unit = _unit(graph, node, values["at"], source)
        if values["svg"] is not None:
            from archcalc.cli.rf_picture import write_picture

            write_picture(graph, node, unit, source, values["svg"], values["image"])
            if values["svg"] == STANDARD_OUTPUT:
                return
    survey = Survey(network, node, source, receptive_fields(graph, source=source))
    form = default_format(form, color)
    if form == "json":
        from archcalc.report.json_text import write_json

        click.echo(write_json(survey.record(unit)), nl=False)
    elif unit is not None and values["at"] is not None:
        print_table(survey.unit_table(unit), form, color)
    else:
        table, bars = survey.table(everything=values["everything"] or form == "csv"), ""
        if form in ("rich", "plain"):
            bars = survey.bars(min(terminal_width() or 80, 100), blocks=writes_blocks())
        print_table(table, form, color)
        click.echo(f"\n{bars}" if bars else "", nl=False)


def _unit(graph: Graph, node: int, written: str | None, source: Ref | None) -> UnitField:
    """Return the field of the unit that ``--at`` names, or of the middle one.

    Raises:
        SpecError: the layer has no such unit.
    """
    if written is None:
        place = tuple(n // 2 for n in graph.positions(Ref(node)))
    else:
        parts = [part.strip() for part in written.split(",")]
        if not all(part.removeprefix("-").isdecimal() and len(part) < 100 for part in parts):
            fail(
                "argument",
                f"'{written[:40]}' is not a position",
                hint="give one integer per spatial axis, such as 3,3",
                origin="--at",
            )
        place = tuple(map(int, parts))
    try:
        unit = unit_field(graph, node, place, source=source)
    except ValueError as error:
        has_positions = bool(graph.positions(Ref(node)))
        hint = "positions count from 0, in the order of the axes: y,x or z,y,x" if has_positions else ""
        fail("argument", str(error), hint=hint, origin="--at" if written is not None else "LAYER")
    return unit
