"""What a training step costs by other conventions: as PyTorch keeps tensors, in place, by another optimizer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archcalc.analysis.counts import TRAINING
from archcalc.analysis.formats import Formats
from archcalc.analysis.training.cost import TrainingCost
from archcalc.analysis.training.setup import OPTIMIZERS, TrainingSetup
from archcalc.diagnosis.mistake import Outcome
from archcalc.diagnosis.places import outcome_of
from archcalc.diagnosis.target import DiagnosedTarget
from archcalc.numeric import Number


def training_outcomes(target: DiagnosedTarget) -> Iterator[Outcome]:
    """Yield the outcomes of a quantity of a training step by other conventions."""
    if target.quantity not in TRAINING:
        return
    setup = target.analysis.setup

    def figure(other: TrainingSetup) -> Number:
        analysis = target.analysis
        cost = TrainingCost(target.graph, other, training=analysis.training, batch=analysis.batch)
        return cost.figure(target.quantity, target.members, Formats())

    setups: list[tuple[str, TrainingSetup]] = []
    if target.quantity in ("saved", "training_memory"):
        setups += [
            ("kept-by-pytorch", replace(setup, as_pytorch=True)),
            ("overwritten", replace(setup, in_place=True)),
            ("kept-by-pytorch-in-place", replace(setup, as_pytorch=True, in_place=True)),
        ]
    if target.quantity == "training_memory":
        setups += [("other-optimizer", replace(setup, optimizer=name)) for name in OPTIMIZERS]
    known = {*target.actual.values}
    for code, other in setups:
        value = figure(other)
        if value not in known:  # of conventions that give the same, the first one is named
            known.add(value)
            names = {"optimizer": other.optimizer} if code == "other-optimizer" else {}
            yield outcome_of(code, (value,), alternatives=1, **names)
