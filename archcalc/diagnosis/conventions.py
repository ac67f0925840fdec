"""Conventions of counting: what a layer contributes to a sum, where people count otherwise than archcalc."""

from __future__ import annotations

from archcalc.analysis.counts import Counts
from archcalc.diagnosis.counting import CONVOLUTIONS, DENSE, is_activation
from archcalc.diagnosis.mistake import Tally
from archcalc.diagnosis.variation import Site
from archcalc.numeric import Number, product
from archcalc.ops.base import Operator
from archcalc.ops.conv import Conv
from archcalc.ops.norm import BatchNorm


def only(*kinds: type[Operator]) -> Tally:
    """Nothing but these layers."""
    return lambda site, counts, quantity: None if isinstance(site.op, kinds) else 0


def without(*kinds: type[Operator]) -> Tally:
    """All layers but these."""
    return lambda site, counts, quantity: 0 if isinstance(site.op, kinds) else None


def statistics_counted(site: Site, counts: Counts, quantity: str) -> Number | None:
    return counts.params if isinstance(site.op, BatchNorm) else None


def statistics_left_out(site: Site, counts: Counts, quantity: str) -> Number | None:
    return counts.trainable if isinstance(site.op, BatchNorm) else None


def products_with_biases(site: Site, counts: Counts, quantity: str) -> Number | None:
    """One more operation per output for the bias."""
    return counts.connections if counts.macs else None


def operations_of(*kinds: type[Operator]) -> Tally:
    """All operations of these layers, beside the MACs of the others."""
    return lambda site, counts, quantity: counts.flops if isinstance(site.op, kinds) and not counts.macs else None


def multiplications_of_norms(site: Site, counts: Counts, quantity: str) -> Number | None:
    return counts.mults if isinstance(site.op, BatchNorm) else None


def one_per_output_of_activations(site: Site, counts: Counts, quantity: str) -> Number | None:
    return counts.activations if is_activation(site.op) else None


def operations_of_all(site: Site, counts: Counts, quantity: str) -> Number | None:
    """Every operation of the layers without products: norms, activations, pooling, joins."""
    return counts.flops if not counts.macs else None


def bias_per_kernel(site: Site, counts: Counts, quantity: str) -> Number | None:
    """A bias for every plane of every filter."""
    op = site.op
    if not isinstance(op, Conv) or not op.bias:
        return None
    return counts.params - op.channels + product(op.kernels(site.shape))


def one_bias(site: Site, counts: Counts, quantity: str) -> Number | None:
    """A single bias for the whole layer."""
    biases = [weight.count for weight in site.op.weights(site.inputs) if weight.name == "bias"]
    return counts.params - sum(biases) + 1 if biases and isinstance(site.op, (*CONVOLUTIONS, *DENSE)) else None


def macs_only(site: Site, counts: Counts, quantity: str) -> Number | None:
    return counts.macs


def twice_macs(site: Site, counts: Counts, quantity: str) -> Number | None:
    return 2 * counts.macs
