"""``archcalc run --backward --at``: numbers of a gradient, worked out from the gradients of the layers that follow."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from archcalc.cli.by_hand import MAX_OPERATIONS, MAX_PLACES, RequestedNumber, WorkedNumbers, fail_at, require_operations
from archcalc.cli.execution import array_errors
from archcalc.spec.errors import fail

if TYPE_CHECKING:
    from archcalc.executor.recorded_gradients import RecordedGradients


def worked_gradients(found: RecordedGradients, places: Sequence[RequestedNumber]) -> list[WorkedNumbers]:
    """Return the numbers of gradients at places, worked out.

    Args:
        found: the gradients.
        places: the tensors or stored arrays, with an index or all of their numbers.

    Raises:
        SpecError: no such index, or a layer that is too large.
    """
    return [_work_out(found, place) for place in places]


def _work_out(found: RecordedGradients, place: RequestedNumber) -> WorkedNumbers:
    from archcalc.report.worked_solution import solution_of

    g, batched = found.found.gradients[place.layer], place.layer not in found.found.arrays
    indices = _indices(place, g.shape, batched=batched)
    for layer, operations in found.operations(place.layer).items():
        require_operations(f"'{layer}'", operations * len(indices), MAX_OPERATIONS, "--at")
    with array_errors("--at"):
        numbers, arrays = found.numbers(place.layer, indices)
    name = f"∂L/∂{place.layer}"
    written = {}
    for index, number in numbers.items():
        shown = index[1:] if batched and len(g) == 1 else index
        written[f"{name}[{', '.join(map(str, shown))}]"] = number
    return WorkedNumbers(solution_of(name if len(written) > 1 else next(iter(written)), written), arrays)


def _indices(place: RequestedNumber, shape: tuple[int, ...], *, batched: bool) -> list[tuple[int, ...]]:
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
