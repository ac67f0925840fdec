"""``archcalc fold``: fold batch norms, print what that saves, and write the folded network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from archcalc.analysis.counts import Counts
from archcalc.analysis.fold import FoldedLayer, Folding, fold
from archcalc.analysis.propagate import analyze
from archcalc.arrays.texts import count_text
from archcalc.cli.commands import SpecCommand
from archcalc.cli.execution import different_files, memory_option, require_memory
from archcalc.cli.given_arrays import arrays_of_file
from archcalc.cli.options import (
    load_network,
    seed_option,
    spec_argument,
    spec_options,
)
from archcalc.cli.output import default_format, output_options, print_table
from archcalc.report.records import counts_record
from archcalc.report.table import Column, Table
from archcalc.spec.models import is_model
from archcalc.spec.write import write_layer
from archcalc.writers.spec.graph_text import write_graph

if TYPE_CHECKING:
    from archcalc.api import Network
    from archcalc.executor.kernel import Array
    from archcalc.graph import Graph

SHOWN = ("params", "mults", "flops")
TITLES = {"params": "params", "mults": "mults", "flops": "FLOPs"}
MAX_KEPT = 8
"""Layers that cannot be folded, listed with the reasons below a table."""


class FoldingCheck(NamedTuple):
    """The differences between the outputs of the folded and the original network."""

    differences: Mapping[str, float]
    tolerance: float

    @property
    def worst(self) -> float:
        return max(self.differences.values(), default=0.0)

    @property
    def holds(self) -> bool:
        return all(each <= self.tolerance for each in self.differences.values())


@click.command(cls=SpecCommand)
@spec_argument
@click.option("-o", "--output", metavar="FILE", help="Write the folded network to a spec file; '-': standard output.")
@click.option(
    "--weights",
    metavar="FILE",
    help="Read the stored arrays of the network from an .npz file or a checkpoint, as `archcalc run` does.",
)
@click.option(
    "--save-weights",
    metavar="FILE",
    help="Write the folded arrays to an .npz file, named as in the folded spec. For a spec, this requires --weights.",
)
@click.option(
    "--verify", is_flag=True, help="Run both networks in float64, and exit with status 1 if their outputs differ."
)
@seed_option("Seed of the random arrays of --verify.")
@spec_options
@memory_option
@output_options()
def command(spec: str, form: str | None, color: str, **values: Any) -> int:
    """Fold batch norms (and the standardisation of inputs) into their neighbours where that is exact.

    The result is a table of parameters and operations before and after, layer by layer, and the layers that cannot be
    folded, with the reasons.
    """
    different_files(values["output"], values["save_weights"])
    if values["output"]:
        from archcalc.cli.files import require_spec

        require_spec(values["output"])
    writes = bool(values["output"] or values["save_weights"])
    if values["save_weights"] and not values["weights"] and not is_model(spec):
        raise click.UsageError("--save-weights needs --weights FILE, the arrays to fold")
    network = load_network(spec, values, training=writes)  # the written network has all training heads
    folding = fold(network.graph)
    text = write_graph(folding.folded) if writes else ""
    verified = None
    if values["weights"] or values["save_weights"] or values["verify"]:
        verified = run_both(network, folding, text, values)
    if values["output"]:
        from archcalc.cli.files import output_errors, write_file

        with output_errors("--output", values["output"]):
            write_file(values["output"], text)
    if "-" in (values["output"], values["save_weights"]):
        return 0 if verified is None or verified.holds else 1
    form = default_format(form, color)
    if form == "json":
        from archcalc.report.json_text import write_json

        click.echo(write_json(record(folding, verified)), nl=False)
    else:
        print_table(table(folding, verified, programs=form == "csv"), form, color)
    return 0 if verified is None or verified.holds else 1


def run_both(network: Network, folding: Folding, text: str, values: dict[str, Any]) -> FoldingCheck | None:
    """Fold the given arrays and write them, then run both networks, as far as the options ask for it."""
    from archcalc.verification.folding import EXAMPLES, TOLERANCE, output_differences, random_weights

    graph = network.graph
    require_memory(network, values["max_memory"], batch=EXAMPLES, dtype="float64", copies=2)
    weights: Mapping[str, Array] | None = None
    if values["weights"]:
        weights = arrays_of_file(network, values["weights"], dtype="float64")
    else:
        weights = network.arrays("float64")
    if values["save_weights"]:
        if weights is None:
            raise click.UsageError("--save-weights needs --weights FILE, because the model has no stored weights")
        from archcalc.cli.files import output_errors

        with output_errors("--save-weights", values["save_weights"]):
            save_weights(values["save_weights"], folding, weights, text)
    if not values["verify"]:
        return None
    given = random_weights(graph, seed=values["seed"]) if weights is None else weights
    return FoldingCheck(output_differences(folding, given, seed=values["seed"]), TOLERANCE)


def save_weights(path: str, folding: Folding, weights: Mapping[str, Array], text: str) -> None:
    """Write the folded arrays in single precision, under the names that the folded spec gives its layers."""
    import numpy as np

    from archcalc.cli.files import write_with
    from archcalc.executor.files import write_arrays
    from archcalc.executor.folding import folded_weights
    from archcalc.spec import Source, read_spec

    again = read_spec(Source("the folded spec", text)).graph
    names = dict(zip((node.name for node in folding.folded.nodes), (node.name for node in again.nodes), strict=True))
    arrays = {}
    for name, array in folded_weights(folding.graph, folding.folds, weights).items():
        layer, _, own = name.rpartition(".")
        arrays[f"{names[layer]}.{own}"] = array.astype(np.float32)
    write_with(path, lambda file: write_arrays(file, arrays))


def table(folding: Folding, verified: FoldingCheck | None, *, programs: bool) -> Table:
    """Return the table of the layers that others were folded into; for programs, of all layers."""
    columns = [Column("layer", "layer", folds=True), Column("op", "operator", folds=True)]
    columns.append(Column("folded", "folded layers", folds=True))
    for name in SHOWN:
        columns += [Column(f"{name}_{time}", f"{TITLES[name]} {time}", "right") for time in ("before", "after")]
    changes = folding.changes()
    shown = [change for change in changes if change.is_changed or programs]
    before, after = totals(folding)
    rows = [
        (
            change.layer.name,
            write_layer(folding.folded.nodes[change.after.node].op, folding.graph.layout),
            " ".join(layer.name.rpartition("/")[2] for layer in change.absorbed) or None,
            *counts(change.before, change.after),
        )
        for change in shown
    ]
    return Table(
        tuple(columns),
        tuple(rows),
        title=folding.graph.name,
        totals=(("total", None, len(folding.folds), *counts(before, after)),),
        notes=tuple(notes(folding, changes, verified)),
    )


def counts(before: Counts, after: Counts) -> list[Any]:
    """Return the counts before and after, quantity by quantity."""
    return [each.of(name) for name in SHOWN for each in (before, after)]


def totals(folding: Folding) -> tuple[Counts, Counts]:
    """Return the totals of the original and of the folded network."""
    return analyze(folding.graph).totals, analyze(folding.folded).totals


def notes(folding: Folding, changes: Sequence[FoldedLayer], verified: FoldingCheck | None) -> list[str]:
    """Return the lines below the table."""
    unchanged = sum(not change.is_changed for change in changes)
    merged = sum(change.gains_merged for change in changes)
    folds, kept = folding.folds, folding.kept
    forward = sum(each.forward for each in folds)
    found = [
        f"{count_text(len(folds), 'layer')} folded"
        + (f", {f'{forward:,} of them ' if len(folds) > 1 else ''}into the following layer" if forward else "")
        + (f"; {count_text(merged, 'layer')} with gains of weight norm merged" if merged else "")
        + f"; {count_text(unchanged, 'layer')} unchanged"
    ]
    found += [f"{folding.graph.nodes[each.node].name} cannot be folded: {each.reason}" for each in kept[:MAX_KEPT]]
    if len(kept) > MAX_KEPT:
        found.append(f"and {len(kept) - MAX_KEPT:,} more cannot be folded; --format json lists them all")
    if verified is not None:
        word = "agree" if verified.holds else "DIFFER"
        found.append(
            f"both networks {word}: largest relative difference {verified.worst:.1e}, "
            f"tolerance {verified.tolerance:.0e}"
        )
    return found


def record(folding: Folding, verified: FoldingCheck | None) -> dict[str, Any]:
    """Return the JSON record of the folding."""
    graph = folding.graph
    before, after = totals(folding)
    forward = {each.node: each.forward for each in folding.folds}
    return {
        "schema": 1,
        "name": graph.name,
        "layers": [layer_record(graph, change, forward) for change in folding.changes()],
        "kept": [{"name": graph.nodes[each.node].name, "reason": each.reason} for each in folding.kept],
        "totals": {"before": counts_record(before), "after": counts_record(after)},
        "verified": verified
        and {"holds": verified.holds, "tolerance": verified.tolerance, "differences": dict(verified.differences)},
    }


def layer_record(graph: Graph, change: FoldedLayer, forward: Mapping[int, bool]) -> dict[str, Any]:
    """Return the record of a remaining layer."""
    return {
        "name": change.layer.name,
        "op": change.layer.op,
        "folded": [
            {"name": layer.name, "op": layer.op, "direction": "forward" if forward[layer.node] else "backward"}
            for layer in change.absorbed
        ],
        "before": counts_record(change.before),
        "after": counts_record(change.after),
    }
