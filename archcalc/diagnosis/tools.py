"""The counting rules of tools as conventions, under which every layer adds what the tool counts for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archcalc.analysis.counts import Counts
from archcalc.counters.layers import counted_for
from archcalc.counters.registry import TOOLS as COUNTERS
from archcalc.counters.rules import Quantity
from archcalc.counters.rules import Tool as Counter
from archcalc.diagnosis.mistake import Contribution
from archcalc.diagnosis.variation import Site
from archcalc.numeric import Number

CODES: Mapping[tuple[str, str], str] = {
    ("thop 0.1.1", "macs"): "tool:thop",
    ("thop 0.0.31", "macs"): "tool:thop-0.0",
    ("ptflops 0.7.5", "macs"): "tool:ptflops",
    ("ptflops-aten 0.7.5", "macs"): "tool:ptflops-aten",
    ("fvcore 0.1.5", "macs"): "tool:fvcore",
    ("torchinfo 1.8.0", "macs"): "tool:torchinfo",
    ("flop-counter-mode 2.13", "flops"): "tool:pytorch-flop-counter",
    ("pytorch 2.13", "params"): "tool:pytorch-parameters",
    ("keras 3.15", "params"): "tool:keras",
    ("caffe 1.0", "params"): "tool:caffe",
}
"""The stable identifiers of tools and quantities, in the order in which they are reported."""


@dataclass(frozen=True)
class Tool:
    """The counting rules of a program for one quantity."""

    code: str
    """A stable identifier."""
    name: str
    quantity: str
    """The quantity of archcalc that corresponds to the number that the tool prints."""
    counter: Counter
    counted: Quantity

    @property
    def source(self) -> str:
        """The files and functions of the tool that define the rules."""
        return f"{self.counter.key}: {self.counter.sources}"

    @property
    def contribution(self) -> Contribution:
        """The counting rules as a convention, under which every layer adds what its rule gives."""

        def count(site: Site, counts: Counts, quantity: str) -> Number:
            return counted_for(self.counter, self.counted, site.op, site.inputs, counts)

        return count


TOOLS = tuple(
    [
        Tool(CODES[tool.key, quantity.name], tool.title or tool.key, quantity.name, tool, quantity)
        for tool in COUNTERS
        for quantity in tool.quantities
        if (tool.key, quantity.name) in CODES
    ]
)
"""The tools whose rules are tried, in the order in which they are reported."""
