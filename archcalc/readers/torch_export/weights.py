"""The stored arrays of an exported program, read from its archive when a run needs them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from archcalc.readers.archive import Archive
from archcalc.readers.aten.formats import NUMPY_DTYPES
from archcalc.readers.aten.program import COMPUTED, Call, Payload, Program
from archcalc.readers.stored_arrays import array_of, plain
from archcalc.spec.errors import SpecError, fail


def arrays_of(
    path: Path, name: str, program: Program, constant_calls: Iterable[Call], names: Iterable[str]
) -> dict[str, np.ndarray[Any, Any]]:
    """Return stored arrays and computed constants by their names.

    Args:
        path: the file.
        name: its name in messages.
        program: the program in the file.
        constant_calls: its calls on constants.
        names: the names of stored tensors as operators have them, and of computed constants after `COMPUTED`.

    Raises:
        SpecError: the file has no numbers for an array, or a constant cannot be computed.
    """
    wanted = list(names)
    payloads = {each.name: each.payload for each in program.stored.values()}
    for each in wanted:
        if not each.startswith(COMPUTED) and payloads.get(plain(each)) is None:
            fail("format", f"the file does not say where the numbers of '{plain(each)[:100]}' are", origin=name)
    found = load(path, name, [each for each in map(payloads.get, set(map(plain, wanted))) if each is not None])
    found |= {each: array_of(each, found) for each in wanted if plain(each) != each}
    computed = [each for each in wanted if each.startswith(COMPUTED)]
    if computed:
        from archcalc.readers.aten.constants import evaluate

        results = {each.removeprefix(COMPUTED): each for each in computed}
        values = evaluate(constant_calls, load_fixed(path, name, program), name, results)
        found |= {results[each]: value for each, value in values.items()}
    return found


def load_fixed(path: Path, name: str, program: Program) -> dict[str, np.ndarray[Any, Any]]:
    """Return the stored arrays that are not parameters, by their names in the program, as far as the file has them.

    Args:
        path: the file.
        name: its name in messages.
        program: the program in the file.
    """
    found = {}
    for local, each in program.stored.items():
        if each.kind != "parameter" and each.payload is not None:
            with suppress(SpecError):
                found[local] = load(path, name, [each.payload])[each.name].copy()
    return found


def load(path: Path, name: str, payloads: Iterable[Payload]) -> dict[str, np.ndarray[Any, Any]]:
    """Return stored arrays by their names in the file.

    Args:
        path: the file.
        name: its name in messages.
        payloads: the arrays.

    Raises:
        SpecError: the file has no numbers for an array, has too few, or has them in a pickle.
    """
    with Archive(path, name) as archive:
        order = archive.read("byteorder", 16).decode("ascii", "replace") if "byteorder" in archive else sys.byteorder
        return {each.name: _array(archive, each, "<" if order.strip() == "little" else ">") for each in payloads}


def _array(archive: Archive, payload: Payload, order: str) -> np.ndarray[Any, Any]:
    if payload.pickled:
        archive.refuse(f"the array '{payload.name}' is stored as a pickle, which could run code: it is not loaded")
    if payload.dtype not in NUMPY_DTYPES:
        archive.refuse(f"the array '{payload.name}' has the number format {payload.dtype}, which is not supported")
    dtype = np.dtype(order + NUMPY_DTYPES[payload.dtype])
    extent = payload.offset + sum(
        (size - 1) * stride for size, stride in zip(payload.sizes, payload.strides, strict=True)
    )
    needed = (extent + 1) * dtype.itemsize if prod(payload.sizes) else 0
    member = f"data/{payload.folder}/{payload.member}"
    stored = archive.size(member)
    if stored < needed:
        what = "no numbers" if not stored else "too few numbers"
        archive.refuse(
            f"the file has {what} for the array '{payload.name}'",
            "a model that is exported on the meta device has no weights",
        )
    numbers = np.frombuffer(archive.read(member, stored), dtype, count=stored // dtype.itemsize)
    strides = tuple([stride * dtype.itemsize for stride in payload.strides])
    view = np.lib.stride_tricks.as_strided(numbers[payload.offset :], payload.sizes, strides, writeable=False)
    if payload.dtype == "bfloat16":
        return (view.astype(np.uint32) << 16).view(np.float32)
    return np.ascontiguousarray(view).astype(dtype.newbyteorder("="), copy=False)
