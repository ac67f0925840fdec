"""torchinfo (``summary``)."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.counters.formulas import weights
from archcalc.counters.measures import (
    all_parameters,
    bytes_of,
    input_bytes,
    leaf_parameter_bytes,
    output_bytes,
    together,
    trained_parameters,
)
from archcalc.counters.rules import MEGABYTES, Charge, CountingRule, Tool, ToolQuantity
from archcalc.counters.trace import ModuleCall, Trace


def _leaf_with_parameters(call: ModuleCall) -> bool:
    return call.is_leaf and bool(call.parameters)


STORAGE_OBJECT = 64
"""The bytes of the Python object of a storage, beside its numbers (CPython 3.11, PyTorch 2.13)."""


def _storage_objects(trace: Trace) -> Iterator[Charge]:
    for _ in trace.inputs:
        yield Charge("the Python object of the input", STORAGE_OBJECT, "")


INPUT = together(input_bytes, _storage_objects)
OUTPUTS = output_bytes(2, _leaf_with_parameters, bytes_of)

TORCHINFO = Tool(
    name="torchinfo",
    version="1.8.0",
    package="torchinfo on PyPI, github.com/TylerYep/torchinfo",
    use="torchinfo.summary(model, input_size=(1, 3, 224, 224))",
    watches="calls of modules without submodules, through forward hooks: their parameters and outputs",
    gradients=False,
    quantities=(
        ToolQuantity(
            "macs",
            "Total mult-adds",
            "macs",
            rules=(
                CountingRule(
                    "module", "*", "layers with parameters", weights.TORCHINFO, "torchinfo/layer_info.py calculate_macs"
                ),
            ),
        ),
        ToolQuantity(
            "params",
            "Total params",
            "params",
            measure=all_parameters,
            source="torchinfo/model_statistics.py: all parameters, those of parents as what is left over",
        ),
        ToolQuantity(
            "trainable_params",
            "Trainable params",
            "params",
            measure=trained_parameters,
            source="torchinfo/model_statistics.py: those with requires_grad",
        ),
        ToolQuantity(
            "input_bytes",
            "Input size (MB)",
            "",
            MEGABYTES,
            measure=INPUT,
            source="torchinfo/torchinfo.py get_total_memory_used: sys.getsizeof of storages, which are Python objects",
        ),
        ToolQuantity(
            "forward_backward_bytes",
            "Forward/backward pass size (MB)",
            "",
            MEGABYTES,
            measure=OUTPUTS,
            source="torchinfo/model_statistics.py: twice the outputs of leaf calls with parameters",
        ),
        ToolQuantity(
            "params_bytes",
            "Params size (MB)",
            "",
            MEGABYTES,
            measure=leaf_parameter_bytes,
            source="torchinfo/model_statistics.py: the parameters of leaf modules only",
        ),
        ToolQuantity(
            "total_bytes",
            "Estimated Total Size (MB)",
            "",
            MEGABYTES,
            measure=together(INPUT, OUTPUTS, leaf_parameter_bytes),
            source="torchinfo/model_statistics.py: the sum of the three sizes",
        ),
    ),
)
