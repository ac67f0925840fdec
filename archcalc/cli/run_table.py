"""Arrays as ``archcalc run`` lists them: their ranges or all of their numbers, and the largest values of vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archcalc.arrays.texts import count_text, float_text
from archcalc.graph import Graph, write_shape
from archcalc.report.table import Column, Table, bytes_text

if TYPE_CHECKING:
    from archcalc.api import Network
    from archcalc.executor.interpreter import Run
    from archcalc.executor.kernel import Array

TOP = 5
"""Largest values of an output vector that are listed, and examples of which they are."""


def table(network: Network, found: Mapping[str, Array], notes: Sequence[str] = ()) -> Table:
    """Return the table of tensors by name, batch in front, with further notes."""
    columns = (
        Column("tensor", "tensor", folds=True),
        Column("shape", "shape"),
        Column("dtype", "dtype"),
        Column("min", "min", "right"),
        Column("mean", "mean", "right"),
        Column("max", "max", "right"),
    )
    rows = []
    about: list[str] = []
    for name, array in found.items():
        numbers = [None if number is None else float_text(number) for number in range_of(array)]
        written = write_shape(array.shape[1:], network.graph.layout, len(array))
        rows.append((name, written, array.dtype.name, *numbers))
        about += largest_values(name if len(found) > 1 else "", array)
        about += not_finite(name, array)
    return Table(columns, tuple(rows), title=network.name, notes=(*about, *notes))


def values_table(what: str, arrays: Mapping[str, Array], digits: int) -> Table:
    """Return a table with a row for every number of arrays by name; ``what`` they are heads the column of names."""
    import numpy as np

    from archcalc.report.matrices import number_text

    columns = (Column(what, what), Column("index", "index"), Column("value", "value", "right"))
    rows = [
        (name, " ".join(map(str, index)), number_text(number, digits))
        for name, array in arrays.items()
        for index, number in np.ndenumerate(array)
    ]
    return Table(columns, tuple(rows))


def array_record(array: Array, *, in_full: bool) -> dict[str, Any]:
    """Return the shape of an array and its numbers, or their range, as data. Exact numbers are texts."""
    from archcalc.report.matrices import nested

    found: dict[str, Any] = {"shape": list(array.shape)}
    if in_full:
        return {**found, "values": nested(array)}
    numbers = [None if number is None else float(number) for number in range_of(array)]
    return {**found, **dict(zip(("min", "mean", "max"), numbers, strict=True))}


def range_of(array: Array) -> tuple[Any, Any, Any]:
    """Return the minimum, mean and maximum of the numbers of an array; ``None`` if it has none."""
    return (array.min(), array.mean(dtype="float64"), array.max()) if array.size else (None, None, None)


def notes_on_run(run: Run, graph: Graph, weights: Mapping[str, Array], times: Sequence[float], seed: int) -> list[str]:
    """Return the notes on the time and memory of a run, on random layers, and on the arrays that it updated."""
    stored = sum(array.nbytes for array in weights.values())
    notes = [
        f"time: {run.seconds * 1000:,.1f} ms; memory: tensors {bytes_text(run.peak)} (peak), "
        f"parameters {bytes_text(stored)}, work buffers {bytes_text(run.scratch)}"
    ]
    if times:
        from statistics import median

        what = f"{len(times)} timed runs: median" if len(times) > 1 else "1 timed run:"
        minimum = f", minimum {min(times) * 1000:,.1f} ms" if len(times) > 1 else ""
        notes.append(f"{what} {median(times) * 1000:,.1f} ms{minimum}")
    drawn = [node.op for node in graph.nodes if node.op.is_random]
    if drawn:
        seeded = sum(getattr(op, "seed", None) is not None for op in drawn)
        ways = ((len(drawn) - seeded, f"with --seed {seed}"), (seeded, "with a seed of the layer"))
        parts = [f"{count_text(count, 'layer')} {how}" for count, how in ways if count]
        notes.append(f"random numbers drawn for {' and '.join(parts)}")
    if run.updates:
        notes.append(f"{len(run.updates):,} stored arrays (running statistics) updated; --save-weights writes them")
    return notes


def largest_values(name: str, array: Array) -> list[str]:
    """Return the largest values of an output vector with their indices, for each of the first few examples."""
    import numpy as np

    if array.ndim != 2 or array.shape[1] < 2 or np.isnan(array).any():
        return []
    lines = []
    for example, numbers in enumerate(array[:TOP]):
        places = np.argsort(-numbers, kind="stable")[:TOP]
        label = " ".join(part for part in (name, f"example {example}" if len(array) > 1 else "") if part)
        listed = ", ".join(f"{place}: {float_text(numbers[place])}" for place in places)
        lines.append(f"largest values{f' of {label}' if label else ''}, by index: {listed}")
    return lines


def not_finite(name: str, array: Array) -> list[str]:
    """Return a line on values that are not finite, if there are any."""
    import numpy as np

    wrong = array.size - int(np.isfinite(array).sum())
    verb = "is" if wrong == 1 else "are"
    return [f"{wrong:,} of {array.size:,} values of {name} {verb} not finite (NaN or infinite)"] if wrong else []
