"""Read the archive of an exported program, whose layout is that of PyTorch's ``torch/_export/serde/schema.py``.

Everything is checked while it is read, so that a damaged file is an error with one reason. No pickle is loaded: the
archive's sample inputs are ignored, and a stored tensor that is pickled is refused when its values are needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from archcalc.graph import Origin
from archcalc.numeric import Number
from archcalc.readers.archive import Archive
from archcalc.readers.aten.formats import NUMPY_DTYPES
from archcalc.readers.aten.program import (
    Call,
    CallSite,
    Meta,
    Payload,
    Program,
    Stored,
    TensorName,
    Word,
)
from archcalc.readers.dynamic import DynamicSize
from archcalc.readers.given_numbers import given_numbers
from archcalc.readers.steps import SizeName
from archcalc.readers.torch_export.checked import (
    MAX_SIZE,
    Damaged,
    expect,
    integer,
    list_at,
    mapping_at,
    part,
    text_at,
    union,
)
from archcalc.readers.torch_export.decisions import Decisions, Label
from archcalc.readers.torch_export.formats import DTYPES
from archcalc.readers.torch_export.output_names import output_names
from archcalc.readers.torch_export.sizes import UnbackedSize, dynamic_size, size_of
from archcalc.readers.torch_export.subgraphs import with_subgraphs
from archcalc.spec.errors import fail, suggest

MAJOR_VERSION = 8
"""The version of the schema that is understood; minor versions only add optional fields."""

MAX_AXES = 64
"""The number of axes that a tensor of PyTorch has at most."""

MAX_TRACE = 50_000
"""The number of characters of a stack trace that are read."""

FRAME = re.compile(r'File "(?P<file>[^"\n]{0,1000})", line (?P<line>\d{1,9}), in ')
INSTALLED = re.compile(r".*[\\/](?:site|dist)-packages[\\/]")
"""The folder of an installed package, which its files are named without."""
LIBRARY = ("/torch/", "\\torch\\", "<eval_with_key>")
"""Parts of the paths of PyTorch's own files, and of code that it generates, whose lines are not the user's."""


class _DataDependent(Exception):
    """A size depends on the numbers in tensors; the argument is the name of the tensor or size."""


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
    except Damaged as error:
        fail("format", f"'models/model.json' is damaged: {error}", origin=name)
    except _DataDependent as error:
        where = _maker(module, str(error))
        fail("shape", f"the sizes of the result of {where} depend on the numbers in the input", origin=name)


def _other_format(archive: Archive) -> str:
    names = archive.names()
    if "data.pkl" in names:
        kind = "TorchScript" if any(each.startswith("code/") for each in names) else "a checkpoint (torch.save)"
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


def _all(kind: type) -> Callable[[Any], Any]:
    return lambda value: [expect(kind, each, "an argument") for each in expect(list, value, "an argument")]


def _number(value: Any) -> float:
    if value in ("Infinity", "-Infinity", "NaN"):  # which JSON has no numbers for
        return float(value)
    if type(value) not in (int, float):
        raise Damaged("an argument must be a number")
    return float(value)


def _tensor(value: Any) -> TensorName:
    return TensorName(text_at(value, "name"))


def _size(value: Any) -> Any:
    kind, content = union(value, "a size")
    return SizeName(expect(str, content, "a name")) if kind == "as_name" else content


def _each(read: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    return lambda value: [read(each) for each in expect(list, value, "an argument")]


def _optional(value: Any) -> TensorName | None:
    kind, content = union(value, "an argument")
    return None if kind == "as_none" else _tensor(content)


ARGUMENTS: Mapping[str, Callable[[Any], Any]] = {
    "as_none": lambda value: None,
    "as_tensor": _tensor,
    "as_tensors": _each(_tensor),
    "as_optional_tensor": _optional,
    "as_optional_tensors": _each(_optional),
    "as_nested_tensors": _each(_each(_tensor)),
    "as_int": lambda value: expect(int, value, "an argument"),
    "as_ints": _all(int),
    "as_int_lists": _each(_all(int)),
    "as_float": _number,
    "as_floats": _each(_number),
    "as_float_lists": _each(_each(_number)),
    "as_string": lambda value: expect(str, value, "an argument"),
    "as_strings": _all(str),
    "as_bool": lambda value: expect(bool, value, "an argument"),
    "as_bools": _all(bool),
    "as_sym_int": _size,
    "as_sym_ints": _each(_size),
    "as_sym_float": _size,
    "as_sym_floats": _each(_size),
    "as_sym_bool": _size,
    "as_sym_bools": _each(_size),
    "as_scalar_type": lambda value: Word("dtype", DTYPES.get(integer(value, "a number format"), "unknown")),
    "as_memory_format": lambda value: Word("memory format", str(value)),
    "as_layout": lambda value: Word("layout", str(value)),
    "as_device": lambda value: Word("device", str(value)),
    "as_operator": lambda value: Word("operator", expect(str, value, "an argument")),
    "as_complex": lambda value: complex(_number(part(value, "real")), _number(part(value, "imag"))),
}
"""How the kinds of arguments are read."""


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
            local: Label(name, all(part(size, "as_int") == 1 for size in list_at(tensors.get(local), "sizes")))
            for local, name in self.input_names().items()
        }
        self.graph = with_subgraphs(mapping_at(module, "graph"), Decisions(decode_call, self.given, labels))

    def program(self) -> Program:
        metas = self.each("tensor_values", self.meta)
        sizes = self.each("sym_int_values", self.size)
        inputs: dict[str, Meta] = {}
        given = {name for call in self.given for name in call.outputs}
        stored: dict[str, Stored] = {}
        for entry in list_at(mapping_at(self.module, "signature"), "input_specs"):
            kind, content = union(entry, "an input")
            if kind == "user_input":
                found = argument(part(content, "arg"))
                if isinstance(found, TensorName) and found.name not in given:
                    inputs[found.name] = self.meta_of(metas, found.name)
            elif kind in ("parameter", "buffer", "tensor_constant"):
                local = text_at(mapping_at(content, "arg"), "name")
                name = text_at(content, f"{kind}_name")
                self.meta_of(metas, local)
                kinds: Any = "constant" if kind == "tensor_constant" else kind
                stored[local] = Stored(name, kinds, self.payload_of.get(name))
        if not inputs:
            raise Damaged("the program has no input that is a tensor")
        found_outputs: list[list[str]] = []
        for entry in list_at(mapping_at(self.module, "signature"), "output_specs"):
            kind, content = union(entry, "an output")
            if kind == "user_output":
                found_outputs.append(list(self.names(argument(part(content, "arg")))))
        names = self.input_names()
        input_names = {name: names[name] for name in inputs if name in names}
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
                raise _DataDependent(name) from None
        return found

    def meta_of(self, metas: Mapping[str, Meta], name: str) -> Meta:
        if name not in metas:
            raise Damaged(f"nothing is recorded about the tensor '{name}'")
        return metas[name]

    def meta(self, entry: Any) -> Meta:
        sizes = tuple([self.size(each) for each in list_at(entry, "sizes")])
        if len(sizes) > MAX_AXES:
            raise Damaged(f"a tensor must have at most {MAX_AXES} axes, got {len(sizes)}")
        strides = tuple(map(self.size, list_at(entry, "strides"))) if "strides" in entry else ()
        dtype = DTYPES.get(integer(entry.get("dtype"), "a number format"), "unknown")
        return Meta(sizes, dtype, entry.get("requires_grad") is True, strides)

    def size(self, entry: Any) -> Number:
        kind, content = union(entry, "a size")
        if kind == "as_int":
            return _size_of(content, "a size")
        try:
            return _size_of(size_of(content, self.symbols), "a size")
        except UnbackedSize:
            raise
        except ValueError as error:
            raise Damaged(str(error)) from None

    def input_names(self) -> dict[str, str]:
        """Return the names of the parameters of ``forward`` by the names of the inputs, if there are as many."""
        inputs: list[str] = []
        for entry in list_at(mapping_at(self.module, "signature"), "input_specs"):
            kind, content = union(entry, "an input")
            found = argument(part(content, "arg")) if kind == "user_input" else None
            if isinstance(found, TensorName):
                inputs.append(found.name)
        first = next(iter(list_at(self.module, "module_call_graph")), None)
        names = part(part(first, "signature"), "forward_arg_names")
        fits = isinstance(names, list) and len(names) == len(inputs) and all(isinstance(n, str) for n in names)
        return dict(zip(inputs, names, strict=True)) if fits else {}

    def given_calls(self, values: Mapping[str, str]) -> Iterator[Call]:
        """Return calls that make the inputs whose numbers are given.

        Raises:
            SpecError: there is no such input, or the numbers do not fill it.
        """
        metas = mapping_at(mapping_at(self.module, "graph"), "tensor_values")
        local = {name: each for each, name in self.input_names().items()} if values else {}
        for name, written in values.items():
            if name not in local:
                hint = suggest(name, local, f"the inputs are {', '.join(local)}")
                fail("unknown-name", f"no input '{name[:40]}'", hint=hint, origin=f"--input {name[:40]}")
            meta = self.meta(metas[local[name]])
            numbers = given_numbers(name, written, NUMPY_DTYPES.get(meta.dtype, "f4"), [*map(int, meta.sizes)])
            arguments = {"numbers": numbers.ravel().tolist(), "size": [*meta.sizes], "dtype": Word("dtype", meta.dtype)}
            yield Call("aten.given.default", arguments, (local[name],), Origin("", "", "given", ""))

    def names(self, value: Any) -> Iterator[str]:
        """Return the names of all tensors in an argument."""
        if isinstance(value, TensorName):
            yield value.name
        elif isinstance(value, list):
            for each in value:
                yield from self.names(each)


def argument(value: Any) -> Any:
    """Return an argument or result of a call."""
    kind, content = union(value, "an argument")
    if kind == "as_graph":
        return Word("graph", str(part(content, "name")))
    read = ARGUMENTS.get(kind)
    if read is None:
        raise Damaged(f"an argument of the unknown kind '{kind[:40]}'")
    return read(content)


def decode_call(entry: Any) -> Call:
    """Return a call, given its entry in the file."""
    target = text_at(entry, "target").removeprefix("torch.ops.")
    arguments = {}
    for number, each in enumerate(list_at(entry, "inputs")):
        arguments[text_at(each, "name") or str(number)] = argument(part(each, "arg"))
    outputs: list[str | None] = []
    for each in list_at(entry, "outputs"):
        found = argument(each)
        results = found if isinstance(found, list) else [found]
        outputs += [each.name if isinstance(each, (TensorName, SizeName)) else None for each in results]
    metadata = part(entry, "metadata")
    reason = part(entry, "reason")
    is_text = isinstance(reason, str)
    return Call(target, arguments, tuple(outputs), _origin(metadata), _site(metadata), reason=reason if is_text else "")


def _ranges(constraints: Any) -> dict[str, tuple[int, int | None]]:
    """Return the smallest and largest value of every symbol."""
    found = {}
    for symbol, entry in constraints.items() if isinstance(constraints, dict) else ():
        low, high = part(entry, "min_val"), part(entry, "max_val")
        found[symbol] = low if type(low) is int else 0, high if type(high) is int else None
    return found


def _maker(module: dict[str, Any], tensor: str) -> str:
    """Return the place of the call that makes a tensor."""
    for node in part(part(module, "graph"), "nodes") or ():
        if f"'{tensor}'" in str(part(node, "outputs")):
            return str(_origin(part(node, "metadata")))
    return f"'{tensor[:60]}'"


def _payload(name: str, folder: str, entry: Any) -> Payload:
    meta = part(entry, "tensor_meta")
    sizes, strides = (
        ([_plain_size(each) for each in list_at(meta, key)] for key in ("sizes", "strides")) if meta else ([], [])
    )
    if len(sizes) != len(strides):
        raise Damaged(f"the sizes and strides of '{name}' must be as many")
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
        raise Damaged(f"{what} must be from 0 to {MAX_SIZE}")
    return size


def _origin(metadata: Any) -> Origin:
    """Return where a call comes from, from its metadata, which may lack anything."""
    texts = metadata if isinstance(metadata, dict) else {}
    stack, trace, function = (str(texts.get(key) or "") for key in ("nn_module_stack", "stack_trace", "torch_fn"))
    modules = [entry.split(",") for entry in stack.split(";") if entry.count(",") >= 2]
    path, classes = (modules[-1][1], modules[-1][2]) if modules else ("", "")
    frames = [
        match for match in FRAME.finditer(trace[-MAX_TRACE:]) if not any(part in match["file"] for part in LIBRARY)
    ]
    where = f"{INSTALLED.sub('', frames[-1]['file'])}:{frames[-1]['line']}" if frames else ""
    return Origin(path, classes, function.rpartition(".")[2], where)


def _site(metadata: Any) -> CallSite:
    """Return how a call was made, from its metadata, which may lack anything."""
    texts = metadata if isinstance(metadata, dict) else {}
    stack, trace, function = (str(texts.get(key) or "") for key in ("nn_module_stack", "stack_trace", "torch_fn"))
    return CallSite(stack, function, trace[-MAX_TRACE:])
