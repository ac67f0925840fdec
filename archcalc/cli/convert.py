"""``archcalc convert``: write a network in another format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from archcalc.cli.commands import SpecCommand
from archcalc.cli.execution import array_errors
from archcalc.cli.files import STANDARD_OUTPUT, known_suffix, output_errors, require_new, write_with
from archcalc.cli.options import (
    IntegerInRange,
    given_from,
    limits_from,
    load_network,
    spec_argument,
    spec_options,
)
from archcalc.cli.show import Depth
from archcalc.spec.errors import fail
from archcalc.spec.locate import is_inline
from archcalc.terminal import READABLE

if TYPE_CHECKING:
    from archcalc.api import Network
    from archcalc.executor.kernel import Array
    from archcalc.graph import Graph
    from archcalc.numeric import Number

Options = Mapping[str, Any]


class OutputFormat(NamedTuple):
    """A format that networks are written in."""

    title: str
    suffixes: tuple[str, ...]
    options: frozenset[str]
    """The options that apply to it, besides those of every target."""
    write: Callable[[Network, Options], bytes]


def write_spec(network: Network, options: Options) -> bytes:
    from archcalc.writers.spec.compact import write_compact

    return _text(write_compact(network.graph, network.constants()))


def write_mermaid(network: Network, options: Options) -> bytes:
    from archcalc.writers.mermaid import write_mermaid

    return _text(write_mermaid(network.graph, options["depth"]))


def write_dot(network: Network, options: Options) -> bytes:
    from archcalc.writers.dot import write_dot

    return _text(write_dot(network.graph, options["depth"]))


def write_csv(network: Network, options: Options) -> bytes:
    from archcalc.report.layers_table import csv_of_layers

    return _text(csv_of_layers(network.analyze(), options["depth"]))


def write_onnx(network: Network, options: Options) -> bytes:
    try:
        from archcalc.writers.onnx.write import write_onnx
    except ImportError:
        hint = "install it: pip install onnx"
        fail("not-found", "writing ONNX files needs the package 'onnx'", hint=hint, origin="--to")
    arrays = given_arrays(network, options)
    opset = options["opset"]
    return write_onnx(network.graph, arrays) if opset is None else write_onnx(network.graph, arrays, opset=opset)


def write_pytorch(network: Network, options: Options) -> bytes:
    from archcalc.writers.pytorch.write import write_pytorch

    return _text(write_pytorch(network.graph, options["read"]))


def write_keras(network: Network, options: Options) -> bytes:
    from archcalc.writers.keras.write import write_keras

    return _text(write_keras(network.graph))


def given_arrays(network: Network, options: Options) -> Mapping[str, Array] | None:
    """Return the stored arrays that options give, or those of a model file; ``None`` if there are none."""
    given = [name for name in ("weights", "seed", "no_weights") if options[name] not in (None, False)]
    if len(given) > 1:
        one, other = (f"--{name.replace('_', '-')}" for name in given[:2])
        raise click.UsageError(f"{one} and {other} exclude each other")
    if options["weights"] is not None:
        from archcalc.executor.files import read_weights

        with array_errors("--weights"):
            return read_weights(options["weights"], network.graph)
    if options["seed"] is not None:
        from archcalc.executor.weights import initial_arrays

        return initial_arrays(network.graph, seed=options["seed"])
    return None if options["no_weights"] else network.arrays()


def _text(text: str) -> bytes:
    return text.encode("utf-8", READABLE)


TARGETS = {
    "spec": OutputFormat("a spec", (".yaml", ".yml"), frozenset(), write_spec),
    "mermaid": OutputFormat("a Mermaid flowchart", (".mmd", ".mermaid"), frozenset({"depth"}), write_mermaid),
    "onnx": OutputFormat(
        "an ONNX model", (".onnx",), frozenset({"weights", "seed", "no_weights", "opset"}), write_onnx
    ),
    "pytorch": OutputFormat("a Python file with a PyTorch module", (".py",), frozenset(), write_pytorch),
    "keras": OutputFormat("a Python file with a Keras model", (".py",), frozenset(), write_keras),
    "dot": OutputFormat("a graph for Graphviz", (".dot", ".gv"), frozenset({"depth"}), write_dot),
    "csv": OutputFormat("the table of the layers", (".csv",), frozenset({"depth"}), write_csv),
}

OPTIONAL = tuple(dict.fromkeys(name for target in TARGETS.values() for name in sorted(target.options)))
"""The options that apply to some targets only."""

BY_SUFFIX = {suffix: name for name, target in reversed(TARGETS.items()) for suffix in target.suffixes}
"""The target of each suffix: the first one that has it."""


def description(name: str) -> str:
    """Return the title of a target and its suffixes, for the help."""
    target = TARGETS[name]
    chosen = "" if BY_SUFFIX[target.suffixes[0]] == name else f" (with --to {name})"
    return f"{target.title}: {', '.join(target.suffixes)}{chosen}"


@click.command(
    cls=SpecCommand,
    sections={"Formats": [(name, description(name)) for name in TARGETS]},
)
@spec_argument
@click.option("-o", "--output", metavar="FILE", required=True, help="The file to write; '-': standard output.")
@click.option("--to", type=click.Choice(list(TARGETS)), help="The format.  [default: that of the suffix of the file]")
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@click.option(
    "--depth",
    type=Depth(),
    metavar="N|all",
    help="For Mermaid, DOT and CSV: group the layers as `show` does.  "
    "[default: all; for Mermaid, the deepest level that it can draw]",
)
@click.option(
    "--weights",
    metavar="FILE",
    help="For ONNX: write the stored arrays of an .npz file or a checkpoint, named as for `run`.",
)
@click.option(
    "--seed", metavar="N", type=IntegerInRange(0), help="For ONNX: write random stored arrays with this seed."
)
@click.option(
    "--no-weights",
    is_flag=True,
    help="For ONNX: write no stored arrays.  [default: write those of a model file, if SPEC is one]",
)
@click.option(
    "--opset", metavar="N", type=int, help="For ONNX: the version of its operators, from 18 on.  [default: 21]"
)
@spec_options
def command(spec: str, output: str, to: str | None, force: bool, **values: Any) -> None:
    """Write a network in another format: a spec, an ONNX model, PyTorch or Keras code, a diagram or a table.

    The file is written completely or not at all. If the format cannot express the network, all reasons are listed.
    """
    require_new(output, force=force)
    target = chosen_target(output, to)
    given = [name for name in OPTIONAL if values[name] not in (None, False) and name not in TARGETS[target].options]
    if given:
        raise click.UsageError(f"--{given[0].replace('_', '-')} does not apply to {TARGETS[target].title}")
    as_given, limits = given_from({**values}, training=True), limits_from({**values})
    network = load_network(spec, values, training=True)  # what is written has all training heads

    def read(variables: Mapping[str, str], sizes: Mapping[str, Number]) -> Graph:
        """Return the network with other values of variables and input sizes."""
        from archcalc.spec import read_spec

        again = as_given._replace(set={**as_given.set, **variables}, numbers=sizes)
        return read_spec(network.spec.source, again, inline=is_inline(spec), limits=limits).graph

    content = TARGETS[target].write(network, {**values, "read": read if network.spec.model is None else None})
    with output_errors("--output", output):
        write_with(output, lambda file: file.write(content))


def chosen_target(output: str, to: str | None) -> str:
    """Return the name of the target of ``--to``, or of the suffix of the file."""
    if to is not None:
        return to
    hint = f"add --to with one of {', '.join(TARGETS)}"
    if output == STANDARD_OUTPUT:
        fail("argument", "standard output has no suffix", hint=hint, origin="--output")
    return BY_SUFFIX[known_suffix(output, BY_SUFFIX, "format", hint)]
