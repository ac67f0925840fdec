"""The memory curve of a page: the tensors that are held while each layer of a run computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from archcalc.analysis.formats import in_bytes, read_formats
from archcalc.analysis.memory import live_elements, live_tensors, peak_at
from archcalc.analysis.propagate import Analysis
from archcalc.drawing.measure import SMALL, text_width
from archcalc.graph import write_shape
from archcalc.numeric import Number, product
from archcalc.report.table import Column, Table, bytes_in_full, bytes_text

WIDTH, HEIGHT = 900, 200
"""The size of the plot in pixels."""
MAX_STEPS = 450
"""The number of steps of the curve; each is at least two pixels wide."""


class CurveStep(NamedTuple):
    """One layer, or several consecutive ones, on the curve."""

    left: float
    width: float
    height: float
    text: str


class LayerSpan(NamedTuple):
    """A stage below the curve."""

    left: float
    width: float
    name: str
    """Empty if there is no room for it."""


@dataclass(frozen=True)
class MemoryCurve:
    """The curve of a run of a network."""

    steps: Sequence[CurveStep]
    stages: Sequence[LayerSpan]
    peak: CurveStep
    peak_layer: str
    peak_text: str
    held: Table
    """The tensors that are held at the peak, the largest first."""

    @property
    def outline(self) -> str:
        """The curve as the path of a filled area."""
        points = [f"M0 {HEIGHT}"]
        for step in self.steps:
            points.append(f"L{step.left:.1f} {HEIGHT - step.height:.1f}H{step.left + step.width:.1f}")
        return "".join(points) + f"V{HEIGHT}Z"


def live_bytes(analysis: Analysis, dtype: str) -> dict[int, Number]:
    """Return the bytes that are held while each node runs, by its index in the graph; nodes that do not run are absent.

    Args:
        analysis: the analysis of the network.
        dtype: the number formats of memory.
    """
    form, batch = read_formats(dtype).activations, analysis.batch or 1
    live = live_elements(analysis.graph, training=analysis.training)
    return {index: in_bytes(elements * batch, form) for index, elements in live}


def memory_curve(
    analysis: Analysis, live: Mapping[int, Number], layout: str, dtype: str, *, top: Number = 0
) -> MemoryCurve | None:
    """Return the memory curve of a network; ``None`` if it has no layers.

    Args:
        analysis: the analysis of the network.
        live: what `live_bytes` returns for it.
        layout: the layout in which shapes are written.
        dtype: the number formats of memory.
        top: the bytes that fill the height of the plot; by default, the peak.
    """
    graph = analysis.graph
    running = [(index, live[index]) for index, _ in graph.layers() if index in live]
    if not running:
        return None
    at = peak_at(graph, training=analysis.training)
    most, width = max(live.values()), WIDTH / len(running)

    def step(first: int, last: int) -> CurveStep:
        size = max(size for _, size in running[first:last])
        names = [graph.nodes[index].name for index, _ in (running[first], running[last - 1])]
        text = f"{' … '.join(dict.fromkeys(names))}: {bytes_text(size)}"
        return CurveStep(first * width, (last - first) * width, HEIGHT * size / (top or most) if most else 0, text)

    every = -(-len(running) // MAX_STEPS)
    steps = [step(first, min(first + every, len(running))) for first in range(0, len(running), every)]
    place = next((place for place, (index, _) in enumerate(running) if index == at), 0)
    return MemoryCurve(
        steps=steps,
        stages=_stages(analysis, [index for index, _ in running], width),
        peak=step(place, place + 1),
        peak_layer=graph.nodes[at].name,
        peak_text=bytes_in_full(most),
        held=_held(analysis, at, layout, dtype),
    )


def _stages(analysis: Analysis, running: Sequence[int], width: float) -> list[LayerSpan]:
    """Return the stages of the layers that run, in order; none if there are more than the curve has steps."""
    found: list[LayerSpan] = []
    before: tuple[str, ...] | None = None
    for place, index in enumerate(running):
        stage = analysis.graph.nodes[index].path[:1]
        if stage != before or not found:
            found.append(LayerSpan(place * width, 0, "".join(stage)))
        found[-1] = found[-1]._replace(width=(place + 1) * width - found[-1].left)
        before = stage
    if len(found) > MAX_STEPS:
        return []
    return [span if text_width(span.name, SMALL) + 8 < span.width else span._replace(name="") for span in found]


def _held(analysis: Analysis, at: int, layout: str, dtype: str) -> Table:
    graph, form, batch = analysis.graph, read_formats(dtype).activations, analysis.batch or 1
    rows = []
    for ref in live_tensors(graph, at, training=analysis.training):
        shape = graph.shape(ref)
        size = in_bytes(product(shape) * batch, form)
        rows.append((graph.nodes[ref.node].name, write_shape(shape, layout, analysis.batch), size))
    rows.sort(key=lambda row: -row[2])
    columns = (Column("tensor", "output of"), Column("shape", "shape"), Column("bytes", "size", "right"))
    return Table(columns, tuple((name, shape, bytes_text(size)) for name, shape, size in rows))
