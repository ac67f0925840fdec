"""The training steps of ``archcalc run``: their options, masks of dropout, and how moving averages change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from archcalc.arrays.written_arrays import WrittenArrayError, read_number
from archcalc.cli.by_hand import MAX_OPERATIONS, MAX_PLACES, EvaluatedNetwork, WorkedNumbers, record_step
from archcalc.spec.errors import fail, suggest

if TYPE_CHECKING:
    from archcalc.executor.kernel import Array
    from archcalc.executor.training import MovingAverage
    from archcalc.graph import Graph


class Momentum(click.ParamType["MovingAverage"]):
    """A convention of moving averages: ``pytorch``, ``tensorflow``, or with another momentum ``pytorch:0.2``."""

    name = "momentum"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> MovingAverage:
        from dataclasses import replace

        from archcalc.executor.training import CONVENTIONS

        word, colon, number = str(value).strip().partition(":")
        average = CONVENTIONS.get(word.lower())
        if average is None:
            hint = "pytorch:0.1 keeps 0.9 of the old value, tensorflow:0.1 keeps 0.1 of it"
            return self.fail(f"must be pytorch or tensorflow, or one with a momentum, got '{value[:40]}' ({hint})")
        if not colon:
            return average
        try:
            momentum = read_number(number)
        except WrittenArrayError as error:
            return self.fail(str(error))
        if not 0 <= momentum <= 1:  # NaN neither
            return self.fail(f"the momentum must be from 0 to 1, got {number.strip()[:40]}")
        return replace(average, momentum=Fraction(momentum))


def given_masks(graph: Graph, written: Sequence[str], batch: int) -> dict[str, Array]:
    """Return the masks of dropout that are given by ``--mask``, batch in front.

    Raises:
        SpecError: an unknown layer or one that is not dropout, two masks for one, one that cannot be read or has
            another shape, or other numbers than 0 and 1.
    """
    from archcalc.cli.given_arrays import given_array
    from archcalc.executor.training import mask_sizes
    from archcalc.executor.written_arrays import float_arrays

    shapes = {node.name: tuple(map(int, graph.input_shapes(node)[0])) for _, node in graph.layers() if node.inputs}
    sizes = {node.name: mask_sizes(node.op, shapes[node.name]) for _, node in graph.layers() if node.inputs}
    known = {name: found for name, found in sizes.items() if found is not None}
    masks: dict[str, Array] = {}
    for text in written:
        name, equals, array = text.partition("=")
        name = name.strip()
        if not equals:
            name, array = next(iter(known), ""), text
        if name not in known:
            listed = f"layers of dropout: {', '.join([*known][:8])}" if known else "the network has no dropout"
            fail("unknown-name", f"no mask '{name[:60]}'", hint=suggest(name, known, listed), origin="--mask")
        if name in masks:
            fail("argument", f"two masks for '{name}'", hint="write NAME=ARRAY", origin="--mask")
        own = given_array(array, known[name], f"the mask of '{name}'", "--mask", batch=batch)
        masks[name] = float_arrays({name: own})[name].reshape(-1, *known[name])
        if not {*masks[name].flat} <= {0, 1}:
            fail("array", f"the mask of '{name}' must consist of 0 and 1", origin="--mask")
        if len(masks[name]) not in (1, batch):
            fail("array", f"the mask of '{name}' has {len(masks[name])} examples, the input {batch}", origin="--mask")
    return {name: mask.repeat(batch // len(mask), axis=0) for name, mask in masks.items()}


def with_averages(graph: Graph) -> list[int]:
    """Return the layers whose moving averages are few enough to be worked out."""
    found = []
    for index, node in graph.layers():
        operations = int(node.op.cost(graph.input_shapes(node)).flops) if node.op.running_statistics else 0
        if node.op.running_statistics and 2 * node.output[0] <= MAX_PLACES and operations <= MAX_OPERATIONS:
            found.append(index)
    return found


def averages(step: EvaluatedNetwork) -> Iterator[WorkedNumbers]:
    """Yield how the moving averages of every layer that has some are updated in a training step, by channel."""
    from archcalc.report.worked_solution import solution_of

    if step.training is None:
        return
    for index in with_averages(step.network.graph):
        node = step.network.graph.nodes[index]
        if any(ref not in step.tensors for ref in node.inputs):  # a training head that does not run
            continue
        layer, arrays = record_step(step, index)
        channels = int(node.output[0])
        for channel in range(channels):
            at = f"[{channel}]" if channels > 1 else ""
            numbers = {f"{node.name}.{name}{at}": array[channel] for name, array in layer.updates.items()}
            yield WorkedNumbers(solution_of(f"{node.name}{at}", numbers), arrays)
