"""The mistakes and conventions that people use, as data: codes, words, the quantities they touch, how common they are.

Each list is in the order in which equally common ones are reported.
"""

from __future__ import annotations

from archcalc.diagnosis import conventions, counting, numbers, places, windows
from archcalc.diagnosis.conventions import batch_norms, of_kind
from archcalc.diagnosis.mistake import (
    COSTS,
    FIELDS,
    SHAPES_AND_COSTS,
    WEIGHTS,
    Convention,
    Misreading,
    Prior,
    Scope,
)
from archcalc.ops.conv import Conv, DepthwiseConv

OUTPUTS = frozenset({"macs", "mults", "flops"})

MISREADINGS = (
    Misreading(
        code="padding-ignored", clause="the padding is ignored", of=SHAPES_AND_COSTS | WEIGHTS | {"rf_padding"},
        prior=Prior.COMMON, changes=(windows.no_padding,),
    ),
    Misreading(
        code="padding-once", clause="the padding is added on one side only (p instead of 2p)",
        of=SHAPES_AND_COSTS | WEIGHTS, prior=Prior.COMMON, changes=(windows.padding_once,),
    ),
    Misreading(
        code="padding-assumed", clause="the input is padded, though the layer has no padding",
        of=SHAPES_AND_COSTS | WEIGHTS,
        changes=(windows.padding_assumed("same"), windows.padding_assumed("half"), windows.padding_assumed(1)),
    ),
    Misreading(
        code="padding-twice", clause="the padding is taken twice as wide as it is", of=SHAPES_AND_COSTS | WEIGHTS,
        prior=Prior.RARE, changes=(windows.padding_twice,), pairs=False,
    ),
    Misreading(
        code="stride-ignored", clause="the stride is ignored", of=SHAPES_AND_COSTS | WEIGHTS, prior=Prior.COMMON,
        changes=(windows.unstrided,),
    ),
    Misreading(
        code="pool-stride-one", clause="the pooling moves by 1 at a time", of=SHAPES_AND_COSTS | WEIGHTS | FIELDS,
        prior=Prior.COMMON, changes=(windows.unstrided_pool,),
    ),
    Misreading(
        code="pool-stride-kernel", clause="the pooling moves by its window size, not by its stride",
        of=SHAPES_AND_COSTS | WEIGHTS | FIELDS, changes=(windows.side_by_side,),
    ),
    Misreading(
        code="pooling-ignored", clause="the window of the pooling is left out, and its stride is not", of=FIELDS,
        changes=(windows.sizeless_pooling,), pairs=False,
    ),
    Misreading(
        code="pooling-ignored", clause="the pooling is left out", of=SHAPES_AND_COSTS | WEIGHTS | FIELDS,
        changes=(windows.no_pooling,), pairs=False,
    ),
    Misreading(
        code="global-pooling-ignored", clause="the global pooling is left out", of=SHAPES_AND_COSTS | WEIGHTS,
        changes=(windows.no_global_pooling,), pairs=False,
    ),
    Misreading(
        code="rounded-up", clause="the output size is rounded up where the layer rounds down",
        of=SHAPES_AND_COSTS | WEIGHTS, prior=Prior.COMMON, changes=(windows.rounded_up,),
    ),
    Misreading(
        code="rounded-down", clause="the output size is rounded down where the layer rounds up",
        of=SHAPES_AND_COSTS | WEIGHTS, prior=Prior.COMMON, changes=(windows.rounded_down,),
    ),
    Misreading(
        code="one-forgotten", clause="the + 1 of the output size is forgotten", of=SHAPES_AND_COSTS | WEIGHTS,
        prior=Prior.COMMON, changes=(windows.one_less,),
    ),
    Misreading(
        code="one-too-many", clause="the output size is one too large", of=SHAPES_AND_COSTS | WEIGHTS,
        changes=(windows.one_more,), pairs=False,
    ),
    Misreading(
        code="dilation-ignored", clause="the dilation is ignored: the kernel taken as it is, not as far as it reaches",
        of=SHAPES_AND_COSTS | WEIGHTS | {"rf"}, prior=Prior.COMMON, changes=(windows.undilated,),
    ),
    Misreading(
        code="dilation-times-kernel", clause="a dilated kernel is taken to reach over d·k positions, not d(k − 1) + 1",
        of=SHAPES_AND_COSTS | WEIGHTS, changes=(windows.kernel_times_dilation,), pairs=False,
    ),
    Misreading(
        code="kernel-turned", clause="height and width of the kernel are swapped",
        of=SHAPES_AND_COSTS | WEIGHTS | FIELDS, changes=(windows.kernel_on_its_side,),
    ),
    Misreading(
        code="channels-kept", clause="the output keeps the channels of the input", of=SHAPES_AND_COSTS | WEIGHTS,
        changes=(windows.same_channels,), pairs=False,
    ),
    Misreading(
        code="transposed-as-convolution", clause="the transposed convolution is taken as a convolution",
        of=SHAPES_AND_COSTS | FIELDS, prior=Prior.COMMON, changes=(windows.convolved_down,), pairs=False,
    ),
    Misreading(
        code="output-padding-ignored", clause="the output padding is ignored", of=SHAPES_AND_COSTS | WEIGHTS,
        prior=Prior.COMMON, changes=(windows.no_output_padding,),
    ),
    Misreading(
        code="rf-strides-ignored", clause="the field grows by k − 1 in every layer, without the product of the strides",
        of=frozenset({"rf", "rf_stride"}), prior=Prior.COMMON, changes=(windows.no_stride,), scopes=(Scope.ALL,),
    ),
    Misreading(
        code="rf-own-stride", clause="a layer's own stride is included in the product of the strides before it",
        of=frozenset({"rf"}), prior=Prior.COMMON, changes=(windows.own_stride_included,),
        scopes=(Scope.LATER, Scope.ALL, Scope.HERE),
    ),
    Misreading(
        code="rf-kernel-not-less-one", clause="the field grows by k times the product of the strides, not k − 1 times",
        of=frozenset({"rf"}), changes=(windows.kernel_not_less_one,), scopes=(Scope.LATER, Scope.ALL),
    ),
    Misreading(
        code="rf-transposed-kernel",
        clause="a transposed convolution adds k − 1 times the stride behind it, though it repeats what it reads",
        of=frozenset({"rf"}), prior=Prior.COMMON, changes=(windows.kernel_at_stride_behind,),
        scopes=(Scope.ALL, Scope.HERE),
    ),
    Misreading(
        code="bias-left-out", clause="the biases are left out", of=WEIGHTS | {"connections", "flops"},
        prior=Prior.COMMON, changes=(counting.unbiased,), flows=False,
    ),
    Misreading(
        code="bias-added", clause="biases are counted, though the layer has none",
        of=WEIGHTS | {"connections", "flops"}, prior=Prior.COMMON, changes=(counting.biased,), flows=False,
    ),
    Misreading(
        code="groups-ignored", clause="every filter is taken to see all input channels, not those of its group only",
        of=WEIGHTS | COSTS, prior=Prior.COMMON, changes=(counting.ungrouped, counting.all_maps_connected), flows=False,
    ),
    Misreading(
        code="input-channels-left-out", clause="the input channels are left out (k·k weights per filter)",
        of=WEIGHTS | COSTS, prior=Prior.COMMON, changes=(counting.one_input_channel,), flows=False,
    ),
    Misreading(
        code="one-filter", clause="only one filter is counted", of=WEIGHTS | COSTS, prior=Prior.COMMON,
        changes=(counting.one_filter,), flows=False,
    ),
    Misreading(
        code="positions-lost", clause="the positions are forgotten in flattening: one number per channel is left",
        of=SHAPES_AND_COSTS | WEIGHTS, prior=Prior.COMMON, changes=(counting.positions_lost,),
    ),
    Misreading(
        code="kernel-once", clause="the kernel is counted along one axis only (k, not k·k)", of=WEIGHTS | COSTS,
        changes=(counting.kernel_once,), flows=False,
    ),
    Misreading(
        code="effective-kernel-counted", clause="the holes of the dilated kernel are counted as weights",
        of=WEIGHTS | COSTS, prior=Prior.COMMON, changes=(counting.effective_kernel_counted,), flows=False,
    ),
    Misreading(
        code="input-positions", clause="the positions of the input are counted instead of those of the output",
        of=COSTS, prior=Prior.COMMON, changes=(counting.at_input_positions,), flows=False,
    ),
    Misreading(
        code="output-positions", clause="the positions of the output are counted instead of those of the input",
        of=COSTS, changes=(counting.at_output_positions,), flows=False,
    ),
    Misreading(
        code="positions-left-out", clause="one output position is counted only (H·W left out)", of=COSTS,
        prior=Prior.COMMON, changes=(counting.at_one_position,), flows=False,
    ),
    Misreading(
        code="pooling-with-weights", clause="the pooling is given weights, as if it were a convolution",
        of=WEIGHTS | {"macs", "mults", "connections"}, prior=Prior.COMMON, flows=False,
        changes=(
            counting.pooling_as(DepthwiseConv, bias=False), counting.pooling_as(DepthwiseConv, bias=True),
            counting.pooling_as(Conv, bias=False), counting.pooling_as(Conv, bias=True),
        ),
    ),
    Misreading(
        code="pointwise-left-out", clause="only the depthwise half of the separable convolution is counted",
        of=WEIGHTS | COSTS, changes=(counting.depthwise_only,), flows=False, pairs=False,
    ),
)  # fmt: skip

CONVENTIONS = (
    Convention(
        code="bn-statistics-left-out", clause="batch norm's running statistics are left out (2 numbers per map, not 4)",
        of=frozenset({"params"}), prior=Prior.COMMON, tally=conventions.statistics_left_out,
    ),
    Convention(
        code="bn-statistics-counted", clause="batch norm's running statistics are counted (4 numbers per map, not 2)",
        of=frozenset({"trainable"}), prior=Prior.COMMON, tally=conventions.statistics_counted,
    ),
    Convention(
        code="bn-left-out", clause="batch norm is left out", of=WEIGHTS | {"mults", "flops", "connections"},
        prior=Prior.COMMON, tally=conventions.without(batch_norms),
    ),
    Convention(
        code="bias-per-kernel", clause="a bias is counted for every plane of a filter, not one per filter", of=WEIGHTS,
        tally=conventions.bias_per_kernel,
    ),
    Convention(
        code="one-bias", clause="one bias is counted for the whole layer, not one per filter", of=WEIGHTS,
        tally=conventions.one_bias,
    ),
    Convention(
        code="bias-in-macs", clause="the bias is counted as one more multiply–accumulate per output",
        of=frozenset({"macs", "mults"}), prior=Prior.COMMON, tally=conventions.products_with_biases,
    ),
    Convention(
        code="bn-in-macs", clause="one multiplication per element of batch norm is counted", of=frozenset({"macs"}),
        prior=Prior.COMMON, tally=conventions.multiplications_of_norms,
    ),
    Convention(
        code="bn-operations-in-macs", clause="the two operations per element of batch norm are counted",
        of=frozenset({"macs"}), tally=conventions.operations_of(batch_norms),
    ),
    Convention(
        code="activations-in-macs", clause="one operation per output of the activation functions is counted",
        of=frozenset({"macs"}), tally=conventions.one_per_output_of_activations,
    ),
    Convention(
        code="pooling-in-macs", clause="the operations of the pooling layers are counted", of=frozenset({"macs"}),
        tally=conventions.operations_of(of_kind("pooling")),
    ),
    Convention(
        code="other-layers-in-macs",
        clause="the operations of the layers without weights are counted, too (norms, activations, pooling, joins)",
        of=frozenset({"macs"}), tally=conventions.operations_of_all,
    ),
    Convention(
        code="only-convolutions", clause="only the convolutions are counted", of=WEIGHTS | OUTPUTS | {"connections"},
        tally=conventions.only(of_kind("convolution")),
    ),
    Convention(
        code="only-fully-connected", clause="only the fully connected layers are counted",
        of=WEIGHTS | OUTPUTS | {"connections"}, tally=conventions.only(of_kind("dense")),
    ),
    Convention(
        code="fully-connected-left-out", clause="the fully connected layers are left out",
        of=WEIGHTS | OUTPUTS | {"connections"}, tally=conventions.without(of_kind("dense")),
    ),
    Convention(
        code="macs-for-flops", clause="a product and its addition are counted as one operation (MACs, not FLOPs)",
        of=frozenset({"flops"}), prior=Prior.COMMON, tally=conventions.macs_only,
    ),
    Convention(
        code="twice-macs-for-flops", clause="the FLOPs are taken as twice the MACs: nothing else is counted",
        of=frozenset({"flops"}), prior=Prior.COMMON, tally=conventions.twice_macs,
    ),
)  # fmt: skip

SCALINGS = numbers.SCALINGS

CONVENTIONAL = frozenset(
    {each.code for each in CONVENTIONS}
    | {
        "bias-left-out",
        "bias-added",
        "two-per-mac",
        "halved",
        "kilo-1024",
        "bytes",
        "layout",
        "rounded-up",
        "rounded-down",
    }
    | {"training-heads-counted", "heads-left-out", "input-positions"}
)
"""Not mistakes, but ways to count that somebody may have chosen."""

FOLLOW_THROUGH = "follow-through"
NOT_THE_SUM = "not-the-sum"
CUT_OFF = "truncated"

CODES: dict[str, str] = {
    **{each.code: each.clause for each in (*MISREADINGS, *CONVENTIONS, *SCALINGS)},
    **{code: clause for code, (clause, _) in places.CLAUSES.items()},
    **numbers.SLIPS,
    FOLLOW_THROUGH: "an earlier wrong answer is carried forward",
    CUT_OFF: "cut off where it should be rounded",
    NOT_THE_SUM: "the total is not the sum of the parts that are claimed",
}
"""Every code with the words for it; two mistakes together have both codes, joined by ``+``."""
