"""Sources that attention adds to its scores, by their definition: pair by pair."""

from __future__ import annotations

import math
from itertools import product

from archcalc.executor.loops.scalar import Scalar, Tally
from archcalc.executor.loops.tensor import Index, Tensor, Tensors, definition
from archcalc.ops.position import RelativeBias, ShiftMask


@definition(RelativeBias)
def relative_bias(op: RelativeBias, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    table = inputs[0] if op.table else weights["table"]
    tokens = [*product(*map(range, op.size))]
    out: Tensor = {}
    for (i, query), (j, key) in product(enumerate(tokens), repeat=2):
        if op.buckets is None:
            row = _relative_position(op.size, query, key)
        else:
            row = _bucket(j - i, op.buckets, op.max_distance or 128, op.causal)
        for head in range(op.heads):
            out[head, i, j] = table[row, head]
    return out


def _relative_position(size: Index, query: Index, key: Index) -> int:
    """Return the number of a relative position, the last axis fastest."""
    row = 0
    for n, q, k in zip(size, query, key, strict=True):
        row = row * (2 * n - 1) + q - k + n - 1
    return row


def _bucket(after: int, buckets: int, longest: int, causal: bool) -> int:
    """Return the bucket of a key that is ``after`` positions after the query."""
    distance = max(-after, 0) if causal else abs(after)
    count = buckets if causal else buckets // 2
    first = count if after > 0 and not causal else 0
    single = count // 2
    if distance < single:
        return first + distance
    share = round(math.log(distance / single) / math.log(longest / single), 9)
    return first + min(single + math.floor(share * (count - single)), count - 1)


@definition(ShiftMask)
def shift_mask(op: ShiftMask, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    """Compare where the two positions of a pair were before the map was rolled: in one window of the rolled map, they
    are as far apart as then, unless the border of the map lay between them."""
    windows, shifts = (each * (len(op.size) if len(each) == 1 else 1) for each in (op.window, op.shift))
    axes = [*zip(op.size, windows, shifts, strict=True)]
    out: Tensor = {}
    for number, window in enumerate(product(*(range(n // m) for n, m, _ in axes))):
        tokens = [*product(*(range(w * m, (w + 1) * m) for w, (_, m, _) in zip(window, axes, strict=True)))]
        for (i, one), (j, other) in product(enumerate(tokens), repeat=2):
            kept = all((a + s) % n - (b + s) % n == a - b for a, b, (n, _, s) in zip(one, other, axes, strict=True))
            out[number, 0, i, j] = Scalar(0.0 if kept else -100.0, tally)
    return out
