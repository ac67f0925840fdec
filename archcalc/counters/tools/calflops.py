"""calflops, and DeepSpeed's profiler, which it was derived from."""

from __future__ import annotations

from archcalc.counters.formulas import einsum, elements, products, recurrent, transposed
from archcalc.counters.measures import all_parameters
from archcalc.counters.rules import Formula, Quantity, Rule, Tool
from archcalc.counters.tools.ptflops import POOL_FUNCTIONS

CONVOLUTIONS = "F.conv1d F.conv2d F.conv3d"
TRANSPOSED = "F.conv_transpose1d F.conv_transpose2d F.conv_transpose3d"
ACTIVATIONS = "F.relu F.prelu F.elu F.leaky_relu F.relu6 F.silu F.gelu"
CALFLOPS_OPS = "calflops/pytorch_ops.py"
DEEPSPEED_OPS = "deepspeed/profiling/flops_profiler/profiler.py"


def macs_rules(source: str, matmuls: str, fused: bool) -> tuple[Rule, ...]:
    """Return what is counted as MACs.

    Args:
        source: the file of the tool.
        matmuls: the functions that multiply matrices which it replaces.
        fused: whether it replaces ``F.scaled_dot_product_attention``.
    """
    attention = Rule(
        "function", "F.scaled_dot_product_attention", "attention", products.MACS, f"{source} _attn_flops_compute"
    )
    return (
        Rule("function", "F.linear", "linear layers", products.MACS, f"{source} _linear_flops_compute"),
        Rule("function", CONVOLUTIONS, "convolutions", products.MACS, f"{source} _conv_flops_compute"),
        Rule(
            "function",
            TRANSPOSED,
            "transposed convolutions",
            transposed.TRANSPOSED_MACS,
            f"{source} _conv_trans_flops_compute",
        ),
        Rule("function", matmuls, "matrix products", products.FIRST_TIMES_LAST, f"{source} _matmul_flops_compute"),
        Rule(
            "function",
            "torch.addmm Tensor.addmm torch.baddbmm",
            "matrix products",
            products.MACS,
            f"{source} _addmm_flops_compute",
        ),
        *((attention,) if fused else ()),
    )


def flops_rules(source: str, matmuls: str, fused: bool, interpolation: Formula) -> tuple[Rule, ...]:
    """Return what is counted as FLOPs; see `macs_rules`."""
    attention = Rule(
        "function", "F.scaled_dot_product_attention", "attention", products.TWO_PER_MAC, f"{source} _attn_flops_compute"
    )
    return (
        Rule("function", "F.linear", "linear layers", products.TWO_PER_MAC, f"{source} _linear_flops_compute"),
        Rule("function", CONVOLUTIONS, "convolutions", products.TWO_PER_MAC_AND_BIAS, f"{source} _conv_flops_compute"),
        Rule(
            "function",
            TRANSPOSED,
            "transposed convolutions",
            transposed.TRANSPOSED_FLOPS,
            f"{source} _conv_trans_flops_compute",
        ),
        Rule("function", ACTIVATIONS, "activations", elements.per_input(1), f"{source} _relu_flops_compute and others"),
        Rule(
            "function",
            "F.batch_norm",
            "batch norm",
            elements.batch_norm(2, 1, training=(5, 4)),
            f"{source} _batch_norm_flops_compute",
        ),
        Rule(
            "function",
            "F.layer_norm",
            "layer norm",
            elements.per_input(5, plain=4),
            f"{source} _layer_norm_flops_compute",
        ),
        Rule(
            "function",
            "F.group_norm",
            "group norm",
            elements.per_input(5, plain=4),
            f"{source} _group_norm_flops_compute",
        ),
        Rule(
            "function",
            "F.instance_norm",
            "instance norm",
            elements.per_input(5, plain=4),
            f"{source} _instance_norm_flops_compute",
        ),
        Rule("function", POOL_FUNCTIONS, "pooling", elements.per_input(1), f"{source} _pool_flops_compute"),
        Rule("function", "F.softmax", "F.softmax", elements.per_input(1), f"{source} _softmax_flops_compute"),
        Rule("function", "F.interpolate F.upsample", "upsampling", interpolation, f"{source} _upsample_flops_compute"),
        Rule(
            "function", matmuls, "matrix products", products.TWICE_FIRST_TIMES_LAST, f"{source} _matmul_flops_compute"
        ),
        Rule(
            "function",
            "torch.addmm Tensor.addmm torch.baddbmm",
            "matrix products",
            products.TWO_PER_MAC_AND_INPUT,
            f"{source} _addmm_flops_compute",
        ),
        Rule(
            "function",
            "torch.mul Tensor.mul torch.add Tensor.add",
            "calls of add and mul",
            elements.BROADCAST,
            f"{source} _elementwise_flops_compute",
        ),
        Rule("function", "torch.einsum", "einsum", einsum.OPTIMAL_EINSUM_FLOPS, f"{source} _einsum_flops_compute"),
        Rule("module", "RNN", "RNN", recurrent.all_weights_recurrent(1, per_mac=2), f"{source} _rnn_flops"),
        Rule("module", "GRU", "GRU", recurrent.all_weights_recurrent(7, per_mac=2), f"{source} _rnn_flops"),
        Rule("module", "LSTM", "LSTM", recurrent.all_weights_recurrent(10, per_mac=2), f"{source} _rnn_flops"),
        *((attention,) if fused else ()),
    )


MATMULS = "torch.matmul Tensor.matmul"
ALL_MATMULS = f"{MATMULS} @ torch.mm Tensor.mm torch.bmm Tensor.bmm"
WATCHES = (
    "calls of functions of torch.nn.functional and torch and of methods of tensors, which it replaces, also those that "
    "modules call"
)

CALFLOPS = Tool(
    name="calflops",
    version="0.3.2",
    package="calflops on PyPI, github.com/MrYxJ/calculate-flops.pytorch",
    use="calflops.calculate_flops(model, input_shape=(1, 3, 224, 224))",
    watches=f"{WATCHES}; a @ b, torch.bmm and F.scaled_dot_product_attention are not among them",
    caller_decides=True,
    quantities=(
        Quantity("macs", "MACs", "macs", rules=macs_rules(CALFLOPS_OPS, MATMULS, fused=False)),
        Quantity("flops", "FLOPs", "macs", rules=flops_rules(CALFLOPS_OPS, MATMULS, False, elements.POSITIONS)),
        Quantity(
            "params",
            "Params",
            "params",
            measure=all_parameters,
            source="calflops/calculate_pipline.py get_total_params",
        ),
    ),
)

DEEPSPEED = Tool(
    name="deepspeed",
    version="0.19.8",
    package="deepspeed on PyPI, github.com/deepspeedai/DeepSpeed",
    use="deepspeed.profiling.flops_profiler.get_model_profile(model, (1, 3, 224, 224))",
    watches=f"{WATCHES}; a @ b and F.scaled_dot_product_attention are among them",
    caller_decides=True,
    quantities=(
        Quantity("macs", "MACs", "macs", rules=macs_rules(DEEPSPEED_OPS, ALL_MATMULS, fused=True)),
        Quantity(
            "flops", "FLOPs", "macs", rules=flops_rules(DEEPSPEED_OPS, ALL_MATMULS, True, elements.POSITIONS_OR_SCALED)
        ),
        Quantity("params", "Params", "params", measure=all_parameters, source=f"{DEEPSPEED_OPS} get_total_params"),
    ),
)
