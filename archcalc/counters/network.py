"""The numbers that all tools print for a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from archcalc.analysis.formats import Formats
from archcalc.analysis.propagate import Analysis, analyze
from archcalc.counters import assumed_trace, exported_trace, onnx_trace
from archcalc.counters.count import Count, count
from archcalc.counters.native_calls import NativeCalls
from archcalc.counters.registry import TOOLS
from archcalc.counters.rules import Tool, ToolQuantity
from archcalc.counters.trace import Trace
from archcalc.graph import Graph
from archcalc.numeric import Number
from archcalc.readers.aten.program import Program
from archcalc.readers.file import LoweredFile
from archcalc.readers.keras.read import KerasFile
from archcalc.readers.onnx.program import Nodes
from archcalc.readers.stored_arrays import plain
from archcalc.spec.errors import fail
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
        return exported_trace.trace_of(model.model.record, analysis, model.model.batch, used)
    trace = assumed_trace.trace_of(analysis)
    if isinstance(model, KerasFile):
        layers = {array.rpartition(".")[0] for array in model.written}
        written = {node.name: prod(map(int, node.output)) for _, node in graph.layers() if node.name in layers}
        return replace(trace, written=written)
    return trace


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
    of_nodes = nodes_of(analysis, model)
    traces = {"": trace, **({"onnx": of_nodes} if of_nodes is not None else {})}
    starts = start_figures(tools, analysis)
    native = {reads: NativeCalls(each) for reads, each in traces.items()}
    if not any(tool.reads in traces for tool in tools):
        names = ", ".join(dict.fromkeys(tool.name for tool in tools))
        hint = "give a file that ends in .onnx; --shape may give only the sizes that it leaves open"
        fail("argument", f"{names} counts the nodes of ONNX files only", hint=hint, origin=analysis.graph.name[:60])
    return [
        count(tool, quantity, traces[tool.reads], native[tool.reads], starts[quantity.start])
        for tool in tools
        if tool.reads in traces
        for quantity in tool.quantities
    ]


def counts_in_forms(analysis: Analysis, model: ModelFile | None = None) -> dict[str, list[Count]]:
    """Return the numbers that tools report for a network, by the way in which some of its layers are built.

    The first way, an empty text, is the assumed one. Others are codes of `archcalc.counters.assumed_trace.FORMS`;
    there is none if the network comes from a file that says how it is built, or has no such layers.
    """
    trace = trace_of(analysis.graph, model, analysis)
    found = {"": counts_of(analysis, model, trace=trace)}
    operators = [node.op for _, node in analysis.graph.layers()] if trace.assumptions else []
    for form, affects in assumed_trace.FORMS.items():
        if any(map(affects, operators)):
            found[form] = counts_of(analysis, model, trace=assumed_trace.trace_of(analysis, form))
    return found


def nodes_of(analysis: Analysis, model: ModelFile | None) -> Trace | None:
    """Return the trace of the nodes of an ONNX file; ``None`` if the network was not read from one."""
    if not isinstance(model, LoweredFile) or not isinstance(model.model.record, Nodes):
        return None
    if model.recorded.graph.inputs != analysis.graph.inputs:
        return None  # for other sizes than those that the nodes were read with
    return onnx_trace.trace_of(model.model.record, analysis, model.model.batch)


def start_figures(tools: Sequence[Tool], analysis: Analysis) -> dict[str, int]:
    """Return the figures of archcalc to which the terms of quantities are added, by name; 0 where none corresponds."""
    found = {"": 0}
    for quantity in (each for tool in tools for each in tool.quantities):
        if quantity.start not in found:
            found[quantity.start] = int(_start_figure(quantity, analysis))
    return found


def _start_figure(quantity: ToolQuantity, analysis: Analysis) -> Number:
    if not quantity.has_backward:
        return analysis.totals.of(quantity.start)
    cost = analysis.default_training_cost
    return cost.figure(quantity.start, cost.runs, Formats())
