"""thop (pytorch-OpCounter)."""

from __future__ import annotations

from archcalc.counters.formulas import elements, products, recurrent, transposed
from archcalc.counters.measures import called_parameters
from archcalc.counters.rules import CountingRule, Tool, ToolQuantity

HOOKS = "thop/vision/basic_hooks.py"

ADAPTIVE = "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d"

COMMON = (
    CountingRule("module", "Linear", "linear layers", products.MACS, f"{HOOKS} count_linear"),
    CountingRule(
        "module", "AvgPool1d AvgPool2d AvgPool3d", "pooling", elements.per_output(1), f"{HOOKS} count_avgpool"
    ),
    CountingRule("module", "RNN", "RNN", recurrent.thop_recurrent(1, 0), "thop/rnn_hooks.py count_rnn"),
    CountingRule("module", "GRU", "GRU", recurrent.thop_recurrent(3, 4), "thop/rnn_hooks.py count_gru"),
    CountingRule("module", "LSTM", "LSTM", recurrent.thop_recurrent(4, 4), "thop/rnn_hooks.py count_lstm"),
)

RULES = (
    *COMMON,
    CountingRule(
        "module",
        ADAPTIVE,
        "global and adaptive pooling",
        elements.WINDOW_PER_OUTPUT,
        f"{HOOKS} count_adap_avgpool",
    ),
    CountingRule("module", "Conv1d Conv2d Conv3d", "convolutions", products.MACS, f"{HOOKS} count_convNd"),
    CountingRule(
        "module",
        "ConvTranspose1d ConvTranspose2d ConvTranspose3d",
        "transposed convolutions",
        transposed.KERNEL_PER_OUTPUT,
        f"{HOOKS} count_convNd, thop/vision/calc_func.py calculate_conv2d_flops",
    ),
    CountingRule(
        "module",
        "BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm",
        "batch norm",
        elements.per_input(4, plain=2),
        f"{HOOKS} count_normalization",
    ),
    CountingRule("module", "LayerNorm", "layer norm", elements.per_input(4, plain=2), f"{HOOKS} count_normalization"),
    CountingRule(
        "module",
        "InstanceNorm1d InstanceNorm2d InstanceNorm3d",
        "instance norm",
        elements.per_input(4, plain=2),
        f"{HOOKS} count_normalization",
    ),
    CountingRule("module", "PReLU", "PReLU", elements.per_input(1), f"{HOOKS} count_prelu"),
    CountingRule("module", "ReLU ReLU6 Dropout PixelShuffle ZeroPad2d", "", elements.NOTHING, f"{HOOKS} zero_ops"),
    CountingRule("module", "LeakyReLU", "", elements.NOTHING, f"{HOOKS} count_relu"),
    CountingRule("module", "Softmax", "softmax", elements.SOFTMAX, f"{HOOKS} count_softmax"),
    CountingRule(
        "module",
        "Upsample UpsamplingBilinear2d UpsamplingNearest2d",
        "upsampling",
        elements.upsampling(nearest=1, linear=5, bilinear=11, bicubic=259),
        f"{HOOKS} count_upsample",
    ),
)

SOURCE = "thop/profile.py dfs_count: the parameters of modules of listed classes that are called"

LISTED = " ".join(rule.names for rule in RULES)

THOP = Tool(
    name="thop",
    version="0.1.1",
    package="thop on PyPI, github.com/Lyken17/pytorch-OpCounter",
    use="thop.profile(model, inputs=(x,))",
    watches="calls of modules whose class is in its list, through forward hooks; nothing that is called as a function",
    gradients=False,
    quantities=(
        ToolQuantity("macs", "MACs", "macs", rules=RULES),
        ToolQuantity(
            "params",
            "parameters",
            "params",
            measure=called_parameters(LISTED),
            source=SOURCE,
        ),
    ),
)

OLD_RULES = (
    *COMMON,
    CountingRule("module", "Conv1d Conv2d Conv3d", "convolutions", products.MACS_AND_BIAS, f"{HOOKS} count_convNd"),
    CountingRule(
        "module",
        "ConvTranspose1d ConvTranspose2d ConvTranspose3d",
        "transposed convolutions",
        transposed.KERNEL_PER_OUTPUT_AND_BIAS,
        f"{HOOKS} count_convNd",
    ),
    CountingRule(
        "module",
        ADAPTIVE,
        "global and adaptive pooling",
        elements.WHOLE_WINDOW_PER_OUTPUT,
        f"{HOOKS} count_adap_avgpool",
    ),
    CountingRule(
        "module",
        "BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm",
        "batch norm",
        elements.per_input(2),
        f"{HOOKS} count_bn",
    ),
    CountingRule("module", "LeakyReLU", "leaky ReLU", elements.per_input(1), f"{HOOKS} count_relu"),
    CountingRule(
        "module",
        "Upsample UpsamplingBilinear2d UpsamplingNearest2d",
        "upsampling",
        elements.upsampling(linear=5, bilinear=11, bicubic=259),
        f"{HOOKS} count_upsample",
    ),
    CountingRule(
        "module",
        "ReLU ReLU6 Dropout ZeroPad2d MaxPool1d MaxPool2d MaxPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d "
        "AdaptiveMaxPool3d",
        "",
        elements.NOTHING,
        f"{HOOKS} zero_ops",
    ),
)

OLD_LISTED = " ".join(rule.names for rule in OLD_RULES)

THOP_0_0 = Tool(
    name="thop",
    version="0.0.31",
    package=THOP.package,
    use=THOP.use,
    watches=THOP.watches,
    gradients=False,
    quantities=(
        ToolQuantity("macs", "MACs", "macs", rules=OLD_RULES),
        ToolQuantity("params", "parameters", "params", measure=called_parameters(OLD_LISTED), source=SOURCE),
    ),
)
