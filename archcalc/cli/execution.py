"""What verbs that run networks share: the limit on memory, errors of arrays, progress on a terminal."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from archcalc.report.table import bytes_text
from archcalc.spec.errors import Problem, SpecError, fail

if TYPE_CHECKING:
    from archcalc.api import Network

UNITS = {"": 1, "k": 10, "m": 20, "g": 30, "t": 40}
WORK_BUFFERS = 8 << 20
"""Approximate bytes of the kernels' shared buffers (gathered windows), besides tensors and parameters."""
PROGRESS_DELAY = 0.5
"""Seconds after which a progress bar appears."""


class Bytes(click.ParamType[int]):
    """A size of memory: ``500M``, ``2G``, ``1.5 GiB``, a number of bytes. Units are powers of 1,024."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,9})?)\s*([kmgt]?)(?:i?b)?", str(value).strip().lower(), re.ASCII)
        if not found:
            return self.fail(f"'{str(value)[:40]}' is not a size such as 500M or 2G", param, ctx)
        number, unit = found.groups()
        return int(float(number) * (1 << UNITS[unit] if unit else 1))


def memory_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--max-memory`` to a command."""
    return click.option(
        "--max-memory",
        type=Bytes(),
        metavar="SIZE",
        help="Memory of a run, e.g. 4G.  [default: the available memory]",
    )(command)


def require_memory(
    network: Network,
    limit: int | None,
    *,
    batch: int,
    dtype: str,
    training: bool = False,
    copies: int = 1,
    workers: int = 1,
    backward: bool = False,
) -> int:
    """Return the bytes that a run needs according to the analysis: parameters, live tensors, work buffers.

    Args:
        network: the network to run.
        limit: bytes that it may take; by default what is available.
        batch: the number of examples.
        dtype: the number format.
        training: whether training heads run as well.
        copies: how many copies of the parameters are held.
        workers: how many processes have work buffers.
        backward: whether a backward pass follows, for which at most all tensors are kept, and which gives every
            parameter a gradient.

    Raises:
        SpecError: it needs more than the limit; nothing has been computed.
    """
    memory = network.analyze(batch=batch, training=training).memory(dtype)
    params = memory.params * (copies + backward)
    tensors = memory.peak + (memory.activations if backward else 0)
    needed = params + tensors + WORK_BUFFERS * workers
    most = available_memory() if limit is None else limit
    if needed > most:
        bound = "available" if limit is None else "allowed by --max-memory"
        fail(
            "too-large",
            f"{'a backward pass of' if backward else 'running'} {network.name} needs about {bytes_text(needed)} "
            f"(parameters{' and their gradients' if backward else ''} {bytes_text(params)}, "
            f"tensors {bytes_text(tensors)}); "
            f"{bytes_text(most)} {bound}",
            hint="raise the limit with --max-memory, or reduce --shape or --batch",
            origin=network.spec.source.name[:60],
        )
    return int(needed)


def available_memory() -> int:
    """Return the bytes of memory that are available without swapping."""
    import psutil

    return int(psutil.virtual_memory().available)


@contextmanager
def array_errors(origin: str) -> Iterator[None]:
    """Turn errors of arrays into errors of the command, one for each finding, named after the origin of the arrays."""
    from archcalc.executor.errors import MAX_LISTED, ArrayError, MissingDefinition

    try:
        yield
    except MissingDefinition as error:
        fail("missing", str(error), hint="show, explain and formula do not need it")
    except ArrayError as error:
        shown = [Problem("array", problem, origin=origin) for problem in error.problems[:MAX_LISTED]]
        if more := len(error.problems) - len(shown):
            shown.append(Problem("array", f"and {more:,} more", origin=origin))
        raise SpecError(shown) from None


def different_files(output: str | None, weights: str | None) -> None:
    """Fail if ``--output`` and ``--save-weights`` name the same file: one would overwrite the other."""
    if output is not None and weights is not None and os.path.realpath(output) == os.path.realpath(weights):
        fail(
            "argument", f"'{output[:80]}' is the file of --output", hint="choose another file", origin="--save-weights"
        )


@contextmanager
def progress(title: str, steps: int) -> Iterator[Callable[[object], None] | None]:
    """Yield a function to call after every step, which shows a progress bar if the steps take long.

    ``None`` if standard error is not a terminal.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    begin = time.monotonic()
    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task(title, total=steps)

    def advance(step: object) -> None:
        bar.advance(task)
        if not bar.live.is_started and time.monotonic() - begin > PROGRESS_DELAY:
            bar.start()

    try:
        yield advance
    finally:
        bar.stop()
