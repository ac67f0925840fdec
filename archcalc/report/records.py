"""An analysis as JSON-ready data in a stable form, documented by ``report/show.schema.json``."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict
from fractions import Fraction
from typing import Any

from archcalc.analysis.counts import Counts
from archcalc.analysis.fields import FIELD_QUANTITIES, AxisField, Fields
from archcalc.analysis.propagate import Analysis, Group, Layer
from archcalc.graph import Ref
from archcalc.numeric import Number
from archcalc.ops.base import Shape
from archcalc.query.quantities import SUMS
from archcalc.report.json_text import INDENT, Encoded, json_pieces, members

SCHEMA = 1
ITEM = INDENT * 2
"""The indentation of an item of a list in a document."""


def network_record(analysis: Analysis, dtype: str = "float32", *, depth: int | None = None) -> dict[str, Any]:
    """Return an analysis as data. Shapes are lists with channels first, after the batch if there is one.

    Args:
        analysis: the analysis of a network.
        dtype: the number format for memory, which is in bytes.
        depth: combine layers below this depth into their stage or block; ``None`` keeps every layer.
    """
    records = _RowRecords(analysis, depth)
    return _document(analysis, dtype, [records.record(row) for row in records.rows])


def network_json(analysis: Analysis, dtype: str = "float32", *, depth: int | None = None) -> Iterator[str]:
    """Yield the text of `network_record` in pieces, one per layer: long networks are never held as a whole."""
    records = _RowRecords(analysis, depth)
    return json_pieces(_document(analysis, dtype, (records.text(row) for row in records.rows)))


def _document(analysis: Analysis, dtype: str, layers: Any) -> dict[str, Any]:
    graph = analysis.graph
    memory = analysis.memory(dtype)
    outputs: dict[str, Ref] = {**graph.outputs, **(graph.training_outputs if analysis.training else {})}
    absent = {"impossible_heads": dict(graph.impossible_heads)} if graph.impossible_heads else {}
    return {
        "schema": SCHEMA,
        "name": graph.name,
        "variables": {name: plain(value) for name, value in graph.variables.items()},
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


class _Part:
    """Some members of a record, with their text once it has been written."""

    __slots__ = ("_text", "members")

    def __init__(self, members: Mapping[str, Any]) -> None:
        self.members = members
        self._text: str | None = None

    @property
    def text(self) -> str:
        if self._text is None:
            self._text = members(self.members, ITEM + INDENT)
        return self._text


class _RowRecords:
    """The records of the rows of a network, layers or groups of them; what rows have in common is written once."""

    def __init__(self, analysis: Analysis, depth: int | None) -> None:
        self.analysis = analysis
        self.several_inputs = len(analysis.graph.inputs) > 1
        self.rows: Sequence[Layer | Group] = analysis.layers if depth is None else analysis.folded(depth)
        self.row_of: dict[str, str] = {}
        """The name of the row that contains each layer of a group."""
        for row in self.rows:
            if isinstance(row, Group):
                self.row_of.update((layer.name, row.name) for layer in row.layers)
        self.known: dict[Hashable, tuple[_Part, ...]] = {}
        """The parts that several rows have, by what they depend on."""

    def record(self, row: Layer | Group) -> dict[str, Any]:
        """Return a row as data."""
        return {name: value for part in self.parts(row) for name, value in part.members.items()}

    def text(self, row: Layer | Group) -> Encoded:
        """Return a row as JSON."""
        inner = ",\n".join([part.text for part in self.parts(row)])
        return Encoded(f"{{\n{inner}\n{ITEM}}}")

    def parts(self, row: Layer | Group) -> list[_Part]:
        """Return the parts of a record."""
        found = [
            *(self.group(row) if isinstance(row, Group) else self.layer(row)),
            *self.shared(("fields", id(row.fields)), lambda: (_fields(row.fields, self.several_inputs),)),
            *self.shared((row.head, row.training), lambda: ({"head": row.head, "training": row.training},)),
            *([] if row.is_complete else [_Part(_bound(row))]),
        ]
        if self.analysis.shares_weights:
            shared = row.params - self.analysis.own(row, "params")  # parameters that count at rows before this one
            found += [_Part({"shared_params": shared})] if shared else []
        return found

    def layer(self, layer: Layer) -> list[_Part]:
        """Return the parts of a layer up to its counts."""
        operator, sizes = self.shared(("layer", id(layer.attributes)), lambda: (_operator(layer), _sizes(layer)))
        origin = self.analysis.graph.nodes[layer.node].origin
        return [
            _Part({"name": layer.name, "stage": layer.stage, "path": layer.path}),
            *([] if origin is None else [_Part({"origin": asdict(origin)})]),
            operator,
            _Part({"inputs": [self.row_of.get(name, name) for name in layer.inputs]}),
            sizes,
        ]

    def group(self, group: Group) -> list[_Part]:
        """Return the parts of a group up to its counts, which are the sums of its layers; ``op`` is ``None``."""
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
        return [_Part(start), _Part(_sizes(group))]

    def shared(self, key: Hashable, write: Callable[[], tuple[Mapping[str, Any], ...]]) -> tuple[_Part, ...]:
        """Return parts that other rows may have as well."""
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = tuple(map(_Part, write()))
        return found


def _operator(layer: Layer) -> dict[str, Any]:
    return {"op": layer.op, "attributes": {name: plain(value) for name, value in layer.attributes.items()}}


def _sizes(row: Layer | Group) -> dict[str, Any]:
    return {"output": list(row.output), "outputs": [list(shape) for shape in row.outputs], **counts_record(row)}


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
    for key, read in FIELD_QUANTITIES.items():
        by_input = {name: [_size(axis, read) for axis in axes] for name, axes in fields.items()}
        record[key] = by_input if several_inputs else next(iter(by_input.values()), [])
    local = [axis for axes in fields.values() for axis in axes if not axis.is_global]
    record["rf_exact"] = all(axis.exact for axis in local)
    record["rf_aligned"] = all(axis.aligned for axis in local)
    return record


def _size(axis: AxisField, read: Callable[[AxisField], Number]) -> Any:
    return plain(read(axis)) if axis.is_local else axis.word


def plain(value: Any) -> Any:
    """Return a value as JSON-ready data: tuples as lists, fractions as texts, connection tables as texts per row."""
    if type(value) is int:
        return value
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else str(value)
    if isinstance(value, tuple):
        if value and isinstance(value[0], tuple) and value[0] and isinstance(value[0][0], bool):
            return ["".join("X" if connected else "." for connected in row) for row in value]
        return [plain(part) for part in value]
    return value
