"""The known mistakes about layers as data: codes, the quantities that they affect, how common they are.

Equally common ones are reported in this order.
"""

from __future__ import annotations

from archcalc.diagnosis import channels, counting, transposed, windows
from archcalc.diagnosis.mistake import (
    COSTS,
    FIELDS,
    NUMBERS,
    OUTPUT_SIZES,
    SHAPES_AND_COSTS,
    WEIGHTS,
    LayerMistake,
    MistakeScope,
    Prior,
)
from archcalc.ops.conv import Conv, DepthwiseConv

NEARBY = (MistakeScope.TARGET, MistakeScope.NEAREST)
FLOWING = SHAPES_AND_COSTS | WEIGHTS | {NUMBERS}
"""The quantities that the shape of a layer affects."""

LAYER_MISTAKES = (
    # --- sizes of outputs ---
    LayerMistake(
        code="dilation-ignored", affects=FLOWING | {"rf"}, prior=Prior.COMMON, changes=(windows.dilation_ignored,),
    ),
    LayerMistake(
        code="dilation-times-kernel", affects=FLOWING, prior=Prior.COMMON,
        changes=(windows.dilation_times_kernel,), combinable=False,
    ),
    LayerMistake(
        code="dilation-times-kernel", affects=frozenset({"rf"}), changes=(windows.dilated_to_multiples,),
        combinable=False,
    ),
    LayerMistake(
        code="one-forgotten", affects=FLOWING, prior=Prior.COMMON, changes=(windows.one_forgotten,),
    ),
    LayerMistake(
        code="padding-ignored", affects=FLOWING | {"rf_padding"}, prior=Prior.COMMON,
        changes=(windows.padding_ignored,),
    ),
    LayerMistake(
        code="padding-once", affects=FLOWING, prior=Prior.COMMON, changes=(windows.padding_once,),
    ),
    LayerMistake(
        code="padding-twice", affects=FLOWING, prior=Prior.RARE, changes=(windows.padding_twice,), combinable=False,
    ),
    LayerMistake(
        code="stride-ignored", affects=FLOWING, prior=Prior.COMMON,
        priors={"macs": Prior.OCCASIONAL, "mults": Prior.OCCASIONAL}, changes=(windows.stride_ignored,),
    ),
    LayerMistake(
        code="pool-stride-one", affects=FLOWING | FIELDS, prior=Prior.COMMON, priors={"rf": Prior.OCCASIONAL},
        changes=(windows.pool_stride_one,),
    ),
    LayerMistake(
        code="pool-stride-kernel", affects=FLOWING | FIELDS, prior=Prior.COMMON,
        changes=(windows.pool_stride_kernel,),
    ),
    LayerMistake(
        code="pooling-ignored", kind="window", affects=FIELDS, changes=(windows.pool_window_ignored,),
        combinable=False,
    ),
    LayerMistake(
        code="pooling-ignored", affects=FLOWING | FIELDS, changes=(windows.pooling_ignored,), combinable=False,
    ),
    LayerMistake(
        code="global-pooling-ignored", affects=FLOWING, changes=(windows.global_pooling_ignored,), combinable=False,
    ),
    LayerMistake(
        code="rounded-up", affects=FLOWING, prior=Prior.COMMON, changes=(windows.rounded_up,),
    ),
    LayerMistake(
        code="rounded-down", affects=FLOWING, prior=Prior.COMMON, changes=(windows.rounded_down,),
    ),
    LayerMistake(
        code="padding-assumed", affects=FLOWING, priors={"shape": Prior.COMMON},
        changes=(windows.padding_assumed("same"), windows.padding_assumed("half"), windows.padding_assumed(1)),
    ),
    LayerMistake(
        code="one-subtracted", affects=FLOWING, changes=(windows.one_subtracted,), combinable=False,
    ),
    LayerMistake(
        code="one-too-many", affects=FLOWING, prior=Prior.RARE, changes=(windows.one_too_many,), combinable=False,
    ),
    LayerMistake(
        code="kernel-added", affects=FLOWING, prior=Prior.RARE,
        changes=(windows.kernel_added(0), windows.kernel_added(2)), combinable=False,
    ),
    LayerMistake(
        code="one-axis-only", affects=FLOWING, prior=Prior.RARE, combinable=False,
        outputs=(windows.reduced_along(1), windows.reduced_along(2)),
    ),
    LayerMistake(
        code="kernel-turned", affects=FLOWING | FIELDS, changes=(windows.kernel_axes_swapped,),
    ),
    # --- transposed convolutions ---
    LayerMistake(
        code="transposed-as-convolution", affects=SHAPES_AND_COSTS | FIELDS, prior=Prior.COMMON,
        changes=(transposed.taken_as_convolution,), combinable=False,
    ),
    LayerMistake(
        code="output-padding-ignored", affects=FLOWING, prior=Prior.COMMON,
        changes=(transposed.output_padding_ignored,),
    ),
    LayerMistake(
        code="padding-added", affects=FLOWING, outputs=(transposed.padding_added,), combinable=False,
    ),
    LayerMistake(
        code="transposed-stride-only", affects=FLOWING, prior=Prior.COMMON, outputs=(transposed.stride_only,),
        combinable=False,
    ),
    LayerMistake(
        code="transposed-not-less-one", affects=FLOWING, prior=Prior.COMMON, outputs=(transposed.not_less_one,),
    ),
    LayerMistake(
        code="transposed-one-less", affects=FLOWING, prior=Prior.RARE, outputs=(transposed.one_less,),
        combinable=False,
    ),
    LayerMistake(
        code="transposed-one-more", affects=FLOWING, prior=Prior.RARE, outputs=(transposed.one_more,),
        combinable=False,
    ),
    # --- channels ---
    LayerMistake(
        code="channels-kept", affects=FLOWING, changes=(channels.channels_kept,), combinable=False,
    ),
    LayerMistake(
        code="filters-times-channels", affects=SHAPES_AND_COSTS | WEIGHTS, prior=Prior.COMMON,
        outputs=(channels.filters_times_channels,), combinable=False,
    ),
    LayerMistake(
        code="channels-pooled", affects=FLOWING, outputs=(channels.channels_pooled,), combinable=False,
    ),
    LayerMistake(
        code="channels-averaged", affects=OUTPUT_SIZES, outputs=(channels.channels_averaged,), combinable=False,
        scopes=(MistakeScope.TARGET,),
    ),
    LayerMistake(
        code="all-averaged",
        affects=OUTPUT_SIZES,
        prior=Prior.RARE,
        outputs=(channels.all_averaged,),
        combinable=False,
        scopes=(MistakeScope.TARGET,),
    ),
    LayerMistake(
        code="concat-as-add", affects=FLOWING, prior=Prior.COMMON,
        outputs=(channels.last_branch, channels.first_branch, channels.largest_branch), combinable=False,
    ),
    LayerMistake(
        code="channels-multiplied", affects=FLOWING, prior=Prior.RARE, outputs=(channels.multiplied,),
        combinable=False,
    ),
    LayerMistake(
        code="add-as-concat", affects=FLOWING, prior=Prior.COMMON, outputs=(channels.added_up,), combinable=False,
    ),
    LayerMistake(
        code="bottleneck-left-out", affects=WEIGHTS | COSTS, prior=Prior.COMMON, changes=(channels.reduction_left_out,),
        combinable=False, scopes=NEARBY,
    ),
    LayerMistake(
        code="bottleneck-not-reduced", affects=WEIGHTS | COSTS, prior=Prior.COMMON,
        outputs=(channels.channels_not_reduced,), combinable=False, scopes=NEARBY,
    ),
    LayerMistake(
        code="positions-lost", affects=FLOWING, prior=Prior.COMMON, changes=(channels.positions_lost,),
    ),
    LayerMistake(
        code="channels-lost", affects=FLOWING, prior=Prior.COMMON, changes=(channels.channels_lost,),
    ),
    LayerMistake(
        code="one-axis-lost", affects=FLOWING, changes=(channels.last_axis_lost, channels.first_axis_lost),
        combinable=False,
    ),
    # --- receptive fields ---
    LayerMistake(
        code="rf-strides-ignored", affects=frozenset({"rf", "rf_stride"}), prior=Prior.COMMON,
        changes=(windows.any_stride_ignored,), scopes=(MistakeScope.ALL,),
    ),
    LayerMistake(
        code="rf-own-stride", affects=frozenset({"rf"}), prior=Prior.COMMON, changes=(windows.own_stride_included,),
        scopes=(MistakeScope.AFTER_FIRST, MistakeScope.ALL, MistakeScope.TARGET),
    ),
    LayerMistake(
        code="rf-kernel-not-less-one", affects=frozenset({"rf"}), prior=Prior.COMMON,
        changes=(windows.kernel_not_less_one,),
        scopes=(MistakeScope.AFTER_FIRST, MistakeScope.ALL, MistakeScope.TARGET),
    ),
    LayerMistake(
        code="rf-transposed-kernel", affects=frozenset({"rf"}), prior=Prior.COMMON,
        changes=(transposed.kernel_at_stride_after,), scopes=(MistakeScope.ALL, MistakeScope.TARGET),
    ),
    # --- weights, biases, groups ---
    LayerMistake(
        code="bias-left-out", affects=WEIGHTS | {"connections", "flops", NUMBERS}, prior=Prior.COMMON,
        changes=(counting.bias_left_out,), propagates=False,
    ),
    LayerMistake(
        code="bias-added", affects=WEIGHTS | {"connections", "flops"}, prior=Prior.COMMON,
        changes=(counting.bias_added,), propagates=False,
    ),
    LayerMistake(
        code="second-bias-left-out", affects=WEIGHTS | {"connections", "flops", NUMBERS}, prior=Prior.COMMON,
        changes=(counting.second_bias_left_out,), propagates=False,
    ),
    LayerMistake(
        code="second-bias-added", affects=WEIGHTS | {"connections", "flops"}, prior=Prior.COMMON,
        changes=(counting.second_bias_added,), propagates=False,
    ),
    LayerMistake(
        code="groups-ignored", affects=WEIGHTS | COSTS, prior=Prior.COMMON,
        changes=(counting.groups_ignored, counting.all_maps_connected), propagates=False,
    ),
    LayerMistake(
        code="one-group", affects=WEIGHTS | COSTS, prior=Prior.COMMON, changes=(counting.one_group,),
        propagates=False, combinable=False,
    ),
    LayerMistake(
        code="groups-twice", affects=WEIGHTS | COSTS, prior=Prior.RARE, changes=(counting.groups_twice,),
        propagates=False, combinable=False,
    ),
    LayerMistake(
        code="input-channels-left-out", affects=WEIGHTS | COSTS, prior=Prior.COMMON,
        changes=(counting.input_channels_left_out,), propagates=False,
    ),
    LayerMistake(
        code="one-filter", affects=WEIGHTS | COSTS, prior=Prior.COMMON, changes=(counting.one_filter,),
        propagates=False,
    ),
    LayerMistake(
        code="kernel-once", affects=WEIGHTS | COSTS, changes=(counting.kernel_once,), propagates=False,
    ),
    LayerMistake(
        code="kernel-left-out", affects=WEIGHTS | COSTS, changes=(counting.kernel_left_out,), propagates=False,
        combinable=False,
    ),
    LayerMistake(
        code="output-channels-read", affects=WEIGHTS | COSTS, changes=(counting.channels_of_output_read,),
        propagates=False, combinable=False,
    ),
    LayerMistake(
        code="multiplier-ignored", affects=FLOWING, changes=(counting.multiplier_ignored,), combinable=False,
    ),
    LayerMistake(
        code="kernel-squared", affects=WEIGHTS, changes=(counting.kernel_squared,), propagates=False,
        combinable=False,
    ),
    LayerMistake(
        code="kernel-sides-added", affects=WEIGHTS, prior=Prior.RARE, changes=(counting.kernel_sides_added,),
        propagates=False, combinable=False,
    ),
    LayerMistake(
        code="effective-kernel-counted", affects=WEIGHTS | COSTS, prior=Prior.COMMON,
        changes=(counting.effective_kernel_counted,), propagates=False,
    ),
    # --- positions ---
    LayerMistake(
        code="input-positions", affects=COSTS, prior=Prior.COMMON, changes=(counting.at_input_positions,),
        propagates=False,
    ),
    LayerMistake(
        code="padded-positions",
        affects=COSTS,
        changes=(counting.at_padded_positions,),
        propagates=False,
        combinable=False,
    ),
    LayerMistake(
        code="output-positions", affects=COSTS, changes=(transposed.at_output_positions,), propagates=False,
    ),
    LayerMistake(
        code="positions-left-out", affects=COSTS, prior=Prior.COMMON,
        changes=(counting.at_one_position, transposed.at_one_position), propagates=False,
    ),
    LayerMistake(
        code="positions-one-axis", affects=COSTS, changes=(counting.at_one_row,), propagates=False, combinable=False,
    ),
    LayerMistake(
        code="pooling-with-weights", affects=WEIGHTS | {"macs", "mults", "connections"}, prior=Prior.COMMON,
        priors={"macs": Prior.OCCASIONAL, "mults": Prior.OCCASIONAL}, propagates=False,
        changes=(
            counting.pooling_as(DepthwiseConv, bias=False), counting.pooling_as(DepthwiseConv, bias=True),
            counting.pooling_as(Conv, bias=False), counting.pooling_as(Conv, bias=True),
        ),
    ),
    LayerMistake(
        code="pointwise-left-out", affects=WEIGHTS | COSTS, changes=(counting.depthwise_only,), propagates=False,
        combinable=False,
    ),
    LayerMistake(
        code="depthwise-left-out", affects=WEIGHTS | COSTS, changes=(counting.pointwise_only,), propagates=False,
        combinable=False,
    ),
)  # fmt: skip
