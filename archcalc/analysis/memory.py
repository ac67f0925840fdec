"""Memory in bytes: parameters, activations, and the peak of live tensors in a run in graph order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce

from archcalc.analysis.cache import cache_of
from archcalc.analysis.counts import Counts
from archcalc.analysis.formats import in_bytes, read_formats, stored_bytes
from archcalc.graph import Graph, Ref
from archcalc.numeric import Number, maximum, product
from archcalc.ops.base import Shape


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """The memory of a network in bytes, in given number formats."""

    dtype: str
    """The number formats as they are written, see `archcalc.analysis.formats.read_formats`."""
    params: Number
    """All stored parameters."""
    activations: Number
    """The outputs of all layers."""
    peak: Number
    """The largest size of tensors live at the same time at inference: inputs, outputs, and what later layers still
    read, without parameters."""
    kv_cache: Number
    """The keys and values that attention keeps for a context as long as the input."""
    kv_cache_per_token: Number
    """What one more token adds to them, while no window is full."""


def memory_of(
    graph: Graph, totals: Counts, *, dtype: str = "float32", batch: int | None = None, training: bool = False
) -> Memory:
    """Return the memory figures of a network.

    Args:
        graph: the network.
        totals: its counts, for the complete batch.
        dtype: the number formats, see `archcalc.analysis.formats.read_formats`.
        batch: the batch size; ``None`` for a single example.
        training: whether training heads run.

    Raises:
        ValueError: a number format is unknown.
    """
    formats = read_formats(dtype)
    made = formats.activations
    counted = [index for index, _ in graph.running(training=training)]
    cache = cache_of(graph, counted)
    return Memory(
        dtype=dtype,
        params=in_bytes(totals.params, formats.weights) if formats.are_equal else stored_bytes(graph, counted, formats),
        activations=in_bytes(totals.activations, made),
        peak=in_bytes(peak_elements(graph, training=training) * (batch or 1), made),
        kv_cache=in_bytes(cache.kept * (batch or 1), made),
        kv_cache_per_token=in_bytes(cache.per_token * (batch or 1), made),
    )


def peak_elements(graph: Graph, *, training: bool = False) -> Number:
    """Return the largest number of elements of tensors that are live at the same time.

    Layers run in graph order. A tensor is live from the layer that computes it until its last reader has run. Inputs of
    the network are live from the start, outputs to the end. Every layer allocates its outputs (nothing is computed in
    place).
    """
    return reduce(maximum, (live for _, live in live_elements(graph, training=training)))


def peak_at(graph: Graph, *, training: bool = False) -> int:
    """Return the index of the first layer at which the most elements are live (plain sizes only)."""
    index, _ = max(live_elements(graph, training=training), key=lambda row: row[1])
    return index


def live_elements(graph: Graph, *, training: bool = False) -> Iterator[tuple[int, Number]]:
    """Yield the index of each layer that runs, with the number of elements live while it runs."""
    elements, nodes, inputs = _elements(), graph.nodes, len(graph.inputs)
    freed: dict[int, Number] = {}
    """The number of elements that are live no longer once a layer has run."""
    for (maker, output), reader in _last_uses(graph, training=training).items():
        freed[reader] = freed.get(reader, 0) + elements(nodes[maker].outputs[output])
    live: Number = 0
    for shape in graph.inputs.values():
        live = live + elements(shape)
    for index, node in enumerate(nodes):
        if node.training and not training:
            continue
        if index >= inputs:
            for shape in node.outputs:
                live = live + elements(shape)
        yield index, live
        if index in freed:
            live = live - freed[index]


def _elements() -> Callable[[Shape], Number]:
    """Return a function that multiplies the sizes of a shape, once for each of the few shapes that layers share."""
    known: dict[int, Number] = {}

    def find(shape: Shape) -> Number:
        key = id(shape)  # numbers of some kinds cannot be compared
        if key not in known:
            known[key] = product(shape)
        return known[key]

    return find


def live_tensors(graph: Graph, at: int, *, training: bool = False) -> list[Ref]:
    """Return the tensors that are live while the layer with index ``at`` runs."""
    last = _last_uses(graph, training=training)
    made = max(at + 1, len(graph.inputs))
    return [Ref(*tensor) for tensor, reader in last.items() if tensor[0] < made and reader >= at]


def _last_uses(graph: Graph, *, training: bool) -> dict[tuple[int, int], int]:
    """Return the last reader of every tensor that is computed, or else the layer that computes it.

    Tensors are given as in `Ref`. Outputs of the network count as read after all layers.
    """
    last: dict[tuple[int, int], int] = {}
    for index, node in enumerate(graph.nodes):
        if training or not node.training:
            for ref in node.inputs:
                last[ref] = index
            for output in range(len(node.outputs)):
                last[index, output] = index
    outputs = [*graph.outputs.values(), *(graph.training_outputs.values() if training else ())]
    return last | dict.fromkeys(outputs, len(graph.nodes))
