"""The records of a file: its main subgraph with tensors, operators and their options.

The classes that FlatBuffers generates from the format's schema do not check offsets: whatever they raise for damaged
files is caught in `read_model`, and vectors are no longer than the file. Numbers of weights are not read.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeVar

from archcalc.spec.errors import fail, fail_to_read

IDENTIFIER = b"TFL3"
"""The bytes 4 to 8 of a file."""
NUMBERS = {
    "FLOAT32": "float32",
    "FLOAT16": "float16",
    "FLOAT64": "float64",
    "BFLOAT16": "bfloat16",
    "INT4": "int4",
    "INT8": "int8",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "UINT8": "uint8",
    "UINT16": "uint16",
    "UINT32": "uint32",
    "UINT64": "uint64",
    "BOOL": "bool",
}
"""The number formats that have arrays, by the names of the schema."""
BITS = {
    "bfloat16": 16,
    "bool": 8,
    **{each: int("".join(filter(str.isdigit, each))) for each in NUMBERS.values() if each[-1].isdigit()},
}
MAX_AXES = 32
MAX_OPERATORS = 200_000
DAMAGED = (struct.error, LookupError, ValueError, TypeError, OverflowError, UnicodeError, MemoryError, AttributeError)
"""What the generated classes raise for offsets outside the file, and for fields of other kinds."""

Item = TypeVar("Item")


class Damaged(Exception):
    """The bytes are no model; the argument says why."""


class Data(NamedTuple):
    """Where the numbers of a tensor are in the file."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Quantization:
    """What integers encode: (code − offset) · scale, with one pair or one for each position of an axis."""

    scales: tuple[float, ...]
    offsets: tuple[int, ...]
    axis: int


@dataclass(frozen=True, slots=True)
class TfliteTensor:
    """A tensor of a subgraph."""

    name: str
    sizes: tuple[int, ...]
    """Its sizes; −1: open."""
    has_shape: bool
    """Whether the number of its axes is known."""
    dtype: str
    """The number format; that of the schema in capitals if it has no arrays."""
    quantization: Quantization | None
    data: Data | None
    """Where its numbers are; ``None`` if the file does not store it."""
    is_variable: bool
    is_sparse: bool


@dataclass(frozen=True, slots=True)
class TfliteOperator:
    """An operator of a subgraph."""

    name: str
    """The name in the schema (``CONV_2D``), or that of a custom operator."""
    is_custom: bool
    inputs: tuple[int, ...]
    """The indices of the tensors that it reads; −1: left out."""
    outputs: tuple[int, ...]
    options: Mapping[str, Any]
    """Its options by the names of the schema in capitals and small letters: ``StrideW``."""


@dataclass(frozen=True, slots=True)
class Subgraph:
    """Tensors and the operators that compute them, in order."""

    name: str
    tensors: tuple[TfliteTensor, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    operators: tuple[TfliteOperator, ...]


@dataclass(frozen=True, slots=True)
class TfliteSignature:
    """Names of the inputs and outputs of a subgraph."""

    key: str
    subgraph: int
    inputs: Mapping[int, str]
    outputs: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class TfliteModel:
    """A model file."""

    subgraphs: tuple[Subgraph, ...]
    signatures: tuple[TfliteSignature, ...]


def read_model(path: Path, name: str) -> TfliteModel:
    """Return the model in a file, without the numbers of its weights.

    Args:
        path: the file.
        name: its name in messages.

    Raises:
        SpecError: the file cannot be read, is no model, or the package ``tflite`` is missing.
    """
    for package in ("tflite", "onnx"):
        if find_spec(package) is None:
            needs = f"reading TensorFlow Lite files needs the package '{package}'"
            fail("not-found", needs, hint=f"install it: pip install {package}", origin=name)
    import tflite

    try:
        with open(path, "rb") as file:
            if not file.read(1):
                _refuse(name, "the file is empty")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                if data[4:8] != IDENTIFIER:
                    fail("format", "not a TensorFlow Lite model: the identifier of the format is missing", origin=name)
                return _Reading(tflite, data).model()
    except OSError as error:
        fail_to_read(error, name)
    except Damaged as error:
        _refuse(name, f"{error}")
    except DAMAGED:
        _refuse(name, "a part of it is missing or damaged")


def _refuse(name: str, reason: str) -> NoReturn:
    fail("format", f"not a complete TensorFlow Lite model: {reason}", origin=name)


class _Reading:
    """The state of the reading of a file."""

    def __init__(self, tflite: Any, data: mmap.mmap) -> None:
        self.tflite, self.data = tflite, data
        self.operator_names = _names(tflite.BuiltinOperator)
        self.type_names = _names(tflite.TensorType)
        self.option_names = _names(tflite.BuiltinOptions)
        self.second_names = _names(tflite.BuiltinOptions2)

    def vector(self, length: int, item: Callable[[int], Item], size: int = 4) -> Iterator[Item]:
        """Yield the items of a vector, which must fit into the file."""
        if length * size > len(self.data):
            raise Damaged(f"a vector of {length:,} elements, which is longer than the file")
        return map(item, range(length))

    def integers(self, table: Any, field: str) -> tuple[int, ...]:
        """Return a vector of numbers."""
        return tuple(map(int, self.vector(getattr(table, f"{field}Length")(), getattr(table, field), 1)))

    def model(self) -> TfliteModel:
        root = self.tflite.Model.GetRootAs(self.data, 0)
        codes = [*self.vector(root.OperatorCodesLength(), root.OperatorCodes)]
        operators = [self.operator_name(each) for each in codes]
        buffers = [*self.vector(root.BuffersLength(), root.Buffers)]
        subgraphs = self.vector(root.SubgraphsLength(), root.Subgraphs)
        found = tuple([self.subgraph(each, operators, buffers) for each in subgraphs])
        if not found:
            raise Damaged("it has no subgraph")
        signatures = self.vector(root.SignatureDefsLength(), root.SignatureDefs)
        return TfliteModel(found, tuple([self.signature(each) for each in signatures]))

    def operator_name(self, code: Any) -> tuple[str, bool]:
        """Return the name of an operator, and whether it is a custom one."""
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        name = self.operator_names.get(number, f"operator {number}")
        return (_text(code.CustomCode()) or "CUSTOM", True) if name == "CUSTOM" else (name, False)

    def subgraph(self, graph: Any, names: list[tuple[str, bool]], buffers: list[Any]) -> Subgraph:
        tensors = tuple([self.tensor(each, buffers) for each in self.vector(graph.TensorsLength(), graph.Tensors)])
        if graph.OperatorsLength() > MAX_OPERATORS:
            raise Damaged(f"more than {MAX_OPERATORS:,} operators")
        operators = self.vector(graph.OperatorsLength(), graph.Operators)
        found = Subgraph(
            _text(graph.Name()),
            tensors,
            self.integers(graph, "Inputs"),
            self.integers(graph, "Outputs"),
            tuple([self.operator(each, names) for each in operators]),
        )
        read = [index for each in found.operators for index in each.inputs if index != -1]
        made = [index for each in found.operators for index in each.outputs]
        if any(not 0 <= index < len(tensors) for index in (*found.inputs, *found.outputs, *read, *made)):
            raise Damaged("a tensor that does not exist")
        return found

    def tensor(self, tensor: Any, buffers: list[Any]) -> TfliteTensor:
        name = _text(tensor.Name())
        sizes, signature = self.integers(tensor, "Shape"), self.integers(tensor, "ShapeSignature")
        if signature and len(signature) == len(sizes):
            sizes = tuple([-1 if each < 0 else size for each, size in zip(signature, sizes, strict=True)])
        if len(sizes) > MAX_AXES or any(size < -1 for size in sizes):
            raise Damaged(f"impossible sizes of the tensor '{name[:100]}'")
        kind = self.type_names.get(tensor.Type(), f"format {tensor.Type()}")
        dtype = NUMBERS.get(kind, kind)
        data = None
        if tensor.Buffer():
            data = self.place(buffers[tensor.Buffer()])
        is_sparse = tensor.Sparsity() is not None
        if data is not None and dtype in BITS and not is_sparse and data.length != -(-prod(sizes) * BITS[dtype] // 8):
            raise Damaged(f"the tensor '{name[:100]}' has {data.length:,} bytes, which do not fit its shape")
        return TfliteTensor(
            name,
            sizes,
            tensor.HasRank() or bool(sizes) or data is not None,
            dtype,
            self.quantization(tensor, sizes),
            data,
            tensor.IsVariable(),
            is_sparse,
        )

    def place(self, buffer: Any) -> Data | None:
        """Return where the numbers of a buffer are; ``None`` if it is empty."""
        table = buffer._tab
        field = table.Offset(4)
        offset, length = (table.Vector(field), table.VectorLen(field)) if field else (buffer.Offset(), buffer.Size())
        found = Data(offset, length)  # behind the tables, if it is not one of their vectors
        if found.length and found.offset + found.length > len(self.data):
            raise Damaged("numbers of a tensor that are outside the file")
        return found if found.length else None

    def quantization(self, tensor: Any, sizes: tuple[int, ...]) -> Quantization | None:
        """Return what the codes of a tensor encode; ``None`` if its numbers are no codes."""
        given = tensor.Quantization()
        if given is None or not given.ScaleLength():
            return None
        if given.ScaleLength() * 4 > len(self.data) or given.ZeroPointLength() > len(self.data):
            raise Damaged("a vector that is longer than the file")
        scales = tuple(map(float, self.vector(given.ScaleLength(), given.Scale)))
        offsets = self.integers(given, "ZeroPoint")
        axis = given.QuantizedDimension()
        if len(scales) > 1 and not (0 <= axis < len(sizes) and sizes[axis] == len(scales)):
            raise Damaged(f"{len(scales)} scales for a tensor that does not have as many positions")
        if len(offsets) not in (0, 1, len(scales)):
            raise Damaged(f"{len(offsets)} offsets for {len(scales)} scales")
        return Quantization(scales, offsets, axis)

    def operator(self, operator: Any, names: list[tuple[str, bool]]) -> TfliteOperator:
        name, is_custom = names[operator.OpcodeIndex()]
        options: dict[str, Any] = {}
        if not is_custom:
            options = self.options(operator.BuiltinOptions(), self.option_names.get(operator.BuiltinOptionsType(), ""))
            if not options:
                second = self.second_names.get(operator.BuiltinOptions2Type(), "")
                options = self.options(operator.BuiltinOptions2(), second)
        return TfliteOperator(
            name, is_custom, self.integers(operator, "Inputs"), self.integers(operator, "Outputs"), options
        )

    def options(self, union: Any, kind: str) -> dict[str, Any]:
        """Return the options in a union; those that are neither numbers nor vectors of numbers are left out."""
        cls = getattr(self.tflite, kind, None)
        if union is None or cls is None or kind == "NONE":
            return {}
        table = cls()
        table.Init(union.Bytes, union.Pos)
        found: dict[str, Any] = {}
        for field, is_vector in _fields(cls):
            value = self.integers(table, field) if is_vector else getattr(table, field)()
            if isinstance(value, int | float | tuple):
                found[field] = value
        return found

    def signature(self, signature: Any) -> TfliteSignature:
        def named(length: int, item: Callable[[int], Any]) -> dict[int, str]:
            return {each.TensorIndex(): _text(each.Name()) for each in self.vector(length, item)}

        return TfliteSignature(
            _text(signature.SignatureKey()),
            signature.SubgraphIndex(),
            named(signature.InputsLength(), signature.Inputs),
            named(signature.OutputsLength(), signature.Outputs),
        )


def _names(constants: type) -> dict[int, str]:
    """Return the names of an enumeration of the schema by their numbers."""
    return {value: name for name, value in vars(constants).items() if isinstance(value, int)}


@cache
def _fields(cls: type) -> list[tuple[str, bool]]:
    """Return the fields of a table of options, and whether they are vectors."""
    methods = [name for name in vars(cls) if name[0].isupper()]
    vectors = {name.removesuffix("Length") for name in methods if name.endswith("Length") and name != "Length"}
    derived = {f"{name}{end}" for name in vectors for end in ("Length", "AsNumpy", "IsNone")}
    return [
        (name, name in vectors)
        for name in methods
        if name not in derived and name != "Init" and not name.startswith("GetRootAs") and "Identifier" not in name
    ]


def _text(value: bytes | None) -> str:
    return "" if value is None else value.decode("utf-8", "replace")
