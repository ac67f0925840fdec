"""fvcore (FlopCountAnalysis), which traces a model with TorchScript and reads operators from the trace."""

from __future__ import annotations

from archcalc.counters.formulas import einsum, elements, products
from archcalc.counters.rules import CountingRule, Tool, ToolQuantity

HANDLES = "fvcore/nn/jit_handles.py"
TABLE = "fvcore/nn/flop_count.py _DEFAULT_SUPPORTED_OPS"

RULES = (
    CountingRule(
        "operator",
        "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution",
        "convolutions",
        products.MACS_WITH_PADDING,
        f"{HANDLES} conv_flop_jit",
    ),
    CountingRule(
        "operator", "linear addmm", "linear layers", products.MACS, f"{HANDLES} linear_flop_jit, addmm_flop_jit"
    ),
    CountingRule("operator", "matmul mm", "matrix products", products.FIRST_TIMES_LAST, f"{HANDLES} matmul_flop_jit"),
    CountingRule("operator", "bmm", "matrix products", products.MACS, f"{HANDLES} bmm_flop_jit"),
    CountingRule("operator", "einsum", "einsum", einsum.OPTIMAL_EINSUM, f"{HANDLES} einsum_flop_jit"),
    CountingRule(
        "operator",
        "batch_norm",
        "batch norm",
        elements.batch_norm(2, 1, training=(5, 4)),
        f"{HANDLES} batchnorm_flop_jit",
    ),
    CountingRule(
        "operator", "layer_norm", "layer norm", elements.per_input(5, plain=4), f"{HANDLES} norm_flop_counter"
    ),
    CountingRule(
        "operator", "group_norm", "group norm", elements.per_input(5, plain=4), f"{HANDLES} norm_flop_counter"
    ),
    CountingRule(
        "operator", "instance_norm", "instance norm", elements.per_input(5, plain=4), f"{HANDLES} norm_flop_counter"
    ),
    CountingRule("operator", "adaptive_avg_pool2d", "global and adaptive pooling", elements.per_input(1), TABLE),
    CountingRule("operator", "upsample_nearest2d", "upsampling", elements.per_output(1), TABLE),
    CountingRule("operator", "upsample_bilinear2d", "upsampling", elements.per_output(4), TABLE),
    CountingRule("operator", "grid_sampler grid_sampler_2d", "grid sampling", elements.per_output(4), TABLE),
)

FVCORE = Tool(
    name="fvcore",
    version="0.1.5",
    package="fvcore on PyPI, github.com/facebookresearch/fvcore",
    use="fvcore.nn.FlopCountAnalysis(model.eval(), x).total()",
    watches="operators of a trace, however the model calls them; an operator without a handle is not counted",
    caller_decides=True,
    quantities=(ToolQuantity("macs", "flops (a multiply–accumulate is one)", "macs", rules=RULES),),
)
