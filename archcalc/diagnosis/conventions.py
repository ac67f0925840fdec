"""Counting conventions: what a layer contributes to a sum where people count differently from archcalc."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from archcalc.analysis.counts import Counts
from archcalc.diagnosis.mistake import Contribution
from archcalc.diagnosis.variation import Site
from archcalc.numeric import Number
from archcalc.ops.base import Operator
from archcalc.ops.traits import Kind

Condition: TypeAlias = Callable[[Operator], bool]
"""Returns whether a convention affects the layers of an operator."""


def of_kind(kind: Kind) -> Condition:
    """Return the condition that an operator is of a kind."""
    return lambda op: op.kind == kind


def batch_norms(op: Operator) -> bool:
    """Return whether an operator is a batch norm."""
    return op.running_statistics


def only(condition: Condition) -> Contribution:
    """Return the convention that counts these layers only."""
    return lambda site, counts, quantity: None if condition(site.op) else 0


def without(condition: Condition) -> Contribution:
    """Return the convention that leaves these layers out."""
    return lambda site, counts, quantity: 0 if condition(site.op) else None


def operations_of(condition: Condition) -> Contribution:
    """Return the convention that counts all operations of these layers in addition to the MACs of the others."""
    return lambda site, counts, quantity: counts.flops if condition(site.op) and not counts.macs else None


def statistics_counted(site: Site, counts: Counts, quantity: str) -> Number | None:
    return counts.params if batch_norms(site.op) else None


def statistics_left_out(site: Site, counts: Counts, quantity: str) -> Number | None:
    return counts.trainable if batch_norms(site.op) else None


def products_with_biases(site: Site, counts: Counts, quantity: str) -> Number | None:
    """Count one more operation per output for the bias."""
    return counts.connections if counts.macs else None


def multiplications_of_norms(site: Site, counts: Counts, quantity: str) -> Number | None:
    return counts.mults if batch_norms(site.op) else None


def one_per_output_of_activations(site: Site, counts: Counts, quantity: str) -> Number | None:
    return counts.activations if site.op.kind == "activation" else None


def operations_of_all(site: Site, counts: Counts, quantity: str) -> Number | None:
    """Count every operation of the layers without products: norms, activations, pooling, joins."""
    return counts.flops if not counts.macs else None


def bias_per_kernel(site: Site, counts: Counts, quantity: str) -> Number | None:
    """Count a bias for every input channel of every filter of a convolution."""
    sums, biases = site.op.sums(site.shape), _biases(site)
    if sums is None or not biases or site.op.kind != "convolution" or site.op.window_kind != "sliding":
        return None
    pairs = sums.kernels[0].pairs
    return counts.params - biases + pairs if len(sums.kernels) == 1 and pairs != biases else None


def one_bias(site: Site, counts: Counts, quantity: str) -> Number | None:
    """Count a single bias for the layer."""
    biases = _biases(site)
    return counts.params - biases + 1 if biases and site.op.kind in ("convolution", "dense") else None


def _biases(site: Site) -> Number:
    return sum(weight.count for weight in site.op.weights(site.inputs) if weight.name == "bias")


def macs_only(site: Site, counts: Counts, quantity: str) -> Number | None:
    return counts.macs


def twice_macs(site: Site, counts: Counts, quantity: str) -> Number | None:
    return 2 * counts.macs
