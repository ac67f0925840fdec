"""Cases of ONNX's own tests of operators, a few of every family; the script in benchmarks runs them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.onnx_cases import cases, outcome_of

NAMES = """
acos add_bcast affine_grid_3d asin atan atanh attention_4d_causal_bf16 attention_3d_causal_bf16_expanded
attention_4d_causal_fp16_expanded averagepool_2d_ceil basic_conv_with_padding batchnorm_example
batchnorm_example_training_mode cast_FLOAT16_to_INT4 cast_e8m0_FLOAT_to_FLOAT8E8M0 cast_no_saturate_FLOAT_to_FLOAT8E5M2
castlike_FLOAT_to_FLOAT8E4M3FNUZ celu_bfloat16 clip_example col2im_5d compress_1 concat_3d_axis_1
constantofshape_float_ones conv_with_autopad_same convinteger_with_padding convtranspose_output_shape
convtranspose_pads cumprod_1d_reverse_exclusive deform_conv_with_mask_bias depthtospace_crd_mode_example
dequantizelinear_axis dequantizelinear_blocked dynamicquantizelinear einsum_batch_diagonal einsum_batch_matmul
einsum_inner_prod expand_dim_changed eyelike_populate_off_main_diagonal flatten_axis2 gather_2d_indices
gathernd_example_int32_batch_dim1 gelu_tanh_1 gemm_all_attributes globalmaxpool
gridsample_bicubic_align_corners_1_additional_1 gridsample_reflection_padding
gridsample_volumetric_bilinear_align_corners_0 group_normalization_example if instancenorm_epsilon
layer_normalization_3d_axis1_epsilon lstm_defaults lstm_with_peepholes matmul_4d maxpool_3d_default
maxpool_with_argmax_2d_precomputed_pads maxunpool_export_with_output_shape mish_expanded
mod_float_edge_cases_fmod_0_float32 pow_bcast_array qlinearconv qlinearmatmul_3D_int8_float16 quantizelinear_e5m2
quantizelinear_int4 range_int32_type_negative_delta_expanded reduce_l2_keep_dims_example
reduce_log_sum_exp_negative_axes_keepdims_example resize_upsample_scales_nearest reversesequence_time
rms_normalization_2d_axis1 roialign_aligned_true roialign_mode_max scatter_elements_with_reduction_mul
scatternd_max_with_element_indices simple_rnn_defaults slice_neg_steps softmax_axis_1 squeeze_negative_axes
tensorscatter_circular tile transpose_all_permutations_4 unsqueeze_three_axes where_example
"""


@pytest.mark.slow
def test_a_sample_of_the_cases_has_the_shapes_and_values(tmp_path: Path) -> None:
    names = {f"test_{name}" for name in NAMES.split()}
    found = {case.name: outcome_of(case, tmp_path) for case in cases(sorted(names)) if case.name in names}
    assert {name: each for name, each in found.items() if each.kind != "passed"} == {}
    assert len(found) > 25
