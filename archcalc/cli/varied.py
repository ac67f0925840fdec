"""The options of verbs that vary something: which settings are given, and which are axes of a sweep."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from archcalc.spec import Given
from archcalc.spec.errors import fail
from archcalc.spec.limits import Limits
from archcalc.spec.ranges import read_values

if TYPE_CHECKING:
    from archcalc.analysis.grid import Axis
    from archcalc.analysis.sweep import Example, Refusal
    from archcalc.claims.conditions import Name

SIZE = re.compile(r"(?:\w+\.)?(?:[CLDHW]|n_\d+)")
"""The name of one size of an input: H, or prior.H."""

MANY = 500_000
"""Configurations from which on a progress bar is worth its place."""


class Varied(NamedTuple):
    """What is the same in all configurations, and what is varied."""

    given: Given
    axes: list[Axis]
    shapes: dict[str, str]
    """Axes whose values are shapes of a whole input, to its name."""


def read_settings(settings: Sequence[str], shapes: Sequence[str], layout: str | None, limits: Limits) -> Varied:
    """``--set NAME=VALUES`` and ``--shape H=VALUES``, where ``A=B=VALUES`` sets both to the same.

    Raises:
        SpecError: values that cannot be read, or a name that is set twice.
        click.UsageError: an option without a name.
    """
    from archcalc.analysis.grid import Axis

    fixed: dict[str, str] = {}
    fixed_shapes: dict[str, str] = {}
    numbers: dict[str, int | Fraction] = {}
    axes: list[Axis] = []
    whole: dict[str, str] = {}
    taken: set[str] = set()
    for option, text in (*(("--set", text) for text in settings), *(("--shape", text) for text in shapes)):
        joint, equals, written = (part.strip() for part in text.rpartition("="))
        names = [name.strip() for name in joint.split("=")]
        if (not equals and option == "--set") or (equals and not all(names)):
            raise click.UsageError(f"{option} takes NAME=VALUES, got '{text[:60]}'")
        for name in names:
            if name in taken:
                fail("duplicate", f"'{name[:40] or 'the shape'}' is set twice", origin=f"{option} {text[:40]}")
        taken |= {*names}
        values = read_values(f"{option} {joint}".strip(), written, limits)
        if option == "--shape" and not all(SIZE.fullmatch(name) for name in names):
            texts = tuple(map(str, values))
            if len(texts) == 1:
                fixed_shapes[joint] = written
            else:
                axes.append(Axis(joint or "input", texts))
                whole[joint or "input"] = joint
            continue
        if option == "--shape":
            _positive(values, f"{option} {joint}")
        if len(values) > 1:
            axes.append(Axis("=".join(names), values))
        elif option == "--shape":
            numbers.update(dict.fromkeys(names, int(values[0])))
        else:
            fixed.update(dict.fromkeys(names, written))
    return Varied(Given(fixed, fixed_shapes, layout, numbers), axes, whole)


def _positive(values: Sequence[Any], origin: str) -> None:
    """Sizes are positive whole numbers."""
    wrong = [
        value for value in (values if isinstance(values, tuple) else (values[0], values[-1])) if _is_no_size(value)
    ]
    if not isinstance(values, tuple | range):  # a range of fractions
        wrong = wrong or [values[1]]
    if wrong:
        fail("shape", f"sizes are positive whole numbers, got {wrong[0]}", origin=origin)


def _is_no_size(value: Any) -> bool:
    return type(value) is not int or value < 1


def read_names(option: str, written: str) -> list[Name]:
    """Names of quantities, separated by commas, in the notation of targets.

    Raises:
        SpecError: one of them is none.
    """
    from archcalc.claims.conditions import read_name

    names = []
    start = 0
    for piece in written.split(","):
        if piece.strip():
            names.append(read_name(option, piece, start))
        start += len(piece) + 1
    if not names:
        fail("argument", "names no quantity", origin=option)
    return names


def name_text(name: Name) -> str:
    """A name as it is written."""
    return name.name if name.place is None else f"{name.place}.{name.name}"


def value_text(value: Any) -> Any:
    """What a cell shows: exact decimals where there are some, shapes with ×, fields of equal axes once."""
    if isinstance(value, tuple):
        parts = [str(value_text(part)) for part in value]
        return "x".join(parts)
    if type(value) is not Fraction:
        return value
    twos_and_fives = value.denominator
    for prime in (2, 5):
        while twos_and_fives % prime == 0:
            twos_and_fives //= prime
    if twos_and_fives != 1:
        return str(value)
    digits = 0
    while (value * 10**digits).denominator != 1:
        digits += 1
    scaled = str(abs(int(value * 10**digits))).rjust(digits + 1, "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{scaled[:-digits]}.{scaled[-digits:]}"


def reason_text(refusal: Refusal, example: Example | None) -> str:
    """An impossible configuration and what is wrong with it."""
    if example is None:
        return f": {refusal.message}"
    settings = ", ".join(f"{name}={value_text(value)}" for name, value in example.settings.items())
    return f", such as {settings}: {f'{refusal.layer}: ' * bool(refusal.layer)}{example.message}"


@contextmanager
def progress(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error, if that is a terminal and the work is long; yields how to advance it."""
    import sys

    if total < MANY or not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.advance(task, done)
