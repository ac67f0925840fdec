"""Counting conventions: what a layer contributes to a sum where people count differently from archcalc."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from archcalc.analysis.counts import Counts
from archcalc.diagnosis.mistake import Contribution
from archcalc.diagnosis.variation import Site
from archcalc.numeric import Number, product
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


def bias_per_input(site: Site, counts: Counts, quantity: str) -> Number | None:
    """Count a bias for every input channel, or for every input of a fully connected layer."""
    biases = _biases(site)
    if not biases or site.op.kind not in ("convolution", "dense"):
        return None
    inputs = product(site.shape) if site.op.flattens else site.shape[0]
    return counts.params - biases + inputs if inputs != biases else None


def inputs_added(site: Site, counts: Counts, quantity: str) -> Number | None:
    """Add the numbers of inputs and outputs of a fully connected layer, or of the channels of a 1×1 convolution."""
    op: Any = site.op
    if op.kind == "dense":
        return product(site.shape) + product(op.output(site.inputs))
    is_pointwise = op.kind == "convolution" and set(op.kernel) == {1}
    return site.shape[0] + op.output(site.inputs)[0] if is_pointwise else None


def bias_on_top(site: Site, counts: Counts, quantity: str) -> Number | None:
    """Count one addition for each bias in addition to twice the MACs."""
    return counts.macs + counts.connections if counts.macs else None


def one_per_map(site: Site, counts: Counts, quantity: str) -> Number | None:
    """Count one number for each map of a batch norm."""
    return site.shape[0] if batch_norms(site.op) else None


def per_element(site: Site, counts: Counts, quantity: str) -> Number | None:
    """Count the numbers of a batch norm for each element instead of each map."""
    return product(site.shape[1:]) * getattr(counts, quantity) if batch_norms(site.op) else None


def in_place(site: Site, counts: Counts, quantity: str) -> Number | None:
    """Count no outputs of layers that can overwrite their input, such as activation functions and dropout."""
    if len(site.inputs) != 1 or site.op.weights(site.inputs) or site.op.output(site.inputs) != site.shape:
        return None
    (reach,) = site.op.windows(site.inputs)
    return 0 if all(window is not None and window.is_pointwise for window in reach) else None


def _biases(site: Site) -> Number:
    return sum(weight.count for weight in site.op.weights(site.inputs) if weight.name == "bias")


def macs_only(site: Site, counts: Counts, quantity: str) -> Number | None:
    return counts.macs


def twice_macs(site: Site, counts: Counts, quantity: str) -> Number | None:
    return 2 * counts.macs
