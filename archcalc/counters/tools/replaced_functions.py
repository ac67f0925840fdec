"""The rules that DeepSpeed's profiler and calflops, which was derived from it, have in common.

Both replace functions by ones that count.
"""

from __future__ import annotations

from typing import NamedTuple

from archcalc.counters.formulas import einsum, elements, products, recurrent, transposed
from archcalc.counters.rules import CountingRule, Formula
from archcalc.counters.tools.ptflops import POOL_FUNCTIONS

CONVOLUTIONS = "F.conv1d F.conv2d F.conv3d"
TRANSPOSED = "F.conv_transpose1d F.conv_transpose2d F.conv_transpose3d"
ACTIVATIONS = "F.relu F.prelu F.elu F.leaky_relu F.relu6 F.silu F.gelu"


class ProductFormulas(NamedTuple):
    """The formulas for products, each of which counts MACs or FLOPs."""

    linear: Formula
    convolution: Formula
    transposed: Formula
    matmul: Formula
    addmm: Formula
    attention: Formula


MACS = ProductFormulas(
    linear=products.MACS,
    convolution=products.MACS,
    transposed=transposed.TRANSPOSED_MACS,
    matmul=products.FIRST_TIMES_LAST,
    addmm=products.MACS,
    attention=products.MACS,
)
FLOPS = ProductFormulas(
    linear=products.TWO_PER_MAC,
    convolution=products.TWO_PER_MAC_AND_BIAS,
    transposed=transposed.TRANSPOSED_FLOPS,
    matmul=products.TWICE_FIRST_TIMES_LAST,
    addmm=products.TWO_PER_MAC_AND_INPUT,
    attention=products.TWO_PER_MAC,
)


def macs_rules(source: str, matmuls: str, fused: bool) -> tuple[CountingRule, ...]:
    """Return what is counted as MACs.

    Args:
        source: the file of the tool.
        matmuls: the functions that multiply matrices which it replaces.
        fused: whether it replaces ``F.scaled_dot_product_attention``.
    """
    return _product_rules(source, matmuls, fused, MACS)


def _product_rules(source: str, matmuls: str, fused: bool, formulas: ProductFormulas) -> tuple[CountingRule, ...]:
    found = [
        ("F.linear", "linear layers", formulas.linear, "_linear_flops_compute"),
        (CONVOLUTIONS, "convolutions", formulas.convolution, "_conv_flops_compute"),
        (TRANSPOSED, "transposed convolutions", formulas.transposed, "_conv_trans_flops_compute"),
        (matmuls, "matrix products", formulas.matmul, "_matmul_flops_compute"),
        ("torch.addmm Tensor.addmm torch.baddbmm", "matrix products", formulas.addmm, "_addmm_flops_compute"),
    ]
    if fused:
        found.append(("F.scaled_dot_product_attention", "attention", formulas.attention, "_attn_flops_compute"))
    return tuple(
        [CountingRule("function", names, what, formula, f"{source} {by}") for names, what, formula, by in found]
    )


def flops_rules(source: str, matmuls: str, fused: bool, interpolation: Formula) -> tuple[CountingRule, ...]:
    """Return what is counted as FLOPs; see `macs_rules`."""
    return (
        *_product_rules(source, matmuls, fused, FLOPS),
        CountingRule(
            "function", ACTIVATIONS, "activations", elements.per_input(1), f"{source} _relu_flops_compute and others"
        ),
        CountingRule(
            "function",
            "F.batch_norm",
            "batch norm",
            elements.batch_norm(2, 1, training=(5, 4)),
            f"{source} _batch_norm_flops_compute",
        ),
        CountingRule(
            "function",
            "F.layer_norm",
            "layer norm",
            elements.per_input(5, plain=4),
            f"{source} _layer_norm_flops_compute",
        ),
        CountingRule(
            "function",
            "F.group_norm",
            "group norm",
            elements.per_input(5, plain=4),
            f"{source} _group_norm_flops_compute",
        ),
        CountingRule(
            "function",
            "F.instance_norm",
            "instance norm",
            elements.per_input(5, plain=4),
            f"{source} _instance_norm_flops_compute",
        ),
        CountingRule("function", POOL_FUNCTIONS, "pooling", elements.per_input(1), f"{source} _pool_flops_compute"),
        CountingRule("function", "F.softmax", "F.softmax", elements.per_input(1), f"{source} _softmax_flops_compute"),
        CountingRule(
            "function", "F.interpolate F.upsample", "upsampling", interpolation, f"{source} _upsample_flops_compute"
        ),
        CountingRule(
            "function",
            "torch.mul Tensor.mul torch.add Tensor.add",
            "calls of add and mul",
            elements.BROADCAST,
            f"{source} _elementwise_flops_compute",
        ),
        CountingRule(
            "function", "torch.einsum", "einsum", einsum.OPTIMAL_EINSUM_FLOPS, f"{source} _einsum_flops_compute"
        ),
        CountingRule("module", "RNN", "RNN", recurrent.all_weights_recurrent(1, per_mac=2), f"{source} _rnn_flops"),
        CountingRule("module", "GRU", "GRU", recurrent.all_weights_recurrent(7, per_mac=2), f"{source} _rnn_flops"),
        CountingRule("module", "LSTM", "LSTM", recurrent.all_weights_recurrent(10, per_mac=2), f"{source} _rnn_flops"),
    )


MATMULS = "torch.matmul Tensor.matmul"
ALL_MATMULS = f"{MATMULS} @ torch.mm Tensor.mm torch.bmm Tensor.bmm"
WATCHES = (
    "calls of functions of torch.nn.functional and torch and of methods of tensors, which it replaces, also those that "
    "modules call"
)
