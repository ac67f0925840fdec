"""What ``archcalc run`` prints of small arrays: tensors in full, numbers that are worked out, moving averages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from archcalc.arrays.texts import DIGITS
from archcalc.cli.by_hand import EvaluatedNetwork, WorkedNumbers, work_out
from archcalc.cli.output import default_format, print_table
from archcalc.cli.run_table import array_record, table, values_table
from archcalc.cli.training_steps import averages
from archcalc.report.json_text import write_json

if TYPE_CHECKING:
    from archcalc.executor.kernel import Array

WORKED_FORMATS = ("plain", "rich", "markdown", "latex", "json")
"""The formats of numbers that are worked out."""


def print_by_hand(
    steps: Sequence[EvaluatedNetwork],
    tensors: Mapping[str, Array],
    values: Mapping[str, Any],
    form: str | None,
    color: str,
) -> None:
    """Print the numbers of small tensors and the ranges of large ones, and numbers that are worked out.

    Args:
        steps: the tensors around the layers of ``--at``, and around those with moving averages: of every training
            step, or of the only run.
        tensors: the tensors to print, by name, of the last step.
        values: the options of the command.
        form: the format.
        color: when to use colour.
    """
    form, digits = default_format(form, color), values["digits"] or DIGITS
    if values["svg"]:
        from archcalc.cli.window_picture import write_window

        write_window(steps[-1], values["places"][0], values["svg"], digits)
        if values["svg"] == "-":
            return
    if form == "json":
        click.echo(write_json(document(steps, tensors, values)), nl=False)
        return
    parts = [worked_text(work_out(steps[-1], place), form, digits) for place in values["places"]]
    click.echo("\n".join(parts), nl=False)
    if not parts or values["printed"]:
        click.echo("\n" if parts else "", nl=False)
        _print_tensors(steps[-1], tensors, values["printed"], form, color, digits)
    if form in WORKED_FORMATS and (values["steps"] or values["momentum"]):
        for number, step in enumerate(steps, 1):
            title = f"moving averages after step {number}" if len(steps) > 1 else "moving averages after the step"
            if text := _averages_text(step, title, form, digits):
                click.echo(f"\n{text}", nl=False)


def worked_text(found: WorkedNumbers, form: str, digits: int) -> str:
    """Return numbers worked out as text, Markdown or LaTeX."""
    from archcalc.report.worked_solution import worked_latex, worked_lines, worked_markdown

    write = {"markdown": worked_markdown, "latex": worked_latex}.get(form, worked_lines)
    return "".join(f"{line}\n" for line in write(found.worked, found.arrays, digits=digits))


def _averages_text(step: EvaluatedNetwork, title: str, form: str, digits: int) -> str:
    """Return how the moving averages change in a training step, without the arrays that they are computed from."""
    parts = [worked_text(WorkedNumbers(found.worked, {}), form, digits) for found in averages(step)]
    if not parts or step.training is None:
        return ""
    from archcalc.report.matrices import number_text

    average = step.training.step.average
    momentum = number_text(average.momentum, digits)
    return f"{title}, as in {average.tool} with momentum {momentum}:\n{''.join(parts)}"


def _print_tensors(
    evaluated: EvaluatedNetwork,
    tensors: Mapping[str, Array],
    in_full: Sequence[str],
    form: str,
    color: str,
    digits: int,
) -> None:
    """Print the numbers of small tensors and the ranges of large ones."""
    from archcalc.report.matrices import is_small

    small = {name: array for name, array in tensors.items() if is_small(array[0]) or name in in_full}
    if form in ("plain", "rich"):
        for line in tensors_lines(small, digits):
            click.echo(line)
    elif small:
        shown = {name: array[0] if len(array) == 1 else array for name, array in small.items()}
        print_table(values_table("tensor", shown, digits), form, color)
    if large := {name: array for name, array in tensors.items() if name not in small}:
        print_table(table(evaluated.network, large), form, color)


def tensors_lines(tensors: Mapping[str, Array], digits: int) -> Iterator[str]:
    """Yield the lines of tensors; of exact ones with roots also as decimals."""
    from archcalc.report.matrices import array_lines, decimals

    for name, array in tensors.items():
        yield from array_lines(name, array, digits=digits)
        if (rounded := decimals(array)) is not None:
            yield from array_lines(f"{name}, in decimals", rounded, digits=digits)


def document(
    steps: Sequence[EvaluatedNetwork], tensors: Mapping[str, Array], values: Mapping[str, Any]
) -> dict[str, Any]:
    """Return tensors and numbers that are worked out as data. Exact numbers are texts."""
    from archcalc.report.matrices import is_small
    from archcalc.report.worked_solution import record

    entries = [
        {"tensor": name, **array_record(array, in_full=is_small(array[0]) or name in values["printed"])}
        for name, array in tensors.items()
    ]
    found: dict[str, Any] = {"network": steps[-1].network.name, "tensors": entries}
    if values["places"]:
        found["worked"] = [record(work_out(steps[-1], place).worked) for place in values["places"]]
    if values["steps"] or values["momentum"]:
        found["averages"] = [[record(each.worked) for each in averages(step)] for step in steps]
    return found
