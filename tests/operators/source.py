"""Sources: layers without inputs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from tests.operators.entry import Sizes, entry
from tests.operators.torch_parts import layer, parameter
from tests.operators.writer import Shape, Writer, written

if TYPE_CHECKING:
    from torch.nn import Module


def draw_source(name: str, w: Writer, shape: Shape) -> str:
    """Draw a source in a branch, where it may occur in the middle of a chain."""
    broadcast = (*(n if w.among(True, False) else 1 for n in shape),)
    texts = [f"{name} {written(shape)}", f"{name} {written(broadcast)}", f"{name} {shape[0]}", f"{name} C -> scale 2"]
    join = w.among("add", "mul", "sub")
    branches = ["identity", w.among(*texts)]
    return f"{join}({', '.join(branches if w.among(True, False) else branches[::-1])})"


def torch_source(op: Any, shapes: list[Sizes]) -> Module:
    """Return a module whose tensor has a batch of one; the layers that read it repeat it for every example."""
    value = parameter(*op.shape) if op.name == "learned" else parameter(*op.shape).detach()
    module = layer(lambda: module.value[None], value=value)
    return module


for name, further in (("learned", [({"shape": (12, 20, 18), "array": "weight"}, ())]), ("constant", [])):
    entry(
        name,
        draw=partial(draw_source, name),
        torch=torch_source,
        cases=[({"shape": (12, 20, 18)}, ()), ({"shape": (12,)}, ()), *further],
    )
