"""``archcalc show``: the table of a network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from archcalc.analysis.counts import TRAINING
from archcalc.cli.columns import chosen_columns
from archcalc.cli.commands import SpecCommand
from archcalc.cli.layers_view import LayerArrangement, view_options
from archcalc.cli.options import PositiveInteger, load_network, partial_option, spec_argument, spec_options
from archcalc.cli.output import default_format, output_options, print_pieces, print_table, writes_blocks
from archcalc.cli.training_options import (
    dtype_option,
    require_places,
    require_training,
    setup_from,
    training_setup_options,
)
from archcalc.report.cells import COLUMNS, DEFAULT
from archcalc.report.layers_table import ALL, READABLE_ROWS, notes, table_of, title
from archcalc.spec.errors import fail
from archcalc.spec.models import is_checkpoint
from archcalc.spec.records import Spec

LISTED_VARIANTS = 4
"""The number of variants that are listed, so that they fit in one line."""


class Depth(click.ParamType[int]):
    """A number of levels, or ``all``."""

    name = "depth"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if value == "all":
            return ALL
        if str(value).isdecimal() and len(str(value)) < 10:
            return int(value)
        return self.fail(f"'{str(value)[:40]}' is neither a non-negative integer nor 'all'", param, ctx)


@click.command(cls=SpecCommand)
@spec_argument
@click.option(
    "--columns",
    metavar="NAMES",
    help=f"Columns, separated by commas: {', '.join(COLUMNS)}.  [default: {','.join(DEFAULT)}]",
)
@click.option(
    "--depth",
    type=Depth(),
    metavar="N|all",
    help="Group the layers: 0 into one row, 1 by stage, 2 by block within stages, …; all: list every layer.  "
    f"[default: the deepest with at most {READABLE_ROWS} rows; all for csv and json]",
)
@view_options
@spec_options
@partial_option
@click.option("--batch", type=PositiveInteger(), help="Number of examples, the first axis of every shape.")
@click.option("--training", is_flag=True, help="Include training heads (auxiliary classifiers).")
@click.option(
    "--training-step",
    is_flag=True,
    help="Instead of the layers, print the memory of a training step, part by part, and its MACs.",
)
@dtype_option
@training_setup_options
@click.option(
    "--as",
    "tool",
    metavar="TOOL",
    help="In place of the MACs, print what another tool counts: thop, 'ptflops 0.6.9'. With --training-step or "
    "--columns saved, write pytorch to include all tensors that PyTorch keeps.",
)
@output_options()
def command(spec: str, form: str | None, color: str, tool: str | None, **values: Any) -> None:
    """Print a table of the layers (operator, output shape, parameters, MACs, receptive field) and the totals.

    For a checkpoint (.safetensors, .pth, .pt, .bin, .ckpt, .h5), print a table of its parameters.
    """
    if is_checkpoint(spec):
        from archcalc.cli.checkpoints import show_checkpoint

        show_checkpoint(spec, form, color, values["depth"], READABLE_ROWS)
        return
    view = LayerArrangement.of(values)
    columns = chosen_columns(values["columns"], tuple(COLUMNS), view.columns)
    step, setup = values["training_step"], setup_from(values)
    values["training"] = values["training"] or step
    network = load_network(spec, values)
    require_places(setup, network.graph)
    analysis = network.analyze(training=values["training"], batch=values["batch"], setup=setup)
    form = default_format(form, color)
    depth = values["depth"]
    if step and tool not in (None, "pytorch"):
        hint = "with --training-step, write --as pytorch"
        fail("argument", f"no tensors that '{str(tool)[:40]}' keeps are known", hint=hint, origin="--as")
    if tool == "pytorch":
        if not step and not {*columns} & {*TRAINING}:
            hint = "add --training-step or --columns saved for the tensors that it keeps"
            fail("argument", "PyTorch does not count the operations of layers", hint=hint, origin="--as")
        tool, analysis = None, replace(analysis, setup=replace(setup, as_pytorch=True))
    if tool is not None and form == "json":
        raise click.UsageError("--as does not apply to json; `archcalc counters` prints the counts of tools as json")
    if tool is not None and (values["batch"] is not None or values["training"]):
        raise click.UsageError("--as counts one example at inference: omit --batch and --training")
    if not step:
        require_training(setup, [*columns, view.sort or ""])
    if form == "json":
        if values["columns"] is not None:
            raise click.UsageError("--columns does not apply to json, which has all columns")
        view.require("json, which has the numbers and the path of every layer", "sort")
        from archcalc.report.records import network_json

        print_pieces(network_json(analysis, values["dtype"], depth=depth, sort=view.sort, training_step=step))
        return
    layout = values["layout"] or analysis.graph.layout
    if step:
        without_layers = "--training-step, which lists no layers"
        for option in ("columns", "depth"):
            if values[option] is not None:
                raise click.UsageError(f"--{option} does not apply to {without_layers}")
        view.require(without_layers)
        from archcalc.report.training_cost import Bars, training_table

        bars: Bars = "none" if form == "csv" else "blocks" if writes_blocks() else "ascii"
        print_table(training_table(analysis, values["dtype"], title(analysis, layout), bars=bars), form, color)
        return
    shown, cells, rows = view.fill(analysis, columns, depth=depth, layout=layout, dtype=values["dtype"], form=form)
    counted: tuple[str, ...] = ()
    if tool is not None:
        view.require("--as, which counts for one column")
        from archcalc.cli.counted_columns import in_count_of

        as_tool = in_count_of(tool, network, analysis, rows)
        shown, counted = as_tool.replaced(shown), as_tool.notes
    below = (*counted, *notes(analysis, rows, cells), *other_variants(spec, network.spec))
    table = table_of(shown, title(analysis, layout), below)
    print_table(table, form, color)


def other_variants(argument: str, spec: Spec) -> list[str]:
    """Return the line that lists the variants of a spec that was given without one; none if it has none."""
    if spec.source.variant or not spec.variants or argument == "-":
        return []
    names = [f"{argument}:{variant}" for variant in spec.variants[:LISTED_VARIANTS]]
    return [f"variants: {', '.join(names)}{', …' if len(spec.variants) > LISTED_VARIANTS else ''}"]
