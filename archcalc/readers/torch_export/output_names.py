"""Names of the outputs of a program: the keys under which the model returns its tensors."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator
from typing import Any

from archcalc.readers.torch_export.checked_json import list_at, part

MAX_LENGTH = 20_000
"""The number of characters of a description that are read."""

MAX_DEPTH = 20


def output_names(module: Any, count: int, taken: Container[str]) -> list[str]:
    """Return the names of the outputs of a program that returns them by name; otherwise, nothing.

    A part of a returned mapping that is a list or a mapping itself gives its name to its own parts: ``features_0``.

    Args:
        module: the module of the program, as the file has it.
        count: the number of outputs.
        taken: names that outputs cannot have.
    """
    first = next(iter(list_at(module, "module_call_graph")), None)
    text = part(part(first, "signature"), "out_spec")
    if not isinstance(text, str) or len(text) > MAX_LENGTH:
        return []
    try:
        _, spec = json.loads(text)
        paths = list(_paths(spec, (), MAX_DEPTH))
    except (ValueError, TypeError, RecursionError):
        return []
    names = [re.sub(r"\W", "_", "_".join(path), flags=re.ASCII) for path in paths]
    names = [f"{name}_out" if name in taken else name for name in names]
    is_named = all(re.match("[A-Za-z_]", name) for name in names)
    return names if len(names) == len({*names}) == count and is_named else []


def _paths(spec: Any, path: tuple[str, ...], depth: int) -> Iterator[tuple[str, ...]]:
    """Return the keys and indices that lead to each tensor of a structure that PyTorch describes.

    Raises:
        ValueError: it is no such description, or too deep.
    """
    children = part(spec, "children_spec")
    if not isinstance(children, list) or not depth:
        raise ValueError("no description of a structure")
    if part(spec, "type") is None:
        yield path
        return
    keys = json.loads(part(spec, "context") or "null")
    labels = list(map(str, keys)) if isinstance(keys, list) else list(map(str, range(len(children))))
    for label, child in zip(labels, children, strict=True):
        yield from _paths(child, (*path, label), depth - 1)
