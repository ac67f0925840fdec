"""The known mistakes about the numbers of arrays as data: codes, how common they are, and what they change.

The mistakes about layers that affect numbers, such as a padding that is ignored, are in `layer_mistakes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archcalc.diagnosis.arrays import changes, results
from archcalc.diagnosis.arrays.results import ResultChange
from archcalc.diagnosis.mistake import NUMBERS, Mistake, Prior
from archcalc.diagnosis.variation import Change
from archcalc.ops.activation import SCALES

if TYPE_CHECKING:
    from archcalc.diagnosis.arrays.computation import NumbersChange

AFFECTED = frozenset({NUMBERS})


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
    # --- the result ---
    ArrayMistake(code="matrix-transposed", prior=Prior.COMMON, results=(results.transposed,)),
    ArrayMistake(code="signs-reversed", results=(results.signs_reversed,)),
    ArrayMistake(code="row-missing", prior=Prior.COMMON, results=(results.row_missing,)),
    ArrayMistake(code="column-missing", prior=Prior.COMMON, results=(results.column_missing,)),
    ArrayMistake(code="row-and-column-missing", results=(results.row_and_column_missing,)),
    ArrayMistake(code="number-missing", prior=Prior.COMMON, results=(results.number_missing,)),
)  # fmt: skip
