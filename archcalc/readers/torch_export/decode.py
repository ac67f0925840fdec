"""Read the archive of an exported program, whose layout is that of PyTorch's ``torch/_export/serde/schema.py``.

Everything is checked while it is read, so that a damaged file is an error with one reason. No pickle is loaded: the
archive's sample inputs are ignored, and a stored tensor that is pickled is refused when its values are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from archcalc.graph import Origin
from archcalc.numeric import Number
from archcalc.readers.archive import Archive
from archcalc.readers.aten.calls import tensors_in
from archcalc.readers.aten.formats import NUMPY_DTYPES
from archcalc.readers.aten.program import Call, Payload, Program, ProgramTensor, TensorMetadata, TensorName, Word
from archcalc.readers.dynamic_sizes import DynamicSize
from archcalc.readers.given_numbers import given_numbers
from archcalc.readers.torch_export.calls import argument, decode_call, origin_of
from archcalc.readers.torch_export.checked_json import (
    MAX_SIZE,
    InvalidPart,
    integer,
    list_at,
    mapping_at,
    part,
    text_at,
    union,
)
from archcalc.readers.torch_export.decisions import Decisions, InputLabel
from archcalc.readers.torch_export.formats import DTYPES
from archcalc.readers.torch_export.inlining import names_in
from archcalc.readers.torch_export.output_names import output_names
from archcalc.readers.torch_export.sizes import UnbackedSize, dynamic_size, size_of
from archcalc.readers.torch_export.subgraphs import with_subgraphs
from archcalc.spec.errors import fail, listing, suggest

MAJOR_VERSION = 8
"""The version of the schema that is understood; minor versions only add optional fields."""

MAX_AXES = 64
"""The number of axes that a tensor of PyTorch has at most."""
KINDS: Mapping[str, Literal["parameter", "buffer", "constant"]] = {
    "parameter": "parameter",
    "buffer": "buffer",
    "tensor_constant": "constant",
}
"""The kinds of stored tensors, by the names that the file has for them."""


class _DataDependent(Exception):
    """A size depends on the numbers in tensors; the argument is the place of the call that makes it."""


def read_program(path: Path, name: str, values: Mapping[str, str] = MappingProxyType({})) -> Program:
    """Return the program of a file.

    Args:
        path: the file.
        name: its name in messages.
        values: the numbers that inputs have, by name, as written. These inputs are a part of the program.

    Raises:
        SpecError: it cannot be read, is not an exported program, is damaged, or has an unknown version.
    """
    with Archive(path, name) as archive:
        if "models/model.json" not in archive:
            fail(
                "format",
                _other_format(archive),
                origin=name,
                hint="save it with torch.export.save(torch.export.export(…), …)",
            )
        document = archive.json("models/model.json")
        has_weights = any(archive.size(name) for name in archive.names() if name.startswith("data/weights/weight_"))
        payloads = archive.json("data/weights/model_weights_config.json")
        constants = (
            archive.json("data/constants/model_constants_config.json")
            if "data/constants/model_constants_config.json" in archive
            else {"config": {}}
        )
    try:
        _check_version(document, name)
        payload_of = {
            fqn: _payload(fqn, folder, entry)
            for folder, config in (("weights", payloads), ("constants", constants))
            for fqn, entry in mapping_at(config, "config").items()
        }
        module = mapping_at(document, "graph_module")
        ranges = _ranges(part(document, "range_constraints"))
        return _Decoder(module, payload_of, ranges, path.stem, values, has_weights=has_weights).program()
    except InvalidPart as error:
        fail("format", f"'models/model.json' is damaged: {error}", origin=name)
    except _DataDependent as error:
        fail("shape", f"the sizes of the result of {error} depend on the numbers in the input", origin=name)


def _other_format(archive: Archive) -> str:
    names = archive.names()
    if "data.pkl" in names:
        is_script = any(each.startswith("code/") for each in names)
        kind = "a TorchScript program" if is_script else "a checkpoint (torch.save)"
        return f"the archive is {kind}, not a program of torch.export"
    return "the archive is not a program of torch.export: it has no member 'models/model.json'"


def _check_version(document: Any, name: str) -> None:
    version = mapping_at(document, "schema_version")
    major, minor = integer(version.get("major"), "the major version"), version.get("minor")
    if major != MAJOR_VERSION:
        by = part(document, "torch_version") or "an unknown version"
        fail(
            "format",
            f"the file has version {major}.{minor} of the schema of torch.export (written by PyTorch {by}); version "
            f"{MAJOR_VERSION} is understood",
            origin=name,
            hint="export the model again with PyTorch 2.13",
        )


class _Decoder:
    """Reads one graph module."""

    def __init__(
        self,
        module: dict[str, Any],
        payload_of: Mapping[str, Payload],
        ranges: Mapping[str, tuple[int, int | None]],
        title: str,
        values: Mapping[str, str],
        *,
        has_weights: bool,
    ) -> None:
        self.module = module
        self.payload_of = payload_of
        self.ranges = ranges
        self.title = title
        self.has_weights = has_weights
        self.symbols: dict[str, Number] = {}
        self.given = [*self.given_calls(values)]
        tensors = mapping_at(mapping_at(module, "graph"), "tensor_values")
        labels = {
            local: InputLabel(name, all(part(size, "as_int") == 1 for size in list_at(tensors.get(local), "sizes")))
            for local, name in self.input_names.items()
        }
        self.graph = with_subgraphs(mapping_at(module, "graph"), Decisions(decode_call, self.given, labels))

    def program(self) -> Program:
        metas = self.each("tensor_values", self.meta)
        sizes = self.each("sym_int_values", self.size)
        given = {name for call in self.given for name in call.outputs}
        inputs = {name: self.meta_of(metas, name) for name in self.input_names if name not in given}
        if not inputs:
            raise InvalidPart("the program has no input that is a tensor")
        stored: dict[str, ProgramTensor] = {}
        for kind, content in self.signature("input_specs"):
            if kind in KINDS:
                local = text_at(mapping_at(content, "arg"), "name")
                name = text_at(content, f"{kind}_name")
                self.meta_of(metas, local)
                stored[local] = ProgramTensor(name, KINDS[kind], self.payload_of.get(name))
        found_outputs = [
            [*tensors_in(argument(part(content, "arg")))]
            for kind, content in self.signature("output_specs")
            if kind == "user_output"
        ]
        input_names = {name: self.input_names[name] for name in inputs}
        labels = output_names(self.module, len(found_outputs), {*inputs, *input_names.values()})
        return Program(
            title=self.title,
            inputs=inputs,
            dynamic=self.dynamic_sizes(inputs),
            input_names=input_names,
            stored=stored,
            calls=(*self.given, *map(decode_call, list_at(self.graph, "nodes"))),
            outputs=tuple([name for names in found_outputs for name in names]),
            output_names=tuple([name for name, names in zip(labels, found_outputs, strict=False) for _ in names]),
            metas=metas,
            sizes=sizes,
            has_weights=self.has_weights,
            modules=tuple(self.module_paths()),
        )

    def module_paths(self) -> Iterator[str]:
        """Return the paths of all modules, as far as they are recorded."""
        for entry in list_at(self.module, "module_call_graph"):
            path = part(entry, "fqn")
            if isinstance(path, str):
                yield path

    def dynamic_sizes(self, inputs: Iterable[str]) -> dict[tuple[str, int], DynamicSize]:
        """Return the sizes of inputs that the program leaves open, by name of the input and axis."""
        found = {}
        for name in inputs:
            for axis, entry in enumerate(self.graph["tensor_values"][name]["sizes"]):
                size = dynamic_size(entry, self.ranges)
                if size is not None:
                    found[name, axis] = size
        return found

    def each(self, key: str, read: Callable[[Any], Any]) -> dict[str, Any]:
        """Return the values of a table of the graph, by name.

        Raises:
            _DataDependent: a value is not known before the network runs.
        """
        found = {}
        for name, entry in mapping_at(self.graph, key).items():
            try:
                found[name] = read(entry)
            except UnbackedSize:
                raise _DataDependent(self.maker(name)) from None
        return found

    def maker(self, name: str) -> str:
        """Return the place of the call that makes a tensor or a size."""
        for node in list_at(self.graph, "nodes"):
            if name in names_in(part(node, "outputs")):
                return str(origin_of(part(node, "metadata")))
        return f"'{name[:60]}'"

    def meta_of(self, metas: Mapping[str, TensorMetadata], name: str) -> TensorMetadata:
        if name not in metas:
            raise InvalidPart(f"nothing is recorded about the tensor '{name}'")
        return metas[name]

    def meta(self, entry: Any) -> TensorMetadata:
        sizes = tuple([self.size(each) for each in list_at(entry, "sizes")])
        if len(sizes) > MAX_AXES:
            raise InvalidPart(f"a tensor must have at most {MAX_AXES} axes, got {len(sizes)}")
        strides = tuple(map(self.size, list_at(entry, "strides"))) if "strides" in entry else ()
        dtype = DTYPES.get(integer(entry.get("dtype"), "a number format"), "unknown")
        return TensorMetadata(sizes, dtype, entry.get("requires_grad") is True, strides)

    def size(self, entry: Any) -> Number:
        kind, content = union(entry, "a size")
        if kind == "as_int":
            return _size_of(content, "a size")
        try:
            return _size_of(size_of(content, self.symbols), "a size")
        except UnbackedSize:
            raise
        except ValueError as error:
            raise InvalidPart(str(error)) from None

    def signature(self, key: str) -> Iterator[tuple[str, Any]]:
        """Return the kinds of the inputs or outputs of the graph, with what the file has about each."""
        for entry in list_at(mapping_at(self.module, "signature"), key):
            yield union(entry, "an entry of the signature")

    @cached_property
    def input_names(self) -> dict[str, str]:
        """The names of the inputs that are tensors as users know them, by their names in the graph.

        They are those of the parameters of ``forward``, if each of these is one input or a constant.
        """
        found = [
            argument(part(content, "arg")) if kind == "user_input" else None
            for kind, content in self.signature("input_specs")
            if kind in ("user_input", "constant_input")
        ]
        first = next(iter(list_at(self.module, "module_call_graph")), None)
        names = part(part(first, "signature"), "forward_arg_names")
        if not isinstance(names, list) or len(names) != len(found) or not all(isinstance(each, str) for each in names):
            names = [""] * len(found)
        return {
            each.name: name or each.name
            for each, name in zip(found, names, strict=True)
            if isinstance(each, TensorName)
        }

    def given_calls(self, values: Mapping[str, str]) -> Iterator[Call]:
        """Return calls that make the inputs whose numbers are given.

        Raises:
            SpecError: there is no such input, or the numbers do not fill it.
        """
        tables = mapping_at(mapping_at(self.module, "graph"), "tensor_values")
        local = {name: each for each, name in self.input_names.items()}
        for name, written in values.items():
            if name not in local:
                hint = suggest(name, local, listing("input", local))
                fail("unknown-name", f"no input '{name[:40]}'", hint=hint, origin=f"--input {name[:40]}")
            meta = self.meta(mapping_at(tables, local[name]))
            numbers = given_numbers(name, written, NUMPY_DTYPES.get(meta.dtype, "f4"), [*map(int, meta.sizes)])
            arguments = {"numbers": numbers.ravel().tolist(), "size": [*meta.sizes], "dtype": Word("dtype", meta.dtype)}
            yield Call("aten.given.default", arguments, (local[name],), Origin("", "", "given", ""))


def _ranges(constraints: Any) -> dict[str, tuple[int, int | None]]:
    """Return the smallest and largest value of every symbol."""
    found = {}
    for symbol, entry in constraints.items() if isinstance(constraints, dict) else ():
        low, high = part(entry, "min_val"), part(entry, "max_val")
        found[symbol] = low if type(low) is int else 0, high if type(high) is int else None
    return found


def _payload(name: str, folder: str, entry: Any) -> Payload:
    meta = part(entry, "tensor_meta")
    sizes, strides = (
        ([_plain_size(each) for each in list_at(meta, key)] for key in ("sizes", "strides")) if meta else ([], [])
    )
    if len(sizes) != len(strides):
        raise InvalidPart(f"'{name}' must have as many strides as sizes")
    return Payload(
        name=name,
        folder=folder,
        member=text_at(entry, "path_name"),
        pickled=part(entry, "use_pickle") is not False,
        dtype=DTYPES.get(integer(part(meta, "dtype"), "a number format"), "unknown"),
        sizes=tuple(sizes),
        strides=tuple(strides),
        offset=_plain_size(part(meta, "storage_offset")),
    )


def _plain_size(entry: Any) -> int:
    return _size_of(part(entry, "as_int"), "a size of a stored tensor")


def _size_of(value: Any, what: str) -> int:
    size = integer(value, what)
    if not 0 <= size <= MAX_SIZE:
        raise InvalidPart(f"{what} must be from 0 to {MAX_SIZE}")
    return size
