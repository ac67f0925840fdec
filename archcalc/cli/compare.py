"""``archcalc compare``: networks side by side."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import Any

import click

from archcalc.analysis.cache import CACHED
from archcalc.analysis.counts import TRAINING
from archcalc.analysis.fields import FIELD_QUANTITIES
from archcalc.analysis.propagate import Analysis
from archcalc.cli.checkpoints import are_checkpoints, compare_side_by_side
from archcalc.cli.columns import chosen_columns
from archcalc.cli.commands import VerbCommand
from archcalc.cli.options import (
    PositiveInteger,
    complete_spec,
    given_from,
    limits_from,
    pairs_from,
    partial_option,
    spec_options,
    stdin_once,
)
from archcalc.cli.output import default_format, output_options, print_table
from archcalc.cli.training_options import dtype_option, require_places, setup_from, training_options
from archcalc.ops.base import OPERATION_KINDS
from archcalc.query.quantities import SUMS, quantity_named
from archcalc.query.targets import Evaluator, tensor_of
from archcalc.report.cells import field_text, shape_text
from archcalc.report.table import AtLeast, Column, Table, bytes_text, ratio_text
from archcalc.spec.locate import is_inline

SETTING = re.compile(r"(?P<name>.*\S)\s+(?P<setting>[A-Za-z_]\w*=\S+)\s*", re.DOTALL)
BYTES = ("memory", "peak", *CACHED, *TRAINING)
QUANTITIES = ("input", "output", "layers", *SUMS, *FIELD_QUANTITIES, *OPERATION_KINDS, *BYTES, "channels")
DEFAULT = ("input", "output", "layers", "params", "macs", "flops", "activations", "memory", "peak")


@click.command(cls=VerbCommand)
@click.argument("specs", nargs=-1, required=True, shell_complete=complete_spec)
@click.option(
    "--columns",
    metavar="NAMES",
    help=f"Quantities, separated by commas: {', '.join(QUANTITIES)}.  [default: {','.join(DEFAULT)}]",
)
@spec_options
@partial_option
@click.option("--batch", type=PositiveInteger(), help="Number of examples.")
@click.option("--training", is_flag=True, help="Include training heads (auxiliary classifiers).")
@dtype_option
@training_options
@output_options()
def command(specs: tuple[str, ...], form: str | None, color: str, **values: Any) -> None:
    """Compare networks side by side: the figures of each, and their ratios to those of the first.

    --set applies to every network that declares the variable; settings after a SPEC, in the same argument, apply to
    that SPEC only: archcalc compare mobilenet-v1 "mobilenet-v1 alpha=0.5".

    Checkpoints (.safetensors, .pth, .h5) are compared with each other: their tensors, parameters and bytes.
    """
    stdin_once(specs)
    if are_checkpoints(specs):
        compare_side_by_side(specs, form, color)
        return
    names = chosen_columns(values["columns"], QUANTITIES, DEFAULT)
    analyses = load_all(specs, values)
    form = default_format(form, color)
    if form == "json":
        from archcalc.report.json_text import write_json

        records = [
            {"spec": spec, "name": analysis.graph.name}
            | {name: quantity(analysis, name, values["dtype"]) for name in names}
            | ({} if analysis.totals.is_complete else {"lower_bounds": bounds(analysis, names)})
            for spec, analysis in zip(specs, analyses, strict=True)
        ]
        click.echo(write_json(records), nl=False)
        return
    print_table(comparison_table(specs, analyses, names, values["dtype"], programs=form == "csv"), form, color)


def comparison_table(
    specs: Sequence[str], analyses: Sequence[Analysis], names: Sequence[str], dtype: str, *, programs: bool = False
) -> Table:
    """Return networks side by side, with their ratios to the first one.

    Args:
        specs: the networks as they were given.
        analyses: their analyses.
        names: the quantities.
        dtype: the number formats of memory.
        programs: whether the table is for programs, which get plain numbers and no ratios.
    """
    columns = [Column("quantity", "")]
    for index, (spec, analysis) in enumerate(zip(specs, analyses, strict=True)):
        columns.append(Column(spec, label_of(spec, analysis, index), "right"))
        if programs and not analysis.totals.is_complete:
            columns.append(Column(f"{spec} lower_bound", "lower bound"))
        elif index and not programs:
            columns.append(Column(f"{spec} ratio", "ratio", "right"))
    rows = []
    for name in names:
        numbers = [quantity(analysis, name, dtype) for analysis in analyses]
        known = quantity_named(name)
        cells: list[Any] = [name if programs or known is None else known.heading]
        for index, (number, analysis) in enumerate(zip(numbers, analyses, strict=True)):
            is_bytes = known is not None and known.unit == "bytes"
            is_bound = analysis.totals.is_lower_bound(name)
            cell = bytes_text(number) if is_bytes and not programs else number
            cells.append(AtLeast(cell) if is_bound else cell)
            if programs and not analysis.totals.is_complete:
                cells.append(str(is_bound).lower())
            elif index and not programs:
                ratio = None if analyses[0].totals.is_lower_bound(name) else ratio_text(number, numbers[0])
                cells.append(AtLeast(ratio) if is_bound and ratio is not None else ratio)
        rows.append(tuple(cells))
    notes: tuple[str, ...] = (
        (f"in {dtype}; memory: size of the parameters; peak: largest total size of the live tensors",)
        if {"memory", "peak"} & {*names}
        else ()
    )
    incomplete = [analysis.graph for analysis in analyses if not analysis.totals.is_complete]
    notes += tuple([f"{graph.name}: {note}" for graph in incomplete for note in graph.notes])
    return Table(tuple(columns), tuple(rows), notes=notes)


def label_of(spec: str, analysis: Analysis, index: int) -> str:
    """Return the heading of a network: its title and settings, or its number if it is an inline expression."""
    name, settings = split_settings(spec)
    return f"network {index + 1}" if is_inline(name) else " ".join([analysis.graph.name, *settings])


def load_all(specs: tuple[str, ...], values: dict[str, Any]) -> list[Analysis]:
    """Analyse every network. A value of ``--set`` applies to those that declare the variable; at least one must.

    Raises:
        SpecError: a network that cannot be read, or a variable that none declares.
    """
    from archcalc.analysis.propagate import analyze
    from archcalc.cli.warnings import warn
    from archcalc.spec.locate import locate
    from archcalc.spec.several import SharedSettings

    limits = limits_from(values)
    setup = setup_from(values)
    given = given_from(values)
    shared = SharedSettings(given, limits)
    analyses = []
    split = {spec: split_settings(spec) for spec in specs}
    found = {name: locate(name, limits) for name, _ in split.values()}  # standard input can be read only once
    for spec in specs:
        name, words = split[spec]
        source, inline = found[name]
        read = shared.read(source, inline=inline, own=pairs_from(words, f"'{name[:40]}'"))
        warn(read, values["ignore"])
        require_places(setup, read.graph)
        analyses.append(analyze(read.graph, training=values["training"], batch=values["batch"], setup=setup))
    shared.require_used(given.set)
    return analyses


def split_settings(spec: str) -> tuple[str, tuple[str, ...]]:
    """Split an argument such as ``mobilenet-v1 alpha=0.5`` into the SPEC and the settings that follow it.

    An inline expression has none, since the arguments of its layers look like settings; nor has the name of a file.
    """
    name, settings = spec, []
    while match := SETTING.fullmatch(name):
        name = match["name"]
        settings.append(match["setting"])
    if not settings or is_inline(name) or os.path.exists(spec):
        return spec, ()
    return name, tuple(reversed(settings))


def quantity(analysis: Analysis, name: str, dtype: str) -> Any:
    """Return a figure of a network, or a shape as text; ``None`` where it has none."""
    graph = analysis.graph
    batch = () if analysis.batch is None else (analysis.batch,)
    if name == "input":
        return ", ".join(shape_text((*batch, *shape), analysis, graph.layout) for shape in graph.inputs.values())
    if name == "output":
        refs = graph.outputs.values()
        return ", ".join(shape_text((*batch, *graph.shape(ref)), analysis, graph.layout) for ref in refs)
    if name in FIELD_QUANTITIES:
        layer = analysis.by_node.get(tensor_of("", analysis).node)
        return None if layer is None else field_text(layer, name)
    evaluator = Evaluator.of(analysis, dtype)
    return evaluator.values(evaluator.target(name))[0]


def bounds(analysis: Analysis, names: Iterable[str]) -> list[str]:
    """Return those of some quantities whose figures are lower bounds."""
    return [name for name in names if analysis.totals.is_lower_bound(name)]
