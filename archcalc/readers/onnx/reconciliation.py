"""Why a file has other parameters than the network that was exported: expanded tables, results, and shared arrays.

Exporters evaluate what depends on parameters and constants only, such as the sines of positions, layers without an
input, or the bias of relative positions, which is then as large as the table of all pairs of positions; and they store
arrays that are equal, such as the biases of an untrained network, only once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from math import prod

from archcalc.readers.aten.calls import tensors_in
from archcalc.readers.aten.registry import TRANSLATIONS
from archcalc.readers.onnx.tensors import TRAINED, OnnxTensors
from archcalc.spec.errors import SpecError

MAX_COMPARED = 1_000_000
"""The number of elements of an array whose distinct numbers are counted."""

COMPUTED = re.compile(r"val_\d+|onnx::\w+_\d+|(?:.*/)?Constant(?:_\d+)?_output_\d+")
"""The names that PyTorch's exporters give to results which they compute, not to parameters."""

NUMBERS = re.compile(r"(?:_\d+)+$")
"""The numbers behind the names of results, which several have."""

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
    read = _read_as_results(tensors)
    tables = dict(_expanded_tables(tensors, read))
    results = [name for name in (tensors.source(each) for each in read if each not in tables) if _is_computed(name)]
    if results:
        count = sum(prod(tensors.sizes(name)) for name in results)
        arrays = "1 stored array is a result" if len(results) == 1 else f"{len(results):,} stored arrays are results"
        yield (
            f"{arrays} of {count:,} numbers that the exporter computed in advance: {_listed(results)}; "
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


def _is_computed(name: str) -> bool:
    """Return whether a stored tensor has the name of a result; `torch.export` calls results after their operators."""
    return COMPUTED.fullmatch(name) is not None or f"aten.{NUMBERS.sub('', name)}" in TRANSLATIONS


def _read_as_results(tensors: OnnxTensors) -> list[str]:
    """Return the parameters that layers read as they read what other layers compute, not as their weights."""
    found: dict[str, None] = {}
    for call in tensors.calls:
        base = call.target.split(".")[1]
        own = TRAINED.get(base, ("weight", "bias"))
        read = [value for argument, value in call.arguments.items() if argument not in own]
        found.update((name, None) for name in map(tensors.resolved, tensors_in(read)) if tensors.is_parameter(name))
    return [*found]


def _listed(names: Sequence[str]) -> str:
    return ", ".join([*names[:MAX_LISTED], *(["…"] if len(names) > MAX_LISTED else [])])


def _expanded_tables(tensors: OnnxTensors, names: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield the parameters that repeat few numbers in each of their matrices, and how many numbers these are."""
    import numpy as np

    for name in names:
        sizes = tensors.sizes(name)
        if len(sizes) < 2 or min(sizes[-2:]) < 2 or prod(sizes) > MAX_COMPARED:
            continue
        try:
            array = tensors.arrays.array(name)
        except SpecError:
            continue  # its numbers are missing
        matrices = array.reshape(-1, sizes[-2] * sizes[-1])
        distinct = sum(np.unique(matrix).size for matrix in matrices)
        if len(matrices) < distinct <= FEW * prod(sizes):
            yield name, distinct
