"""``archcalc run`` on small arrays: exact numbers, and numbers that are worked out."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import click

from archcalc.arrays.texts import shape_text
from archcalc.cli.execution import array_errors
from archcalc.spec.errors import fail

if TYPE_CHECKING:
    from archcalc.api import Network
    from archcalc.executor.interpreter import LayerTrace
    from archcalc.executor.kernel import Array
    from archcalc.executor.loops.record import RecordedNumber
    from archcalc.executor.loops.window_view import WindowView
    from archcalc.executor.training import TrainingStep
    from archcalc.graph import Node, Ref
    from archcalc.report.worked_solution import WorkedSolution

MAX_OPERATIONS = 2_000_000
"""The maximum number of operations of a network, or of a layer, that is evaluated by loops."""
MAX_EXACT_OPERATIONS = 200_000
"""The same for exact numbers, which are slower."""
MAX_PLACES = 64
"""The maximum number of elements of a layer that are worked out together."""

_PLACE = re.compile(r"(.+?)\s*[:\[]\s*(\d+(?:\s*,\s*\d+)*)\s*\]?|([^:\[]+)", re.ASCII)


class RequestedNumber(NamedTuple):
    """A number of the output of a layer, or all of them."""

    layer: str
    indices: tuple[int, ...]
    """The index of the number; empty for all numbers."""


def read_places(ctx: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[RequestedNumber, ...]:
    """Return the values of ``--at``: ``LAYER:INDEX`` or ``LAYER`` each."""
    places = []
    for text in values:
        found = _PLACE.fullmatch(text.strip())
        if found is None:
            raise click.UsageError(f"--at must be LAYER:INDEX such as conv_1:0,2,2, or LAYER, got '{text[:60]}'")
        layer, index, alone = found.groups()
        places.append(
            RequestedNumber(layer, tuple(map(int, index.split(",")))) if index else RequestedNumber(alone, ())
        )
    return tuple(places)


class TrainingRun(NamedTuple):
    """A training step: what it depends on besides the inputs."""

    step: TrainingStep
    seed: int


@dataclass(frozen=True, eq=False)
class EvaluatedNetwork:
    """The tensors of a small network, batch in front, and its stored arrays before the run."""

    network: Network
    tensors: Mapping[Ref, Array]
    weights: Mapping[str, Array]
    training: TrainingRun | None = None
    """``None`` at inference."""

    def named(self, names: Sequence[str]) -> dict[str, Array]:
        """Return tensors by name."""
        return {name: self.tensors[self.network.tensor(name)] for name in names}

    def inputs(self, node: Node) -> list[tuple[str, Array]]:
        """Return the names and numbers of the tensors that a layer reads, in order; it may read one several times."""
        from archcalc.executor.recorded_gradients import tensor_name

        return [(tensor_name(self.network.graph, ref), self.tensors[ref]) for ref in node.inputs]

    def stored(self, node: Node) -> dict[str, Array]:
        """Return the stored arrays of a layer by their names in it."""
        from archcalc.executor.weights import array_names

        return {name: self.weights[full] for name, full in array_names(self.network.graph, node).items()}


def evaluate_exactly(
    network: Network,
    inputs: Mapping[str, Array],
    weights: Mapping[str, Array],
    training: TrainingRun | None = None,
) -> tuple[EvaluatedNetwork, dict[str, Array]]:
    """Evaluate a network in fractions and roots, and return the stored arrays that a training step updates as well.

    Args:
        network: a small network.
        inputs: an array for every input, batch in front, of fractions or floats.
        weights: the stored arrays, likewise.
        training: the training step; ``None`` at inference.

    Raises:
        SpecError: the network is too large, or a result has no exact form.
    """
    from archcalc.cli.given_arrays import exact
    from archcalc.executor.by_definition import evaluate
    from archcalc.executor.loops.exact import InexactError

    totals = network.analyze().totals
    batch = len(next(iter(inputs.values())))
    require_operations(network.name, int(totals.flops) * batch, MAX_EXACT_OPERATIONS, "--exact")
    try:
        with array_errors("--exact"):
            stored = exact(weights)
            tensors, updates = evaluate(network.graph, exact(inputs), stored, *(training or ()))
            return EvaluatedNetwork(network, tensors, stored, training), updates
    except InexactError as error:
        hint = "run without --exact for decimal numbers"
        fail("argument", f"no exact result: {error}", hint=hint, origin="--exact")


def require_operations(name: str, operations: int, most: int, origin: str) -> None:
    """Fail if more operations are asked for than loops evaluate in a few seconds."""
    if operations > most:
        hint = "choose a smaller --shape"
        fail(
            "too-large",
            f"{name} takes {operations:,} operations, but at most {most:,} are evaluated",
            hint=hint,
            origin=origin,
        )


class WorkedNumbers(NamedTuple):
    """Numbers that are worked out, and the arrays that they are computed from, by the names that the steps give."""

    worked: WorkedSolution
    arrays: Mapping[str, Array]


def work_out(evaluated: EvaluatedNetwork, place: RequestedNumber) -> WorkedNumbers:
    """Return how numbers are computed from the inputs and the stored arrays of their layer.

    Raises:
        SpecError: no such layer or index, or a layer that is too large.
    """
    from archcalc.executor.loops.run import record_layer
    from archcalc.executor.loops.training import differs
    from archcalc.report.worked_solution import solution_of

    graph = evaluated.network.graph
    ref = evaluated.network.tensor(place.layer)
    node = graph.nodes[ref.node]
    if node.is_input:
        fail("argument", f"'{place.layer[:60]}' is an input: it is not computed", origin="--at")
    if node.op.is_random:
        fail("argument", f"'{place.layer[:60]}' is random: its numbers are drawn, not computed", origin="--at")
    shape = evaluated.tensors[ref].shape
    operations = int(node.op.cost(graph.input_shapes(node)).flops)
    if evaluated.training is not None and differs(node.op):
        require_operations(f"'{node.name}'", operations * shape[0], MAX_OPERATIONS, "--at")
        return _worked_in_training(evaluated, ref.node, place)
    require_operations(f"'{node.name}'", operations, MAX_OPERATIONS, "--at")
    places = _indices(place, shape)
    examples = sorted({example for example, *_ in places})
    numbers: dict[str, Any] = {}
    stored, inputs = evaluated.stored(node), evaluated.inputs(node)
    arrays: dict[str, Array] = {}
    names = {name: f"{node.name}.{name}" if name in dict(inputs) else name for name in stored}
    for example in examples:
        own = [(_of_example(name, example, shape), each[example]) for name, each in inputs]
        with array_errors("--at"):
            output = record_layer(node.op, own, stored, names)[ref.output]
        arrays |= dict(own)
        numbers |= {_written(place, index, shape): output[tuple(index[1:])] for index in places if index[0] == example}
    arrays |= {names[name]: array for name, array in stored.items()}
    found = solution_of(_written(place, None, shape), _records(numbers))
    if (view := view_of(evaluated, place)) is not None:
        found, arrays = _with_window(found, arrays, view)
    return WorkedNumbers(found, arrays)


def view_of(evaluated: EvaluatedNetwork, place: RequestedNumber) -> WindowView | None:
    """Return the window of one output of a convolution or a pooling; ``None`` for other layers and for all outputs."""
    from archcalc.executor.loops.window_view import window_view

    ref = evaluated.network.tensor(place.layer)
    node = evaluated.network.graph.nodes[ref.node]
    if not place.indices or len(node.inputs) != 1:
        return None
    example, *index = index_of(evaluated, place)
    ((_, x),) = evaluated.inputs(node)
    return window_view(node.op, x[example], evaluated.stored(node), tuple(index))


def index_of(evaluated: EvaluatedNetwork, place: RequestedNumber) -> tuple[int, ...]:
    """Return the index of the number of a place, the example first."""
    return _index(place, evaluated.tensors[evaluated.network.tensor(place.layer)].shape)


def _with_window(
    found: WorkedSolution, arrays: Mapping[str, Array], view: WindowView
) -> tuple[WorkedSolution, dict[str, Array]]:
    """Return numbers worked out with the input as the window lies on it: with its padding; and flipped kernels."""
    from archcalc.report.worked_solution import ReadNumbers

    name = next(iter(arrays))
    shown, reads = dict(arrays), {read.name: read for read in found.reads}
    if view.is_padded:
        del shown[name]
        padded = f"{name}, with padding"
        shown = {padded: view.input, **shown}
        reads = {
            padded: ReadNumbers(padded, view.indices()),
            **{other: read for other, read in reads.items() if other != name},
        }
    if view.flipped and view.weights is not None:
        kernel = view.weights if len(view.weights) > 1 else view.weights[0]
        turned = "weight, flipped"
        shown = {**shown, turned: kernel}
        reads[turned] = ReadNumbers(turned, tuple(product(*map(range, kernel.shape))))
    return replace(found, reads=tuple(reads.values())), shown


def _worked_in_training(evaluated: EvaluatedNetwork, number: int, place: RequestedNumber) -> WorkedNumbers:
    """Return how numbers of a layer are computed in a training step from all examples of a batch."""
    from archcalc.report.worked_solution import solution_of

    layer, arrays = record_step(evaluated, number)
    shape = layer.output.shape
    numbers = {}
    for index in _indices(place, shape):
        written = _written(place, index, shape)
        numbers[written] = layer.output[index]
        if layer.mean is not None:
            numbers[f"expectation of {written} over all masks"] = layer.mean[index]
    return WorkedNumbers(solution_of(_written(place, None, shape), _records(numbers)), arrays)


def record_step(evaluated: EvaluatedNetwork, number: int) -> tuple[Any, dict[str, Array]]:
    """Return what a layer computes in a training step, recorded, and the arrays that it reads by name."""
    from archcalc.executor.by_definition import trained_layer

    graph = evaluated.network.graph
    node = graph.nodes[number]
    assert evaluated.training is not None
    inputs, stored = dict(evaluated.inputs(node)), evaluated.stored(node)
    layer, mask = trained_layer(graph, number, inputs, stored, *evaluated.training)
    return layer, {**inputs, **stored} if mask is None else {**inputs, "mask": mask}


def _records(numbers: Mapping[str, Any]) -> dict[str, RecordedNumber]:
    """Return numbers as records; those of a layer's own, such as a zero that no input reaches, have none yet."""
    from archcalc.executor.loops.record import RecordedNumber

    return {name: each if isinstance(each, RecordedNumber) else RecordedNumber(each) for name, each in numbers.items()}


def _of_example(name: str, example: int, shape: tuple[int, ...]) -> str:
    return name if shape[0] == 1 else f"{name}, example {example}"


def _written(place: RequestedNumber, index: tuple[int, ...] | None, shape: tuple[int, ...]) -> str:
    """Return the name of a number, with the number of its example if there are several; or that of the place."""
    if index is None:
        index = place.indices
    elif shape[0] == 1:
        index = index[1:]
    return f"{place.layer}[{', '.join(map(str, index))}]" if index else place.layer


def _indices(place: RequestedNumber, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the indices of the numbers of a place, the example first."""
    if place.indices:
        return [_index(place, shape)]
    if prod(shape) > MAX_PLACES:
        hint = f"give an index, as in --at {place.layer[:40]}:{','.join('0' for _ in shape[1:])}"
        name = place.layer[:60]
        what = f"'{name}' has {prod(shape):,} numbers; without an index, at most {MAX_PLACES} are worked out"
        fail("too-large", what, hint=hint, origin="--at")
    return [*product(*map(range, shape))]


def _index(place: RequestedNumber, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the index of a number, the example first; leading axes of size 1 may be left out."""
    sizes = shape[1:]
    index = place.indices
    if len(index) == len(shape):
        example, index = index[0], index[1:]
    else:
        example = 0
        missing = len(sizes) - len(index)
        if missing > 0 and prod(sizes[:missing]) == 1:
            index = (0,) * missing + index
    if len(index) != len(sizes) or any(at >= size for at, size in zip((example, *index), shape, strict=True)):
        outside = len(index) == len(sizes)
        fail_at(place, f"'{place.layer[:60]}'", sizes, outside=outside, after_example=shape[0] > 1)
    return (example, *index)


def fail_at(
    place: RequestedNumber, what: str, sizes: Sequence[int], *, outside: bool, after_example: bool = False
) -> NoReturn:
    """Fail because there is no number at a place.

    Args:
        place: the place of ``--at``.
        what: the tensor.
        sizes: its shape without the batch.
        outside: whether the place has the right number of indices, one of which is too large.
        after_example: whether the index of the example may precede the others.
    """
    count = "indices count" if outside else "give 1 index, which counts" if len(sizes) == 1 else ""
    hint = f"{count or f'give {len(sizes)} indices, which count'} from 0, channels first"
    got = ", ".join(map(str, place.indices))
    text = f"{what} has no number [{got}]: its shape is {shape_text(sizes)}"
    fail("argument", text, hint=hint + (", after the example" if after_example else ""), origin="--at")


class RecordedTensors:
    """The inputs and outputs of some layers, which are taken during a run."""

    def __init__(self, layers: Collection[int]) -> None:
        self.layers = layers
        self.found: dict[Ref, Array] = {}

    def observer(self, then: Callable[[LayerTrace], object] | None) -> Callable[[LayerTrace], None]:
        """Return what is to observe a run: this, then another observer."""

        def observe(trace: LayerTrace) -> None:
            self.observe(trace)
            if then is not None:
                then(trace)

        return observe

    def observe(self, trace: LayerTrace) -> None:
        """Take the tensors of a layer."""
        from archcalc.graph import Ref

        if trace.number in self.layers:
            self.found.update(zip(trace.node.inputs, trace.inputs, strict=True))
            self.found.update({Ref(trace.number, output): array for output, array in enumerate(trace.outputs)})
