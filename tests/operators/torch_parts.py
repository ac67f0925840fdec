"""Parts that the counterparts in PyTorch share.

PyTorch is imported at its first use: most tests need other parts of the entries.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tests.operators.entry import ENTRIES, Sizes
from tests.operators.windows import Sides

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
else:

    class Lazy:
        """A module that is imported when it is first used."""

        def __init__(self, name: str) -> None:
            self.name = name

        def __getattr__(self, attribute: str) -> Any:
            return getattr(import_module(self.name), attribute)

    torch, nn, functional = Lazy("torch"), Lazy("torch.nn"), Lazy("torch.nn.functional")


@cache
def layer_class() -> type[nn.Module]:
    class Layer(nn.Module):
        """A function of tensors with the stored numbers it uses."""

        def __init__(self, function: Callable[..., Tensor], *modules: nn.Module, **stored: Tensor) -> None:
            super().__init__()
            self.function = function
            self.modules_ = nn.ModuleList(modules)
            for name, numbers in stored.items():
                if isinstance(numbers, nn.Parameter):
                    self.register_parameter(name, numbers)
                else:
                    self.register_buffer(name, numbers)

        def forward(self, *inputs: Tensor) -> Tensor:
            return self.function(*inputs)

    return Layer


def layer(function: Callable[..., Tensor], *modules: nn.Module, **stored: Tensor) -> nn.Module:
    """Return a function of tensors as a module, with its stored numbers as parameters, or (if fixed) as buffers."""
    return layer_class()(function, *modules, **stored)


def by_rank(kind: str, shape: Sizes) -> type[nn.Module]:
    """Return PyTorch's class for a tensor's spatial axes: ``Conv`` is `Conv2d` for C×H×W."""
    found: type[nn.Module] = getattr(nn, f"{kind}{len(shape) - 1}d")
    return found


def parameter(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.ones(shape))


def padded(x: Tensor, sides: Sides, value: float = 0.0, border: str = "zeros") -> Tensor:
    """Pad the spatial axes with `functional.pad`; negative sides crop."""
    each = [side for pair in reversed(sides) for side in pair]
    return functional.pad(x, each, value=value) if border == "zeros" else functional.pad(x, each, border)


def even(sides: Sides) -> bool:
    return all(before == after for before, after in sides)


def stored(module: nn.Module) -> tuple[int, int]:
    """Return how many numbers a module stores, and how many of them are trainable."""
    fixed = sum(b.numel() for name, b in module.named_buffers() if not name.endswith("num_batches_tracked"))
    trainable = sum(p.numel() for p in module.parameters() if p.requires_grad)
    return trainable + fixed, trainable


def counterpart(op: Any, shapes: list[Sizes]) -> nn.Module:
    """Return the module that computes what an operator does with inputs of these shapes."""
    alone = op.arity == len(shapes) == 1 and not op.tensor_arguments()
    return ENTRIES[op.name].torch(op, shapes[0] if alone else shapes)
