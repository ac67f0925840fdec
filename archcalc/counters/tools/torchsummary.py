"""torchsummary."""

from __future__ import annotations

from archcalc.counters.measures import (
    bytes_without_first_axis,
    called_parameters,
    input_bytes,
    named_parameter_bytes,
    output_bytes,
    together,
    with_silent_modules,
)
from archcalc.counters.rules import BINARY_MEGABYTES, Tool, ToolQuantity
from archcalc.counters.trace import ModuleCall, Trace

CONTAINERS = ("Sequential", "ModuleList")
SUMMARY = "torchsummary/torchsummary.py summary"


def _is_listed(call: ModuleCall) -> bool:
    return bool(call.path) and not call.is_sequential and call.name not in CONTAINERS


NAMES = ("weight", "bias")
PARAMETERS = named_parameter_bytes(*NAMES)
OUTPUTS = output_bytes(2, _is_listed, bytes_without_first_axis)
ALL_OUTPUTS = with_silent_modules(2, OUTPUTS)


def _returns_more_than_tensors(trace: Trace) -> str:
    attention = next((call for call in trace.calls if call.class_name == "MultiheadAttention"), None)
    return "" if attention is None else f"the module '{attention.path}' returns None beside a tensor"


TORCHSUMMARY = Tool(
    name="torchsummary",
    version="1.5.1",
    package="torchsummary on PyPI, github.com/sksq96/pytorch-summary",
    use="torchsummary.summary(model, (3, 224, 224))",
    watches="calls of all modules but Sequential, ModuleList and the model itself, through forward hooks",
    failure=_returns_more_than_tensors,
    quantities=(
        ToolQuantity(
            "params",
            "Total params",
            "params",
            measure=called_parameters("*", per_call=True, names=NAMES),
            source=f"{SUMMARY}: the parameters named weight and bias, for every call",
        ),
        ToolQuantity("input_bytes", "Input size (MB)", "", BINARY_MEGABYTES, measure=input_bytes, source=SUMMARY),
        ToolQuantity(
            "forward_backward_bytes",
            "Forward/backward pass size (MB)",
            "",
            BINARY_MEGABYTES,
            measure=OUTPUTS,
            otherwise=ALL_OUTPUTS,
            source=f"{SUMMARY}: twice the outputs of all calls, also of modules that contain others; the first axis is "
            "replaced by the batch, so that windows, which are examples to the modules in them, count as one",
        ),
        ToolQuantity("params_bytes", "Params size (MB)", "", BINARY_MEGABYTES, measure=PARAMETERS, source=SUMMARY),
        ToolQuantity(
            "total_bytes",
            "Estimated Total Size (MB)",
            "",
            BINARY_MEGABYTES,
            measure=together(input_bytes, OUTPUTS, PARAMETERS),
            otherwise=together(input_bytes, ALL_OUTPUTS, PARAMETERS),
            source=f"{SUMMARY}: the sum of the three sizes",
        ),
    ),
)
