"""What a training step costs, as a table of the parts of its memory and as a record."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Literal, TypeAlias

from archcalc.analysis.formats import read_formats
from archcalc.analysis.propagate import Analysis
from archcalc.analysis.training.cost import MemoryPart, StepMemory
from archcalc.analysis.training.setup import OPTIMIZERS
from archcalc.report.bars import bar_text
from archcalc.report.table import Column, Table, bytes_in_full, bytes_text

Bars: TypeAlias = Literal["none", "ascii", "blocks"]
"""How bars are drawn: not at all, with ``#``, or with block characters."""

BAR = 30
"""The length of the longest bar in columns."""


def training_table(analysis: Analysis, dtype: str, title: str, *, bars: Bars = "blocks") -> Table:
    """Return the parts of the memory of a training step with their shares, and the macs below."""
    memory = analysis.training_cost.step_memory(read_formats(dtype))
    parts = [part for part in memory.parts if part.bytes]
    total = sum(part.bytes for part in parts)
    columns = [Column("part", "part"), Column("bytes", "bytes", "right")]
    rows: list[tuple[Any, ...]] = [(part.name, part.bytes) for part in parts]
    if bars != "none":
        columns += [Column("size", "", "right"), Column("share", "share", "right"), Column("bar", "")]
        largest = max([part.bytes for part in parts], default=1)
        rows = [(part.name, part.bytes, bytes_text(part.bytes), *_share(part, total, largest, bars)) for part in parts]
    totals = ("training memory", total, *(() if bars == "none" else (bytes_text(total), None, None)))
    return Table(tuple(columns), tuple(rows), title, (totals,), tuple(_notes(analysis, memory, dtype)))


def _share(part: MemoryPart, total: int, largest: int, bars: Bars) -> tuple[str, str]:
    """Return the share of a part in per cent, and its bar."""
    bar = bar_text(Fraction(part.bytes, largest), BAR, blocks=bars == "blocks")
    return f"{float(Fraction(100 * part.bytes, total)):.1f} %", bar


def _notes(analysis: Analysis, memory: StepMemory, dtype: str) -> Iterator[str]:
    cost, setup, formats = analysis.training_cost, analysis.setup, read_formats(dtype)
    states = OPTIMIZERS[setup.optimizer].states
    kept = " and ".join(f"the {state}" for state in states)
    stored = f"{setup.optimizer} keeps {kept} of every trained parameter" if states else ""
    master = f"master weights in {setup.master}" if setup.master else ""
    yield "; ".join(each for each in (f"in {dtype}", master, stored) if each)
    yield f"worst moment: {memory.moment}"
    kept = "kept by PyTorch" if setup.as_pytorch else "saved"
    yield f"{kept} for the backward pass: {bytes_in_full(cost.saved(cost.runs, formats))}"
    forward, backward, both = analysis.totals.macs, cost.backward_macs(cost.runs), cost.training_macs(cost.runs)
    again = both - forward - backward
    more = f", recomputed {again:,}" if again else ""
    yield f"MACs: forward {forward:,}, backward {backward:,}{more}, training step {both:,}"
    if not cost.needs:
        yield "nothing is trained"
    if not analysis.totals.is_complete:
        yield "operators that cannot be counted are left out, so the figures are lower bounds"


def training_record(analysis: Analysis, dtype: str) -> dict[str, Any]:
    """Return what a training step costs as a record."""
    cost, setup, formats = analysis.training_cost, analysis.setup, read_formats(dtype)
    memory = cost.step_memory(formats)
    parts = {part.key: part.bytes for part in memory.parts}
    return {
        "optimizer": setup.optimizer,
        "master": setup.master or None,
        "inplace": setup.in_place,
        "frozen": list(setup.frozen),
        "checkpoints": list(setup.checkpoints),
        "backward_macs": cost.backward_macs(cost.runs),
        "training_macs": cost.training_macs(cost.runs),
        "saved": cost.saved(cost.runs, formats),
        "training_memory": sum(parts.values()),
        "parts": parts,
        "worst_moment": memory.moment,
    }
