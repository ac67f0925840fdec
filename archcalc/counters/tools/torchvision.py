"""torchvision's published figures, which were made with FlopCounterMode."""

from __future__ import annotations

from archcalc.counters.formulas import products
from archcalc.counters.measures import all_parameters
from archcalc.counters.rules import Tool, ToolQuantity, Unit
from archcalc.counters.tools.flop_counter import WATCHES, operator_rules

TORCHVISION = Tool(
    name="torchvision",
    version="0.28",
    package="torchvision on PyPI",
    use="weights.meta['_ops']",
    watches=WATCHES,
    quantities=(
        ToolQuantity(
            "macs",
            "GFLOPS in the tables of weights (a multiply–accumulate is one)",
            "macs",
            Unit(" G", 10**9, 3, smaller=((" M", 10**6), (" k", 10**3))),
            rules=operator_rules(products.MACS, products.MACS, products.DISPATCHED_PRODUCT),
        ),
        ToolQuantity("params", "Params", "params", measure=all_parameters, source="torch.nn.Module.parameters"),
    ),
)
