"""Checkpoints byte by byte, as the libraries write them, and without these libraries."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]
SAFETENSORS_FORMATS = {
    "float32": "F32",
    "float64": "F64",
    "float16": "F16",
    "int64": "I64",
    "int8": "I8",
    "bool": "BOOL",
}
STORAGES = {"float32": "FloatStorage", "float64": "DoubleStorage", "float16": "HalfStorage", "int64": "LongStorage"}


def safetensors(header: Mapping[str, Any], data: bytes) -> bytes:
    """Return the content of a file with this header."""
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def write_safetensors(path: Path, arrays: Mapping[str, Numbers], metadata: Mapping[str, str] | None = None) -> Path:
    """Write arrays in the order given."""
    header: dict[str, Any] = {} if metadata is None else {"__metadata__": metadata}
    data = b""
    for name, array in arrays.items():
        end = len(data) + array.nbytes
        header[name] = {
            "dtype": SAFETENSORS_FORMATS[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [len(data), end],
        }
        data += array.tobytes()
    path.write_bytes(safetensors(header, data))
    return path


class Global(NamedTuple):
    """What a pickle names."""

    module: str
    name: str

    def __call__(self) -> None:
        """Be callable, as functions and classes are."""


class Call:
    """What is pickled as a call of a name."""

    def __init__(self, name: Global, *arguments: Any) -> None:
        self.reduced = (name, arguments)

    def __reduce__(self) -> Any:
        return self.reduced


class Storage:
    """Numbers in a file."""

    def __init__(self, key: str, numbers: Numbers, claimed: int | None = None) -> None:
        self.key, self.numbers = key, np.ascontiguousarray(numbers).reshape(-1)
        self.claimed = self.numbers.size if claimed is None else claimed


def tensor(storage: Storage, shape: tuple[int, ...], strides: tuple[int, ...] | None = None, offset: int = 0) -> Call:
    """Return a tensor as PyTorch pickles it."""
    if strides is None:
        strides = tuple([int(np.prod(shape[at + 1 :], dtype=int)) for at in range(len(shape))])
    rebuild = Global("torch._utils", "_rebuild_tensor_v2")
    return Call(rebuild, storage, offset, shape, strides, False, Call(Global("collections", "OrderedDict")))


def state_dict(arrays: Mapping[str, Numbers]) -> dict[str, Any]:
    """Return a dictionary of tensors with storages of their own."""
    return {name: tensor(Storage(str(key), array), array.shape) for key, (name, array) in enumerate(arrays.items())}


class _Pickler(pickle._Pickler):  # type: ignore[name-defined, misc]
    def __init__(self, file: Any, *, legacy: bool) -> None:
        super().__init__(file, protocol=2)
        self.legacy = legacy
        self.storages: dict[str, Storage] = {}

    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, Storage):
            return None
        self.storages[obj.key] = obj
        kind = Global("torch", STORAGES[obj.numbers.dtype.name])
        return ("storage", kind, obj.key, "cpu", obj.claimed, *((None,) if self.legacy else ()))

    def save_name(self, obj: Global) -> None:
        self.write(f"c{obj.module}\n{obj.name}\n".encode())

    dispatch: ClassVar[Any] = {**pickle._Pickler.dispatch, Global: save_name}  # type: ignore[attr-defined]


def pickled(value: Any, *, legacy: bool = False) -> tuple[bytes, dict[str, Storage]]:
    """Return the pickle of a value, and the storages that it refers to."""
    file = io.BytesIO()
    pickler = _Pickler(file, legacy=legacy)
    pickler.dump(value)
    return file.getvalue(), pickler.storages


def write_torch(path: Path, value: Any, *, content: bytes | None = None, order: str = "little") -> Path:
    """Write a file as ``torch.save`` does; ``content`` replaces the pickle."""
    data, storages = pickled(value)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", data if content is None else content)
        archive.writestr("archive/byteorder", order)
        for key, storage in storages.items():
            numbers = storage.numbers.astype(storage.numbers.dtype.newbyteorder(">" if order == "big" else "<"))
            archive.writestr(f"archive/data/{key}", numbers.tobytes())
        archive.writestr("archive/version", "3\n")
    return path


def write_torch_legacy(path: Path, value: Any) -> Path:
    """Write a file as ``torch.save`` did before PyTorch 1.6."""
    data, storages = pickled(value, legacy=True)
    first = [pickle.dumps(each, protocol=2) for each in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
    content = b"".join([*first, data, pickle.dumps([*storages], protocol=2)])
    for storage in storages.values():
        content += struct.pack("<q", storage.numbers.size) + storage.numbers.tobytes()
    path.write_bytes(content)
    return path
