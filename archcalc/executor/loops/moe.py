"""Mixtures of experts by their definition: token by token."""

from __future__ import annotations

from itertools import product

from archcalc.executor.loops.scalar import Scalar, Tally, exp
from archcalc.executor.loops.tensor import Tensor, Tensors, definition, evaluate, sizes, total, weighted_sum
from archcalc.ops.moe import MixtureOfExperts


@definition(MixtureOfExperts)
def mixture(op: MixtureOfExperts, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    (x,) = inputs
    *lead, features = sizes(x)
    out: Tensor = {}
    for place in product(*map(range, lead)):
        token = [x[(*place, j)] for j in range(features)]
        scores = _layer(token, "router", (), weights)
        chosen = _best(scores, op.top)
        powers = [exp(scores[expert] - scores[chosen[0]]) for expert in chosen]
        summed = total(powers)
        shares = [power / summed for power in powers]
        results = [_expert(op, token, expert, weights, tally) for expert in chosen]
        for j in range(features):
            out[(*place, j)] = total(share * result[j] for share, result in zip(shares, results, strict=True))
    return out


def _best(scores: list[Scalar], number: int) -> list[int]:
    """Return the places of the largest scores, the largest first."""
    left = [*range(len(scores))]
    found = []
    for _ in range(number):
        best = left[0]
        for other in left[1:]:
            if scores[other] > scores[best]:
                best = other
        left.remove(best)
        found.append(best)
    return found


def _layer(numbers: list[Scalar], name: str, expert: tuple[int, ...], weights: dict[str, Tensor]) -> list[Scalar]:
    """Return the outputs of the router, or of a layer of one expert."""
    rows = sizes(weights[name])[len(expert)]
    bias = weights.get(f"{name}_bias", {})
    result = []
    for row in range(rows):
        own = [weights[name][(*expert, row, j)] for j in range(len(numbers))]
        result.append(weighted_sum(numbers, own, bias.get((*expert, row))))
    return result


def _expert(
    op: MixtureOfExperts, token: list[Scalar], expert: int, weights: dict[str, Tensor], tally: Tally
) -> list[Scalar]:
    hidden = _layer(token, "gate" if op.gated else "up", (expert,), weights)
    (opened,) = evaluate(op.activation, ({(i,): h for i, h in enumerate(hidden)},), {}, tally)
    hidden = [opened[i,] for i in range(len(hidden))]
    if op.gated:
        hidden = [h * other for h, other in zip(hidden, _layer(token, "up", (expert,), weights), strict=True)]
    return _layer(hidden, "down", (expert,), weights)
