"""The inputs of a model: sizes that the file leaves open are given by the user, or stay open."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import prod
from typing import Any, NoReturn

from archcalc.graph import axis_symbols
from archcalc.ops.base import Shape
from archcalc.readers.aten.program import TensorMetadata
from archcalc.readers.batch import require_axis
from archcalc.readers.dynamic_sizes import EXAMPLE, DynamicSize
from archcalc.readers.given_numbers import given_numbers
from archcalc.readers.onnx.program import DTYPES
from archcalc.spec.errors import fail, listing, suggest

MAX_GIVEN = 16
"""The number of integers of an input that are given by hand."""

REAL = ("float", "bfloat", "complex")
"""What the names of formats begin with whose numbers are not integers."""

UNNAMED = ("", "?")
"""What exporters write as the name of a size that has none."""


class Inputs:
    """What is given about the inputs of a model."""

    def __init__(
        self,
        name: str,
        shapes: Mapping[str, Shape],
        batch_axes: Mapping[str, int | None],
        values: Mapping[str, str] = {},
        sizes: Mapping[str, int] = {},
    ) -> None:
        """Prepare the inputs.

        Args:
            name: the name of the file in messages.
            shapes: the shapes that are given, without the batch, by name; ``""``: the first input.
            batch_axes: the axes that are the batch, where they are given.
            values: the numbers that inputs have, by name, as written.
            sizes: the sizes that are given by the names which the file has for them; others are ignored.
        """
        self.sizes = sizes
        self.name, self.shapes, self.batch_axes, self.written_values = name, shapes, batch_axes, values
        self.values: dict[str, Any] = {}
        """The values of inputs that are given."""
        self.dynamic: dict[tuple[str, int], DynamicSize] = {}
        """The sizes that the file leaves open, without the batch."""
        self.axes: dict[str, int | None] = {}
        """The batch axis of every input."""
        self.names: dict[str, tuple[str, int]] = {}
        """The axes whose sizes have names in the file, without the batch."""
        self.example: dict[str, list[str]] = {}
        """The shapes of inputs without the batch, as they are to be given: sizes, and symbols where they are open."""
        self.countable: set[str] = set()
        """The inputs whose numbers can be given: single numbers, and a few integers."""
        self.waiting: dict[str, list[tuple[str, int]]] = {}
        """The axes whose sizes the file leaves open, without the batch, by the symbol."""

    def value_hint(self, names: Collection[str]) -> str:
        """Return the hint that says how the values of inputs are given, if they are single numbers or few integers."""
        can_be_given = [name for name in names if name in self.countable]
        if not names or len(can_be_given) < len(names) or len(self.axes) == len(names):
            return "`archcalc show --partial` counts the rest"
        return "give them with " + " ".join(f"--input {name}=NUMBER" for name in names)

    def written(self) -> str:
        """Return the shapes of inputs with open sizes as options to complete."""
        shapes = {name: "x".join(self.example[name]) for name, _ in self.dynamic if name in self.example}
        return " ".join(f"--shape {name}={shape}" for name, shape in shapes.items())

    def require(self, given: Collection[tuple[str, int]]) -> None:
        """Require that all sizes are given that the file leaves open.

        Args:
            given: the axes whose sizes are given, without the batch.

        Raises:
            SpecError: sizes are missing; the hint names the option.
        """
        missing = {
            symbol: axes
            for symbol, axes in self.waiting.items()
            if not set(axes) & set(given) and axes[0][0] in self.example  # reading may have stopped before it
        }
        if missing:
            names = ", ".join(f"{_symbol(axes[0], self.example)} of '{axes[0][0]}'" for axes in missing.values())
            message = f"the file leaves sizes open: {names}"
            named = " ".join(f"--set {symbol}=NUMBER" for symbol in missing if symbol in self.names)
            by_name = f", or by their names in the file: {named}" if named else ""
            fail("open-size", message, origin=self.name, hint=f"give them as numbers: {self.written()}{by_name}")

    def metas(self, graph: Any, stored: Mapping[str, Any]) -> dict[str, TensorMetadata]:
        """Return the inputs with sizes, those that are open with an example.

        Raises:
            SpecError: a shape that is given does not fit.
        """
        symbols = {**self.sizes}
        found: dict[str, TensorMetadata] = {}
        first: Any = None
        inputs = [each for each in graph.input if each.name not in stored]
        if not inputs:
            fail("format", "the model has no input", origin=self.name)
        for number, each in enumerate(inputs):
            kind = each.type.optional_type.elem_type if each.type.HasField("optional_type") else each.type
            tensor = kind.tensor_type
            if not kind.HasField("tensor_type"):
                fail("format", f"the input '{each.name[:100]}' is not a tensor", origin=self.name)
            if not tensor.HasField("shape"):
                fail(
                    "format", f"the file does not say how many axes the input '{each.name[:100]}' has", origin=self.name
                )
            rank = len(tensor.shape.dim)
            batch = self._batch_axis(each.name, tensor.shape.dim, first)
            if batch is not None and first is None:
                first = tensor.shape.dim[batch]
            self.axes[each.name] = batch
            given = self.shapes.get(each.name, self.shapes.get("") if number == 0 else None)
            sizes = self._sizes(each.name, tensor.shape.dim, batch, given, symbols)
            open_axes = {axis for at, axis in self.dynamic if at == each.name}
            own = [axis for axis in range(rank) if axis != batch]
            symbols_of = axis_symbols(len(own)) if own else ()
            self.example[each.name] = [
                symbol if axis in open_axes else str(sizes[axis]) for axis, symbol in zip(own, symbols_of, strict=True)
            ]
            dtype = DTYPES.get(tensor.elem_type, "float32")
            found[each.name] = TensorMetadata(tuple(sizes), dtype)
            if prod(sizes) == 1 or (not dtype.startswith(REAL) and prod(sizes) <= MAX_GIVEN):
                self.countable.add(each.name)
            if each.name in self.written_values:
                self.values[each.name] = given_numbers(each.name, self.written_values[each.name], dtype, sizes)
        for name in self.written_values:
            if name not in found:
                hint = suggest(name, found, listing("input", found))
                fail("unknown-name", f"no input '{name[:40]}'", hint=hint, origin=f"--input {name[:40]}")
        for name in self.values:
            del self.axes[name]
        return found

    def _batch_axis(self, name: str, dims: Any, first: Any) -> int | None:
        """Return the axis of an input that is the batch: by default the first one that fits that of the first input."""
        if name in self.batch_axes:
            axis = self.batch_axes[name]
            if axis is not None:
                require_axis(name, axis, len(dims))
            return axis
        if first is None:
            return 0 if len(dims) else None
        return next((axis for axis, dim in enumerate(dims) if _may_be_equal(dim, first)), None)

    def _sizes(
        self, name: str, dims: Any, batch: int | None, given: Shape | None, symbols: dict[str, int]
    ) -> list[int]:
        sizes = []
        for axis, dim in enumerate(dims):
            symbol = dim.dim_param if dim.HasField("dim_param") else ""
            if dim.HasField("dim_value") and dim.dim_value >= 0 and not (axis == batch and dim.dim_value == 0):
                sizes.append(dim.dim_value)
                continue
            symbol = f"{name}.{axis}" if symbol in UNNAMED else symbol
            if axis == batch:
                sizes.append(symbols.setdefault(symbol, 1))
                continue
            index = axis - (batch is not None and axis > batch)
            size = given[index] if given is not None and index < len(given) else None
            self.dynamic[name, axis] = DynamicSize(symbol, low=1)
            self.waiting.setdefault(symbol, []).append((name, index))
            if symbol.isidentifier():
                self.names.setdefault(symbol, (name, index))
            if type(size) is int:
                if given is not None and size != self.sizes.get(symbol, size):
                    self._refuse_both(symbol, (name, index), given)
                symbols[symbol] = size
            sizes.append(symbols.setdefault(symbol, EXAMPLE))
        return sizes

    def _refuse_both(self, symbol: str, axis: tuple[str, int], shape: Shape) -> NoReturn:
        """Refuse a shape and a size by name that contradict each other."""
        name, index = axis
        written = "x".join(map(str, shape))
        option = f"--shape {name}={written}" if name in self.shapes else f"--shape {written}"
        letter = axis_symbols(len(shape))[index]
        fail(
            "argument",
            f"'{symbol}' is {self.sizes[symbol]}, but {option} gives {shape[index]} to {letter} of '{name[:100]}', "
            f"which has the name '{symbol}' in the file",
            hint=f"give the size once: with --set {symbol}=… or with --shape",
            origin=f"--set {symbol}={self.sizes[symbol]}",
        )


def _may_be_equal(dim: Any, other: Any) -> bool:
    """Return whether two sizes of inputs are the same number, as far as the file says."""
    sizes = [each.dim_value if each.HasField("dim_value") and each.dim_value > 0 else None for each in (dim, other)]
    if None in sizes:
        symbols = [each.dim_param if each.HasField("dim_param") else "" for each in (dim, other)]
        return sizes == [None, None] and (symbols[0] == symbols[1] or bool({*symbols} & {*UNNAMED}))
    return sizes[0] == sizes[1]


def _symbol(axis: tuple[str, int], example: Mapping[str, list[str]]) -> str:
    name, index = axis
    return example[name][index]
