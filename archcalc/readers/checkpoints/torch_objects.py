"""What the names in files of ``torch.save`` stand for: storages, tensors, containers and numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, NamedTuple

from archcalc.readers.checkpoints.checkpoint import MAX_AXES, MAX_SIZE
from archcalc.readers.checkpoints.formats import BITS
from archcalc.readers.checkpoints.pickles import PickledName, PickleError, key_of

STORAGES = {
    "Double": "float64",
    "Float": "float32",
    "Half": "float16",
    "BFloat16": "bfloat16",
    "Long": "int64",
    "Int": "int32",
    "Short": "int16",
    "Char": "int8",
    "Byte": "uint8",
    "Bool": "bool",
    "ComplexDouble": "complex128",
    "ComplexFloat": "complex64",
    "QInt8": "qint8",
    "QUInt8": "quint8",
    "QInt32": "qint32",
}
"""Number formats by the classes of storages: ``torch.FloatStorage``."""
DTYPES = {
    **{name: name for name in BITS},
    "half": "float16",
    "float": "float32",
    "double": "float64",
    "short": "int16",
    "int": "int32",
    "long": "int64",
}
"""Number formats by their names in PyTorch: ``torch.half``."""
BYTES = "uint8"
"""The number format of storages without one, whose size is in bytes."""


class StoredNumbers(NamedTuple):
    """Numbers in a file, which several tensors may share."""

    key: str
    """The name of the numbers in the file; empty if it has none."""
    dtype: str
    length: int
    """The number of elements."""

    @property
    def bytes(self) -> int:
        return self.length * BITS[self.dtype] // 8


class StoredTensor(NamedTuple):
    """A tensor, and where its numbers are in a storage."""

    storage: StoredNumbers
    dtype: str
    offset: int
    """The index of the first element."""
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    """How many elements apart neighbours are along each axis."""

    @property
    def extent(self) -> int:
        """The number of elements of the storage from the first element to the last."""
        if not prod(self.shape):
            return 0
        return 1 + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))


def _no_call(*arguments: Any) -> None:
    raise PickleError("it is damaged: it calls a number format")


def storage_of(kind: Any, key: Any, length: Any) -> StoredNumbers:
    """Return a storage that a pickle refers to.

    Args:
        kind: its class.
        key: its name in the file.
        length: its number of elements.

    Raises:
        PickleError: the reference is damaged.
    """
    if not isinstance(kind, PickledName) or not isinstance(key, str) or not _is_size(length):
        raise PickleError("it is damaged: a reference to numbers must have a class, a name and a length")
    dtype = STORAGES.get(kind.name.rpartition(".")[2].removesuffix("Storage"), BYTES)
    return StoredNumbers(key, dtype, length)


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value < MAX_SIZE


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, dtype: str = "") -> StoredTensor:
    """Return a view of a storage.

    Raises:
        PickleError: it is not one, or it does not lie in the storage.
    """
    if not isinstance(storage, StoredNumbers) or len(shape) != len(strides):
        raise PickleError("it is damaged: a tensor must have numbers, sizes and strides")
    if len(shape) > MAX_AXES:
        raise PickleError(f"a tensor has {len(shape)} axes, more than {MAX_AXES}")
    if not all(map(_is_size, (*shape, *strides, offset))):
        raise PickleError("it is damaged: the sizes and strides of a tensor must not be negative")
    dtype = dtype or storage.dtype
    found = StoredTensor(storage, dtype, offset, tuple(shape), tuple(strides))
    if (offset + found.extent) * BITS[dtype] > 8 * storage.bytes and found.extent:
        needed = (offset + found.extent) * BITS[dtype] // 8
        raise PickleError(f"a tensor needs {needed:,} bytes of numbers that have {storage.bytes:,}")
    return found


def _tensor_of_storage(storage: Any, offset: Any, shape: Any, strides: Any, *rest: Any) -> StoredTensor:
    """Return a view of a storage in its own number format."""
    return _tensor(storage, offset, shape, strides)


def _tensor_of_format(storage: Any, offset: Any, shape: Any, strides: Any, *rest: Any) -> StoredTensor:
    """Return a view of a storage of bytes: after the gradient and hooks follows the number format."""
    return _tensor(storage, offset, shape, strides, _dtype(rest[2]))


def _dtype(value: Any) -> str:
    if not isinstance(value, PickledName):
        raise PickleError("it is damaged: a number format is missing")
    return DTYPES[value.name.rpartition(".")[2]]


def _without_numbers(dtype: Any, shape: Any, strides: Any, *rest: Any) -> StoredTensor:
    """Return a tensor of the meta device."""
    storage = StoredNumbers("", _dtype(dtype), MAX_SIZE)
    return _tensor(storage, 0, shape, strides)


def _same(tensor: Any, *rest: Any) -> Any:
    return tensor


def _of_class(function: Any, kind: Any, arguments: Any, *rest: Any) -> Any:
    """Return a tensor with further attributes, which are ignored."""
    if not isinstance(function, PickledName) or not isinstance(kind, PickledName):
        raise PickleError("it is damaged: a tensor must have a class")
    return function.make(*arguments)


def _dictionary(items: Any = (), *rest: Any) -> dict[str, Any]:
    if isinstance(items, PickledName):  # what makes the values that are missing
        return {}
    return items if isinstance(items, dict) else {key_of(key): value for key, value in items}


def _items(items: Any = ()) -> Any:
    return items or []


def _encoded(text: Any, encoding: Any = "latin1") -> bytes:
    if not isinstance(text, str) or encoding != "latin1":
        raise PickleError("it is damaged: bytes must be written as text in latin1")
    return text.encode("latin1")


def _number(*arguments: Any) -> float:
    """Return a stand-in for a number, or something as simple, whose value is not needed."""
    return 0.0


TABLE: Mapping[str, Callable[..., Any]] = {
    **{f"torch._utils._rebuild_{what}": _tensor_of_storage for what in ("tensor", "tensor_v2", "qtensor")},
    "torch._utils._rebuild_tensor_v3": _tensor_of_format,
    "torch._utils._rebuild_meta_tensor_no_storage": _without_numbers,
    "torch._utils._rebuild_parameter": _same,
    "torch._utils._rebuild_parameter_with_state": _same,
    "torch._tensor._rebuild_from_type_v2": _of_class,
    **dict.fromkeys(("torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer"), _no_call),
    **{f"torch.{name}Storage": _no_call for name in STORAGES},
    **{f"torch.storage.{name}Storage": _no_call for name in ("Untyped", "Typed", "_Untyped", "_Typed")},
    **{f"torch.{name}": _no_call for name in DTYPES},
    **{f"torch.{name}": _number for name in ("per_tensor_affine", "per_channel_affine")},
    "torch.Size": _same,
    **dict.fromkeys(("torch.device", "torch.serialization._get_layout"), _number),
    "collections.OrderedDict": _dictionary,
    "collections.defaultdict": _dictionary,
    "collections.Counter": _dictionary,
    **{f"builtins.{name}": _items for name in ("list", "set", "frozenset", "tuple")},
    **{f"builtins.{name}": _number for name in ("int", "float", "complex", "bool", "bytearray", "str")},
    "builtins.dict": _dictionary,
    "_codecs.encode": _encoded,
    **{f"numpy.{core}.multiarray.scalar": _number for core in ("core", "_core")},
    "numpy.dtype": _number,
}
"""What calls of the names make."""
