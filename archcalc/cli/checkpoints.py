"""What the verbs ``show``, ``compare`` and ``diff`` do with checkpoints, which have parameters but no network."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from archcalc.cli.output import default_format, print_table
from archcalc.spec.errors import fail
from archcalc.spec.models import is_checkpoint

if TYPE_CHECKING:
    from archcalc.changes.checkpoints import CheckpointDiff
    from archcalc.readers.checkpoints.checkpoint import Checkpoint
    from archcalc.readers.checkpoints.outline import OutlineRow


def are_checkpoints(specs: Sequence[str]) -> bool:
    """Return whether arguments are checkpoints.

    Raises:
        SpecError: some are, and others are not.
    """
    found = [spec for spec in specs if is_checkpoint(spec)]
    if found and len(found) < len(specs):
        other = next(spec for spec in specs if spec not in found)
        hint = f"to see whether its parameters fit a network: archcalc run {other[:60]} --weights {found[0][:60]}"
        fail("format", "a checkpoint has no network to compare with", hint=hint, origin=found[0])
    return bool(found)


def only_options(allowed: Collection[str]) -> None:
    """Fail if the command line has options that do not apply to checkpoints.

    Args:
        allowed: the names of those that do.

    Raises:
        click.UsageError: it has others.
    """
    context = click.get_current_context()
    given = [
        parameter.opts[0]
        for parameter in context.command.params
        if isinstance(parameter, click.Option)
        and parameter.name not in allowed
        and context.get_parameter_source(str(parameter.name)) == ParameterSource.COMMANDLINE
    ]
    if given:
        many = len(given) > 1
        raise click.UsageError(f"{' and '.join(given)} {'do' if many else 'does'} not apply to checkpoints")


def rows_of(checkpoint: Checkpoint, depth: int | None, most: int) -> list[OutlineRow]:
    """Return the rows of a checkpoint; arguments are those of `show_checkpoint`."""
    from archcalc.readers.checkpoints.outline import MAX_DEPTH, Outline

    outline = Outline(checkpoint)
    if depth is None:
        depth = outline.readable_depth(most)
    return [*(outline.tensors() if depth > MAX_DEPTH else outline.rows(depth))]


def show_checkpoint(spec: str, form: str | None, color: str, depth: int | None, most: int) -> None:
    """Print the tensors of a checkpoint.

    Args:
        spec: the file.
        form: the format of the output.
        color: whether to use colour.
        depth: the level down to which modules are listed; by default the deepest with ``most`` rows.
        most: the number of rows of a readable table.
    """
    from archcalc.readers.checkpoints.read import read_checkpoint
    from archcalc.report import checkpoint_tables as tables

    only_options(("depth", "form", "color"))
    form = default_format(form, color)
    checkpoint = read_checkpoint(spec)
    rows = None if form in ("csv", "json") and depth is None else rows_of(checkpoint, depth, most)
    if form == "json":
        from archcalc.report.json_text import write_json

        click.echo(write_json(tables.checkpoint_record(checkpoint, rows)), nl=False)
    elif form == "csv":
        print_table(tables.tensors_table(checkpoint) if rows is None else tables.rows_table(rows), form, color)
    else:
        print_table(tables.checkpoint_table(checkpoint, rows or ()), form, color)


def compare_side_by_side(specs: Sequence[str], form: str | None, color: str) -> None:
    """Print the totals of checkpoints side by side."""
    from archcalc.readers.checkpoints.read import read_checkpoint
    from archcalc.report.checkpoint_diffs import figures_records, figures_table

    only_options(("form", "color"))
    form = default_format(form, color)
    checkpoints = [read_checkpoint(spec) for spec in specs]
    if form == "json":
        from archcalc.report.json_text import write_json

        click.echo(write_json(figures_records(specs, checkpoints)), nl=False)
    else:
        print_table(figures_table(specs, checkpoints), form, color)


def diff_of_checkpoints(specs: Sequence[str], *, values: bool) -> CheckpointDiff:
    """Compare two checkpoints, and also their numbers if ``values`` is set."""
    from archcalc.changes.checkpoints import compare_checkpoints
    from archcalc.readers.checkpoints.read import read_checkpoint

    only_options(("form", "color", "output", "reports", "compares_values"))
    if len(specs) != 2:
        raise click.UsageError(f"expected two checkpoints, OLD and NEW, got {len(specs)}")
    old, new = map(read_checkpoint, specs)
    return compare_checkpoints(old, new, values=values)
