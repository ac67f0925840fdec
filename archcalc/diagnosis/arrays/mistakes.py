"""The known mistakes about the numbers of arrays as data: codes, how common they are, and what they change.

The mistakes about layers that affect numbers, such as a padding that is ignored, are in `layer_mistakes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archcalc.diagnosis.arrays import backward_changes as backward
from archcalc.diagnosis.arrays import changes, results
from archcalc.diagnosis.arrays.backward_changes import GradientsChange, LossChange
from archcalc.diagnosis.arrays.results import ResultChange
from archcalc.diagnosis.mistake import NUMBERS, Mistake, Prior
from archcalc.diagnosis.variation import Change
from archcalc.ops.activation import SCALES

if TYPE_CHECKING:
    from archcalc.diagnosis.arrays.computation import NumbersChange

AFFECTED = frozenset({NUMBERS})
MAX_PATHS = 4
"""The maximum number of inputs of a layer of which each may be forgotten."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ArrayMistake(Mistake):
    """A mistake that changes the numbers of a layer, or those of a correct result."""

    affects: frozenset[str] = AFFECTED
    layers: tuple[Change, ...] = ()
    """The forms that take a layer for another one."""
    numbers: tuple[NumbersChange, ...] = ()
    """The forms that change the numbers of a layer."""
    results: tuple[ResultChange, ...] = ()
    """The forms that change the correct result."""
    gradients: tuple[GradientsChange, ...] = ()
    """The forms that change what a layer passes on in a backward pass."""
    losses: tuple[LossChange, ...] = ()
    """The forms that change the gradient of a loss."""


ARRAY_MISTAKES = (
    # --- kernels and weights ---
    ArrayMistake(code="kernel-flipped", prior=Prior.COMMON, numbers=(changes.kernel_flipped,)),
    ArrayMistake(code="kernel-transposed", numbers=(changes.kernel_transposed,)),
    ArrayMistake(code="weights-transposed", prior=Prior.COMMON, numbers=(changes.weights_transposed,)),
    ArrayMistake(code="first-channel-only", numbers=(changes.first_channel_only,)),
    # --- pooling and activations ---
    ArrayMistake(code="average-for-maximum", prior=Prior.COMMON, layers=(changes.average_for_maximum,)),
    ArrayMistake(code="maximum-for-average", prior=Prior.COMMON, layers=(changes.maximum_for_average,)),
    ArrayMistake(code="padding-in-average", prior=Prior.COMMON, layers=(changes.padding_in_average,)),
    ArrayMistake(code="padding-not-in-average", prior=Prior.COMMON, layers=(changes.padding_not_in_average,)),
    ArrayMistake(code="activation-left-out", prior=Prior.COMMON, layers=(changes.activation_left_out,)),
    ArrayMistake(
        code="another-axis", layers=tuple(changes.along_axis(axis) for axis in (0, -1, -2, "all", "last", "channels")),
    ),
    ArrayMistake(
        code="dropout-convention", prior=Prior.COMMON, layers=tuple(map(changes.scaled_elsewhere, SCALES)),
    ),
    # --- normalisation ---
    ArrayMistake(code="sample-variance", prior=Prior.COMMON, numbers=(changes.sample_variance,)),
    ArrayMistake(code="epsilon-left-out", prior=Prior.COMMON, layers=(changes.epsilon_left_out,)),
    ArrayMistake(code="variance-for-deviation", prior=Prior.COMMON, numbers=(changes.variance_for_deviation,)),
    ArrayMistake(code="scale-and-shift-left-out", prior=Prior.COMMON, numbers=(changes.scale_and_shift_left_out,)),
    ArrayMistake(code="shift-left-out", numbers=(changes.shift_left_out,)),
    ArrayMistake(code="mean-not-subtracted", numbers=(changes.mean_not_subtracted,)),
    ArrayMistake(code="batch-statistics", prior=Prior.COMMON, numbers=(changes.batch_statistics,)),
    ArrayMistake(code="stored-statistics", prior=Prior.COMMON, numbers=(changes.stored_statistics,)),
    ArrayMistake(code="other-region", prior=Prior.COMMON, layers=(changes.other_region,)),
    ArrayMistake(code="alpha-divided", layers=(changes.divided_alpha,)),
    # --- attention ---
    ArrayMistake(code="scores-not-scaled", prior=Prior.COMMON, numbers=(changes.scale_of_scores_left_out,)),
    ArrayMistake(code="mask-left-out", prior=Prior.COMMON, layers=(changes.mask_left_out,)),
    # --- gradients ---
    ArrayMistake(
        code="kernel-not-flipped", prior=Prior.COMMON, gradients=(backward.of_inputs(changes.kernel_flipped),),
    ),
    ArrayMistake(
        code="weights-not-transposed", prior=Prior.COMMON, gradients=(backward.of_inputs(changes.weights_transposed),),
    ),
    ArrayMistake(
        code="gradient-of-kernel-flipped", prior=Prior.COMMON, gradients=(backward.of_weights(changes.kernel_flipped),),
    ),
    ArrayMistake(code="derivative-left-out", prior=Prior.COMMON, gradients=(backward.derivative_left_out,)),
    ArrayMistake(code="sign-of-gradient", gradients=(backward.sign_of_gradient,)),
    ArrayMistake(code="jacobian-diagonal", prior=Prior.COMMON, gradients=(backward.jacobian_diagonal,)),
    ArrayMistake(
        code="gradient-to-whole-window", prior=Prior.COMMON,
        gradients=(backward.to_whole_window, backward.shared_by_window),
    ),
    ArrayMistake(code="gradient-not-divided", prior=Prior.COMMON, gradients=(backward.not_divided,)),
    ArrayMistake(
        code="path-left-out", prior=Prior.COMMON, gradients=tuple(map(backward.path_left_out, range(MAX_PATHS))),
    ),
    ArrayMistake(code="statistics-constant", prior=Prior.COMMON, gradients=(backward.statistics_constant,)),
    ArrayMistake(code="variance-path-left-out", prior=Prior.COMMON, gradients=(backward.variance_path_left_out,)),
    ArrayMistake(code="mean-path-left-out", prior=Prior.COMMON, gradients=(backward.mean_path_left_out,)),
    ArrayMistake(code="positions-not-summed", prior=Prior.COMMON, gradients=(backward.positions_not_summed,)),
    ArrayMistake(
        code="examples-not-summed", prior=Prior.COMMON,
        gradients=(backward.examples_not_summed, backward.first_example),
    ),
    ArrayMistake(code="examples-averaged", gradients=(backward.examples_averaged,)),
    # --- losses ---
    ArrayMistake(
        code="loss-summed", prior=Prior.COMMON, losses=(backward.loss_summed, backward.loss_averaged_over_examples),
    ),
    ArrayMistake(code="loss-averaged", losses=(backward.loss_averaged,)),
    ArrayMistake(code="factor-two-left-out", prior=Prior.COMMON, losses=(backward.factor_two_left_out,)),
    ArrayMistake(code="target-not-subtracted", prior=Prior.COMMON, losses=(backward.target_not_subtracted,)),
    ArrayMistake(code="upstream-left-out", prior=Prior.COMMON, losses=(backward.upstream_left_out,)),
    # --- the result ---
    ArrayMistake(code="matrix-transposed", prior=Prior.COMMON, results=(results.transposed,)),
    ArrayMistake(code="signs-reversed", results=(results.signs_reversed,)),
    ArrayMistake(code="row-missing", prior=Prior.COMMON, results=(results.row_missing,)),
    ArrayMistake(code="column-missing", prior=Prior.COMMON, results=(results.column_missing,)),
    ArrayMistake(code="row-and-column-missing", results=(results.row_and_column_missing,)),
    ArrayMistake(code="number-missing", prior=Prior.COMMON, results=(results.number_missing,)),
)  # fmt: skip
