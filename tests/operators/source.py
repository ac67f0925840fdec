"""Sources: layers without inputs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.operators.entry import Sizes, entry
from tests.operators.torch_parts import layer, parameter, torch
from tests.operators.writer import Shape, Writer, joined, written

if TYPE_CHECKING:
    from torch.nn import Module


def draw_source(name: str, w: Writer, shape: Shape) -> str:
    """Draw a source in a branch, where it may occur in the middle of a chain."""
    broadcast = (*(n if w.among(True, False) else 1 for n in shape),)
    texts = [f"{name} {written(shape)}", f"{name} {written(broadcast)}", f"{name} {shape[0]}", f"{name} C -> scale 2"]
    join = w.among("add", "mul", "sub")
    branches = ["identity", w.among(*texts)]
    return f"{join}({', '.join(branches if w.among(True, False) else branches[::-1])})"


def draw_random(w: Writer, shape: Shape) -> str:
    drawn = joined([f"random {written(shape)}", w.maybe("uniform"), f"seed={w.whole(0, 9)}"])
    return f"{w.among('add', 'mul')}(identity, {drawn})"


def torch_source(op: Any, shapes: list[Sizes]) -> Module:
    """Return a module whose tensor has a batch of one; the layers that read it repeat it for every example."""
    value = parameter(*op.shape) if op.name == "learned" else parameter(*op.shape).detach()
    module = layer(lambda: module.value[None], value=value)
    return module


def torch_random(op: Any, shapes: list[Sizes]) -> Module:
    """Return a module with the numbers that the seed of the layer determines, for one example."""
    fixed = np.random.RandomState(op.seed)
    drawn = (fixed.rand if op.distribution == "uniform" else fixed.randn)(1, *op.shape)
    value = torch.from_numpy(drawn).to(torch.get_default_dtype())
    return layer(lambda: value)


entry(
    "random",
    draw=draw_random,
    torch=torch_random,
    cases=[({"shape": (12, 20, 18)}, ()), ({"shape": (12,), "distribution": "uniform", "seed": 3}, ())],
    beyond_onnx_runtime=lambda op: True,
)
for name, further in (("learned", [({"shape": (12, 20, 18), "array": "weight"}, ())]), ("constant", [])):
    entry(
        name,
        draw=partial(draw_source, name),
        torch=torch_source,
        cases=[({"shape": (12, 20, 18)}, ()), ({"shape": (12,)}, ()), *further],
    )
