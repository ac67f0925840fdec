"""The picture of ``archcalc run --at LAYER:INDEX --svg FILE``: the window of an output."""

from __future__ import annotations

from collections.abc import Mapping
from math import isinf
from typing import TYPE_CHECKING, Any

from archcalc.arrays.texts import count_text
from archcalc.cli.by_hand import EvaluatedNetwork, RequestedNumber, index_of, view_of, work_out
from archcalc.cli.files import output_errors, require_svg, write_file
from archcalc.report.expressions import Expressions
from archcalc.report.window_svg import Mark, Panel, WindowPicture, draw
from archcalc.spec.errors import fail

if TYPE_CHECKING:
    from archcalc.executor.kernel import Array
    from archcalc.executor.loops.window_view import WindowView

MAX_CHANNELS = 8
"""The maximum number of channels of an input that are drawn."""
MAX_CELLS = 16
"""The maximum number of rows and columns of a matrix that is drawn completely."""
NEAR = 2
"""How many rows and columns beyond the marked cells are drawn of a larger one."""

Cell = tuple[int, int]


def write_window(evaluated: EvaluatedNetwork, place: RequestedNumber, path: str, digits: int) -> None:
    """Draw the window of an output to an SVG file.

    Raises:
        SpecError: the layer has no window, or not one over one or two axes, or the file cannot be written.
    """
    require_svg(path)
    view = view_of(evaluated, place)
    if view is None or len(view.sizes) > 2:
        hint = "--svg draws one output of a convolution or a pooling over one or two axes, as in --at conv_1:0,0"
        fail("argument", f"no window to draw for '{place.layer[:60]}'", hint=hint, origin="--svg")
    drawing = _Drawing(evaluated, place, view, digits)
    with output_errors("--svg", path):
        write_file(path, draw(drawing.picture()))


class _Drawing:
    """The panels of one window."""

    def __init__(self, evaluated: EvaluatedNetwork, place: RequestedNumber, view: WindowView, digits: int) -> None:
        self.evaluated, self.place, self.view = evaluated, place, view
        self.node = evaluated.network.graph.nodes[evaluated.network.tensor(place.layer).node]
        self.expressions = Expressions(digits=digits)

    def picture(self) -> WindowPicture:
        """Return the content of the picture."""
        name, number = work_out(self.evaluated, self.place).worked.steps[-1]
        example, channel, *at = index_of(self.evaluated, self.place)
        output = self.evaluated.tensors[self.evaluated.network.tensor(self.place.layer)][example, channel]
        value = self.expressions.number(number)
        seen = self.view.channels[:MAX_CHANNELS]
        more = len(self.view.channels) - len(seen)
        return WindowPicture(
            title=name,
            network=self.evaluated.network.name + (f"; without {count_text(more, 'further channel')}" if more else ""),
            lines=[self.line(place, channel) for place, channel in enumerate(seen)],
            signs=("·", "="),
            output=self.panel(f"{self.place.layer}, channel {channel}", output, {_cell(at): ("output",)}),
            equations=[f"{name} = {self.expressions.step(number)} = {value}"],
        )

    def line(self, place: int, channel: int) -> list[Panel]:
        """Return the panels of a channel: the input, and of a convolution the weights and the products."""
        view, values, weights = self.view, self.view.values[place], self.view.weights
        marks: dict[Cell, tuple[Mark, ...]] = {}
        rows, columns = view.covered if len(view.covered) > 1 else ((0,), *view.covered)
        largest = max(values.flat) if "max" in self.node.op.name else None
        matrix = _matrix(view.input[channel])
        for y, row in enumerate(matrix):
            for x, number in enumerate(row):
                found: list[Mark] = [] if self.inside((y, x)) else ["padding"]
                if y in rows and x in columns:
                    found.append("chosen" if largest is not None and number == largest else "window")
                marks[y, x] = tuple(found)
        title = f"{self.evaluated.inputs(self.node)[0][0]}, channel {channel}"
        panels = [self.panel(title + (", padded" if view.is_padded else ""), view.input[channel], marks)]
        if weights is None:
            return panels
        flipped = ", flipped" if view.flipped else ""
        kernel = weights[place]
        everywhere: dict[Cell, tuple[Mark, ...]] = dict.fromkeys(_cells(kernel), ("weight",))
        products: dict[Cell, tuple[Mark, ...]] = dict.fromkeys(_cells(kernel), ("product",))
        return [
            *panels,
            self.panel(f"weights{flipped}", kernel, everywhere),
            self.panel("products", values * kernel, products),
        ]

    def inside(self, cell: Cell) -> bool:
        """Return whether a cell of the padded input belongs to the input."""
        before = self.view.before if len(self.view.before) > 1 else (0, *self.view.before)
        sizes = self.view.sizes if len(self.view.sizes) > 1 else (1, *self.view.sizes)
        return all(first <= at < first + size for at, first, size in zip(cell, before, sizes, strict=True))

    def panel(self, title: str, array: Array, marks: Mapping[Cell, tuple[Mark, ...]]) -> Panel:
        """Return a matrix; of a large one, the part around the marked cells."""
        matrix = _matrix(array)
        near = [cell for cell, found in marks.items() if {*found} - {"padding"}]
        parts = []
        for axis, size in enumerate(matrix.shape):
            first, last = min(cell[axis] for cell in near), max(cell[axis] for cell in near)
            part = range(max(first - NEAR, 0), min(last + NEAR + 1, size, first + MAX_CELLS))
            parts.append(range(size) if size <= MAX_CELLS else part)
        rows, columns = parts
        if (len(rows), len(columns)) != matrix.shape:
            title += f", rows {rows[0]}–{rows[-1]}, columns {columns[0]}–{columns[-1]}"
        texts = [[self.number(matrix[y, x]) for x in columns] for y in rows]
        shifted = {
            (y - rows[0], x - columns[0]): found for (y, x), found in marks.items() if y in rows and x in columns
        }
        return Panel(title, texts, shifted)

    def number(self, number: Any) -> str:
        """Return a number as text; an infinity, such as the padding of a maximum, by its symbol."""
        if isinstance(number, float) and isinf(number):
            return "∞" if number > 0 else "−∞"
        return self.expressions.number(number)


def _matrix(array: Array) -> Array:
    """Return a vector as a matrix of one row."""
    found: Array = array if array.ndim > 1 else array[None]
    return found


def _cell(at: list[int]) -> Cell:
    return (at[0], at[1]) if len(at) > 1 else (0, at[0])


def _cells(array: Array) -> list[Cell]:
    height, width = _matrix(array).shape
    return [(y, x) for y in range(height) for x in range(width)]
