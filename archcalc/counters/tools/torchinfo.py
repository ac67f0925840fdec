"""torchinfo (``summary``)."""

from __future__ import annotations

from archcalc.counters.formulas import weights
from archcalc.counters.measures import all_parameters, leaf_parameter_bytes, output_bytes
from archcalc.counters.rules import MEGABYTES, Quantity, Rule, Tool
from archcalc.counters.trace import ModuleCall


def _leaf_with_parameters(call: ModuleCall) -> bool:
    return call.is_leaf and bool(call.parameters)


TORCHINFO = Tool(
    name="torchinfo",
    version="1.8.0",
    package="torchinfo on PyPI, github.com/TylerYep/torchinfo",
    use="torchinfo.summary(model, input_size=(1, 3, 224, 224))",
    watches="calls of modules without submodules, through forward hooks: their parameters and outputs",
    gradients=False,
    quantities=(
        Quantity(
            "macs",
            "Total mult-adds",
            "macs",
            rules=(
                Rule(
                    "module", "*", "layers with parameters", weights.TORCHINFO, "torchinfo/layer_info.py calculate_macs"
                ),
            ),
        ),
        Quantity(
            "params",
            "Total params",
            "params",
            measure=all_parameters,
            source="torchinfo/model_statistics.py: all parameters, those of parents as what is left over",
        ),
        Quantity(
            "forward_backward_bytes",
            "Forward/backward pass size (MB)",
            "",
            MEGABYTES,
            measure=output_bytes(2, _leaf_with_parameters),
            source="torchinfo/model_statistics.py: twice the outputs of leaf calls with parameters",
        ),
        Quantity(
            "params_bytes",
            "Params size (MB)",
            "",
            MEGABYTES,
            measure=leaf_parameter_bytes,
            source="torchinfo/model_statistics.py: the parameters of leaf modules only",
        ),
    ),
)
