"""Why a file has other parameters than the network that was exported: expanded tables, results, and shared arrays.

Exporters evaluate what depends on parameters only, such as layers without an input, or the bias of relative positions,
which is then as large as the table of all pairs of positions; and they store arrays that are equal, such as the biases
of an untrained network, only once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from math import prod

from archcalc.readers.aten.calls import tensors_in
from archcalc.readers.onnx.tensors import JOINS, TRAINED, OnnxTensors
from archcalc.spec.errors import SpecError

MAX_COMPARED = 1_000_000
"""The number of elements of an array whose distinct numbers are counted."""

COMPUTED = re.compile(r"val_\d+|onnx::\w+_\d+")
"""The names that PyTorch's exporters give to results which they compute, not to parameters."""

MAX_LISTED = 3
"""The number of arrays that a note names."""

FEW = 0.5
"""The share of distinct numbers of an array below which it is an expanded table."""


def notes(tensors: OnnxTensors) -> Iterator[str]:
    """Yield what explains the number of parameters of a file."""
    uses = Counter(
        tensors.resolved(name)
        for call in tensors.calls
        for name in tensors_in([*call.arguments.values()])
        if tensors.is_parameter(name)
    )
    shared = {name: count for name, count in uses.items() if count > 1}
    if shared:
        more = sum((count - 1) * prod(tensors.sizes(name)) for name, count in shared.items())
        arrays = "1 stored array is" if len(shared) == 1 else f"{len(shared):,} stored arrays are"
        yield f"{arrays} used in several places, which would have {more:,} more parameters with arrays of their own"
    tables = dict(_expanded_tables(tensors))
    read = [name for name in _read_as_results(tensors) if name not in tables]
    results = [name for name in map(tensors.source, read) if COMPUTED.fullmatch(name)]
    if results:
        count = sum(prod(tensors.sizes(name)) for name in results)
        arrays = "1 stored array is a result" if len(results) == 1 else f"{len(results):,} stored arrays are results"
        yield (
            f"{arrays} of {count:,} numbers that the exporter computed from parameters: {_listed(results)}; "
            "the layers that compute them are not in the file"
        )
    if tables:
        count, distinct = sum(prod(tensors.sizes(name)) for name in tables), sum(tables.values())
        arrays = (
            "1 stored array is an expanded table"
            if len(tables) == 1
            else f"{len(tables):,} stored arrays are expanded tables"
        )
        yield f"{arrays}: {count:,} parameters with {distinct:,} distinct values in their matrices"


def _read_as_results(tensors: OnnxTensors) -> list[str]:
    """Return the parameters that layers read as they read what other layers compute, not as their weights."""
    found: dict[str, None] = {}
    for call in tensors.calls:
        base = call.target.split(".")[1]
        own = TRAINED.get(base, ("weight", "bias"))
        read = [value for argument, value in call.arguments.items() if argument not in own]
        found.update(
            (name, None)
            for name in map(tensors.resolved, tensors_in(read))
            if tensors.is_parameter(name) and len(tensors.sizes(name)) > 1
        )
    return [*found]


def _listed(names: Sequence[str]) -> str:
    return ", ".join([*names[:MAX_LISTED], *(["…"] if len(names) > MAX_LISTED else [])])


def _expanded_tables(tensors: OnnxTensors) -> Iterator[tuple[str, int]]:
    """Yield the parameters that repeat few numbers in each of their matrices, and how many numbers these are."""
    import numpy as np

    seen = set()
    for call in tensors.calls:
        for name in tensors_in([*call.arguments.values()]) if call.target.split(".")[1] in JOINS else ():
            found = tensors.resolved(name)
            if found in seen or not tensors.is_parameter(found):
                continue
            seen.add(found)
            sizes = tensors.sizes(found)
            if len(sizes) < 2 or min(sizes[-2:]) < 2 or prod(sizes) > MAX_COMPARED:
                continue
            try:
                array = tensors.arrays.array(found)
            except SpecError:
                continue  # its numbers are missing
            matrices = array.reshape(-1, sizes[-2] * sizes[-1])
            distinct = sum(np.unique(matrix).size for matrix in matrices)
            if len(matrices) < distinct <= FEW * prod(sizes):
                yield found, distinct
