"""A PyTorch counterpart for every operator, built from its attributes and nothing of archcalc's formulas.

Where PyTorch has a module it is used; where it has not, the layer is expressed through primitives that it has. Stored
numbers are parameters or (fixed ones) buffers, so that they can be counted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

Pads = list[tuple[int, int]]

CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
MAXIMA = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
MEANS = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}
ADAPTIVE_MAXIMA = {1: nn.AdaptiveMaxPool1d, 2: nn.AdaptiveMaxPool2d, 3: nn.AdaptiveMaxPool3d}
ADAPTIVE_MEANS = {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d, 3: nn.AdaptiveAvgPool3d}
BATCH_NORMS = {0: nn.BatchNorm1d, 1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
INSTANCE_NORMS = {1: nn.InstanceNorm1d, 2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}
DROPOUTS = {1: nn.Dropout1d, 2: nn.Dropout2d, 3: nn.Dropout3d}
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


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


def parameter(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.ones(shape))


# --- padding ---


def pads(op: Any, sizes: list[int]) -> Pads:
    """Zeros before and after each axis, from PyTorch's and TensorFlow's definitions of the words."""
    if not isinstance(op.pad, str):
        return list(op.pad)
    rows = []
    for n, k, s, d in zip(sizes, op.kernel, op.stride or op.kernel, op.dilation, strict=True):
        if op.pad == "same":  # TensorFlow, "Notes on padding"
            reach = (k - 1) * d + 1
            rest = n % s or s
            total = max(reach - rest, 0)
            rows.append((total // 2, total - total // 2))
        else:
            side = {"valid": 0, "half": d * (k - 1) // 2, "full": d * (k - 1)}[op.pad]
            rows.append((side, side))
    return rows


def padded(x: Tensor, sides: Pads, value: float = 0.0) -> Tensor:
    """`functional.pad` over the spatial axes; negative sides cut off."""
    return functional.pad(x, [side for pair in reversed(sides) for side in pair], value=value)


def even(sides: Pads) -> bool:
    return all(before == after for before, after in sides)


# --- convolutions ---


def convolution(op: Any, shapes: list[tuple[int, ...]]) -> nn.Module:
    (shape,) = shapes
    channels = {"dwconv": lambda: shape[0] * op.multiplier}.get(op.name, lambda: op.channels)()
    groups = shape[0] if op.name == "dwconv" else op.groups
    sides = pads(op, list(shape[1:]))
    if op.table is not None if op.name == "conv" else False:
        return tabled(op, shape, sides)
    cls = CONVOLUTIONS[len(shape) - 1]
    same = op.pad == "same" and set(op.stride) == {1}
    padding = "same" if same else [before for before, _ in sides] if even(sides) else 0
    module = cls(shape[0], channels, op.kernel, op.stride, padding, op.dilation, groups, op.bias)
    return module if same or even(sides) else nn.Sequential(Layer(lambda x: padded(x, sides)), module)


def tabled(op: Any, shape: tuple[int, ...], sides: Pads) -> nn.Module:
    """One kernel per connected pair of maps, put into an otherwise empty weight."""
    connected = torch.tensor(op.table).T
    kernels = parameter(int(connected.sum()), *op.kernel)
    bias = parameter(op.channels) if op.bias else None
    convolve = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}[len(shape) - 1]

    def run(x: Tensor) -> Tensor:
        weight = torch.zeros(op.channels, shape[0], *op.kernel, dtype=x.dtype)
        weight[connected] = kernels
        return convolve(padded(x, sides), weight, bias, op.stride, 0, op.dilation)

    return Layer(run, kernels=kernels, **({} if bias is None else {"bias": bias}))


def separable(op: Any, shapes: list[tuple[int, ...]]) -> nn.Module:
    (shape,) = shapes
    cls, sides = CONVOLUTIONS[len(shape) - 1], pads(op, list(shape[1:]))
    maps = shape[0] * op.multiplier
    depthwise = cls(shape[0], maps, op.kernel, op.stride, 0, op.dilation, shape[0], bias=False)
    return nn.Sequential(Layer(lambda x: padded(x, sides)), depthwise, cls(maps, op.channels, 1, bias=op.bias))


def transposed(op: Any, shapes: list[tuple[int, ...]]) -> nn.Module:
    (shape,) = shapes
    cls = TRANSPOSED[len(shape) - 1]
    reach = [d * (k - 1) + 1 for k, d in zip(op.kernel, op.dilation, strict=True)]
    extra, sides = list(op.outpad), []
    if op.pad == "same":  # Keras: the output is n·s, what is too much is cut off on both sides
        for axis, (r, s) in enumerate(zip(reach, op.stride, strict=True)):
            extra[axis] = max(s - r, 0)
            sides.append((max(r - s, 0) // 2, max(r - s, 0) - max(r - s, 0) // 2))
    else:
        sides = pads(op, list(shape[1:]))
    common = {"dilation": op.dilation, "groups": op.groups, "bias": op.bias, "output_padding": extra}
    if even(sides) and all(before <= r - 1 for (before, _), r in zip(sides, reach, strict=True)):
        padding = [before for before, _ in sides]
        return cls(shape[0], op.channels, op.kernel, op.stride, padding, **common)
    module = cls(shape[0], op.channels, op.kernel, op.stride, **common)
    return nn.Sequential(module, Layer(lambda x: padded(x, [(-before, -after) for before, after in sides])))


# --- pooling ---


def maximum(op: Any, shapes: list[tuple[int, ...]]) -> nn.Module:
    (shape,) = shapes
    sides, stride = pads(op, list(shape[1:])), op.stride or op.kernel
    if even(sides) and all(2 * before <= k for (before, _), k in zip(sides, op.kernel, strict=True)):
        cls = MAXIMA[len(shape) - 1]
        return cls(op.kernel, stride, [before for before, _ in sides], op.dilation, ceil_mode=op.ceil)
    return Layer(lambda x: windows(x, op, sides, -torch.inf).amax(-1))


def mean(op: Any, shapes: list[tuple[int, ...]]) -> nn.Module:
    (shape,) = shapes
    sides, stride = pads(op, list(shape[1:])), op.stride or op.kernel
    fits = all(2 * before <= k for (before, _), k in zip(sides, op.kernel, strict=True))
    if even(sides) and fits and set(op.dilation) == {1}:
        cls = MEANS[len(shape) - 1]
        return cls(op.kernel, stride, [before for before, _ in sides], op.ceil, op.count_include_pad)
    inside = float(op.count_include_pad)

    def run(x: Tensor) -> Tensor:
        counted = windows(torch.ones_like(x), op, sides, inside, beyond=0.0).sum(-1)
        return windows(x, op, sides, 0.0).sum(-1) / counted

    return Layer(run)


def subsample(op: Any, shapes: list[tuple[int, ...]]) -> nn.Module:
    (shape,) = shapes
    sides = pads(op, list(shape[1:]))
    coefficient, bias = parameter(shape[0]), parameter(shape[0])
    each = (-1, *(1,) * (len(shape) - 1))

    def run(x: Tensor) -> Tensor:
        return windows(x, op, sides, 0.0).sum(-1) * coefficient.view(each) + bias.view(each)

    return Layer(run, coefficient=coefficient, bias=bias)


def windows(x: Tensor, op: Any, sides: Pads, value: float, *, beyond: float | None = None) -> Tensor:
    """The windows of a pooling along a new last axis, with `Tensor.unfold`.

    With ``ceil``, positions (of the value ``beyond``, if that is another one) are added until every window that starts
    is complete; windows that start in the padding after the input are dropped, as PyTorch defines it.
    """
    starts = [n + before for n, (before, _) in zip(x.shape[2:], sides, strict=True)]
    stride = op.stride or op.kernel
    x = padded(x, sides, value)
    x = padded(x, [(0, (s - 1) * op.ceil) for s in stride], value if beyond is None else beyond)
    rank = len(starts)
    for axis, (k, s, d, end) in enumerate(zip(op.kernel, stride, op.dilation, starts, strict=True), start=2):
        x = x.unfold(axis, d * (k - 1) + 1, s)[..., ::d]
        if op.ceil:
            x = x.narrow(axis, 0, min(x.shape[axis], len(range(0, end, s))))
    return x.flatten(2 + rank)


def global_pool(by_rank: dict[int, Any]) -> Callable[[Any, list[tuple[int, ...]]], nn.Module]:
    return lambda op, shapes: by_rank[len(shapes[0]) - 1](1)


def adaptive(by_rank: dict[int, Any]) -> Callable[[Any, list[tuple[int, ...]]], nn.Module]:
    return lambda op, shapes: by_rank[len(shapes[0]) - 1](op.size if len(op.size) > 1 else op.size[0])


def upsample(op: Any, shapes: list[tuple[int, ...]]) -> nn.Module:
    linear = op.mode == "bilinear"
    how: dict[str, Any] = {"mode": LINEAR[len(shapes[0]) - 1] if linear else "nearest"}
    how |= {"align_corners": op.align_corners} if linear else {}
    how |= {"size": op.to} if op.scale is None else {"scale_factor": tuple(map(float, op.scale))}
    return Layer(lambda x: functional.interpolate(x, **how))


# --- the rest ---


def radial(op: Any, shapes: list[tuple[int, ...]]) -> nn.Module:
    centres = parameter(op.features, torch.Size(shapes[0]).numel())

    def run(x: Tensor) -> Tensor:
        return ((x.flatten(1)[:, None] - centres) ** 2).sum(-1)

    return Layer(run, centres=centres if op.trainable else centres.detach())


def embedding(op: Any, shapes: list[tuple[int, ...]]) -> nn.Module:
    nearest = Layer(lambda x: x.round().clamp(0, op.vocabulary - 1).long())
    return nn.Sequential(nearest, nn.Embedding(op.vocabulary, op.dim))


def layer_norm(op: Any, shapes: list[tuple[int, ...]]) -> nn.Module:
    (shape,) = shapes
    if op.axis != "channels":
        return nn.LayerNorm(shape if op.axis == "all" else shape[-1:], float(op.eps), op.affine)
    there, back = Layer(lambda x: x.movedim(1, -1)), Layer(lambda x: x.movedim(-1, 1))
    return nn.Sequential(there, nn.LayerNorm(shape[:1], float(op.eps), op.affine), back)


def instance_norm(op: Any, shapes: list[tuple[int, ...]]) -> nn.Module:
    (shape,) = shapes
    if torch.Size(shape[1:]).numel() == 1:  # PyTorch refuses to normalise one number by itself: as many groups as maps
        return nn.GroupNorm(shape[0], shape[0], float(op.eps), op.affine)
    return INSTANCE_NORMS[len(shape) - 1](shape[0], float(op.eps), affine=op.affine)


def local_response_norm(op: Any, shapes: list[tuple[int, ...]]) -> nn.Module:
    (shape,) = shapes
    if op.region == "across":
        norm = nn.LocalResponseNorm(op.size, float(op.alpha * op.size), float(op.beta), float(op.k))  # divides alpha
        return Layer(lambda x: norm(x[..., None])[..., 0] if x.dim() == 2 else norm(x))
    before = op.size // 2

    def run(x: Tensor) -> Tensor:
        squares = padded(x**2, [(before, op.size - 1 - before)] * (len(shape) - 1))
        for axis in range(2, x.dim()):
            squares = squares.unfold(axis, op.size, 1).sum(-1)
        return x / (op.k + float(op.alpha) * squares) ** float(op.beta)

    return Layer(run)


def standardize(op: Any, shapes: list[tuple[int, ...]]) -> nn.Module:
    each = (-1, *(1,) * (len(shapes[0]) - 1))
    mean, std = (torch.tensor([float(x) for x in numbers]) for numbers in (op.mean, op.std))
    return Layer(lambda x: (x - mean.view(each)) / std.view(each), mean=mean, std=std)


def padded_identity(op: Any, shapes: list[tuple[int, ...]]) -> nn.Module:
    steps = (slice(None), slice(None), *(slice(None, None, s) for s in op.stride))
    missing = op.channels - shapes[0][0]
    rank = len(op.stride)
    return Layer(lambda x: functional.pad(x[steps], (0, 0) * rank + (0, missing)))


def maxout(op: Any, shapes: list[tuple[int, ...]]) -> nn.Module:
    return Layer(lambda x: x.unflatten(1, (-1, op.pieces)).amax(2))


def shuffle(op: Any, shapes: list[tuple[int, ...]]) -> nn.Module:
    module = nn.ChannelShuffle(op.groups)
    return Layer(lambda x: module(x[..., None])[..., 0] if x.dim() == 2 else module(x))


def split(op: Any, shapes: list[tuple[int, ...]]) -> nn.Module:
    return Layer(lambda x: torch.tensor_split(x, op.parts, axis_of(op.axis))[op.part])


def sliced(op: Any, shapes: list[tuple[int, ...]]) -> nn.Module:
    start, stop = op.range

    def run(x: Tensor) -> Tensor:
        where: list[Any] = [slice(None)] * x.dim()
        where[axis_of(op.axis)] = slice(start, stop, op.step)
        return x[tuple(where)]

    return Layer(run)


def axis_of(axis: int) -> int:
    """An axis number behind the batch."""
    return axis + 1 if axis >= 0 else axis


def elementwise(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Any, list[tuple[int, ...]]], nn.Module]:
    def make(op: Any, shapes: list[tuple[int, ...]]) -> nn.Module:
        rank = max(map(len, shapes))

        def run(*inputs: Tensor) -> Tensor:
            aligned = [x.view(*x.shape, *(1,) * (rank + 1 - x.dim())) if x.dim() == 2 else x for x in inputs]
            return reduce(function, aligned)

        return Layer(run)

    return make


def concat(op: Any, shapes: list[tuple[int, ...]]) -> nn.Module:
    joined = axis_of(op.axis) % (len(shapes[0]) + 1)

    def run(*inputs: Tensor) -> Tensor:
        pieces = []
        for x in inputs:
            for axis in range(2, x.dim()):
                if op.crop == "smallest" and axis != joined:
                    smallest = min(other.shape[axis] for other in inputs)
                    x = x.narrow(axis, (x.shape[axis] - smallest) // 2, smallest)
            pieces.append(x)
        return torch.cat(pieces, joined)

    return Layer(run)


def simple(make: Callable[[Any, tuple[int, ...]], nn.Module]) -> Callable[[Any, list[tuple[int, ...]]], nn.Module]:
    return lambda op, shapes: make(op, shapes[0])


def function(run: Callable[[Any, Tensor], Tensor]) -> Callable[[Any, list[tuple[int, ...]]], nn.Module]:
    return lambda op, shapes: Layer(lambda x: run(op, x))


COUNTERPARTS: dict[str, Callable[[Any, list[tuple[int, ...]]], nn.Module]] = {
    "conv": convolution,
    "dwconv": convolution,
    "sepconv": separable,
    "upconv": transposed,
    "fc": simple(lambda op, s: nn.Sequential(nn.Flatten(), nn.Linear(torch.Size(s).numel(), op.features, op.bias))),
    "linear": simple(lambda op, s: nn.Linear(s[-1], op.features, op.bias)),
    "rbf": radial,
    "embedding": embedding,
    "maxpool": maximum,
    "avgpool": mean,
    "subsample": subsample,
    "gap": global_pool(ADAPTIVE_MEANS),
    "gmp": global_pool(ADAPTIVE_MAXIMA),
    "adaptive_avgpool": adaptive(ADAPTIVE_MEANS),
    "adaptive_maxpool": adaptive(ADAPTIVE_MAXIMA),
    "upsample": upsample,
    "pad": function(lambda op, x: padded(x, list(op.margin))),
    "crop": function(lambda op, x: padded(x, [(-before, -after) for before, after in op.margin])),
    "padded_identity": padded_identity,
    "bn": simple(lambda op, s: BATCH_NORMS[len(s) - 1](s[0], float(op.eps), affine=op.affine)),
    "ln": layer_norm,
    "in": instance_norm,
    "gn": simple(lambda op, s: nn.GroupNorm(op.groups, s[0], float(op.eps), op.affine)),
    "lrn": local_response_norm,
    "standardize": standardize,
    "flatten": simple(lambda op, s: nn.Flatten()),
    "reshape": function(lambda op, x: x.reshape(x.shape[0], *op.shape)),
    "transpose": function(lambda op, x: x.permute(0, *(axis + 1 for axis in op.order))),
    "shuffle": shuffle,
    "split": split,
    "slice": sliced,
    "scale": function(lambda op, x: x * float(op.factor)),
    "relu": simple(lambda op, s: nn.ReLU()),
    "relu6": simple(lambda op, s: nn.ReLU6()),
    "leaky_relu": simple(lambda op, s: nn.LeakyReLU(float(op.slope))),
    "prelu": simple(lambda op, s: nn.PReLU(s[0] if op.slopes == "channels" else 1)),
    "elu": simple(lambda op, s: nn.ELU(float(op.alpha))),
    "selu": simple(lambda op, s: nn.SELU()),
    "gelu": simple(lambda op, s: nn.GELU("tanh" if op.form == "tanh" else "none")),
    "silu": simple(lambda op, s: nn.SiLU()),
    "mish": simple(lambda op, s: nn.Mish()),
    "sigmoid": simple(lambda op, s: nn.Sigmoid()),
    "tanh": simple(lambda op, s: nn.Tanh()),
    "hardswish": simple(lambda op, s: nn.Hardswish()),
    "hardsigmoid": simple(lambda op, s: nn.Hardsigmoid()),
    "softplus": simple(lambda op, s: nn.Softplus()),
    "maxout": maxout,
    "softmax": simple(lambda op, s: nn.Softmax(axis_of(op.axis))),
    "log_softmax": simple(lambda op, s: nn.LogSoftmax(axis_of(op.axis))),
    "dropout": simple(lambda op, s: nn.Dropout(float(op.rate))),
    "spatial_dropout": simple(lambda op, s: DROPOUTS[len(s) - 1](float(op.rate))),
    "add": elementwise(torch.add),
    "sub": elementwise(torch.sub),
    "mul": elementwise(torch.mul),
    "max": elementwise(torch.maximum),
    "concat": concat,
}
"""Operator to what builds its counterpart from its attributes and the shapes of its inputs."""

LEFT_OUT = {"identity": "it is the tensor itself: no graph has such a node"}
"""Operators without a counterpart, and why."""


def stored(module: nn.Module) -> tuple[int, int]:
    """How many numbers a module stores, and how many of them are trainable."""
    fixed = sum(b.numel() for name, b in module.named_buffers() if not name.endswith("num_batches_tracked"))
    trainable = sum(p.numel() for p in module.parameters() if p.requires_grad)
    return trainable + fixed, trainable
