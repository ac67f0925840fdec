"""What sweep and solve share: how they write values and reasons, and their progress bar."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archcalc.spec.write import written_number

if TYPE_CHECKING:
    from archcalc.query.sweep import Example, Refusal

PROGRESS_FROM = 500_000
"""Number of configurations from which a progress bar is shown."""


def collect_garbage() -> None:
    """Switch garbage collection on, which `archcalc.cli.main` switches off: a sweep reads its network many times."""
    gc.enable()


def value_text(value: Any) -> Any:
    """Return the content of a cell: fractions as exact decimals where these end, shapes as texts."""
    if isinstance(value, tuple):
        parts = [str(value_text(part)) for part in value]
        return "x".join(parts)
    return written_number(value) if type(value) is Fraction else value


def reason_text(refusal: Refusal, example: Example | None) -> str:
    """Return the reason why configurations are impossible, with an example if there is one."""
    if example is None:
        return f": {refusal.message}"
    settings = ", ".join(f"{name}={value_text(value)}" for name, value in example.settings.items())
    return f", for example {settings}: {f'{refusal.layer}: ' * bool(refusal.layer)}{example.message}"


@contextmanager
def progress(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on standard error if that is a terminal and the work is long; yield how to advance it."""
    import sys

    if total < PROGRESS_FROM or not sys.stderr.isatty():
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
