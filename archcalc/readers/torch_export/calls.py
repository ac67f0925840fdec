"""The calls of an exported program and their arguments, as the file has them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from archcalc.graph import Origin
from archcalc.readers.aten.program import Call, CallSite, TensorName, Word
from archcalc.readers.steps import SizeName
from archcalc.readers.torch_export.checked_json import InvalidPart, expect, integer, list_at, part, text_at, union
from archcalc.readers.torch_export.formats import DTYPES

MAX_TRACE = 50_000
"""The number of characters of a stack trace that are read."""

FRAME = re.compile(r'File "(?P<file>[^"\n]{0,1000})", line (?P<line>\d{1,9}), in ')
INSTALLED = re.compile(r".*[\\/](?:site|dist)-packages[\\/]")
"""The folder of an installed package, which its files are named without."""
LIBRARY = ("/torch/", "\\torch\\", "<eval_with_key>")
"""Parts of the paths of PyTorch's own files, and of code that it generates, whose lines are not the user's."""


def _all(kind: type) -> Callable[[Any], Any]:
    return lambda value: [expect(kind, each, "an argument") for each in expect(list, value, "an argument")]


def _number(value: Any) -> float:
    if value in ("Infinity", "-Infinity", "NaN"):  # which JSON has no numbers for
        return float(value)
    if type(value) not in (int, float):
        raise InvalidPart("an argument must be a number")
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


def argument(value: Any) -> Any:
    """Return an argument or result of a call."""
    kind, content = union(value, "an argument")
    if kind == "as_graph":
        return Word("graph", str(part(content, "name")))
    read = ARGUMENTS.get(kind)
    if read is None:
        raise InvalidPart(f"an argument of the unknown kind '{kind[:40]}'")
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
    metadata, reason = part(entry, "metadata"), part(entry, "reason")
    reason = reason if isinstance(reason, str) else ""
    return Call(target, arguments, tuple(outputs), origin_of(metadata), _site(metadata), reason=reason)


def origin_of(metadata: Any) -> Origin:
    """Return where a call comes from, from its metadata, which may lack anything."""
    site = _site(metadata)
    modules = [entry.split(",") for entry in site.modules.split(";") if entry.count(",") >= 2]
    path, classes = (modules[-1][1], modules[-1][2]) if modules else ("", "")
    frames = [match for match in FRAME.finditer(site.trace) if not any(part in match["file"] for part in LIBRARY)]
    where = f"{INSTALLED.sub('', frames[-1]['file'])}:{frames[-1]['line']}" if frames else ""
    return Origin(path, classes, site.function.rpartition(".")[2], where)


def _site(metadata: Any) -> CallSite:
    """Return how a call was made, from its metadata, which may lack anything."""
    stack, function, trace = (str(part(metadata, key) or "") for key in ("nn_module_stack", "torch_fn", "stack_trace"))
    return CallSite(stack, function, trace[-MAX_TRACE:])
