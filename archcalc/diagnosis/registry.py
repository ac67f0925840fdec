"""The known mistakes and conventions as data: codes, clauses, the quantities that they affect, how common they are.

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
    LayerMistake,
    MistakeScope,
    Prior,
)
from archcalc.ops.conv import Conv, DepthwiseConv

OUTPUTS = frozenset({"macs", "mults", "flops"})

LAYER_MISTAKES = (
    LayerMistake(
        code="padding-ignored", clause="the padding is ignored", affects=SHAPES_AND_COSTS | WEIGHTS | {"rf_padding"},
        prior=Prior.COMMON, changes=(windows.padding_ignored,),
    ),
    LayerMistake(
        code="padding-once", clause="the padding is added on one side only (p instead of 2p)",
        affects=SHAPES_AND_COSTS | WEIGHTS, prior=Prior.COMMON, changes=(windows.padding_once,),
    ),
    LayerMistake(
        code="padding-assumed", clause="the input is padded, though the layer has no padding",
        affects=SHAPES_AND_COSTS | WEIGHTS,
        changes=(windows.padding_assumed("same"), windows.padding_assumed("half"), windows.padding_assumed(1)),
    ),
    LayerMistake(
        code="padding-twice", clause="the padding is doubled", affects=SHAPES_AND_COSTS | WEIGHTS,
        prior=Prior.RARE, changes=(windows.padding_twice,), combinable=False,
    ),
    LayerMistake(
        code="stride-ignored", clause="the stride is ignored", affects=SHAPES_AND_COSTS | WEIGHTS, prior=Prior.COMMON,
        changes=(windows.stride_ignored,),
    ),
    LayerMistake(
        code="pool-stride-one", clause="the stride of the pooling is taken as 1",
        affects=SHAPES_AND_COSTS | WEIGHTS | FIELDS,
        prior=Prior.COMMON, changes=(windows.pool_stride_one,),
    ),
    LayerMistake(
        code="pool-stride-kernel", clause="the stride of the pooling is taken as its window size",
        affects=SHAPES_AND_COSTS | WEIGHTS | FIELDS, changes=(windows.pool_stride_kernel,),
    ),
    LayerMistake(
        code="pooling-ignored", clause="the window of the pooling is ignored, but not its stride", affects=FIELDS,
        changes=(windows.pool_window_ignored,), combinable=False,
    ),
    LayerMistake(
        code="pooling-ignored", clause="the pooling is left out", affects=SHAPES_AND_COSTS | WEIGHTS | FIELDS,
        changes=(windows.pooling_ignored,), combinable=False,
    ),
    LayerMistake(
        code="global-pooling-ignored", clause="the global pooling is left out", affects=SHAPES_AND_COSTS | WEIGHTS,
        changes=(windows.global_pooling_ignored,), combinable=False,
    ),
    LayerMistake(
        code="rounded-up", clause="the output size is rounded up where the layer rounds down",
        affects=SHAPES_AND_COSTS | WEIGHTS, prior=Prior.COMMON, changes=(windows.rounded_up,),
    ),
    LayerMistake(
        code="rounded-down", clause="the output size is rounded down where the layer rounds up",
        affects=SHAPES_AND_COSTS | WEIGHTS, prior=Prior.COMMON, changes=(windows.rounded_down,),
    ),
    LayerMistake(
        code="one-forgotten", clause="the + 1 of the output size is forgotten", affects=SHAPES_AND_COSTS | WEIGHTS,
        prior=Prior.COMMON, changes=(windows.one_forgotten,),
    ),
    LayerMistake(
        code="one-too-many", clause="the output size is one too large", affects=SHAPES_AND_COSTS | WEIGHTS,
        changes=(windows.one_too_many,), combinable=False,
    ),
    LayerMistake(
        code="dilation-ignored", clause="the dilation is ignored (k instead of d(k − 1) + 1)",
        affects=SHAPES_AND_COSTS | WEIGHTS | {"rf"}, prior=Prior.COMMON, changes=(windows.dilation_ignored,),
    ),
    LayerMistake(
        code="dilation-times-kernel", clause="a dilated kernel is taken to cover d·k positions instead of d(k − 1) + 1",
        affects=SHAPES_AND_COSTS | WEIGHTS, changes=(windows.dilation_times_kernel,), combinable=False,
    ),
    LayerMistake(
        code="kernel-turned", clause="height and width of the kernel are swapped",
        affects=SHAPES_AND_COSTS | WEIGHTS | FIELDS, changes=(windows.kernel_axes_swapped,),
    ),
    LayerMistake(
        code="channels-kept", clause="the output keeps the channels of the input", affects=SHAPES_AND_COSTS | WEIGHTS,
        changes=(windows.channels_kept,), combinable=False,
    ),
    LayerMistake(
        code="transposed-as-convolution", clause="the transposed convolution is taken as a convolution",
        affects=SHAPES_AND_COSTS | FIELDS, prior=Prior.COMMON, changes=(windows.transposed_as_convolution,),
        combinable=False,
    ),
    LayerMistake(
        code="output-padding-ignored", clause="the output padding is ignored", affects=SHAPES_AND_COSTS | WEIGHTS,
        prior=Prior.COMMON, changes=(windows.output_padding_ignored,),
    ),
    LayerMistake(
        code="rf-strides-ignored",
        clause="the receptive field grows by k − 1 in every layer, without the product of the strides",
        affects=frozenset({"rf", "rf_stride"}), prior=Prior.COMMON, changes=(windows.any_stride_ignored,),
        scopes=(MistakeScope.ALL,),
    ),
    LayerMistake(
        code="rf-own-stride", clause="a layer's own stride is included in the product of the strides before it",
        affects=frozenset({"rf"}), prior=Prior.COMMON, changes=(windows.own_stride_included,),
        scopes=(MistakeScope.AFTER_FIRST, MistakeScope.ALL, MistakeScope.TARGET),
    ),
    LayerMistake(
        code="rf-kernel-not-less-one",
        clause="the receptive field grows by k times the product of the strides, not k − 1 times",
        affects=frozenset({"rf"}), changes=(windows.kernel_not_less_one,),
        scopes=(MistakeScope.AFTER_FIRST, MistakeScope.ALL),
    ),
    LayerMistake(
        code="rf-transposed-kernel",
        clause="a transposed convolution adds k − 1 times the product of the strides after it",
        affects=frozenset({"rf"}), prior=Prior.COMMON, changes=(windows.kernel_at_stride_after,),
        scopes=(MistakeScope.ALL, MistakeScope.TARGET),
    ),
    LayerMistake(
        code="bias-left-out", clause="the biases are left out", affects=WEIGHTS | {"connections", "flops"},
        prior=Prior.COMMON, changes=(counting.bias_left_out,), propagates=False,
    ),
    LayerMistake(
        code="bias-added", clause="biases are counted, though the layer has none",
        affects=WEIGHTS | {"connections", "flops"}, prior=Prior.COMMON, changes=(counting.bias_added,),
        propagates=False,
    ),
    LayerMistake(
        code="groups-ignored", clause="every filter is taken to read all input channels instead of those of its group",
        affects=WEIGHTS | COSTS, prior=Prior.COMMON, changes=(counting.groups_ignored, counting.all_maps_connected),
        propagates=False,
    ),
    LayerMistake(
        code="input-channels-left-out", clause="the input channels are left out (k·k weights per filter)",
        affects=WEIGHTS | COSTS, prior=Prior.COMMON, changes=(counting.input_channels_left_out,), propagates=False,
    ),
    LayerMistake(
        code="one-filter", clause="only one filter is counted", affects=WEIGHTS | COSTS, prior=Prior.COMMON,
        changes=(counting.one_filter,), propagates=False,
    ),
    LayerMistake(
        code="positions-lost", clause="the positions are lost in flattening (one number per channel is left)",
        affects=SHAPES_AND_COSTS | WEIGHTS, prior=Prior.COMMON, changes=(counting.positions_lost,),
    ),
    LayerMistake(
        code="kernel-once", clause="the kernel is counted along one axis only (k, not k·k)", affects=WEIGHTS | COSTS,
        changes=(counting.kernel_once,), propagates=False,
    ),
    LayerMistake(
        code="effective-kernel-counted", clause="the holes of the dilated kernel are counted as weights",
        affects=WEIGHTS | COSTS, prior=Prior.COMMON, changes=(counting.effective_kernel_counted,), propagates=False,
    ),
    LayerMistake(
        code="input-positions", clause="the positions of the input are counted instead of those of the output",
        affects=COSTS, prior=Prior.COMMON, changes=(counting.at_input_positions,), propagates=False,
    ),
    LayerMistake(
        code="output-positions", clause="the positions of the output are counted instead of those of the input",
        affects=COSTS, changes=(counting.at_output_positions,), propagates=False,
    ),
    LayerMistake(
        code="positions-left-out", clause="only one output position is counted (H·W is left out)", affects=COSTS,
        prior=Prior.COMMON, changes=(counting.at_one_position,), propagates=False,
    ),
    LayerMistake(
        code="pooling-with-weights", clause="the pooling is given weights, as if it were a convolution",
        affects=WEIGHTS | {"macs", "mults", "connections"}, prior=Prior.COMMON, propagates=False,
        changes=(
            counting.pooling_as(DepthwiseConv, bias=False), counting.pooling_as(DepthwiseConv, bias=True),
            counting.pooling_as(Conv, bias=False), counting.pooling_as(Conv, bias=True),
        ),
    ),
    LayerMistake(
        code="pointwise-left-out", clause="only the depthwise half of the separable convolution is counted",
        affects=WEIGHTS | COSTS, changes=(counting.depthwise_only,), propagates=False, combinable=False,
    ),
)  # fmt: skip

CONVENTIONS = (
    Convention(
        code="bn-statistics-left-out", clause="batch norm's running statistics are left out (2 numbers per map, not 4)",
        affects=frozenset({"params"}), prior=Prior.COMMON, contribution=conventions.statistics_left_out,
    ),
    Convention(
        code="bn-statistics-counted", clause="batch norm's running statistics are counted (4 numbers per map, not 2)",
        affects=frozenset({"trainable"}), prior=Prior.COMMON, contribution=conventions.statistics_counted,
    ),
    Convention(
        code="bn-left-out", clause="batch norm is left out", affects=WEIGHTS | {"mults", "flops", "connections"},
        prior=Prior.COMMON, contribution=conventions.without(batch_norms),
    ),
    Convention(
        code="bias-per-kernel", clause="a bias is counted for every input channel of a filter, not one per filter",
        affects=WEIGHTS,
        contribution=conventions.bias_per_kernel,
    ),
    Convention(
        code="one-bias", clause="one bias is counted for the layer, not one per filter", affects=WEIGHTS,
        contribution=conventions.one_bias,
    ),
    Convention(
        code="bias-in-macs", clause="the bias is counted as one more multiply–accumulate per output",
        affects=frozenset({"macs", "mults"}), prior=Prior.COMMON, contribution=conventions.products_with_biases,
    ),
    Convention(
        code="bn-in-macs", clause="one multiplication per element of batch norm is counted",
        affects=frozenset({"macs"}),
        prior=Prior.COMMON, contribution=conventions.multiplications_of_norms,
    ),
    Convention(
        code="bn-operations-in-macs", clause="the two operations per element of batch norm are counted",
        affects=frozenset({"macs"}), contribution=conventions.operations_of(batch_norms),
    ),
    Convention(
        code="activations-in-macs", clause="one operation per output of the activation functions is counted",
        affects=frozenset({"macs"}), contribution=conventions.one_per_output_of_activations,
    ),
    Convention(
        code="pooling-in-macs", clause="the operations of the pooling layers are counted", affects=frozenset({"macs"}),
        contribution=conventions.operations_of(of_kind("pooling")),
    ),
    Convention(
        code="other-layers-in-macs",
        clause="the operations of the layers without weights are counted as well (norms, activations, pooling, joins)",
        affects=frozenset({"macs"}), contribution=conventions.operations_of_all,
    ),
    Convention(
        code="only-convolutions", clause="only the convolutions are counted",
        affects=WEIGHTS | OUTPUTS | {"connections"},
        contribution=conventions.only(of_kind("convolution")),
    ),
    Convention(
        code="only-fully-connected", clause="only the fully connected layers are counted",
        affects=WEIGHTS | OUTPUTS | {"connections"}, contribution=conventions.only(of_kind("dense")),
    ),
    Convention(
        code="fully-connected-left-out", clause="the fully connected layers are left out",
        affects=WEIGHTS | OUTPUTS | {"connections"}, contribution=conventions.without(of_kind("dense")),
    ),
    Convention(
        code="macs-for-flops", clause="a product and its addition are counted as one operation (MACs, not FLOPs)",
        affects=frozenset({"flops"}), prior=Prior.COMMON, contribution=conventions.macs_only,
    ),
    Convention(
        code="twice-macs-for-flops", clause="the FLOPs are taken as twice the MACs: nothing else is counted",
        affects=frozenset({"flops"}), prior=Prior.COMMON, contribution=conventions.twice_macs,
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
"""The codes that are no mistakes, but legitimate ways to count."""

FOLLOW_THROUGH = "follow-through"
NOT_THE_SUM = "not-the-sum"
TRUNCATED = "truncated"

CODES: dict[str, str] = {
    **{each.code: each.clause for each in (*LAYER_MISTAKES, *CONVENTIONS, *SCALINGS)},
    **{code: clause for code, (clause, _) in places.CLAUSES.items()},
    **numbers.SLIPS,
    FOLLOW_THROUGH: "an earlier wrong answer is carried forward",
    TRUNCATED: "truncated instead of rounded",
    NOT_THE_SUM: "the total is not the sum of the claimed parts",
}
"""Every code with its clause; two mistakes made together have both codes, joined by ``+``."""
