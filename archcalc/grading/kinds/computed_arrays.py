"""Questions for the numbers that come out of a layer, or for a gradient: the key gives the network with its input and
stored arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from archcalc.arrays.texts import shape_text
from archcalc.arrays.written_arrays import Shape, WrittenArrayError
from archcalc.diagnosis.arrays.elements import FlatArray, arrays_agree
from archcalc.grading.kinds.arrays import KnownArray, read_tolerance
from archcalc.grading.kinds.base import PreparedQuestion
from archcalc.grading.kinds.entries import ArrayEntry, read_arrays, read_entry
from archcalc.grading.kinds.gradients import WrittenGradient
from archcalc.grading.kinds.written_arrays import read_elements
from archcalc.grading.subjects import Subject
from archcalc.grading.submission import NetworkText
from archcalc.spec.errors import Text, fail, whole_text

if TYPE_CHECKING:
    from archcalc.diagnosis.arrays.asked_arrays import AskedArray
    from archcalc.diagnosis.arrays.computation import Computation
    from archcalc.diagnosis.arrays.outcomes import ArrayOutcome
    from archcalc.diagnosis.arrays.worked_numbers import WorkedNumber
    from archcalc.executor.kernel import Array
    from archcalc.graph import Graph

    Worked: TypeAlias = Callable[[Shape], WorkedNumber | None]

MAX_OPERATIONS = 100_000_000
"""The maximum number of operations of a network whose numbers are asked (a second of work)."""


@dataclass(frozen=True)
class ComputedArray:
    """The output of a layer on given inputs, or a gradient, or one number of these."""

    place: Text
    """The place of errors."""
    network: NetworkText | None = None
    """The network; ``None`` for the only one of the key."""
    inputs: Mapping[str, Text] = field(default_factory=dict)
    """The inputs by name; the first one may have an empty name."""
    stored: Mapping[str, Text] = field(default_factory=dict)
    """The stored arrays that are given, by ``layer.array``."""
    layer: Text | None = None
    """The layer, perhaps with the index of one number; ``None`` for the output of the network. The loss of a
    gradient is computed from the output of this layer."""
    gradient: WrittenGradient | None = None
    """The gradient that is asked instead of the output of the layer."""
    training: bool = False
    """Whether batch norms use the statistics of the batch, and dropout its masks."""
    masks: Mapping[str, Text] = field(default_factory=dict)
    """The masks of dropout by layer."""
    answer: Text | None = None
    """The answer, if the key states it as well."""
    tolerance: Text | None = None

    @property
    def needs_network(self) -> bool:
        return self.network is None

    def prepare(self, subject: Subject) -> PreparedQuestion:
        """Compute the array."""
        name, owner = self._network(subject)
        graph, model = owner.networks[name].graph, owner.models.get(name)
        own = model.arrays() if model is not None else None
        entry = self._entry(graph)
        computation = self._computation(graph, own)
        found = self._known(computation, entry)
        if self.answer is not None:
            self._check_answer(found, self.answer)
        return found

    def _network(self, subject: Subject) -> tuple[str, Subject]:
        """Return the name of the network, and the subject that it belongs to."""
        if self.network is not None and self.network.spec.value.strip() in subject.networks:
            return self.network.spec.value.strip(), subject
        if self.network is not None:
            return "", subject.of(self.network)
        if len(subject.networks) > 1:
            listed = ", ".join(subject.networks)
            fail("key", "the question must name its network", whole_text(self.place), f"for example: network: {listed}")
        return next(iter(subject.networks)), subject

    def _entry(self, graph: Graph) -> ArrayEntry:
        """Return the layer that is asked, or that the loss is computed from."""
        if self.layer is None:
            return ArrayEntry(next(iter(graph.outputs)))
        found = read_entry(self.layer, graph)
        if self.gradient is not None and found.at is not None:
            fail("key", "a loss is computed from all numbers of a layer", whole_text(self.layer), "leave out the index")
        return found

    def _computation(self, graph: Graph, model: Mapping[str, Array] | None) -> Computation:
        """Return the network with the numbers that the key gives."""
        from archcalc.diagnosis.arrays.computation import Computation
        from archcalc.diagnosis.arrays.outcomes import operations_of
        from archcalc.executor.weights import initial_arrays, random_names, stored_array_shapes

        operations = operations_of(graph)
        if operations > MAX_OPERATIONS:
            message = f"the network takes {operations:,} operations, but at most {MAX_OPERATIONS:,} are evaluated"
            fail("too-large", message, whole_text(self.place), "ask for a smaller network")
        shapes = {name: tuple(map(int, shape)) for name, shape in graph.inputs.items()}
        first = next(iter(shapes), "")
        given = read_arrays({name or first: text for name, text in self.inputs.items()}, shapes, "input", batch=1)
        inputs = {name: array.reshape(-1, *shapes[name]) for name, array in given.items()}
        for name in shapes:
            if name not in inputs:
                hint = f"for example: input: {{{name}: ones}}"
                fail("missing", f"the input '{name}' is not given", whole_text(self.place), hint)
        sizes = {name: len(array) for name, array in inputs.items()}
        if len(set(sizes.values())) > 1:
            fail("key", f"the inputs differ in the number of examples: {sizes}", whole_text(self.place))
        arrays = read_arrays(self.stored, stored_array_shapes(graph, training=self.training), "array")
        missing = [name for name in random_names(graph) if name not in arrays] if model is None else []
        if missing:
            listed = ", ".join(missing[:5])
            message = f"the numbers of {listed} are not given"
            fail("missing", message, whole_text(self.place), f"for example: weights: {{{missing[0]}: ones}}")
        others = initial_arrays(graph, dtype="float64", training=self.training) if model is None else _doubles(model)
        batch = len(next(iter(inputs.values()), ()))
        return Computation(graph, inputs, {**others, **arrays}, self.training, self._masks(graph, batch))

    def _masks(self, graph: Graph, batch: int) -> dict[str, Array]:
        """Return the masks of dropout, which a question about training gives, because others would be random."""
        from archcalc.executor.training import mask_sizes

        shapes = {}
        for _, node in graph.layers():
            sizes = mask_sizes(node.op, tuple(map(int, graph.input_shapes(node)[0]))) if node.inputs else None
            if self.training and sizes is not None:
                shapes[node.name] = sizes
        given = read_arrays(self.masks, shapes, "mask", batch=batch)
        for name in shapes:
            if name not in given:
                hint = f"for example: masks: {{{name}: 1 0 1}}"
                fail("missing", f"the mask of {name} is not given", whole_text(self.place), hint)
        return {name: array.reshape(-1, *shapes[name]) for name, array in given.items()}

    def _known(self, computation: Computation, entry: ArrayEntry) -> KnownArray:
        """Return what is asked, or one number of it, with what it would be under known mistakes."""
        from archcalc.diagnosis.arrays.asked_arrays import AskedOutput
        from archcalc.diagnosis.arrays.worked_numbers import WorkedGradient, WorkedOutput

        if self.gradient is None:
            number = WorkedOutput(computation, entry.name).number
            return self._indexed(computation, AskedOutput(entry.name), entry, self.layer, number)
        gradient, of = self.gradient.asked(computation, entry.name)
        return self._indexed(
            computation, gradient, of, self.gradient.name, WorkedGradient(computation, gradient).number
        )

    def _indexed(
        self, computation: Computation, asked: AskedArray, entry: ArrayEntry, place: Text | None, working: Worked
    ) -> KnownArray:
        """Return an array, or the number of it that has the index of an entry."""
        from archcalc.diagnosis.arrays.steps import RequestedArray

        elements, tolerance, index = computation.elements(asked), read_tolerance(self.tolerance), entry.at

        @cache
        def outcomes() -> Sequence[ArrayOutcome]:
            return outcomes_under_mistakes(computation, asked, elements)

        if index is None:
            return KnownArray(elements, tolerance, outcomes, working=working, step=RequestedArray(computation, asked))
        full = (0,) * (len(elements.shape) - len(index)) + index  # leading axes of size 1 may be left out
        number = elements.at(full)
        if number is None or any(size != 1 for size in elements.shape[: -len(index)]):
            assert place is not None
            got = ", ".join(map(str, index))
            message = f"'{entry.name}' has no number [{got}]: its shape is {shape_text(elements.shape)}"
            fail("key", message, whole_text(place), "indices count from 0, channels first")

        def at_index() -> Sequence[ArrayOutcome]:
            return [each for outcome in outcomes() if (each := _at(full, outcome)) is not None]

        return KnownArray(
            number, tolerance, at_index, working=lambda _: working(full), step=RequestedArray(computation, asked, full)
        )

    def _check_answer(self, found: KnownArray, answer: Text) -> None:
        """Fail if the key states another answer than the network computes."""
        try:
            given = read_elements(answer.value)
        except WrittenArrayError as error:
            fail("key", str(error), whole_text(answer))
        if not arrays_agree(given.shape, given.numbers, found.elements, found.tolerance):
            _fail_other_answer(found, answer)


def outcomes_under_mistakes(computation: Computation, asked: AskedArray, correct: FlatArray) -> Sequence[ArrayOutcome]:
    """Return what is asked under all known mistakes; the first one that leads to an array is named."""
    from archcalc.diagnosis.arrays.asked_arrays import AskedGradient
    from archcalc.diagnosis.arrays.backward_outcomes import backward_outcomes
    from archcalc.diagnosis.arrays.outcomes import computation_outcomes, rearrangement_outcomes

    backward = backward_outcomes(computation, asked, correct) if isinstance(asked, AskedGradient) else []
    seen = {outcome.elements for outcome in backward}
    forward = [each for each in computation_outcomes(computation, asked, correct) if each.elements not in seen]
    return [*backward, *forward, *rearrangement_outcomes(correct)]


def _fail_other_answer(found: KnownArray, answer: Text) -> NoReturn:
    outcome = found.judge(answer.value)
    why = f": {outcome.explanations[0].sentence}" if outcome.explanations else ""
    fail("key", f"the network computes {found.correct}, not this answer{why}", whole_text(answer))


def _at(index: Shape, outcome: ArrayOutcome) -> ArrayOutcome | None:
    """Return one number of an array under a mistake; ``None`` if it has none there."""
    number = outcome.elements.at(index)
    return None if number is None else outcome._replace(elements=number)


def _doubles(model: Mapping[str, Array]) -> dict[str, Array]:
    return {name: array.astype("float64") for name, array in model.items()}
