"""``archcalc show``: the table of a network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, takewhile
from typing import Any

import click

from archcalc.analysis.counts import FORMULAS, TRAINING
from archcalc.analysis.formats import read_formats
from archcalc.analysis.propagate import Analysis, Group
from archcalc.cli.cells import COLUMNS, DEFAULT, Cells, Row
from archcalc.cli.columns import chosen_columns
from archcalc.cli.commands import SpecCommand
from archcalc.cli.layers_table import ALL, with_marks
from archcalc.cli.options import PositiveInteger, load_network, partial_option, spec_argument, spec_options
from archcalc.cli.output import default_format, output_options, print_pieces, print_table, writes_blocks
from archcalc.cli.training_options import dtype_option, require_places, setup_from, training_setup_options
from archcalc.report.table import AtLeast, Column, Table, bytes_in_full
from archcalc.spec.errors import fail
from archcalc.spec.models import is_checkpoint
from archcalc.spec.records import Spec

READABLE_ROWS = 40
"""By default, longer networks are grouped to the deepest level that has no more rows than this."""
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
    help="In place of the MACs, print what another tool counts: thop, 'ptflops 0.6.9'. With --training-step, write "
    "pytorch to include all tensors that PyTorch keeps.",
)
@output_options()
def command(spec: str, form: str | None, color: str, tool: str | None, **values: Any) -> None:
    """Print a table of the layers (operator, output shape, parameters, MACs, receptive field) and the totals.

    For a checkpoint (.safetensors, .pth, .h5), print a table of its parameters.
    """
    if is_checkpoint(spec):
        from archcalc.cli.checkpoints import show_checkpoint

        show_checkpoint(spec, form, color, values["depth"], READABLE_ROWS)
        return
    columns = chosen_columns(values["columns"], tuple(COLUMNS), DEFAULT)
    step, setup = values["training_step"], setup_from(values)
    values["training"] = values["training"] or step
    network = load_network(spec, values)
    require_places(setup, network.graph)
    analysis = network.analyze(training=values["training"], batch=values["batch"], setup=setup)
    form = default_format(form, color)
    depth = values["depth"]
    if step and tool is not None:
        if tool != "pytorch":
            hint = "with --training-step, write --as pytorch"
            fail("argument", f"no tensors that '{tool[:40]}' keeps are known", hint=hint, origin="--as")
        setup, tool = replace(setup, as_pytorch=True), None
        analysis = replace(analysis, setup=setup)
    if tool is not None and (form == "json" or values["batch"] is not None or values["training"]):
        raise click.UsageError("--as applies to tables of one example at inference; `archcalc counters` has json")
    if form == "json":
        if values["columns"] is not None:
            raise click.UsageError("--columns does not apply to json, which has all columns")
        from archcalc.report.records import network_json

        print_pieces(network_json(analysis, values["dtype"], depth=depth, training_step=step))
        return
    layout = values["layout"] or analysis.graph.layout
    if step:
        for option in ("columns", "depth"):
            if values[option] is not None:
                raise click.UsageError(f"--{option} does not apply to --training-step, which lists no layers")
        from archcalc.report.training_cost import Bars, training_table

        bars: Bars = "none" if form == "csv" else "blocks" if writes_blocks() else "ascii"
        print_table(training_table(analysis, values["dtype"], title(analysis, layout), bars=bars), form, color)
        return
    if depth is None:
        depth = ALL if form == "csv" else readable_depth(analysis)
    rows = analysis.folded(depth)
    cells = Cells(analysis, rows, layout, dtype=values["dtype"], bare=form == "csv")
    shown = cells.of(columns)
    headings: Sequence[Column] = [COLUMNS[name] for name in columns]
    totals = total_cells(analysis, columns, values["dtype"])
    counted: tuple[str, ...] = ()
    if tool is not None:
        from archcalc.cli.counted import in_count_of

        as_tool = in_count_of(tool, network, analysis, rows)
        headings, shown, totals = as_tool.replaced(columns, headings, shown, totals)
        counted = as_tool.notes
    if form == "csv":
        headings, shown = with_marks(headings, shown, rows, analysis)
    table = Table(
        columns=tuple(headings),
        rows=shown,
        title=title(analysis, layout),
        totals=(totals,) if tool or {*columns} & {*FORMULAS, *TRAINING} else (),
        notes=(*counted, *notes(analysis, rows, cells, values["dtype"]), *other_variants(spec, network.spec)),
    )
    print_table(table, form, color)


def readable_depth(analysis: Analysis) -> int:
    """Return the deepest level whose table is readable; 1 (the stages) if none is."""
    shared: Counter[int] = Counter()  # how many levels a layer has in common with the one before it
    for before, layer in pairwise(analysis.layers):
        parts = zip(before.path, layer.path, strict=False)
        shared[sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], parts))] += 1
    rows, depth = 1 + shared[0], 1
    while rows + shared[depth] <= READABLE_ROWS and depth < max(shared, default=0) + 1:
        rows, depth = rows + shared[depth], depth + 1
    return depth


def title(analysis: Analysis, layout: str) -> str:
    """Return the name of the network and its inputs."""
    from archcalc.cli.cells import shape_text

    batch = () if analysis.batch is None else (analysis.batch,)
    inputs = [(name, shape_text((*batch, *shape), analysis, layout)) for name, shape in analysis.graph.inputs.items()]
    shown = inputs[0][1] if len(inputs) == 1 else ", ".join(f"{name} {shape}" for name, shape in inputs)
    own = analysis.graph.name
    return f"input {shown}" if "->" in own or "→" in own else f"{own}, input {shown}"


def total_cells(analysis: Analysis, columns: tuple[str, ...], dtype: str) -> tuple[Any, ...]:
    """Return the row of totals."""
    totals = analysis.totals
    cells: list[Any] = [None] * len(columns)
    for index, name in enumerate(columns):
        if name in FORMULAS:
            cells[index] = AtLeast(totals.of(name)) if totals.is_lower_bound(name) else totals.of(name)
        elif name in TRAINING:
            cost = analysis.training_cost
            figure = cost.figure(name, cost.runs, read_formats(dtype))
            cells[index] = AtLeast(figure) if totals.is_lower_bound(name) else figure
    for index, name in enumerate(columns):
        if name in ("layer", "op", "stage", "head", "input", "output"):
            cells[index] = "total"
            break
    return tuple(cells)


def other_variants(argument: str, spec: Spec) -> list[str]:
    """Return the line that lists the variants of a spec that was given without one; none if it has none."""
    if spec.source.variant or not spec.variants or argument == "-":
        return []
    names = [f"{argument}:{variant}" for variant in spec.variants[:LISTED_VARIANTS]]
    return [f"variants: {', '.join(names)}{', …' if len(spec.variants) > LISTED_VARIANTS else ''}"]


def notes(analysis: Analysis, rows: list[Row], cells: Cells, dtype: str) -> list[str]:
    """Return the lines below the table."""
    totals = analysis.totals
    found = []
    if totals.trainable != totals.params:
        found.append(f"trainable: {totals.trainable:,} of {totals.params:,} parameters")
    if totals.active_params != totals.params:
        found.append(f"a token uses {totals.active_params:,} of {totals.params:,} parameters")
    memory = analysis.memory(dtype)
    found.append(f"parameters: {bytes_in_full(memory.params)} in {dtype}")
    found.append(f"activations: {bytes_in_full(memory.activations)}; peak: {bytes_in_full(memory.peak)}")
    if memory.kv_cache:
        growth = f"; one more token adds {bytes_in_full(memory.kv_cache_per_token)}"
        found.append(f"key–value cache: {bytes_in_full(memory.kv_cache)}{growth if memory.kv_cache_per_token else ''}")
    groups = [row for row in rows if isinstance(row, Group)]
    if groups:
        layers = sum(len(group.layers) for group in groups)
        into = "1 row" if len(groups) == 1 else f"{len(groups):,} rows"
        found.append(f"{layers:,} layer{'s' * (layers != 1)} grouped into {into}; --depth all lists every layer")
    if not analysis.training and any(node.training for node in analysis.graph.nodes):
        found.append("training heads are not included in the totals; --training includes them")
    found += analysis.graph.notes
    for name, reason in analysis.graph.impossible_heads.items():
        found.append(f"the training head {name} is left out, since it is impossible on this input: {reason}")
    own = {node.head for node in analysis.graph.nodes}
    for name, ref in list(analysis.graph.outputs.items())[1:]:
        if name not in own:  # a head that only names a tensor has no layers to be listed
            found.append(f"{name} (head) is the output of {analysis.graph.nodes[ref.node].name}")
    if cells.has_mark("rf", "≤"):
        found.append("≤: an upper bound for all units; `archcalc rf --at` gives the exact field of one")
    if cells.has_mark("rf", "~"):
        found.append("~: paths of different strides meet; the size depends on the unit, and its lower end is a bound")
    return found
