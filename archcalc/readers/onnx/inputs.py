"""The inputs of a model: sizes that the file leaves open are given by the user, or stay open."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from archcalc.graph import axis_symbols
from archcalc.ops.base import Shape
from archcalc.readers.dynamic import DynamicSize
from archcalc.readers.onnx.program import DTYPES
from archcalc.readers.torch_export.program import Meta
from archcalc.spec.errors import fail

EXAMPLE = 224
"""The size of an axis that the file leaves open, as long as none is given: that of the images of ImageNet."""

UNNAMED = ("", "?")
"""What exporters write as the name of a size that has none."""


class Inputs:
    """What is given about the inputs of a model."""

    def __init__(self, name: str, shapes: Mapping[str, Shape], batch_axes: Mapping[str, int | None]) -> None:
        """Prepare the inputs.

        Args:
            name: the name of the file in messages.
            shapes: the shapes that are given, without the batch, by name; ``""``: the first input.
            batch_axes: the axes that are the batch, where they are given.
        """
        self.name, self.shapes, self.batch_axes = name, shapes, batch_axes
        self.values: dict[str, Any] = {}
        """The values of inputs that are given."""
        self.dynamic: dict[tuple[str, int], DynamicSize] = {}
        """The sizes that the file leaves open, without the batch."""
        self.axes: dict[str, int | None] = {}
        """The batch axis of every input."""
        self.example: dict[str, list[str]] = {}
        """The shapes of inputs without the batch, as they are to be given: sizes, and symbols where they are open."""
        self.waiting: dict[str, list[tuple[str, int]]] = {}
        """The axes whose sizes the file leaves open, without the batch, by the symbol."""

    def written(self) -> str:
        """Return the shapes of inputs with open sizes as options to complete."""
        shapes = {name: "x".join(self.example[name]) for name, _ in self.dynamic}
        return " ".join(f"--shape {name}={shape}" for name, shape in shapes.items())

    def require(self, given: Collection[tuple[str, int]]) -> None:
        """Require that all sizes are given that the file leaves open.

        Args:
            given: the axes whose sizes are given, without the batch.

        Raises:
            SpecError: sizes are missing; the hint names the option.
        """
        missing = {symbol: axes for symbol, axes in self.waiting.items() if not set(axes) & set(given)}
        if missing:
            names = ", ".join(f"{_symbol(axes[0], self.example)} of '{axes[0][0]}'" for axes in missing.values())
            message = f"the file leaves sizes open: {names}"
            fail("shape", message, origin=self.name, hint=f"give them as numbers: {self.written()}")

    def metas(self, graph: Any, stored: Mapping[str, Any]) -> dict[str, Meta]:
        """Return the inputs with sizes, those that are open with an example.

        Raises:
            SpecError: a shape that is given does not fit.
        """
        symbols: dict[str, int] = {}
        found: dict[str, Meta] = {}
        inputs = [each for each in graph.input if each.name not in stored]
        if not inputs:
            fail("format", "the model has no input", origin=self.name)
        for number, each in enumerate(inputs):
            tensor = each.type.tensor_type
            if not each.type.HasField("tensor_type"):
                fail("format", f"the input '{each.name[:100]}' is no tensor", origin=self.name)
            if not tensor.HasField("shape"):
                fail(
                    "format", f"the file does not say how many axes the input '{each.name[:100]}' has", origin=self.name
                )
            rank = len(tensor.shape.dim)
            batch = self.batch_axes.get(each.name, 0) if rank else None
            self.axes[each.name] = batch
            given = self.shapes.get(each.name, self.shapes.get("") if number == 0 else None)
            sizes = self._sizes(each.name, tensor.shape.dim, batch, given, symbols)
            open_axes = {axis for at, axis in self.dynamic if at == each.name}
            own = [axis for axis in range(rank) if axis != batch]
            symbols_of = axis_symbols(len(own)) if own else ()
            if 0 in sizes:
                fail("shape", f"the input '{each.name[:100]}' has no elements: {sizes}", origin=self.name)
            self.example[each.name] = [
                symbol if axis in open_axes else str(sizes[axis]) for axis, symbol in zip(own, symbols_of, strict=True)
            ]
            found[each.name] = Meta(tuple(sizes), DTYPES.get(tensor.elem_type, "float32"))
        return found

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
            if type(size) is int:
                symbols[symbol] = size
            sizes.append(symbols.setdefault(symbol, EXAMPLE))
        return sizes


def _symbol(axis: tuple[str, int], example: Mapping[str, list[str]]) -> str:
    name, index = axis
    return example[name][index]
