"""calflops."""

from __future__ import annotations

from archcalc.counters.formulas import elements
from archcalc.counters.measures import all_parameters
from archcalc.counters.rules import Tool, ToolQuantity
from archcalc.counters.tools.replaced_functions import MATMULS, WATCHES, flops_rules, macs_rules

OPS = "calflops/pytorch_ops.py"

CALFLOPS = Tool(
    name="calflops",
    version="0.3.2",
    package="calflops on PyPI, github.com/MrYxJ/calculate-flops.pytorch",
    use="calflops.calculate_flops(model, input_shape=(1, 3, 224, 224))",
    watches=f"{WATCHES}; a @ b, torch.bmm and F.scaled_dot_product_attention are not among them",
    caller_decides=True,
    quantities=(
        ToolQuantity("macs", "MACs", "macs", rules=macs_rules(OPS, MATMULS, fused=False)),
        ToolQuantity("flops", "FLOPs", "macs", rules=flops_rules(OPS, MATMULS, False, elements.POSITIONS)),
        ToolQuantity(
            "params",
            "Params",
            "params",
            measure=all_parameters,
            source="calflops/calculate_pipline.py get_total_params",
        ),
    ),
)
