"""``archcalc compare``: networks side by side."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import click

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
from archcalc.cli.training_options import dtype_option, require_places, require_training, setup_from, training_options
from archcalc.report.side_by_side import DEFAULT, QUANTITIES, SideBySide
from archcalc.spec.locate import is_inline

SETTING = re.compile(r"(?P<name>.*\S)\s+(?P<setting>[A-Za-z_]\w*=\S+)\s*", re.DOTALL)


@click.command(cls=VerbCommand)
@click.argument("specs", nargs=-1, required=True, shell_complete=complete_spec)
@click.option(
    "--columns",
    metavar="NAMES",
    help=f"Quantities, separated by commas: {', '.join(QUANTITIES)}.  [default: {', '.join(DEFAULT)}]",
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

    Checkpoints (.safetensors, .pth, .pt, .bin, .ckpt, .h5) are compared with each other: their tensors, parameters and
    bytes.
    """
    stdin_once(specs)
    if are_checkpoints(specs):
        compare_side_by_side(specs, form, color)
        return
    names = chosen_columns(values["columns"], QUANTITIES, DEFAULT)
    networks = load_all(specs, values, names)
    form = default_format(form, color)
    if form == "json":
        from archcalc.report.json_text import write_json

        click.echo(write_json(replace(networks, layout="chw").records(names)), nl=False)
        return
    print_table(networks.table(names, programs=form == "csv"), form, color)


def label_of(spec: str, analysis: Analysis, index: int) -> str:
    """Return the heading of a network: its title and settings, or its number if it is an inline expression."""
    name, settings = split_settings(spec)
    return f"network {index + 1}" if is_inline(name) else " ".join([analysis.graph.name, *settings])


def load_all(specs: tuple[str, ...], values: dict[str, Any], quantities: Collection[str]) -> SideBySide:
    """Return the analyses of networks, with their headings.

    A value of ``--set`` applies to those that declare the variable; at least one must.

    Raises:
        SpecError: a network that cannot be read, or a variable that none declares.
    """
    from archcalc.analysis.propagate import analyze
    from archcalc.cli.warnings import warn
    from archcalc.spec.locate import locate
    from archcalc.spec.shared_settings import SharedSettings

    limits = limits_from(values)
    setup = setup_from(values)
    require_training(setup, quantities)
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
    labels = [
        label_of(spec, analysis, index) for index, (spec, analysis) in enumerate(zip(specs, analyses, strict=True))
    ]
    return SideBySide(specs, labels, analyses, values["dtype"], values["layout"])


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
