"""PyTorch's own parameters."""

from __future__ import annotations

from archcalc.counters.measures import all_parameters
from archcalc.counters.rules import Tool, ToolQuantity

PYTORCH = Tool(
    name="pytorch",
    title="PyTorch's model.parameters()",
    version="2.13",
    package="torch on PyPI",
    use="sum(p.numel() for p in model.parameters())",
    watches="parameters; running statistics are buffers",
    quantities=(
        ToolQuantity(
            "params",
            "parameters",
            "params",
            measure=all_parameters,
            source="torch/nn/modules/module.py Module.parameters",
        ),
    ),
)
