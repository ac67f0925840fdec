"""``archcalc run --exact``: a small network in fractions and roots, at inference or over training steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archcalc.cli.by_hand import EvaluatedNetwork, TrainingRun, evaluate_exactly
from archcalc.cli.execution import array_errors
from archcalc.cli.given_arrays import batch_of, stored_arrays
from archcalc.cli.training_steps import given_masks
from archcalc.spec.errors import fail

if TYPE_CHECKING:
    from archcalc.api import Network
    from archcalc.executor.kernel import Array


def evaluate_steps_exactly(
    network: Network,
    batches: Sequence[Mapping[str, Array]],
    file: str | None,
    named: Mapping[str, Array],
    values: Mapping[str, Any],
) -> list[EvaluatedNetwork]:
    """Run a network in exact numbers, in training once for every batch.

    Args:
        network: a small network.
        batches: the inputs that are given.
        file: the file of the stored arrays.
        named: the stored arrays that are given by name.
        values: the options of the command.
    """
    from archcalc.executor.training import PYTORCH, TrainingStep

    drawn = next((node.name for node in network.graph.nodes if node.op.is_random), None)
    if drawn is not None:
        fail("argument", f"'{drawn}' is random, so its numbers are not exact", origin="--exact")
    inputs = [exact_inputs(network, given) for given in batches]
    weights: Mapping[str, Array] = exact_weights(network, file, named, values["mode"] == "train")
    steps = []
    for seed, given in enumerate(inputs, values["seed"]):
        training = None
        if values["mode"] == "train":
            masks = given_masks(network.graph, values["masks"], batch_of(network, given, values["batch"]))
            training = TrainingRun(TrainingStep(values["momentum"] or PYTORCH, masks), seed)
        step, updates = evaluate_exactly(network, given, weights, training)
        weights = {**step.weights, **updates}
        steps.append(step)
    return steps


def exact_inputs(network: Network, given: Mapping[str, Array]) -> dict[str, Array]:
    """Return all inputs, batch in front, for a run in exact numbers, which has no random ones."""
    from archcalc.executor.inputs import check_inputs, with_batch
    from archcalc.executor.written_arrays import float_arrays

    shapes = network.graph.inputs
    for name in shapes:
        if name not in given:
            hint = f"for example --input '{name} = ones'"
            fail("missing", f"exact results need the input '{name}'", hint=hint, origin="--exact")
    with array_errors("--input"):
        check_inputs(network.graph, float_arrays(given))
    return {name: with_batch(array, len(shapes[name])) for name, array in given.items()}


def exact_weights(network: Network, file: str | None, named: Mapping[str, Array], training: bool) -> dict[str, Array]:
    """Return all stored arrays for a run in exact numbers: those that are given, and neutral ones."""
    from archcalc.executor.weights import random_names

    arrays = stored_arrays(network, file, dtype="float64", seed=0, training=training)
    if file is None and network.arrays("float64") is None:
        missing = [name for name in random_names(network.graph, training=training) if name not in named]
        if missing:
            listed = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
            hint = f"for example --weights '{missing[0]} = ones'"
            fail("missing", f"exact results need numbers for {listed}", hint=hint, origin="--exact")
    return {**arrays, **named}
