"""Cells of network tables: what a column shows of a layer or a group of layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archcalc.analysis.propagate import Analysis, Group, Layer
from archcalc.analysis.receptive import AxisField
from archcalc.graph import ordered
from archcalc.report.table import Column
from archcalc.spec.errors import fail, suggest
from archcalc.spec.write import write_layer

Row = Layer | Group

COLUMNS = {
    column.key: column
    for column in (
        Column("layer", "layer"),
        Column("op", "operator"),
        Column("input", "input"),
        Column("output", "output"),
        Column("params", "params", "right"),
        Column("trainable", "trainable", "right"),
        Column("connections", "connections", "right"),
        Column("macs", "MACs", "right"),
        Column("mults", "mults", "right"),
        Column("flops", "FLOPs", "right"),
        Column("activations", "activations", "right"),
        Column("rf", "RF", "right"),
        Column("rf_stride", "RF stride", "right"),
        Column("rf_padding", "RF padding", "right"),
        Column("stage", "stage"),
        Column("head", "head"),
    )
}
DEFAULT = ("layer", "op", "output", "params", "macs", "rf")
SUMS = ("params", "trainable", "connections", "macs", "mults", "flops", "activations")
LONGEST_OPERATOR = 32


def chosen_columns(written: str | None, known: tuple[str, ...], default: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of ``--columns a,b,c``.

    Raises:
        SpecError: an unknown name.
    """
    if written is None:
        return default
    names = tuple(name.strip().lower() for name in written.split(",") if name.strip())
    for name in names or ("",):
        if name not in known:
            hint = suggest(name, known, f"the columns are {', '.join(known)}")
            fail("argument", f"no column '{name[:40]}'", hint=hint, origin="--columns")
    return names


def cell(row: Row, column: str, analysis: Analysis, layout: str) -> Any:
    """What a column shows of a row, for people."""
    if column in SUMS:
        return getattr(row, column)
    if column in _TEXTS:
        return _TEXTS[column](row, analysis, layout)
    return field_text(row, column)


def _name(row: Row, analysis: Analysis, layout: str) -> str:
    training = row.training if isinstance(row, Layer) else row.layers[-1].training
    mark = " (training)" if training else " (head)" if row.head else ""
    return row.name + mark


def _operator(row: Row, analysis: Analysis, layout: str) -> str:
    if isinstance(row, Group):
        count = len(row.layers)
        return f"{count} layer{'s' * (count > 1)}"
    text = write_layer(analysis.graph.nodes[row.node].op)
    return text if len(text) <= LONGEST_OPERATOR else text[: LONGEST_OPERATOR - 1] + "…"


def _output(row: Row, analysis: Analysis, layout: str) -> str:
    return shape_text(row.output, analysis, layout)


def _input(row: Row, analysis: Analysis, layout: str) -> str:
    first = row.layers[0] if isinstance(row, Group) else row
    graph = analysis.graph
    batch = () if analysis.batch is None else (analysis.batch,)
    shapes = graph.input_shapes(graph.nodes[first.node])
    return " ".join(shape_text((*batch, *shape), analysis, layout) for shape in shapes)


def _stage(row: Row, analysis: Analysis, layout: str) -> str | None:
    return row.path[0] if isinstance(row, Group) else row.stage


_TEXTS: dict[str, Callable[[Row, Analysis, str], Any]] = {
    "layer": _name,
    "op": _operator,
    "output": _output,
    "input": _input,
    "stage": _stage,
    "head": lambda row, analysis, layout: row.head,
}


def shape_text(shape: tuple[Any, ...], analysis: Analysis, layout: str) -> str:
    """A shape as it is written in a layout, the batch in front if there is one."""
    batch = shape[:1] if analysis.batch is not None else ()
    own = shape[1:] if analysis.batch is not None else shape
    return "x".join(map(str, (*batch, *ordered(own, layout))))


READ: dict[str, Callable[[AxisField], Any]] = {
    "rf": lambda axis: axis.size,
    "rf_stride": lambda axis: axis.stride,
    "rf_padding": lambda axis: axis.padding,
}


def field_text(row: Row, column: str) -> str | None:
    """A receptive field for people: one number where all axes agree, a range after upsampling, ``~`` if unaligned."""
    texts = []
    for name, axes in row.fields.items():
        parts = [_axis_text(axis, column) for axis in axes]
        if not parts:
            continue
        text = parts[0] if len(set(parts)) == 1 else "x".join(parts)
        unaligned = column == "rf" and any(not axis.aligned for axis in axes if not axis.is_global)
        prefix = f"{name} " if len(row.fields) > 1 else ""
        texts.append(f"{prefix}{'~' if unaligned else ''}{text}")
    return ", ".join(texts) or None


def _axis_text(axis: AxisField, column: str) -> str:
    if axis.is_global:
        return "global"
    if column == "rf":
        smallest, largest = axis.sizes()
        if smallest != largest:
            return f"{smallest}–{largest}"
    return str(READ[column](axis))
