"""The process that imports the user's code: reads a request as JSON, and writes a program, or one error as JSON."""

from __future__ import annotations

import ast
import contextlib
import importlib
import importlib.util
import inspect
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

BATCH = 1
INTEGERS = ("indices", "Long", "int64", "embedding")
"""Words of PyTorch's errors about a layer that wants integers, such as tokens."""


class Unexportable(Exception):
    """The request cannot be met; the arguments are the code, the message, the place and a hint."""

    def __init__(self, code: str, message: str, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.report = {"code": code, "message": message, "where": where, "hint": hint}


def find_object(place: str, name: str) -> Any:
    """Return an object of a module or file."""
    try:
        if place.endswith(".py"):
            module = _file(Path(place))
        else:
            sys.path.insert(0, os.getcwd())
            module = importlib.import_module(place)
    except Unexportable:
        raise
    except BaseException as error:  # whatever the user's code raises
        _blame(error, f"'{place}' cannot be imported")
    target: Any = module
    for part in name.split("."):
        if not hasattr(target, part):
            public = [each for each, value in vars(module).items() if each[:1] != "_" and not inspect.ismodule(value)]
            known = ", ".join(sorted(public)[:20])
            raise Unexportable("not-found", f"'{place}' has no '{name}'", hint=f"it has {known}")
        target = getattr(target, part)
    return target


def _file(path: Path) -> Any:
    if not path.is_file():
        raise Unexportable("not-found", f"there is no file '{path}'")
    sys.path.insert(0, str(path.resolve().parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def build_module(target: Any, arguments: Mapping[str, str]) -> Any:
    """Return the module that an object is or makes, without memory for its weights where that is possible."""
    import torch

    if isinstance(target, torch.nn.Module):
        return target.to("meta")
    if not callable(target):
        raise Unexportable("argument", f"must be a torch.nn.Module, got a value of type {type(target).__name__}")
    values = {name: literal(text) for name, text in arguments.items()}
    try:
        signature = inspect.signature(target)
        signature.bind(**values)
    except TypeError as error:
        called = getattr(target, "__name__", str(target))
        hint = f"--arg NAME=VALUE gives an argument: {called}{signature}"
        raise Unexportable("argument", f"'{called}' {error}", hint=hint) from None
    except ValueError:
        pass  # a callable without a signature
    try:
        with torch.device("meta"):
            made = target(**values)
    except (NotImplementedError, RuntimeError):
        made = target(**values)  # its construction computes with values, which the meta device does not have
    if not isinstance(made, torch.nn.Module):
        raise Unexportable("argument", f"must return a torch.nn.Module, got a value of type {type(made).__name__}")
    return made.to("meta")


def literal(text: str) -> Any:
    """Return the value of a Python literal; anything else is text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def example_inputs(
    model: Any,
    shapes: Mapping[str, Sequence[int]],
    batch_axes: Mapping[str, int | None],
    dtype_of: Callable[[int], Any],
) -> dict[str, Any]:
    """Return an input on the meta device for every shape, by the names of the parameters of ``forward``.

    Args:
        model: the module.
        shapes: the shapes without the batch, by name; ``""``: the first.
        batch_axes: the axes that are the batch, where that is not the first; ``None``: there is none.
        dtype_of: returns the number format of an input from the number of its axes.
    """
    import torch

    parameters = [
        each
        for each in inspect.signature(model.forward).parameters.values()
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
    ]
    names = [each.name for each in parameters]
    made = {}
    for name, shape in shapes.items():
        if name and name not in names:
            raise Unexportable("unknown-name", f"forward has no input '{name}'", hint=f"it has {', '.join(names)}")
        target, sizes = name or names[0], list(shape)
        axis = batch_axes.get(target, 0)
        if axis is not None and axis > len(shape):
            message = f"the input '{target}' has {len(shape) + 1} axes, so there is no axis {axis} (the first is 0)"
            raise Unexportable("argument", message, f"--batch-axis {target}")
        if axis is not None:
            sizes.insert(axis, BATCH)
        made[target] = torch.empty(sizes, dtype=dtype_of(len(shape)), device="meta")
    for each in parameters:
        if each.default is each.empty and each.name not in made:
            hint = f"give it: --shape {each.name}=SHAPE"
            raise Unexportable("argument", f"the shape of the input '{each.name}' is needed", hint=hint)
    return made


def export(request: Mapping[str, Any]) -> None:
    """Write the program that a request asks for."""
    import torch

    model = build_module(find_object(request["place"], request["name"]), request["arguments"]).eval()
    torch.export.save(program_of(model, request["shapes"], request["batch_axes"]), request["path"])


def program_of(model: Any, shapes: Mapping[str, Sequence[int]], batch_axes: Mapping[str, int | None]) -> Any:
    """Return the exported program of a module on the meta device."""
    import torch

    formats: list[Callable[[int], Any]] = [  # tried in this order: images, tokens, images with tokens
        lambda axes: torch.float32,
        lambda axes: torch.int64,
        lambda axes: torch.int64 if axes < 2 else torch.float32,
    ]
    first: Exception | None = None
    for dtype_of in formats:
        given = example_inputs(model, shapes, batch_axes, dtype_of)
        try:
            return torch.export.export(model, (), given, strict=False)
        except Exception as error:  # whatever the user's code raises
            first = first or error
            if not any(word in str(error) for word in INTEGERS):
                break
    assert first is not None
    _blame(first, "the module cannot be exported")


def _blame(error: BaseException, what: str) -> NoReturn:
    """Raise the error with the innermost line of the user's code, and the first line of its reason."""
    frames = traceback.extract_tb(error.__traceback__)
    library = str(Path(importlib.util.find_spec("torch").origin).parent)  # type: ignore[union-attr,arg-type]
    skipped = (library, str(Path(__file__).parent), str(Path(importlib.__file__).parent), "<")
    users = [each for each in frames if not each.filename.startswith(skipped)]
    where = f"{os.path.relpath(users[-1].filename)}:{users[-1].lineno}" if users else ""
    reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    line = f", at `{users[-1].line}`" if users and users[-1].line else ""
    raise Unexportable("export", f"{what}: {reason[:300].rstrip('.')}{line}", where) from error


@contextlib.contextmanager
def _own_output() -> Iterator[Any]:
    """Keep standard output for the report: what the user's code prints goes to standard error."""
    report = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with report:
        yield report


def main() -> int:
    """Read a request from standard input, and return the exit status."""
    with _own_output() as report:
        try:
            export(json.load(sys.stdin))
        except Unexportable as error:
            print(json.dumps(error.report), file=report)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
