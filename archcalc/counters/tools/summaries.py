"""Programs that print tables of layers with parameters and sizes: torchsummary, Keras, Caffe."""

from __future__ import annotations

from archcalc.counters.measures import (
    all_parameters,
    all_stored,
    called_parameters,
    input_bytes,
    output_bytes,
    stored_bytes,
    with_moving_average_factor,
)
from archcalc.counters.rules import BINARY_MEGABYTES, Quantity, Tool
from archcalc.counters.trace import ModuleCall

CONTAINERS = ("Sequential", "ModuleList")
SUMMARY = "torchsummary/torchsummary.py summary"


def _is_listed(call: ModuleCall) -> bool:
    return bool(call.path) and not call.is_sequential and call.name not in CONTAINERS


TORCHSUMMARY = Tool(
    name="torchsummary",
    version="1.5.1",
    package="torchsummary on PyPI, github.com/sksq96/pytorch-summary",
    use="torchsummary.summary(model, (3, 224, 224))",
    watches="calls of all modules but Sequential, ModuleList and the model itself, through forward hooks",
    quantities=(
        Quantity(
            "params",
            "Total params",
            "params",
            measure=called_parameters("*", per_call=True, names=("weight", "bias")),
            source=f"{SUMMARY}: the parameters named weight and bias, for every call",
        ),
        Quantity("input_bytes", "Input size (MB)", "", BINARY_MEGABYTES, measure=input_bytes, source=SUMMARY),
        Quantity(
            "forward_backward_bytes",
            "Forward/backward pass size (MB)",
            "",
            BINARY_MEGABYTES,
            measure=output_bytes(2, _is_listed),
            source=f"{SUMMARY}: twice the outputs of all calls, also of modules that hold others",
        ),
    ),
)

KERAS = Tool(
    name="keras",
    title="Keras (model.summary())",
    version="3.15",
    package="keras on PyPI",
    use="model.summary()",
    watches="weights of layers, trained or not: moving mean and variance are weights that are not trained",
    quantities=(
        Quantity(
            "params", "Total params", "params", measure=all_stored, source="keras/src/layers/layer.py count_params"
        ),
        Quantity(
            "params_bytes",
            "Total params (MB)",
            "",
            BINARY_MEGABYTES,
            measure=stored_bytes,
            source="keras/src/utils/summary_utils.py weight_memory_size",
        ),
    ),
)

CAFFE = Tool(
    name="caffe",
    title="Caffe",
    version="1.0",
    package="github.com/BVLC/caffe",
    use="the sum of the sizes of all blobs",
    watches="blobs of layers: BatchNorm has mean, variance and the factor that both are divided by",
    quantities=(
        Quantity(
            "params",
            "parameters",
            "params",
            measure=with_moving_average_factor,
            source="src/caffe/layers/batch_norm_layer.cpp BatchNormLayer::LayerSetUp",
        ),
    ),
)

PYTORCH = Tool(
    name="pytorch",
    title="PyTorch's model.parameters()",
    version="2.13",
    package="torch on PyPI",
    use="sum(p.numel() for p in model.parameters())",
    watches="parameters; running statistics are buffers",
    quantities=(
        Quantity(
            "params",
            "parameters",
            "params",
            measure=all_parameters,
            source="torch/nn/modules/module.py Module.parameters",
        ),
    ),
)
