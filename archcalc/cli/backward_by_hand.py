"""``archcalc run --backward --at``: one number of a gradient, worked out from the gradients of the layers that follow.

The definition of a layer by loops records every operation; the chain rule on these gives the number. A tensor that
several layers read, or an array that several use, has the sum of what each of them gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from archcalc.cli.by_hand import MAX_OPERATIONS, MAX_PLACES, Place, WorkedOut, fail_at, tensor_name, within_operations
from archcalc.cli.execution import array_errors
from archcalc.spec.errors import fail

if TYPE_CHECKING:
    from archcalc.api import Network
    from archcalc.executor.backward import Backward, Point
    from archcalc.executor.kernel import Array
    from archcalc.executor.loops.record import Recorded
    from archcalc.executor.losses import Loss
    from archcalc.executor.training import TrainingStep
    from archcalc.graph import Node


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


def worked_gradients(
    network: Network, found: Backward, loss: Loss, places: Sequence[Place], seed: int, step: TrainingStep
) -> list[WorkedOut]:
    """Return the numbers of gradients at places, worked out.

    Args:
        network: the network.
        found: the gradients.
        loss: the loss.
        places: the tensors or stored arrays, with an index or all of their numbers.
        seed: the seed of dropout.
        step: the masks of dropout that were given.

    Raises:
        SpecError: no such index, or a layer that is too large.
    """
    return [_work_out(network, found, loss, place, seed, step) for place in places]


def _work_out(network: Network, found: Backward, loss: Loss, place: Place, seed: int, step: TrainingStep) -> WorkedOut:
    from archcalc.report.worked import worked

    g, graph = found.gradients[place.layer], network.graph
    batched = place.layer not in found.arrays
    indices = _indices(place, g.shape, batched=batched)
    parts: dict[tuple[int, ...], list[Recorded]] = {index: [] for index in indices}
    arrays: dict[str, Array] = {}
    for node, names in _readers(network, place.layer):
        point = found.points.get(node.name)
        if point is None:  # the loss does not depend on the layer
            continue
        operations = int(node.op.cost(graph.input_shapes(node)).flops) * len(point.given[0])
        within_operations(f"'{node.name}'", operations * len(indices), MAX_OPERATIONS, "--at")
        with array_errors("--at"):
            layer = _Layer(network, node, point, seed, step)
            for index, numbers in parts.items():
                numbers += [layer.gradient(name, index, batched=batched) for name in names]
        arrays |= layer.arrays
    for own in loss.terms if batched else ():
        if graph.find(own) == graph.find(place.layer):
            for index, numbers in parts.items():
                numbers.append(_of_loss(network, found.run.kept[own], loss, own, index))
    name = f"∂L/∂{place.layer}"
    written = {}
    for index, numbers in parts.items():
        shown = index[1:] if batched and len(g) == 1 else index
        written[f"{name}[{', '.join(map(str, shown))}]"] = reduce(lambda one, other: one + other, numbers)
    return WorkedOut(worked(name if len(written) > 1 else next(iter(written)), written), arrays)


def _of_loss(network: Network, y: Array, loss: Loss, name: str, index: tuple[int, ...]) -> Recorded:
    """Return the gradient of the loss itself with respect to a number of an output: what no layer passes on.

    It is worked out for the mean squared error and the cross-entropy of logits.
    """
    from archcalc.executor.loops.losses import cross_entropy_of_logits, mean_square
    from archcalc.executor.loops.record import Recorded
    from archcalc.executor.losses import class_axis

    graph, ref = network.graph, network.tensor(name)
    if loss.kind == "mse":
        return mean_square(y, loss.given[name], index)
    if loss.kind == "cross_entropy" and graph.nodes[ref.node].op.scores == "logits":
        return cross_entropy_of_logits(y, loss.given[name], index, class_axis(graph, ref, name) + 1)
    _, g = loss.terms[name](y)
    return Recorded(float(g[index]))


def _indices(place: Place, shape: tuple[int, ...], *, batched: bool) -> list[tuple[int, ...]]:
    """Return the indices of the numbers of a place; leading axes of size 1, and the example of a batch of one, may be
    left out."""
    index, sizes = place.indices, shape[1:] if batched and shape[0] == 1 else shape
    if not index:
        if prod(shape) > MAX_PLACES:
            hint = f"give an index, as in --at {place.layer[:40]}:{','.join('0' for _ in sizes)}"
            size = f"∂L/∂{place.layer[:60]} has {prod(shape):,} numbers"
            what = f"{size}; without an index, at most {MAX_PLACES} are worked out"
            fail("too-large", what, hint=hint, origin="--at")
        return [*product(*map(range, shape))]
    missing = len(shape) - len(index)
    if missing > 0 and prod(shape[:missing]) == 1:
        index = (0,) * missing + index
    if len(index) != len(shape) or any(at >= size for at, size in zip(index, shape, strict=True)):
        fail_at(place, f"∂L/∂{place.layer[:60]}", sizes, outside=len(index) == len(shape))
    return [index]


class _Layer:
    """A layer whose gradient is worked out: its definition by loops on recorded numbers."""

    def __init__(self, network: Network, node: Node, point: Point, seed: int, step: TrainingStep) -> None:
        from archcalc.executor.loops.batch import record_batch
        from archcalc.executor.training import mask_of

        trace = point.trace
        names = _names_read(network, node)
        self.inputs = {_argument(place): name for place, name in enumerate(names)}
        inputs = dict(zip(names, trace.inputs, strict=True))
        outputs = [tensor_name(network.graph, ref) for ref in network.graph.made_by(trace.number)]
        self.given = {f"∂L/∂{name}": g for name, g in zip(outputs, point.given, strict=True)}
        self.stored = {own: (f"{node.name}.{own}", array) for own, array in trace.weights.items()}
        self.single = len(trace.outputs[0]) == 1
        mask = None
        if trace.training:
            mask = mask_of(node.op, node.name, trace.inputs[0].shape, step, (seed, trace.number))
        self.results = record_batch(node.op, inputs, self.stored, self.given, training=trace.training, mask=mask)
        shown = {**inputs, **self.given, **({} if mask is None else {"mask": mask})}
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


def _names_read(network: Network, node: Node) -> list[str]:
    """Return the names of the inputs of a layer; a tensor that it reads twice has two."""
    names = []
    for place, ref in enumerate(node.inputs):
        times = node.inputs[:place].count(ref)
        names.append(f"{tensor_name(network.graph, ref)} ({times + 1})" if times else tensor_name(network.graph, ref))
    return names
