"""Files of the package safetensors: a length, a JSON header, and the numbers, one tensor after the other.

Source: the description of the format in the repository of safetensors.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from archcalc.readers.checkpoints.checkpoint import MAX_AXES, MAX_SIZE, Checkpoint, CheckpointTensor
from archcalc.readers.checkpoints.formats import BITS
from archcalc.readers.json_text import read_json
from archcalc.spec.errors import fail

if TYPE_CHECKING:
    from archcalc.executor.kernel import Array

DTYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "U16": "uint16",
    "I16": "int16",
    "U32": "uint32",
    "I32": "int32",
    "U64": "uint64",
    "I64": "int64",
    "F16": "float16",
    "BF16": "bfloat16",
    "F32": "float32",
    "F64": "float64",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
    "C64": "complex64",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F4": "float4_e2m1fn",
    "F6_E2M3": "float6_e2m3fn",
    "F6_E3M2": "float6_e3m2fn",
}
"""Number formats by their names in the file."""
LENGTH_BYTES = 8
MAX_HEADER = 100_000_000
"""The largest header that the format allows."""
METADATA = "__metadata__"


def read_safetensors(path: Path, name: str) -> Checkpoint:
    """Return the tensors of a file, of which only the header is read.

    Args:
        path: the file.
        name: its name in messages.

    Raises:
        SpecError: it cannot be read, is not such a file, or its header contradicts itself or the size of the file.
        OSError: it cannot be read.
    """

    def refuse(reason: str) -> NoReturn:
        fail("format", f"not a valid safetensors file: {reason}", origin=name)

    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        start = LENGTH_BYTES + length
        if size < LENGTH_BYTES:
            refuse(f"the file has {size:,} bytes, fewer than the {LENGTH_BYTES} in front of its header")
        if start > size:
            refuse(f"its header would have {length:,} bytes, but the file has {size:,}")
        if length > MAX_HEADER:
            fail("limit", f"the header has {length:,} bytes, more than {MAX_HEADER:,}", origin=name)
        text = file.read(length)
    header = read_json(text, "the header of safetensors", name, largest=MAX_HEADER, mapping=_without_duplicates)
    if not isinstance(header, dict):
        refuse("the header is not a JSON object")
    metadata = header.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        refuse(f"'{METADATA}' must map names to text")
    tensors = {}
    for each, entry in header.items():
        problem = _entry_problem(entry)
        if problem:
            refuse(f"the tensor '{each[:80]}' {problem}")
        begin, end = entry["data_offsets"]
        tensor = CheckpointTensor(each, tuple(entry["shape"]), DTYPES[entry["dtype"]], (begin, end))
        if prod((*tensor.shape, BITS[tensor.dtype])) != 8 * (end - begin):
            refuse(f"the tensor '{each[:80]}' needs {tensor.bytes:,} bytes, but has {end - begin:,}")
        tensors[each] = tensor
    if not tensors:
        fail("format", "the file has no tensors", origin=name)
    problem = _order_problem(tensors.values(), size - start)
    if problem:
        refuse(problem)

    def load(tensor: CheckpointTensor) -> Array:
        import numpy as np

        from archcalc.readers.decoding import decoded, raw_dtype

        with path.open("rb") as file:
            file.seek(start + tensor.place[0])
            raw = np.fromfile(file, raw_dtype(tensor.dtype), tensor.numbers)
        if raw.size < tensor.numbers:
            refuse("the file became shorter while it was read")
        return decoded(raw.reshape(tensor.shape), tensor.dtype)

    return Checkpoint(name, "safetensors", tensors, load, metadata=metadata, is_ordered=False)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _entry_problem(entry: Any) -> str:
    """Return what is wrong with the entry of a tensor in the header, as the end of a sentence; empty if nothing is."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        return "must have dtype, shape and data_offsets"
    if not isinstance(entry["dtype"], str) or entry["dtype"] not in DTYPES:
        return f"has the number format {str(entry['dtype'])[:20]!r}, which safetensors does not have"
    if not _are_sizes(entry["shape"]) or len(entry["shape"]) > MAX_AXES:
        return f"must have a shape: a list of at most {MAX_AXES} integers from 0 on"
    if not _are_sizes(entry["data_offsets"]) or len(entry["data_offsets"]) != 2:
        return "must have two offsets: integers from 0 on"
    begin, end = entry["data_offsets"]
    return "ends before it begins" if end < begin else ""


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(each) is int and 0 <= each < MAX_SIZE for each in value)


def _order_problem(tensors: Iterable[CheckpointTensor], size: int) -> str:
    """Return what is wrong with the places of the tensors: the format has them one after the other, without gaps."""
    at, before = 0, "the header"
    for tensor in sorted(tensors, key=lambda tensor: tensor.place):
        begin, end = tensor.place
        if begin != at:
            what = "overlaps" if begin < at else "leaves a gap after"
            return f"the tensor '{tensor.name[:80]}' {what} {before}"
        at, before = end, f"'{tensor.name[:80]}'"
    if at == size:
        return ""
    return f"its tensors need {at:,} bytes, but {size:,} follow the header"
