"""ptflops, by both of its backends, and as it was before it watched functions."""

from __future__ import annotations

from archcalc.counters.formulas import attention, elements, products, recurrent, transposed
from archcalc.counters.measures import trained_parameters
from archcalc.counters.rules import CountingRule, Tool, ToolQuantity

OPS = "ptflops/pytorch_ops.py"
PACKAGE = "ptflops on PyPI, github.com/sovrasov/flops-counter.pytorch"

POOLS = " ".join(f"{kind}Pool{rank}d" for kind in ("Max", "Avg", "AdaptiveMax", "AdaptiveAvg") for rank in (1, 2, 3))
POOL_FUNCTIONS = " ".join(
    f"F.{kind}_pool{rank}d" for kind in ("max", "avg", "adaptive_max", "adaptive_avg") for rank in (1, 2, 3)
)

COMMON = (
    CountingRule(
        "module",
        "ReLU PReLU ELU LeakyReLU ReLU6 GELU",
        "activations of modules",
        elements.per_output(1),
        f"{OPS} relu_flops_counter_hook",
    ),
    CountingRule("module", POOLS, "pooling modules", elements.per_input(1), f"{OPS} pool_flops_counter_hook"),
    CountingRule(
        "module",
        "BatchNorm1d BatchNorm2d BatchNorm3d",
        "batch norm",
        elements.per_input(2, plain=1),
        f"{OPS} bn_flops_counter_hook",
    ),
    CountingRule(
        "module",
        "InstanceNorm1d InstanceNorm2d InstanceNorm3d",
        "instance norm",
        elements.per_input(2, plain=1),
        f"{OPS} bn_flops_counter_hook",
    ),
    CountingRule("module", "GroupNorm", "group norm", elements.per_input(2, plain=1), f"{OPS} bn_flops_counter_hook"),
    CountingRule("module", "Upsample", "upsampling modules", elements.ONE_SAMPLE, f"{OPS} upsample_flops_counter_hook"),
    CountingRule("module", "RNN", "RNN", recurrent.all_weights_recurrent(1), f"{OPS} rnn_flops"),
    CountingRule("module", "GRU", "GRU", recurrent.all_weights_recurrent(7), f"{OPS} rnn_flops"),
    CountingRule("module", "LSTM", "LSTM", recurrent.all_weights_recurrent(10), f"{OPS} rnn_flops"),
    CountingRule(
        "module",
        "MultiheadAttention",
        "attention by a separate formula",
        attention.MULTIHEAD,
        f"{OPS} multihead_attention_counter_hook",
    ),
    CountingRule(
        "module", "Conv1d Conv2d Conv3d", "convolutions", products.MACS_AND_BIAS, f"{OPS} conv_flops_counter_hook"
    ),
)

MODULES = (
    *COMMON,
    CountingRule(
        "module",
        "ConvTranspose1d ConvTranspose2d ConvTranspose3d",
        "transposed convolutions",
        products.MACS_AND_BIAS,
        f"{OPS} conv_flops_counter_hook, transpose=True",
    ),
    CountingRule("module", "Linear", "linear layers", products.MACS_AND_BIAS, f"{OPS} linear_flops_counter_hook"),
    CountingRule(
        "module", "LayerNorm", "layer norm", elements.per_input(1), f"{OPS} bn_flops_counter_hook: it has no 'affine'"
    ),
    CountingRule(
        "module",
        "timm.layers.attention.Attention",
        "timm's attention by a separate formula",
        attention.TIMM_ATTENTION,
        f"{OPS} timm_attention_counter_hook",
    ),
)

FUNCTIONS = (
    CountingRule(
        "function",
        "F.relu F.prelu F.elu F.relu6 F.gelu F.silu",
        "activations of functions, also called by modules",
        elements.per_input(1),
        f"{OPS} _numel_functional_flops_hook",
    ),
    CountingRule(
        "function",
        POOL_FUNCTIONS,
        "pooling functions, also called by modules",
        elements.per_input(1),
        f"{OPS} _numel_functional_flops_hook",
    ),
    CountingRule("function", "F.softmax", "F.softmax", elements.per_input(1), f"{OPS} _numel_functional_flops_hook"),
    CountingRule(
        "function",
        "F.interpolate F.upsample",
        "F.interpolate, also called by modules",
        elements.INTERPOLATED,
        f"{OPS} _interpolate_functional_flops_hook",
    ),
    CountingRule(
        "function",
        "torch.matmul Tensor.matmul torch.mm Tensor.mm torch.bmm Tensor.bmm",
        "matrix products",
        products.FIRST_TIMES_LAST,
        f"{OPS} _matmul_tensor_flops_hook",
    ),
    CountingRule(
        "function",
        "torch.addmm Tensor.addmm torch.baddbmm",
        "matrix products",
        products.MACS_AND_INPUT,
        f"{OPS} _addmm_tensor_flops_hook",
    ),
    CountingRule(
        "function",
        "torch.mul Tensor.mul torch.add Tensor.add",
        "calls of add and mul",
        elements.BROADCAST,
        f"{OPS} _elementwise_tensor_flops_hook",
    ),
)

PARAMETERS = ToolQuantity(
    "params",
    "parameters",
    "params",
    measure=trained_parameters,
    source="ptflops/pytorch_engine.py get_model_parameters_number: parameters with requires_grad",
)

PTFLOPS = Tool(
    name="ptflops",
    version="0.7.5",
    package=PACKAGE,
    use="ptflops.get_model_complexity_info(model, (3, 224, 224), backend='pytorch')",
    watches=(
        "calls of modules whose class is in its list, and, on top of them, calls of some functions of "
        "torch.nn.functional and torch and of methods of tensors, which it replaces; F.linear and signs such as a @ b "
        "are not among them"
    ),
    caller_decides=True,
    enters_counted=False,
    quantities=(ToolQuantity("macs", "MACs", "macs", rules=(*MODULES, *FUNCTIONS)), PARAMETERS),
)

PTFLOPS_OLD = Tool(
    name="ptflops",
    version="0.6.9",
    package=PACKAGE,
    use="ptflops.get_model_complexity_info(model, (3, 224, 224))",
    watches="calls of modules whose class is in its list, through forward hooks; nothing that is called as a function",
    enters_counted=False,
    quantities=(
        ToolQuantity(
            "macs",
            "MACs",
            "macs",
            rules=(
                *COMMON,
                CountingRule(
                    "module",
                    "ConvTranspose1d ConvTranspose2d ConvTranspose3d",
                    "transposed convolutions",
                    transposed.KERNEL_PER_OUTPUT_AND_BIAS,
                    f"{OPS} conv_flops_counter_hook",
                ),
                CountingRule(
                    "module", "Linear", "linear layers", products.MACS_AND_BIAS_ONCE, f"{OPS} linear_flops_counter_hook"
                ),
            ),
        ),
        PARAMETERS,
    ),
)

ATEN = "ptflops/aten_ops.py"

PTFLOPS_ATEN = Tool(
    name="ptflops-aten",
    title="ptflops 0.7.5 (backend aten)",
    version="0.7.5",
    package=PACKAGE,
    use="ptflops.get_model_complexity_info(model, (3, 224, 224), backend='aten')",
    watches="operators that PyTorch dispatches, however the model calls them",
    caller_decides=True,
    quantities=(
        ToolQuantity(
            "macs",
            "MACs",
            "macs",
            rules=(
                CountingRule(
                    "operator",
                    "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution",
                    "convolutions",
                    products.MACS_AND_BIAS,
                    f"{ATEN} conv_flop",
                ),
                CountingRule(
                    "operator", "linear", "linear layers", products.DISPATCHED_LINEAR, f"{ATEN} addmm_flop, matmul_flop"
                ),
                CountingRule("operator", "addmm", "matrix products", products.MACS_AND_ROWS, f"{ATEN} addmm_flop"),
                CountingRule(
                    "operator",
                    "matmul mm bmm einsum",
                    "matrix products",
                    products.DISPATCHED_PRODUCT,
                    f"{ATEN} bmm_flop",
                ),
                CountingRule(
                    "operator",
                    "gru rnn_tanh rnn_relu",
                    "recurrent layers",
                    recurrent.MACS_AND_BIASES,
                    f"{ATEN} addmm_flop",
                ),
                CountingRule(
                    "operator",
                    "scaled_dot_product_attention",
                    "scaled dot-product attention",
                    attention.UNFUSED_ATTENTION,
                    f"{ATEN} bmm_flop",
                ),
            ),
        ),
        PARAMETERS,
    ),
)
