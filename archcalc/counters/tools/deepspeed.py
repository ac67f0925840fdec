"""DeepSpeed's profiler."""

from __future__ import annotations

from archcalc.counters.formulas import elements
from archcalc.counters.measures import all_parameters
from archcalc.counters.rules import Tool, ToolQuantity
from archcalc.counters.tools.replaced_functions import ALL_MATMULS, WATCHES, flops_rules, macs_rules

OPS = "deepspeed/profiling/flops_profiler/profiler.py"

DEEPSPEED = Tool(
    name="deepspeed",
    version="0.19.8",
    package="deepspeed on PyPI, github.com/deepspeedai/DeepSpeed",
    use="deepspeed.profiling.flops_profiler.get_model_profile(model, (1, 3, 224, 224))",
    watches=f"{WATCHES}; a @ b and F.scaled_dot_product_attention are among them",
    caller_decides=True,
    quantities=(
        ToolQuantity("macs", "MACs", "macs", rules=macs_rules(OPS, ALL_MATMULS, fused=True)),
        ToolQuantity("flops", "FLOPs", "macs", rules=flops_rules(OPS, ALL_MATMULS, True, elements.POSITIONS_OR_SCALED)),
        ToolQuantity("params", "Params", "params", measure=all_parameters, source=f"{OPS} get_total_params"),
    ),
)
