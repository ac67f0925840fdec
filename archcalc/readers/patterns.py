"""Steps whose operators have patterns in einops' notation: repeated elements, and products in Einstein's notation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any

from archcalc.graph import Ref
from archcalc.numeric import Number, known_equal
from archcalc.ops.product import Einsum
from archcalc.ops.rearrange import Reduce, Repeat
from archcalc.ops.structure import Reshape
from archcalc.readers.batch import BatchAxis, Place, Places, Sizes
from archcalc.readers.steps import AxesReductionStep, Layers, Step, index_without, make, same_shape


@dataclass(frozen=True, kw_only=True)
class RepetitionStep(Step):
    """The same elements, several times along some axes. Axes of the result before those of the input are new."""

    counts: tuple[Any, ...]
    """How often the elements are repeated along every axis of the result."""
    interleaved: bool = False
    """Whether an element is followed by its repetitions, not by its neighbour."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        """Yield the axis of the batch, whose positions may be repeated; a tensor without one may be repeated to a
        batch."""
        new = len(results[0]) - len(sizes[0])
        place = inputs[0]
        if place is None:
            for axis, (n, m) in enumerate(zip((*(1,) * new, *sizes[0]), results[0], strict=True)):
                if n == 1 and m == batch > 1:  # one for each example
                    yield (BatchAxis(axis),)
            yield (None,)
            return
        axis = place.axis + new
        count = results[0][axis] // sizes[0][place.axis]
        outer, inner = (1, count) if self.interleaved else (count, 1)
        yield (BatchAxis(axis, place.outer * outer, place.inner * inner),)

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        place, result = places[0], results[0]
        shape = layers.shape(tensors[0])
        rank = len(shape) + (place is not None and place.is_pure)
        new = len(self.counts) - rank
        read: list[str] = []
        made: list[str] = []
        given: dict[str, Number] = {}
        for axis, count in enumerate(self.counts):
            own = axis - new
            here = own >= 0 and not (place is not None and place.is_pure and own == place.axis)
            is_one = here and known_equal(shape[index_without(place, own)], 1)
            if here:
                read.append("1" if is_one else f"a{own}")
            if place is None and result is not None and axis == result.axis:
                continue  # one for each example
            factors = [f"a{own}"] if here and not is_one else []
            times = layers.size(count)
            if not known_equal(times, 1):
                given[f"r{axis}"] = times
                factors.insert(len(factors) if self.interleaved else 0, f"r{axis}")
            if factors or not (result is not None and result.is_pure and axis == result.axis):
                made.append(factors[0] if len(factors) == 1 else f"({' '.join(factors)})" if factors else "1")
        if given:
            op = make(Repeat, pattern=f"{' '.join(read)} = {' '.join(made)}", sizes=tuple(sorted(given.items())))
            return [layers.add(op, tensors)]
        by_name = {name: shape[index_without(place, int(name[1:]))] for name in read if name != "1"}
        sizes = tuple([by_name.get(name, 1) for name in made])
        return [tensors[0] if same_shape(sizes, shape) else layers.add(Reshape(shape=sizes), tensors)]


@dataclass(frozen=True, kw_only=True)
class PatternReductionStep(AxesReductionStep):
    """A combination of all elements along some axes, which must not include that of the batch, by ``reduce``."""

    how: str

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        axes = {index_without(places[0], axis) for axis in self.axes}
        names = [f"a{axis}" for axis in range(len(layers.shape(tensors[0])))]
        kept = ["1" if axis in axes else name for axis, name in enumerate(names) if self.keep or axis not in axes]
        made = " ".join(kept or ["1"])  # one number is a tensor of one element
        return [layers.add(make(Reduce, pattern=f"{' '.join(names)} = {made}", how=self.how), tensors)]


@dataclass(frozen=True, kw_only=True)
class ContractionStep(Step):
    """A product of two tensors in Einstein's notation. The axis of the batch must remain."""

    read: tuple[str, str]
    """A letter for every axis of each tensor."""
    made: str
    """A letter for every axis of the result."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        named = {
            (letters[place.axis], place.outer, place.inner)
            for letters, place in zip(self.read, inputs, strict=True)
            if place is not None
        }
        if not named:
            yield (None,)
        elif len(named) == 1:
            ((letter, outer, inner),) = named
            alone = any(place is None and letter in each for place, each in zip(inputs, self.read, strict=True))
            if letter in self.made and not alone:
                yield (BatchAxis(self.made.index(letter), outer, inner),)

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        one, other = (_without(letters, place) for letters, place in zip(self.read, places, strict=True))
        made, read = _without(self.made, results[0]), list(tensors)
        if not made:  # one number, which is a vector of one
            made = next(letter for letter in ascii_lowercase if letter not in one + other)
            one = made + one
            read[0] = layers.add(Reshape(shape=(1, *layers.shape(read[0]))), read[:1])
        pattern = f"{' '.join(one)}, {' '.join(other)} = {' '.join(made)}"
        return [layers.add(make(Einsum, pattern=pattern), read)]


def _without(letters: str, place: Place) -> str:
    """Return the letters of a tensor without that of an axis that is removed."""
    return letters if place is None or not place.is_pure else letters[: place.axis] + letters[place.axis + 1 :]
