"""Questions for the numbers that come out of a layer: the key gives the network with its input and stored arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, NoReturn

from archcalc.arrays.texts import shape_text
from archcalc.arrays.written import Shape, WrittenArrayError, read_array
from archcalc.diagnosis.arrays.elements import agree
from archcalc.grading.kinds.arrays import KnownArray, read_tolerance
from archcalc.grading.kinds.base import Prepared
from archcalc.grading.kinds.written_arrays import read_elements
from archcalc.grading.subjects import Subject
from archcalc.grading.submission import NetworkText
from archcalc.spec.errors import Text, fail, suggest, whole_text

if TYPE_CHECKING:
    from archcalc.diagnosis.arrays.computation import Computation
    from archcalc.diagnosis.arrays.outcomes import ArrayOutcome
    from archcalc.executor.kernel import Array
    from archcalc.graph import Graph

MAX_OPERATIONS = 100_000_000
"""The most operations of a network whose numbers are asked (a second of work)."""

_ENTRY = re.compile(r"(?P<layer>.+?)\s*(?:\[\s*(?P<index>\d+(?:\s*,\s*\d+)*)\s*\]|:\s*(?P<place>\d+(?:\s*,\s*\d+)*))?")


@dataclass(frozen=True)
class ComputedArray:
    """The output of a layer, or one number of it, on given inputs."""

    place: Text
    """The place of errors."""
    network: NetworkText | None = None
    """The network; ``None`` for the only one of the key."""
    inputs: Mapping[str, Text] = field(default_factory=dict)
    """The inputs by name; the first one may have an empty name."""
    stored: Mapping[str, Text] = field(default_factory=dict)
    """The stored arrays that are given, by ``layer.array``."""
    layer: Text | None = None
    """The layer, perhaps with the index of one number; ``None`` for the output of the network."""
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

    def prepare(self, subject: Subject) -> Prepared:
        """Compute the output."""
        name, owner = self._network(subject)
        graph, model = owner.networks[name].graph, owner.models.get(name)
        layer, index = self._entry(graph)
        own = model.arrays() if model is not None else None
        computation = self._computation(graph, own)
        found = self._known(computation, layer, index)
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

    def _entry(self, graph: Graph) -> tuple[str, Shape | None]:
        """Return the layer that is asked, and the index if it is one number of it."""
        if self.layer is None:
            return next(iter(graph.outputs)), None
        written = self.layer.value.strip()
        found = _ENTRY.fullmatch(written) if graph.find(written) is None else None
        name = found["layer"] if found is not None else written
        if graph.find(name) is None:
            hint = suggest(name, [node.name for _, node in graph.layers()])
            fail("key", f"there is no layer '{name[:60]}'", whole_text(self.layer), hint)
        places = (found["index"] or found["place"]) if found is not None else None
        return name, None if places is None else tuple(map(int, places.split(",")))

    def _computation(self, graph: Graph, model: Mapping[str, Array] | None) -> Computation:
        """Return the network with the numbers that the key gives."""
        from archcalc.diagnosis.arrays.computation import Computation
        from archcalc.executor.weights import initial, random_names, stored

        operations = sum(int(node.op.cost(graph.input_shapes(node)).flops) for _, node in graph.layers())
        if operations > MAX_OPERATIONS:
            message = f"the network takes {operations:,} operations, at most {MAX_OPERATIONS:,}"
            fail("too-large", message, whole_text(self.place), "ask for a smaller network")
        shapes = {name: tuple(map(int, shape)) for name, shape in graph.inputs.items()}
        first = next(iter(shapes), "")
        given = self._arrays({name or first: text for name, text in self.inputs.items()}, shapes, "input", batch=1)
        inputs = {name: array.reshape(-1, *shapes[name]) for name, array in given.items()}
        for name in shapes:
            if name not in inputs:
                hint = f"for example: input: {{{name}: ones}}"
                fail("missing", f"the input '{name}' is not given", whole_text(self.place), hint)
        sizes = {name: len(array) for name, array in inputs.items()}
        if len(set(sizes.values())) > 1:
            fail("key", f"the inputs differ in the number of examples: {sizes}", whole_text(self.place))
        arrays = self._arrays(self.stored, stored(graph, training=self.training), "array")
        missing = [name for name in random_names(graph) if name not in arrays] if model is None else []
        if missing:
            listed = ", ".join(missing[:5])
            message = f"the numbers of {listed} are not given"
            fail("missing", message, whole_text(self.place), f"for example: weights: {{{missing[0]}: ones}}")
        others = initial(graph, dtype="float64", training=self.training) if model is None else _doubles(model)
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
        given = self._arrays(self.masks, shapes, "mask", batch=batch)
        for name in shapes:
            if name not in given:
                hint = f"for example: masks: {{{name}: 1 0 1}}"
                fail("missing", f"the mask of {name} is not given", whole_text(self.place), hint)
        return {name: array.reshape(-1, *shapes[name]) for name, array in given.items()}

    def _arrays(
        self, texts: Mapping[str, Text], shapes: Mapping[str, Shape], what: str, batch: int | None = None
    ) -> dict[str, Array]:
        """Return arrays that the key gives."""
        from archcalc.executor.written import floats, in_shape

        found = {}
        for name, text in texts.items():
            if name not in shapes:
                listed = f"the {what}s are {', '.join([*shapes][:8])}" if shapes else f"the network has no {what}s"
                hint = suggest(name, shapes, listed)
                fail("unknown-name", f"no {what} '{name[:60]}'", whole_text(text), hint)
            try:
                found[name] = in_shape(read_array(text.value), shapes[name], batch)
            except WrittenArrayError as error:
                fail(
                    "key", f"{name} {error}" if str(error).startswith("must") else f"{name}: {error}", whole_text(text)
                )
        return floats(found)

    def _known(self, computation: Computation, layer: str, index: Shape | None) -> KnownArray:
        """Return the output of a layer, or one number of it, with what it would be under known mistakes."""
        from archcalc.diagnosis.arrays.outcomes import computed, rearranged
        from archcalc.diagnosis.arrays.working import Working

        elements, tolerance = computation.elements(layer), read_tolerance(self.tolerance)
        working = Working(computation, layer)

        @cache
        def outcomes() -> Sequence[ArrayOutcome]:
            return [*computed(computation, layer, elements), *rearranged(elements)]

        if index is None:
            return KnownArray(elements, tolerance, outcomes, working=working.number)
        full = (0,) * (len(elements.shape) - len(index)) + index  # leading axes of size 1 may be left out
        number = elements.at(full)
        if number is None or any(size != 1 for size in elements.shape[: -len(index)]):
            assert self.layer is not None
            message = f"'{layer}' has shape {shape_text(elements.shape)}, no number [{', '.join(map(str, index))}]"
            fail("key", message, whole_text(self.layer), "indices count from 0, channels first")

        def at_index() -> Sequence[ArrayOutcome]:
            return [each for outcome in outcomes() if (each := _at(full, outcome)) is not None]

        return KnownArray(number, tolerance, at_index, working=lambda _: working.number(full))

    def _check_answer(self, found: KnownArray, answer: Text) -> None:
        """Fail if the key states another answer than the network computes."""
        try:
            given = read_elements(answer.value)
        except WrittenArrayError as error:
            fail("key", str(error), whole_text(answer))
        if not agree(given.shape, given.numbers, found.elements, found.tolerance):
            _fail_other_answer(found, answer)


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
