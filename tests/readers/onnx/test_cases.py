"""Cases of ONNX's own tests of operators, a few of every family; the script in benchmarks runs them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.onnx_cases import cases, outcome_of

NAMES = """
add_bcast affine_grid_3d averagepool_2d_ceil basic_conv_with_padding batchnorm_example clip_example compress_1
concat_3d_axis_1 constantofshape_float_ones convinteger_with_padding conv_with_autopad_same convtranspose_pads
cumprod_1d_reverse_exclusive depthtospace_crd_mode_example dequantizelinear_axis dequantizelinear_blocked
einsum_batch_matmul eyelike_populate_off_main_diagonal expand_dim_changed flatten_axis2 gather_2d_indices gelu_tanh_1
gemm_all_attributes globalmaxpool group_normalization_example if instancenorm_epsilon
layer_normalization_3d_axis1_epsilon lstm_defaults matmul_4d maxpool_3d_default mish_expanded pow_bcast_array
qlinearconv range_int32_type_negative_delta_expanded reduce_l2_keep_dims_example
reduce_log_sum_exp_negative_axes_keepdims_example resize_upsample_scales_nearest
rms_normalization_2d_axis1 simple_rnn_defaults slice_neg_steps softmax_axis_1 squeeze_negative_axes tile
transpose_all_permutations_4 unsqueeze_three_axes where_example
acos asin atan atanh batchnorm_example_training_mode col2im_5d convtranspose_output_shape deform_conv_with_mask_bias
einsum_batch_diagonal einsum_inner_prod gathernd_example_int32_batch_dim1 gridsample_reflection_padding
gridsample_bicubic_align_corners_1_additional_1 gridsample_volumetric_bilinear_align_corners_0
maxpool_with_argmax_2d_precomputed_pads maxunpool_export_with_output_shape reversesequence_time roialign_aligned_true
scatter_elements_with_reduction_mul scatternd_max_with_element_indices tensorscatter_circular
"""


@pytest.mark.slow
def test_a_sample_of_the_cases_has_the_shapes_and_values(tmp_path: Path) -> None:
    names = {f"test_{name}" for name in NAMES.split()}
    found = {case.name: outcome_of(case, tmp_path) for case in cases(sorted(names)) if case.name in names}
    assert {name: each for name, each in found.items() if each.kind != "passed"} == {}
    assert len(found) > 25
