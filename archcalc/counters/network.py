"""The numbers that all tools print for a network."""

from __future__ import annotations

from collections.abc import Sequence

from archcalc.analysis.propagate import Analysis, analyze
from archcalc.counters import assumed, exported
from archcalc.counters.count import Count, count
from archcalc.counters.native import NativeCalls
from archcalc.counters.registry import TOOLS
from archcalc.counters.rules import Quantity, Tool
from archcalc.counters.trace import Trace
from archcalc.graph import Graph
from archcalc.readers.aten.program import Program
from archcalc.readers.file import LoweredFile
from archcalc.readers.stored import plain
from archcalc.spec.models import ModelFile


def trace_of(graph: Graph, model: ModelFile | None = None, analysis: Analysis | None = None) -> Trace:
    """Return the trace of a network: from the file that it was read from, if that is an exported program.

    Args:
        graph: the network.
        model: the model file that it was read from.
        analysis: that of the graph, if it is known.
    """
    analysis = analyze(graph, receptive=False) if analysis is None else analysis
    if isinstance(model, LoweredFile) and model.recorded.graph is graph and isinstance(model.model.record, Program):
        used = frozenset(plain(name) for names in model.recorded.stored.values() for name in names)
        return exported.trace_of(model.model.record, analysis, model.model.batch, used)
    return assumed.trace_of(analysis)


def counts_of(
    analysis: Analysis, model: ModelFile | None = None, tools: Sequence[Tool] = TOOLS, trace: Trace | None = None
) -> list[Count]:
    """Return the numbers that tools print for a network.

    Args:
        analysis: that of the network.
        model: the model file that it was read from.
        tools: the tools.
        trace: the trace of the network, if it is known.
    """
    trace = trace_of(analysis.graph, model, analysis) if trace is None else trace
    native = NativeCalls(trace)
    return [
        count(tool, quantity, trace, native, start_figure(quantity, analysis))
        for tool in tools
        for quantity in tool.quantities
    ]


def start_figure(quantity: Quantity, analysis: Analysis) -> int:
    """Return the figure of archcalc to which the terms of a quantity are added; 0 if none corresponds."""
    return int(analysis.totals.of(quantity.start)) if quantity.start else 0
