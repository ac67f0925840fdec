"""``archcalc diff``: what changed between two networks, or between two revisions of files."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from archcalc.analysis.formats import BITS
from archcalc.cli.checkpoints import are_checkpoints, diff_of_checkpoints
from archcalc.cli.commands import VerbCommand
from archcalc.cli.compare import split_settings
from archcalc.cli.files import STANDARD_OUTPUT, output_errors, write_file
from archcalc.cli.options import (
    complete_spec,
    given_from,
    limits_from,
    pairs_from,
    partial_option,
    spec_options,
    stdin_once,
)
from archcalc.cli.output import COLOR_HELP, default_format, terminal_width, utf8_documents, utf8_output, wants_color
from archcalc.cli.reports import Report, no_file_twice, report_option
from archcalc.cli.warnings import warn
from archcalc.spec.errors import Problem, SpecError
from archcalc.spec.shared_settings import SharedSettings

if TYPE_CHECKING:
    from archcalc.analysis.propagate import Analysis
    from archcalc.changes.files import ComparedNetwork, Status
    from archcalc.changes.gates import Gate
    from archcalc.report.diff_tables import NetworkComparison

FORMATS = ("rich", "plain", "markdown", "json", "side-by-side")
SEPARATOR = "--"
PATHS = "archcalc.diff.paths"
"""The key of the paths after ``--`` in the context of the command."""
GATES = [
    ("macs > +2%", "The figure has grown by more than 2 %."),
    ("macs > 1.02x", "The figure is more than 1.02 times the old one."),
    ("params > +1M", "The figure has grown by more than 1,000,000."),
    ("macs > 500M", "The new figure meets this condition, which is written as for `sweep --where`."),
]


class DiffCommand(VerbCommand):
    """A command whose arguments after ``--`` are paths, and those before it revisions."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        words, paths = list(args), None
        if SEPARATOR in words:
            at = words.index(SEPARATOR)
            words, paths = words[:at], words[at + 1 :]
        ctx.meta[PATHS] = paths
        return super().parse_args(ctx, words)


@click.command(cls=DiffCommand, sections={"Limits of --fail-on": GATES})
@click.argument("sides", nargs=-1, required=True, metavar="OLD [NEW] [-- PATHS]...", shell_complete=complete_spec)
@click.option(
    "--fail-on", "gates", multiple=True, metavar="LIMIT", help="Fail if a network exceeds this limit (repeatable)."
)
@click.option(
    "--baseline",
    metavar="FILE",
    help="Also apply the limits on changes to what has changed since this baseline of `validate`, so that many small "
    "changes cannot exceed a limit unnoticed.  [default: that of the configuration]",
)
@click.option("--values", "compares_values", is_flag=True, help="Also compare the numbers of two checkpoints.")
@click.option("--training", is_flag=True, help="Include training heads (auxiliary classifiers).")
@click.option(
    "--dtype", type=click.Choice(list(BITS)), default="float32", show_default=True, help="Number format for memory."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    callback=utf8_documents,
    help="Output format; side-by-side is an HTML page.  [default: rich on a terminal, else plain]",
)
@click.option(
    "--output",
    "-o",
    default=STANDARD_OUTPUT,
    metavar="FILE",
    help="Write to this file; '-': standard output, the default.",
)
@report_option(FORMATS, "the comparison")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help=COLOR_HELP)
@spec_options
@partial_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    sides: tuple[str, ...],
    form: str | None,
    reports: tuple[Report, ...],
    color: str,
    **values: Any,
) -> int:
    """Show what changed between two networks, or between two revisions of files.

    \b
    archcalc diff OLD NEW           two SPECs
    archcalc diff REV -- PATHS      files at a revision and in the working tree
    archcalc diff OLD NEW -- PATHS  files at two revisions of a Git repository

    PATHS are files and folders. A revision is a branch, a tag or a commit; A..B stands for A B, and A...B for their
    common ancestor and B. Two checkpoints (.safetensors, .pth, .pt, .bin, .ckpt, .h5) are compared by the names, shapes
    and number formats of their tensors. Settings after a SPEC, in the same argument, apply to that SPEC only: archcalc
    diff mobilenet-v1 "mobilenet-v1 alpha=0.5".

    Exit status: 0 if no limit is exceeded, 1 if one is, 2 if something cannot be read (the rest is still compared).
    """
    from archcalc.changes.gates import read_gates
    from archcalc.report.diff_formats import diff_text

    gates = read_gates(values["gates"])
    paths = ctx.meta[PATHS]
    no_file_twice(reports)
    form = default_format(form, color)
    if values["output"] == STANDARD_OUTPUT and form not in ("rich", "plain"):
        utf8_output()
    if paths is None and are_checkpoints(sides):
        if "side-by-side" in (form, *(report.form for report in reports)):
            raise click.UsageError("side-by-side shows the layers of networks, which checkpoints do not have")
        from archcalc.report.checkpoint_diffs import checkpoint_diff_text

        found = diff_of_checkpoints(sides, values=values["compares_values"])
        write_all(partial(checkpoint_diff_text, found), form, reports, color, values["output"])
        return 0
    if values.pop("compares_values"):
        raise click.UsageError("--values compares the numbers of two checkpoints")
    if values["baseline"] is not None and not gates:
        raise click.UsageError(
            "--baseline needs --fail-on: the limits on changes also apply to what has changed since the baseline"
        )
    if paths is None:
        comparison = compare_specs(sides, values, gates)
    else:
        comparison = compare_revisions(sides, paths, values, gates)
    write_all(partial(diff_text, comparison), form, reports, color, values["output"])
    return comparison.status


def write_all(text_of: Callable[..., str], form: str, reports: Sequence[Report], color: str, output: str) -> None:
    """Write a comparison to a file or to standard output, and as the reports that are asked for.

    Args:
        text_of: returns the text of the comparison in a format, with or without colour, in a width.
        form: the format of the output.
        reports: the reports.
        color: the value of ``--color``.
        output: the file.

    Raises:
        SpecError: a file cannot be written.
    """
    write(text_of, form, color, output, "--output")
    for report in reports:
        write(text_of, report.form, color, report.path, report.option)


def write(text_of: Callable[..., str], form: str, color: str, output: str, option: str) -> None:
    """Write a comparison in one of the formats to a file or to standard output, as an option asks.

    Raises:
        SpecError: the file cannot be written.
    """
    on_terminal = output == STANDARD_OUTPUT
    colored, width = (wants_color(color), terminal_width()) if on_terminal else (False, None)
    text = text_of(form, color=colored, width=width)
    if on_terminal:
        click.echo(text, nl=False, color=True)
        return
    with output_errors(option, output):
        write_file(output, text)


def compare_specs(specs: tuple[str, ...], values: dict[str, Any], gates: Sequence[Gate]) -> NetworkComparison:
    """Compare two SPECs.

    Raises:
        SpecError: one of them cannot be read; the errors of both are reported.
    """
    from archcalc.analysis.propagate import analyze
    from archcalc.changes.compare import compare
    from archcalc.changes.files import ComparedNetwork
    from archcalc.report.diff_tables import NetworkComparison
    from archcalc.spec.locate import locate

    folders = [spec for spec in specs if os.path.isdir(spec)]
    if len(specs) != 2 or folders:
        what = f"'{folders[0][:80]}' is a folder" if folders else f"expected two SPECs, OLD and NEW, got {len(specs)}"
        hint = "files at a revision follow `--`: archcalc diff main -- nets/"
        raise click.UsageError(f"{what}; {hint}")
    stdin_once(specs)
    limits = limits_from(values)
    given = given_from(values)
    shared = SharedSettings(given, limits)
    analyses: list[Analysis] = []
    problems: list[Problem] = []
    for spec in specs:
        try:
            name, words = split_settings(spec)
            source, inline = locate(name, limits)
            read = shared.read(source, inline=inline, own=pairs_from(words, f"'{name[:40]}'"))
            warn(read, values["ignore"])
            analyses.append(analyze(read.graph, training=values["training"]))
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(problems)
    shared.require_used(given.set)
    old, new = analyses
    diff = compare(old, new, dtype=values["dtype"])
    status: Status = "changed" if diff.has_changes or not diff.is_equal else "equal"
    network = ComparedNetwork(name=specs[1], status=status, old_name=specs[0], old=old, new=new, diff=diff)
    network, notes = judge_network(network, gates, values, shared, specs[1])
    return NetworkComparison(specs[0], specs[1], (network,), notes=notes)


def compare_revisions(
    revisions: tuple[str, ...], paths: Sequence[str], values: dict[str, Any], gates: Sequence[Gate]
) -> NetworkComparison:
    """Compare files at two revisions, or at a revision and in the working tree.

    Raises:
        SpecError: a revision does not exist, or a path is in neither of them.
    """
    from archcalc.changes.files import ComparedRevision, compare_files
    from archcalc.changes.revisions import Repository
    from archcalc.report.diff_tables import NetworkComparison

    revisions = as_two(revisions)
    if len(revisions) > 2 or not paths:
        raise click.UsageError("expected one or two revisions, and paths after `--`: archcalc diff main -- nets/")
    gc.enable()  # many networks may be read, one after the other
    repository = Repository()
    old = ComparedRevision.of(repository, revisions[0])
    new = ComparedRevision.of(repository, revisions[1] if len(revisions) == 2 else None)
    limits = limits_from(values)
    shared = SharedSettings(given_from(values), limits)
    networks, notes = [], dict[str, None]()
    found = compare_files(repository, old, new, paths, shared, training=values["training"], dtype=values["dtype"])
    for network in found:
        own, said = judge_network(network, gates, values, shared, network.name)
        networks.append(own)
        notes.update(dict.fromkeys(said))
    if any(network.status != "skipped" for network in networks):
        shared.require_used(shared.given.set)
    return NetworkComparison(old.label, new.label, tuple(networks), revisions=True, notes=tuple(notes))


def as_two(revisions: tuple[str, ...]) -> tuple[str, ...]:
    """Return the revisions that one stands for, as in Git: ``A..B``, and ``A...B`` from the common ancestor on."""
    if len(revisions) != 1 or ".." not in revisions[0]:
        return revisions
    if "..." in revisions[0]:
        return revisions[0], revisions[0].rpartition("...")[2] or "HEAD"
    old, _, new = revisions[0].partition("..")
    return old or "HEAD", new or "HEAD"


def judge_network(
    network: ComparedNetwork, gates: Sequence[Gate], values: dict[str, Any], shared: SharedSettings, spec: str
) -> tuple[ComparedNetwork, tuple[str, ...]]:
    """Return a network with the limits that it exceeds, and notes about those that do not apply.

    Raises:
        SpecError: the baseline cannot be read.
    """
    from archcalc.changes.gates import judge, without_drift
    from archcalc.validation.configuration import configuration_of
    from archcalc.validation.paths import find_specs
    from archcalc.validation.store import BaselineFile, Settings

    if not gates or network.new is None:
        return network, ()
    found_spec = next(find_specs([spec], shared.limits))
    path = values["baseline"] or (configuration_of(found_spec.path).baseline if found_spec.is_own_file else "")
    if not path:
        return replace(network, judged=judge(gates, network.old, network.new)), ()
    store = BaselineFile.read(path)
    settings = Settings.of(shared.given.set, shared.given.shapes)
    stored = store.of(found_spec, settings)
    if stored is None and network.old_name not in ("", network.name):
        stored = store.of(found_spec._replace(name=network.old_name, path=network.old_name), settings)
    notes = [
        f"the baseline {path} has no '{target}', so its growth since then is not limited"
        for target in without_drift(gates)
    ]
    if stored is None:
        notes = [f"the baseline {path} has no entry for {network.name}, so its growth since then is not limited"]
    return replace(network, judged=judge(gates, network.old, network.new, stored)), tuple(notes)
