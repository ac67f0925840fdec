"""Mistakes and conventions in counting: biases, channels, groups, filters, batch norm, pooling, operations."""

from __future__ import annotations

from dataclasses import replace

from archcalc.analysis.propagate import Counts
from archcalc.claims.diagnosis.mistake import (
    COSTS,
    SHAPES_AND_COSTS,
    WEIGHTS,
    Convention,
    Misreading,
    Mistake,
    Prior,
    Tally,
)
from archcalc.claims.diagnosis.variation import Change, Site
from archcalc.claims.diagnosis.windows import changed, like
from archcalc.numeric import Number, exact_div, product
from archcalc.ops import activation
from archcalc.ops.base import Operator
from archcalc.ops.conv import Conv, DepthwiseConv, SeparableConv, TransposedConv
from archcalc.ops.dense import FullyConnected, Linear
from archcalc.ops.norm import BatchNorm
from archcalc.ops.pool import AdaptivePool, GlobalPool, Pool
from archcalc.ops.sliding import Sliding, effective_kernel
from archcalc.ops.structure import Flatten

CONVOLUTIONS = (Conv, DepthwiseConv, SeparableConv, TransposedConv)
DENSE = (FullyConnected, Linear)
POOLING = (Pool, GlobalPool, AdaptivePool)


def is_activation(op: Operator) -> bool:
    """Whether it is a nonlinearity."""
    return isinstance(op, activation.Elementwise | activation.Maxout) and not isinstance(op, activation.Scale)


def unbiased(site: Site) -> Site | None:
    return changed(site, bias=False) if hasattr(site.op, "bias") else None


def biased(site: Site) -> Site | None:
    return changed(site, bias=True) if hasattr(site.op, "bias") else None


def ungrouped(site: Site) -> Site | None:
    """One group; a depthwise or separable convolution becomes an ordinary one."""
    op = site.op
    if isinstance(op, Conv | TransposedConv):
        return changed(site, groups=1)
    if isinstance(op, DepthwiseConv | SeparableConv):
        channels = op.maps(site.shape) if isinstance(op, DepthwiseConv) else op.channels
        return site._replace(op=like(Conv, op, channels=channels))
    return None


def depthwise_only(site: Site) -> Site | None:
    return site._replace(op=like(DepthwiseConv, site.op, bias=False)) if isinstance(site.op, SeparableConv) else None


def one_input_channel(site: Site) -> Site | None:
    """Every filter as if it had one plane: k·k weights."""
    op = site.op
    if not isinstance(op, Conv | TransposedConv) or site.shape[0] == 1:
        return None
    if isinstance(op, Conv) and (op.table is not None or op.groups == site.shape[0]):
        return None
    return Site(replace(op, groups=1), ((1, *site.shape[1:]),))


def all_maps_connected(site: Site) -> Site | None:
    return changed(site, table=None) if isinstance(site.op, Conv) else None


def one_filter(site: Site) -> Site | None:
    op = site.op
    if isinstance(op, Conv) and op.table is None and op.channels != 1:
        seen = exact_div(site.shape[0], op.groups)
        return Site(replace(op, channels=1, groups=1), ((seen, *site.shape[1:]),))
    if isinstance(op, DepthwiseConv) and site.shape[0] != 1:
        return Site(replace(op, multiplier=1), ((1, *site.shape[1:]),))
    return changed(site, features=1) if isinstance(op, DENSE) else None


def positions_lost(site: Site) -> Site | None:
    """Flattening taken to leave one number per channel."""
    if isinstance(site.op, Flatten | FullyConnected) and len(site.shape) > 1:
        return site._replace(inputs=(site.shape[:1],))
    return None


def kernel_once(site: Site) -> Site | None:
    """k weights per plane instead of k·k."""
    op = site.op
    if not isinstance(op, CONVOLUTIONS) or len(op.kernel) < 2 or set(op.kernel[1:]) == {1}:
        return None
    return changed(site, kernel=(op.kernel[0], *(1,) * (len(op.kernel) - 1)))


def effective_kernel_counted(site: Site) -> Site | None:
    """A dilated kernel with weights in its holes."""
    op = site.op
    if not isinstance(op, CONVOLUTIONS) or set(op.dilation) == {1}:
        return None
    reach = tuple(effective_kernel(k, d) for k, d in zip(op.kernel, op.dilation, strict=True))
    return changed(site, kernel=reach, dilation=(1,) * len(reach))


def at_input_positions(site: Site) -> Site | None:
    """As many outputs as inputs: the input's H·W in place of the output's."""
    op = site.op
    if not isinstance(op, CONVOLUTIONS) or not isinstance(op, Sliding):
        return None
    if op.positions(site.shape) == site.shape[1:]:
        return None
    return changed(site, stride=(1,) * len(op.kernel), pad="same")


def at_output_positions(site: Site) -> Site | None:
    """A transposed convolution costed as an ordinary one over its output."""
    op = site.op
    if not isinstance(op, TransposedConv):
        return None
    conv = like(Conv, op, stride=(1,) * len(op.kernel), dilation=(1,) * len(op.kernel), pad="same")
    return Site(conv, ((site.shape[0], *op.output(site.inputs)[1:]),))


def at_one_position(site: Site) -> Site | None:
    """The cost of one output position only: as many products as weights."""
    op = site.op
    if not isinstance(op, CONVOLUTIONS) or not isinstance(op, Sliding) or set(op.positions(site.shape)) == {1}:
        return None
    own = replace(op, stride=(1,) * len(op.kernel), pad="valid", dilation=(1,) * len(op.kernel))
    return Site(own, ((site.shape[0], *op.kernel),))


def pooling_as(cls: type[Operator], *, bias: bool) -> Change:
    """A pooling that has the weights of a convolution."""

    def change(site: Site) -> Site | None:
        op = site.op
        if not isinstance(op, Pool) or op.weights(site.inputs):
            return None
        more = {"channels": site.shape[0]} if cls is Conv else {}
        return site._replace(op=like(cls, op, stride=op.strides(), bias=bias, **more))

    return change


# --- conventions: what a layer contributes to a sum ---


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


OUTPUTS = frozenset({"macs", "mults", "flops"})

MISTAKES: tuple[Mistake, ...] = (
    Misreading(
        code="bias-left-out", clause="the biases are left out", of=WEIGHTS | {"connections", "flops"},
        prior=Prior.COMMON, changes=(unbiased,), flows=False,
    ),
    Misreading(
        code="bias-added", clause="biases are counted, though the layer has none",
        of=WEIGHTS | {"connections", "flops"}, prior=Prior.COMMON, changes=(biased,), flows=False,
    ),
    Misreading(
        code="groups-ignored", clause="every filter is taken to see all input channels, not those of its group only",
        of=WEIGHTS | COSTS, prior=Prior.COMMON, changes=(ungrouped, all_maps_connected), flows=False,
    ),
    Misreading(
        code="input-channels-left-out", clause="the input channels are left out (k·k weights per filter)",
        of=WEIGHTS | COSTS, prior=Prior.COMMON, changes=(one_input_channel,), flows=False,
    ),
    Misreading(
        code="one-filter", clause="only one filter is counted", of=WEIGHTS | COSTS, prior=Prior.COMMON,
        changes=(one_filter,), flows=False,
    ),
    Misreading(
        code="positions-lost", clause="the positions are forgotten in flattening: one number per channel is left",
        of=SHAPES_AND_COSTS | WEIGHTS, prior=Prior.COMMON, changes=(positions_lost,),
    ),
    Misreading(
        code="kernel-once", clause="the kernel is counted along one axis only (k, not k·k)", of=WEIGHTS | COSTS,
        changes=(kernel_once,), flows=False,
    ),
    Misreading(
        code="effective-kernel-counted", clause="the holes of the dilated kernel are counted as weights",
        of=WEIGHTS | COSTS, prior=Prior.COMMON, changes=(effective_kernel_counted,), flows=False,
    ),
    Misreading(
        code="input-positions", clause="the positions of the input are counted instead of those of the output",
        of=COSTS, prior=Prior.COMMON, changes=(at_input_positions,), flows=False,
    ),
    Misreading(
        code="output-positions", clause="the positions of the output are counted instead of those of the input",
        of=COSTS, changes=(at_output_positions,), flows=False,
    ),
    Misreading(
        code="positions-left-out", clause="one output position is counted only (H·W left out)", of=COSTS,
        prior=Prior.COMMON, changes=(at_one_position,), flows=False,
    ),
    Misreading(
        code="pooling-with-weights", clause="the pooling is given weights, as if it were a convolution",
        of=WEIGHTS | {"macs", "mults", "connections"}, prior=Prior.COMMON, flows=False,
        changes=(
            pooling_as(DepthwiseConv, bias=False), pooling_as(DepthwiseConv, bias=True),
            pooling_as(Conv, bias=False), pooling_as(Conv, bias=True),
        ),
    ),
    Misreading(
        code="pointwise-left-out", clause="only the depthwise half of the separable convolution is counted",
        of=WEIGHTS | COSTS, changes=(depthwise_only,), flows=False, pairs=False,
    ),
    Convention(
        code="bn-statistics-left-out", clause="batch norm's running statistics are left out (2 numbers per map, not 4)",
        of=frozenset({"params"}), prior=Prior.COMMON, tally=statistics_left_out,
    ),
    Convention(
        code="bn-statistics-counted", clause="batch norm's running statistics are counted (4 numbers per map, not 2)",
        of=frozenset({"trainable"}), prior=Prior.COMMON, tally=statistics_counted,
    ),
    Convention(
        code="bn-left-out", clause="batch norm is left out", of=WEIGHTS | {"mults", "flops", "connections"},
        prior=Prior.COMMON, tally=without(BatchNorm),
    ),
    Convention(
        code="bias-per-kernel", clause="a bias is counted for every plane of a filter, not one per filter", of=WEIGHTS,
        tally=bias_per_kernel,
    ),
    Convention(
        code="one-bias", clause="one bias is counted for the whole layer, not one per filter", of=WEIGHTS,
        tally=one_bias,
    ),
    Convention(
        code="bias-in-macs", clause="the bias is counted as one more multiply–accumulate per output",
        of=frozenset({"macs", "mults"}), prior=Prior.COMMON, tally=products_with_biases,
    ),
    Convention(
        code="bn-in-macs", clause="one multiplication per element of batch norm is counted", of=frozenset({"macs"}),
        prior=Prior.COMMON, tally=multiplications_of_norms,
    ),
    Convention(
        code="bn-operations-in-macs", clause="the two operations per element of batch norm are counted",
        of=frozenset({"macs"}), tally=operations_of(BatchNorm),
    ),
    Convention(
        code="activations-in-macs", clause="one operation per output of the activation functions is counted",
        of=frozenset({"macs"}), tally=one_per_output_of_activations,
    ),
    Convention(
        code="pooling-in-macs", clause="the operations of the pooling layers are counted", of=frozenset({"macs"}),
        tally=operations_of(*POOLING),
    ),
    Convention(
        code="other-layers-in-macs",
        clause="the operations of the layers without weights are counted, too (norms, activations, pooling, joins)",
        of=frozenset({"macs"}), tally=operations_of_all,
    ),
    Convention(
        code="only-convolutions", clause="only the convolutions are counted", of=WEIGHTS | OUTPUTS | {"connections"},
        tally=only(*CONVOLUTIONS),
    ),
    Convention(
        code="only-fully-connected", clause="only the fully connected layers are counted",
        of=WEIGHTS | OUTPUTS | {"connections"}, tally=only(*DENSE),
    ),
    Convention(
        code="fully-connected-left-out", clause="the fully connected layers are left out",
        of=WEIGHTS | OUTPUTS | {"connections"}, tally=without(*DENSE),
    ),
    Convention(
        code="macs-for-flops", clause="a product and its addition are counted as one operation (MACs, not FLOPs)",
        of=frozenset({"flops"}), prior=Prior.COMMON, tally=macs_only,
    ),
    Convention(
        code="twice-macs-for-flops", clause="the FLOPs are taken as twice the MACs: nothing else is counted",
        of=frozenset({"flops"}), prior=Prior.COMMON, tally=twice_macs,
    ),
)  # fmt: skip
"""In the order in which equally likely ones are reported."""
