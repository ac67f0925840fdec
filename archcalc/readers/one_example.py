"""Steps that would mix the examples of a batch: read for the one example that a file has.

Some models compare the examples of a batch with each other, such as texts with images. What they compute for one
example is still known if the file has a batch of one: its batch axis then is an axis of size 1 like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from archcalc.graph import Ref
from archcalc.ops.structure import Reshape
from archcalc.readers.batch import Place, Places, Sizes, Undecided, batch_axes
from archcalc.readers.steps import Layers, Step

MAX_MIXING = 100
"""The number of steps that may mix the examples."""


@dataclass(frozen=True, kw_only=True)
class OneExampleStep(Step):
    """The same tensor, whose batch axis of size 1 is an axis of the example from here on."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        yield (None,)

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        (place,), (tensor,) = places, tensors
        if place is None or not place.is_pure:
            return [tensor]
        shape = layers.shape(tensor)
        return [layers.add(Reshape(shape=(*shape[: place.axis], 1, *shape[place.axis :])), [tensor])]


class LocatedSteps(NamedTuple):
    """The steps of a model with the batch axis of every tensor."""

    steps: tuple[Step, ...]
    sizes: tuple[Sizes, ...]
    places: list[Place]
    mixing: tuple[Step, ...]
    """The steps that would mix the examples of a batch."""


def locate_batch_axes(
    steps: Sequence[Step], sizes: Sequence[Sizes], given: Mapping[int, Place], batch: int
) -> LocatedSteps:
    """Return the steps with the batch axes; see `archcalc.readers.batch.batch_axes`.

    In a batch of one, steps that would mix the examples read these as one.

    Raises:
        Undecided: a step has no possible place; its index is that in the steps that are given.
    """
    found, all_sizes = list(steps), list(sizes)
    mixing: list[Step] = []
    while True:
        try:
            places = batch_axes(found, all_sizes, given, batch)
        except Undecided as error:
            at = error.step
            step = found[at]
            is_known = any(step.outputs == each.outputs for each in mixing)
            if batch != 1 or is_known or len(mixing) == MAX_MIXING:
                number = next(index for index, each in enumerate(steps) if each.outputs == step.outputs)
                raise Undecided(number) from None
        else:
            return LocatedSteps(tuple(found), tuple(all_sizes), places, tuple(mixing))
        mixing.append(step)
        whole = {tensor: len(all_sizes) + number for number, tensor in enumerate(dict.fromkeys(step.inputs))}
        all_sizes += [all_sizes[tensor] for tensor in whole]
        kept = [OneExampleStep(inputs=(each,), outputs=(made,), origin=step.origin) for each, made in whole.items()]
        read = replace(step, inputs=tuple([whole[tensor] for tensor in step.inputs]))
        found[at : at + 1] = [*kept, read]
