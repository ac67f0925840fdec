"""``archcalc run --backward --at``: one number of a gradient, worked out from the gradients of the layers that follow.

The definition of a layer by loops records every operation; the chain rule on these gives the number. A tensor that
several layers read, or an array that several use, has the sum of what each of them gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import TYPE_CHECKING, Any

from archcalc.arrays.texts import shape_text
from archcalc.cli.by_hand import MAX_OPERATIONS, Place, within_operations
from archcalc.cli.execution import array_errors
from archcalc.spec.errors import fail

if TYPE_CHECKING:
    from archcalc.api import Network
    from archcalc.executor.backward import Backward, Point
    from archcalc.executor.kernel import Array
    from archcalc.executor.loops.record import Recorded
    from archcalc.graph import Node
    from archcalc.report.worked import Worked


@dataclass(frozen=True, eq=False)
class WorkedGradient:
    """One number of a gradient worked out, with the arrays that it is computed from."""

    worked: Worked
    arrays: Mapping[str, Array]

    def record(self) -> dict[str, Any]:
        """Return it as data."""
        from archcalc.report.worked import record

        return record(self.worked)


def layers_to_keep(network: Network, places: Sequence[Place]) -> list[str]:
    """Return the layers whose gradients the numbers at places are computed from."""
    return [node.name for place in places for node, _ in _readers(network, place.layer)]


def _readers(network: Network, name: str) -> Iterator[tuple[Node, list[str]]]:
    """Yield the layers that read a tensor or use a stored array, with its names in them."""
    from archcalc.executor.weights import array_names, stored

    graph = network.graph
    is_array = name in stored(graph, training=True)
    ref = None if is_array else graph.find(name)
    for _, node in graph.layers():
        if is_array:
            own = [own for own, full in array_names(graph, node).items() if full == name]
        else:
            own = [_argument(place) for place, read in enumerate(node.inputs) if read == ref]
        if own:
            yield node, own


def _argument(place: int) -> str:
    """Return the name under which the numbers of an input of a layer are recorded."""
    return f"input {place}"


def worked_gradients(network: Network, found: Backward, places: Sequence[Place]) -> list[WorkedGradient]:
    """Return the numbers of gradients at places, worked out.

    Raises:
        SpecError: no such index, or a layer that is too large.
    """
    return [_work_out(network, found, place) for place in places]


def _work_out(network: Network, found: Backward, place: Place) -> WorkedGradient:
    from archcalc.executor.loops.batch import is_defined
    from archcalc.executor.loops.record import Recorded
    from archcalc.executor.weights import stored
    from archcalc.report.worked import worked

    g = found.gradients[place.layer]
    of_array = place.layer in stored(network.graph, training=True)
    index = _index(place, g.shape, batched=not of_array)
    numbers: list[Recorded] = []
    arrays: dict[str, Array] = {}
    for node, names in _readers(network, place.layer):
        point = found.points.get(node.name)
        if point is None:  # the loss does not depend on the layer
            continue
        if not is_defined(node.op, training=point.trace.training):
            what = f"'{node.name}' makes random choices in training: its gradient cannot be worked out"
            fail("argument", what, hint="run without --mode train", origin="--at")
        operations = int(node.op.cost(network.graph.input_shapes(node)).flops) * len(point.given[0])
        within_operations(f"'{node.name}'", operations, MAX_OPERATIONS, "--at")
        layer = _Layer(network, node, point)
        with array_errors("--at"):
            numbers += [layer.gradient(name, index, batched=not of_array) for name in names]
        arrays |= layer.arrays
    shown = index[1:] if not of_array and len(g) == 1 else index
    written = f"∂L/∂{place.layer}[{', '.join(map(str, shown))}]"
    total = reduce(lambda one, other: one + other, numbers) if numbers else Recorded(float(g[index]))
    return WorkedGradient(worked(written, total), arrays)


def _index(place: Place, shape: tuple[int, ...], *, batched: bool) -> tuple[int, ...]:
    """Return the index of a number; leading axes of size 1, and the example of a batch of one, may be left out."""
    index = place.indices
    missing = len(shape) - len(index)
    if missing > 0 and prod(shape[:missing]) == 1:
        index = (0,) * missing + index
    if len(index) != len(shape) or any(at >= size for at, size in zip(index, shape, strict=True)):
        sizes = shape[1:] if batched and shape[0] == 1 else shape
        hint = f"give {len(sizes)} {'index' if len(sizes) == 1 else 'indices'}, counted from 0, channels first"
        got = ", ".join(map(str, place.indices))
        what = f"∂L/∂{place.layer[:60]} has shape {shape_text(sizes)}, no number [{got}]"
        fail("argument", what, hint=hint, origin="--at")
    return index


class _Layer:
    """A layer whose gradient is worked out: its definition by loops on recorded numbers."""

    def __init__(self, network: Network, node: Node, point: Point) -> None:
        from archcalc.executor.loops.batch import record_batch

        trace = point.trace
        names = [_tensor_name(network, place, node) for place in range(len(node.inputs))]
        self.inputs = {_argument(place): name for place, name in enumerate(names)}
        inputs = dict(zip(names, trace.inputs, strict=True))
        outputs = [
            node.name if len(node.outputs) == 1 else f"{node.name}, output {at}" for at in range(len(node.outputs))
        ]
        self.given = {f"∂L/∂{name}": g for name, g in zip(outputs, point.given, strict=True)}
        self.stored = {own: (f"{node.name}.{own}", array) for own, array in trace.weights.items()}
        self.single = len(trace.outputs[0]) == 1
        self.results = record_batch(node.op, inputs, self.stored, self.given, training=trace.training)
        shown = {**inputs, **self.given}
        self.arrays: dict[str, Array] = {
            **{name: array[0] if self.single else array for name, array in shown.items()},
            **dict(self.stored.values()),
        }

    def gradient(self, name: str, index: tuple[int, ...], *, batched: bool) -> Recorded:
        """Return one number of the gradient of an input or of a stored array, by its name in the layer."""
        from archcalc.executor.loops.record import Recorded
        from archcalc.executor.loops.reverse import reverse

        at = index[1:] if batched and self.single else index
        place = (self.inputs[name] if name in self.inputs else self.stored[name][0], at)
        found = reverse(self.results, place).get(place)
        return found if isinstance(found, Recorded) else Recorded(found or 0.0)


def _tensor_name(network: Network, place: int, node: Node) -> str:
    """Return the name of an input of a layer; a tensor that it reads twice has two."""
    ref = node.inputs[place]
    source = network.graph.nodes[ref.node]
    name = source.name if len(source.outputs) == 1 else f"{source.name}, output {ref.output}"
    times = node.inputs[:place].count(ref)
    return f"{name} ({times + 1})" if times else name


def worked_text(found: Sequence[WorkedGradient], form: str, digits: int) -> str:
    """Return numbers worked out as text, Markdown or LaTeX."""
    from archcalc.report.worked import worked_latex, worked_lines, worked_markdown

    write = {"markdown": worked_markdown, "latex": worked_latex}.get(form, worked_lines)
    return "\n".join("".join(f"{line}\n" for line in write(each.worked, each.arrays, digits=digits)) for each in found)
