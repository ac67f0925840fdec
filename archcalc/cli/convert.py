"""``archcalc convert``: write a network in another format."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from archcalc.cli.files import STANDARD_OUTPUT, output_errors, require_new, write_with
from archcalc.cli.options import SpecCommand, load_network, spec_argument, spec_options
from archcalc.cli.show import Depth
from archcalc.spec.errors import fail, suggest
from archcalc.terminal import READABLE

if TYPE_CHECKING:
    from archcalc.api import Network

Options = Mapping[str, Any]


class Target(NamedTuple):
    """A format that networks are written in."""

    title: str
    suffixes: tuple[str, ...]
    options: frozenset[str]
    """The options that apply to it, besides those of every target."""
    write: Callable[[Network, Options], bytes]


def write_spec(network: Network, options: Options) -> bytes:
    from archcalc.writers.spec_text import write_graph

    return _text(write_graph(network.graph))


def write_mermaid(network: Network, options: Options) -> bytes:
    from archcalc.writers.mermaid import write_mermaid

    return _text(write_mermaid(network.graph, options["depth"]))


def write_dot(network: Network, options: Options) -> bytes:
    from archcalc.writers.dot import write_dot

    return _text(write_dot(network.graph, options["depth"]))


def write_csv(network: Network, options: Options) -> bytes:
    from archcalc.cli.layers_table import csv_of_layers

    return _text(csv_of_layers(network.analyze(), options["depth"]))


def _text(text: str) -> bytes:
    return text.encode("utf-8", READABLE)


TARGETS = {
    "spec": Target("a spec", (".yaml", ".yml"), frozenset(), write_spec),
    "mermaid": Target("a Mermaid flowchart", (".mmd", ".mermaid"), frozenset({"depth"}), write_mermaid),
    "dot": Target("a graph for Graphviz", (".dot", ".gv"), frozenset({"depth"}), write_dot),
    "csv": Target("the table of the layers", (".csv",), frozenset({"depth"}), write_csv),
}

OPTIONAL = tuple(dict.fromkeys(name for target in TARGETS.values() for name in sorted(target.options)))
"""The options that apply to some targets only."""

BY_SUFFIX = {suffix: name for name, target in TARGETS.items() for suffix in target.suffixes}


@click.command(
    cls=SpecCommand,
    sections={"Formats": [(name, f"{target.title}: {', '.join(target.suffixes)}") for name, target in TARGETS.items()]},
)
@spec_argument
@click.option("-o", "--output", metavar="FILE", required=True, help="The file to write; '-': standard output.")
@click.option("--to", type=click.Choice(list(TARGETS)), help="The format.  [default: by the suffix of the file]")
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@click.option(
    "--depth",
    type=Depth(),
    metavar="N|all",
    help="For Mermaid, DOT and CSV: group the layers as `show` does.  "
    "[default: all; for Mermaid, the deepest level that it can draw]",
)
@spec_options
def command(spec: str, output: str, to: str | None, force: bool, **values: Any) -> None:
    """Write a network in another format: a spec, a diagram, a table.

    The file is written completely or not at all. If the format cannot express the network, all reasons are listed.
    """
    require_new(output, force=force)
    target = chosen_target(output, to)
    given = [name for name in OPTIONAL if values[name] not in (None, False) and name not in TARGETS[target].options]
    if given:
        raise click.UsageError(f"--{given[0].replace('_', '-')} does not apply to {TARGETS[target].title}")
    network = load_network(spec, values, training=True)  # what is written has all training heads
    content = TARGETS[target].write(network, values)
    with output_errors("--output", output):
        write_with(output, lambda file: file.write(content))


def chosen_target(output: str, to: str | None) -> str:
    """Return the name of the target of ``--to``, or of the suffix of the file."""
    if to is not None:
        return to
    suffix = os.path.splitext(output)[1].lower()
    if suffix in BY_SUFFIX:
        return BY_SUFFIX[suffix]
    names = ", ".join(TARGETS)
    if output == STANDARD_OUTPUT:
        fail("argument", "standard output has no suffix", hint=f"add --to with one of {names}", origin="--output")
    known = f"the suffixes are {', '.join(BY_SUFFIX)}; or add --to with one of {names}"
    unknown = f"no format has the suffix '{suffix[:20]}'" if suffix else f"'{output[:80]}' has no suffix"
    fail("argument", unknown, hint=suggest(suffix, BY_SUFFIX, known), origin="--output")
