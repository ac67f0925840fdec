"""The tools by name and version, in the order in which they are reported."""

from __future__ import annotations

from archcalc.counters.rules import Tool
from archcalc.counters.tools.caffe import CAFFE
from archcalc.counters.tools.calflops import CALFLOPS
from archcalc.counters.tools.deepspeed import DEEPSPEED
from archcalc.counters.tools.flop_counter import FLOP_COUNTER, FLOP_COUNTER_META
from archcalc.counters.tools.fvcore import FVCORE
from archcalc.counters.tools.keras import KERAS
from archcalc.counters.tools.onnx_tool import ONNX_TOOL
from archcalc.counters.tools.ptflops import PTFLOPS, PTFLOPS_ATEN, PTFLOPS_OLD
from archcalc.counters.tools.pytorch import PYTORCH
from archcalc.counters.tools.thop import THOP, THOP_0_0
from archcalc.counters.tools.torchinfo import TORCHINFO
from archcalc.counters.tools.torchsummary import TORCHSUMMARY
from archcalc.counters.tools.torchvision import TORCHVISION
from archcalc.spec.errors import fail, suggest

_LISTED = (
    THOP, THOP_0_0, PTFLOPS, PTFLOPS_ATEN, PTFLOPS_OLD, FVCORE, TORCHINFO, FLOP_COUNTER, FLOP_COUNTER_META, CALFLOPS,
    DEEPSPEED, TORCHVISION, PYTORCH, TORCHSUMMARY, KERAS, CAFFE,
    ONNX_TOOL,
)  # fmt: skip

TOOLS = tuple(
    [each for tool in _LISTED for each in ((tool, tool.without_gradients()) if tool.caller_decides else (tool,))]
)


def tools_named(written: str, option: str) -> tuple[Tool, ...]:
    """Return the tools of a name, with a version and a setting where these are written.

    Args:
        written: what was written: ``ptflops``, ``ptflops 0.6.9``, ``ptflops==0.6.9`` or ``fvcore no_grad``.
        option: the option, for messages: ``--tool``.

    Raises:
        SpecError: there is no such tool or version; the hint lists those that exist.
    """
    name, *words = written.replace("==", " ").replace("@", " ").lower().split() or [""]
    of_name = [tool for tool in TOOLS if tool.name == name]
    found = tuple([tool for tool in of_name if {*words} <= {tool.version, tool.setting}])
    if found:
        return found
    origin = f"{option} {written[:40]}"
    if of_name:
        known = ", ".join(f"'{tool.key}'" for tool in of_name)
        fail("unknown-name", f"no '{' '.join(words)[:40]}' of {name}", hint=f"there are {known}", origin=origin)
    names = list(dict.fromkeys(tool.name for tool in TOOLS))
    hint = "\n".join(filter(None, (suggest(name, names), f"the tools are {', '.join(names)}")))
    fail("unknown-name", f"no tool '{name[:40]}'", hint=hint, origin=origin)
