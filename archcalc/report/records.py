"""An analysis as JSON-ready data in a stable form, documented by ``report/show.schema.json``."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict
from fractions import Fraction
from itertools import repeat
from typing import Any

from archcalc.analysis.counts import Counts
from archcalc.analysis.fields import FIELD_QUANTITIES, AxisField, Fields
from archcalc.analysis.formats import in_bytes, read_formats
from archcalc.analysis.propagate import Analysis, Group, Layer
from archcalc.graph import Ref
from archcalc.ops.base import Shape
from archcalc.query.quantities import SUMS
from archcalc.report.figures import MEMORY, Row, figures, ranking
from archcalc.report.json_text import INDENT, json_pieces, members, string, strings
from archcalc.report.training_cost import training_record

SCHEMA = 1
ITEM = INDENT * 2
"""The indentation of an item of a list in a document."""
MEMBER = ITEM + INDENT
"""The indentation of the members of such an item."""
SEPARATOR = ",\n"


def network_json(
    analysis: Analysis,
    dtype: str = "float32",
    *,
    depth: int | None = None,
    sort: str | None = None,
    training_step: bool = False,
) -> Iterator[str]:
    """Yield an analysis as JSON in pieces, one per layer: the text of a long network is never held as a whole.

    Shapes are lists with channels first, after the batch if there is one.

    Args:
        analysis: the analysis of a network.
        dtype: the number formats for memory, which is in bytes.
        depth: combine layers below this depth into their stage or block; ``None`` keeps every layer.
        sort: the column of numbers by which they are sorted, largest first; ``None`` keeps their order.
        training_step: whether to add what a training step costs.
    """
    rows: Sequence[Row] = analysis.layers if depth is None else analysis.folded(depth)
    if sort is not None:
        rows = [rows[at] for at in ranking(figures(analysis, rows, sort, dtype=dtype))]
    document = _document(analysis, dtype, iter(_Rows(analysis, rows, dtype)))
    return json_pieces(document | ({"training_step": training_record(analysis, dtype)} if training_step else {}))


def _document(analysis: Analysis, dtype: str, layers: Any) -> dict[str, Any]:
    graph = analysis.graph
    memory = analysis.memory(dtype)
    outputs: dict[str, Ref] = {**graph.outputs, **(graph.training_outputs if analysis.training else {})}
    absent = {"impossible_heads": dict(graph.impossible_heads)} if graph.impossible_heads else {}
    return {
        "schema": SCHEMA,
        "name": graph.name,
        "variables": {name: json_value(value) for name, value in graph.variables.items()},
        "inputs": {name: _shape(shape, analysis.batch) for name, shape in graph.inputs.items()},
        "outputs": {name: _shape(graph.shape(ref), analysis.batch) for name, ref in outputs.items()},
        **absent,
        "layers": layers,
        "totals": {
            **counts_record(analysis.totals),
            "layers": analysis.totals.layers,
            "memory": {"dtype": dtype, "params": memory.params, "activations": memory.activations},
            "peak": memory.peak,
            "kv_cache": memory.kv_cache,
            "kv_cache_per_token": memory.kv_cache_per_token,
            **_bound(analysis.totals),
        },
        **({"notes": list(graph.notes)} if graph.notes else {}),
    }


class _Rows:
    """The texts of the rows of a network, layers or groups of them; what rows have in common is written once.

    Args:
        analysis: the analysis of the network.
        rows: the rows.
        dtype: the number formats of memory.
    """

    def __init__(self, analysis: Analysis, rows: Sequence[Row], dtype: str) -> None:
        self.analysis = analysis
        self.several_inputs = len(analysis.graph.inputs) > 1
        self.rows = rows
        self.formats = read_formats(dtype)
        self.differs = analysis.shares_weights or not self.formats.are_equal
        """Whether the bytes of layers may differ that have everything else in common."""
        columns = [figures(analysis, rows, column, dtype=dtype) for column in MEMORY] if self.differs else []
        self.memory = zip(*columns, strict=True) if columns else repeat(())
        """The bytes of the parameters and of the outputs of each row, if they differ."""
        self.row_of: dict[str, str] = {}
        """The name of the row that contains each layer of a group."""
        for row in self.rows:
            if isinstance(row, Group):
                self.row_of.update((layer.name, row.name) for layer in row.layers)
        self.known: dict[Hashable, tuple[str, ...]] = {}
        """The texts that several rows have, by what they depend on: objects, by their identity, or values."""

    def __iter__(self) -> Iterator[str]:
        return map(self.text, self.rows, self.memory)

    def text(self, row: Row, memory: tuple[Any, ...]) -> str:
        """Return the text of a row, given its bytes if they differ."""
        parts = self.group(row) if isinstance(row, Group) else self.layer(row)
        key: Hashable = id(row.fields)
        parts += self.known.get(key) or self.written(key, _fields(row.fields, self.several_inputs))
        key = row.head, row.training
        parts += self.known.get(key) or self.written(key, {"head": row.head, "training": row.training})
        if memory:
            parts += self.known.get(memory) or self.written(memory, _memory(*memory))
        if not row.is_complete:
            parts += (_members(_bound(row)),)
        if self.analysis.shares_weights:
            shared = row.params - self.analysis.own_count(
                row, "params"
            )  # parameters that count at rows before this one
            if shared:
                parts += (_members({"shared_params": shared}),)
        return f"{{\n{SEPARATOR.join(parts)}\n{ITEM}}}"

    def layer(self, layer: Layer) -> tuple[str, ...]:
        """Return the members of a layer up to its counts."""
        key, node = id(layer.attributes), self.analysis.graph.nodes[layer.node]
        operator, sizes = self.known.get(key) or self.written(key, _operator(layer), self.sizes(layer))
        stage = "null" if node.stage is None else string(node.stage)
        read = [self.row_of.get(name, name) for name in layer.inputs] if self.row_of else layer.inputs
        path, inputs = strings(node.path, MEMBER), strings(read, MEMBER)
        named = f'{MEMBER}"name": {string(node.name)},\n{MEMBER}"stage": {stage},\n{MEMBER}"path": {path}'
        if node.origin is not None:
            named += SEPARATOR + _members({"origin": asdict(node.origin)})
        return named, operator, f'{MEMBER}"inputs": {inputs}', sizes

    def group(self, group: Group) -> tuple[str, ...]:
        """Return the members of a group up to its counts, which are the sums of its layers; ``op`` is ``None``."""
        read = dict.fromkeys(self.row_of.get(name, name) for layer in group.layers for name in layer.inputs)
        start: dict[str, Any] = {
            "name": group.name,
            "stage": group.stage if group.path else None,
            "path": list(group.path),
            "op": None,
            "layers": len(group.layers),
            "attributes": {},
            "inputs": [name for name in read if name != group.name],
        }
        return _members(start), _members(self.sizes(group))

    def sizes(self, row: Row) -> dict[str, Any]:
        """Return the shapes and counts of a row, and its bytes unless they differ."""
        found = {"output": list(row.output), "outputs": [list(shape) for shape in row.outputs], **counts_record(row)}
        if self.differs:
            return found
        formats = self.formats
        return found | _memory(in_bytes(row.params, formats.weights), in_bytes(row.activations, formats.activations))

    def written(self, key: Hashable, *records: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the members of records that other rows may have as well, and keep them for these."""
        found = self.known[key] = tuple(map(_members, records))
        return found


def _members(record: Mapping[str, Any]) -> str:
    return members(record, MEMBER)


def _operator(layer: Layer) -> dict[str, Any]:
    return {"op": layer.op, "attributes": {name: json_value(value) for name, value in layer.attributes.items()}}


def _memory(params: Any, activations: Any) -> dict[str, Any]:
    return {"memory": {"params": params, "activations": activations}}


def counts_record(counts: Counts) -> dict[str, Any]:
    """Return every count by its name, and the operations by their kinds."""
    record: dict[str, Any] = {name: counts.of(name) for name in SUMS}
    return {**record, "operations": dict(counts.operations)}


def _bound(counts: Counts) -> dict[str, bool]:
    """Return the mark of counts of operations that are lower bounds; nothing if they are complete."""
    return {} if counts.is_complete else {"lower_bound": True}


def _shape(shape: Shape, batch: int | None) -> list[Any]:
    return [*(() if batch is None else (batch,)), *shape]


def _fields(fields: Fields, several_inputs: bool) -> dict[str, Any]:
    """Return size, stride and padding of the receptive field, per axis (and per input if there are several)."""
    record: dict[str, Any] = {}
    numbers = {name: list(zip(*map(_numbers, axes), strict=True)) for name, axes in fields.items()}
    for index, key in enumerate(FIELD_QUANTITIES):
        by_input = {name: quantities[index] if quantities else () for name, quantities in numbers.items()}
        record[key] = by_input if several_inputs else next(iter(by_input.values()), ())
    local = [axis for axes in fields.values() for axis in axes if not axis.is_global]
    record["rf_exact"] = all(axis.exact for axis in local)
    record["rf_aligned"] = all(axis.aligned for axis in local)
    return record


def _numbers(axis: AxisField) -> list[Any]:
    """Return the quantities of a field along an axis, or the word that it has instead of each."""
    if not axis.is_local:
        return [axis.word] * len(FIELD_QUANTITIES)
    return [json_value(read(axis)) for read in FIELD_QUANTITIES.values()]


def json_value(value: Any) -> Any:
    """Return a value as JSON-ready data: tuples as lists, fractions as texts, connection tables as texts per row."""
    if type(value) is int:
        return value
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else str(value)
    if isinstance(value, tuple):
        if value and isinstance(value[0], tuple) and value[0] and isinstance(value[0][0], bool):
            return ["".join("X" if connected else "." for connected in row) for row in value]
        return [json_value(part) for part in value]
    return value
