"""Convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archcalc.writers.onnx.conv import same_sizes
from tests.operators.entry import MAP, Sizes, entry
from tests.operators.torch_parts import by_rank, even, functional, layer, nn, padded, parameter, torch
from tests.operators.windows import Sides, pads
from tests.operators.writer import Shape, Writer, draw_stride, draw_window, joined, spatially

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


TWO = {"stride": (2, 3), "pad": ((1, 0), (2, 1)), "dilation": (2, 1)}
TABLE = tuple(tuple((row + column) % 3 == 0 for column in range(4)) for row in range(12))


def draw_conv(w: Writer, shape: Shape) -> str:
    if w.among(*[False] * 7, True):
        return draw_tabled(w, shape)
    channels = w.among(w.whole(1, 8), shape[0])
    groups = w.divisor(shape[0], channels)
    words = [f"conv {w.number(channels, shape)}", draw_window(w, shape), draw_stride(w, shape)]
    words += [f"g{groups}" if groups > 1 else "", w.maybe("nobias"), w.among("", "", "", "ws", "weight_norm", "flip")]
    return joined(words)


def draw_tabled(w: Writer, shape: Shape) -> str:
    columns = w.whole(1, 4)
    rows = [[w.among("X", ".") for _ in range(columns)] for _ in range(shape[0])]
    rows[w.whole(0, shape[0] - 1)] = ["X"] * columns
    name = f"t{len(w.tables)}_"
    w.tables[name] = w.among(" / ", "/").join("".join(row) for row in rows)
    return joined(
        [
            f"conv {columns}",
            draw_window(w, shape),
            draw_stride(w, shape),
            f"table={name}",
            w.maybe("nobias"),
            w.maybe("flip"),
        ]
    )


def torch_convolution(op: Any, shape: Sizes, channels: int, groups: int) -> Module:
    sides = pads(op, shape[1:])
    if op.weight_norm or op.flip:
        return torch_prepared(op, shape)
    same = op.pad == "same" and set(op.stride) == {1} and op.border == "zeros"
    padding = "same" if same else [before for before, _ in sides] if even(sides) else 0
    cls = by_rank("Conv", shape)
    module = cls(shape[0], channels, op.kernel, op.stride, padding, op.dilation, groups, op.bias, op.border)
    return module if same or even(sides) else nn.Sequential(layer(lambda x: padded(x, sides, border=op.border)), module)


def torch_prepared(op: Any, shape: Sizes) -> Module:
    """Return a convolution whose kernels have PyTorch's weight norm or are flipped first, with its stored arrays in the
    order of archcalc."""
    sides, rank = pads(op, shape[1:]), len(shape) - 1
    convolve = getattr(functional, f"conv{rank}d")
    maps = shape[0] * getattr(op, "multiplier", 1)
    separable, depthwise = op.name == "sepconv", op.name == "dwconv"
    channels = maps if depthwise else op.channels
    stored = {"depthwise": parameter(maps, 1, *op.kernel)} if separable else {}
    fan_in = maps if separable else 1 if depthwise else shape[0] // op.groups
    stored["weight"] = parameter(channels, fan_in, *(1 if separable else k for k in op.kernel))
    stored |= {"gain": parameter(channels)} if op.weight_norm else {}
    stored |= {"bias": parameter(channels)} if op.bias else {}

    def run(x: Tensor) -> Tensor:
        weight = stored["weight"]
        if op.weight_norm:
            weight = torch._weight_norm(weight, stored["gain"].reshape(-1, *(1,) * (rank + 1)), 0)
        x = padded(x, sides, border=op.border)
        if separable:
            x = convolve(x, turned(op, stored["depthwise"]), None, op.stride, 0, op.dilation, shape[0])
            return convolve(x, weight, stored.get("bias"))
        groups = shape[0] if depthwise else op.groups
        return convolve(x, turned(op, weight), stored.get("bias"), op.stride, 0, op.dilation, groups)

    return layer(run, **stored)


def turned(op: Any, weight: Tensor) -> Tensor:
    """Return kernels as a cross-correlation uses them."""
    return weight.flip([*range(2, weight.ndim)]) if op.flip else weight


def torch_conv(op: Any, shape: Sizes) -> Module:
    if op.table is not None:
        return torch_tabled(op, shape, pads(op, shape[1:]))
    return torch_convolution(op, shape, op.channels, op.groups)


def torch_tabled(op: Any, shape: Sizes, sides: Sides) -> Module:
    """Return one kernel per connected pair of maps, put into an otherwise empty weight."""
    connected = torch.tensor(op.table).T
    kernels = parameter(int(connected.sum()), *op.kernel)
    gain = {"gain": parameter(op.channels)} if op.weight_norm else {}
    bias = parameter(op.channels) if op.bias else None
    convolve = getattr(functional, f"conv{len(shape) - 1}d")

    def run(x: Tensor) -> Tensor:
        weight = torch.zeros(op.channels, shape[0], *op.kernel, dtype=x.dtype)
        weight[connected] = kernels
        weight = torch._weight_norm(weight, gain["gain"].reshape(-1, *(1,) * (len(shape))), 0) if gain else weight
        return convolve(padded(x, sides, border=op.border), turned(op, weight), bias, op.stride, 0, op.dilation)

    return layer(run, kernels=kernels, **gain, **({} if bias is None else {"bias": bias}))


entry(
    "conv",
    draw=spatially(draw_conv),
    torch=torch_conv,
    cases=[
        ({"channels": 8, "kernel": (3, 5), **TWO}, (MAP,)),
        ({"channels": 8, "kernel": (3, 5), **TWO, "groups": 4, "bias": False}, (MAP,)),
        ({"channels": 4, "kernel": (3, 5), **TWO, "table": TABLE}, (MAP,)),
        *(
            ({"channels": 8, "kernel": (4, 5), **TWO, "pad": word}, (MAP,))
            for word in ("same", "half", "valid", "full")
        ),
        ({"channels": 4, "kernel": (3, 5), **TWO, "table": TABLE, "weight_norm": True}, (MAP,)),
        ({"channels": 4, "kernel": (3, 5), **TWO, "table": TABLE, "flip": True}, (MAP,)),
        ({"channels": 8, "kernel": (3, 5), **TWO, "groups": 4, "ws": True, "flip": True}, (MAP,)),
        *(
            ({"channels": 8, "kernel": (3, 5), **TWO, "border": word}, (MAP,))
            for word in ("reflect", "replicate", "circular")
        ),
    ],
)

# --- depthwise and separable ---


def draw_dwconv(w: Writer, shape: Shape) -> str:
    option = w.among("", "multiplier=2", "nobias", "weight_norm", "flip")
    return joined(["dwconv", draw_window(w, shape), draw_stride(w, shape), option])


entry(
    "dwconv",
    draw=spatially(draw_dwconv),
    torch=lambda op, shape: torch_convolution(op, shape, shape[0] * op.multiplier, shape[0]),
    cases=[
        ({"kernel": (3, 5), **TWO, "multiplier": 2, word: True}, (MAP,)) for word in ("bias", "weight_norm", "flip")
    ],
)


def draw_sepconv(w: Writer, shape: Shape) -> str:
    words = [f"sepconv {w.number(w.whole(1, 8), shape)}", draw_window(w, shape), draw_stride(w, shape)]
    return joined([*words, w.among("", "multiplier=3"), w.maybe("nobias"), w.among("", "", "weight_norm", "flip")])


def torch_sepconv(op: Any, shape: Sizes) -> Module:
    cls, sides = by_rank("Conv", shape), pads(op, shape[1:])
    if op.weight_norm or op.flip:
        return torch_prepared(op, shape)
    maps = shape[0] * op.multiplier
    depthwise = cls(shape[0], maps, op.kernel, op.stride, 0, op.dilation, shape[0], bias=False)
    return nn.Sequential(
        layer(lambda x: padded(x, sides, border=op.border)), depthwise, cls(maps, op.channels, 1, bias=op.bias)
    )


entry(
    "sepconv",
    draw=spatially(draw_sepconv),
    torch=torch_sepconv,
    cases=[({"channels": 8, "kernel": (3, 5), **TWO, "multiplier": 2, "flip": flip}, (MAP,)) for flip in (False, True)],
)

# --- transposed ---


def draw_upconv(w: Writer, shape: Shape) -> str:
    sizes = shape[1:]
    k, s, d = w.whole(1, 4), w.among(1, 2, 3), w.among(1, 1, 2)
    reach = d * (k - 1) + 1
    channels = w.among(w.whole(1, 6), shape[0])
    groups = w.divisor(shape[0], channels)
    ways = ["", "same", "half", "valid", "p1", "p0:1", "p" + "x".join(["1:0"] * len(sizes))]
    room = min((n - 1) * s + reach for n in sizes)
    ways = [way for way in ways if not way.startswith("p") or room > 2] + ["full"] * (room > 2 * d * (k - 1))
    way = w.among(*ways)
    extra = w.whole(0, max(s, d) - 1)
    extra = extra if way != "same" or (extra < s and reach % 2 + extra >= 1) else 0
    words = [f"upconv {w.number(channels, shape)} k{k} s{s}", way, f"d{d}" if d > 1 else ""]
    words += [f"outpad={extra}" if extra else "", f"g{groups}" if groups > 1 else ""]
    return joined([*words, w.maybe("nobias"), w.among("", "", "weight_norm")])


def torch_normed_upconv(op: Any, shape: Sizes, sides: Sides, extra: list[int]) -> Module:
    """Return the module group by group: PyTorch's weight norm over an axis has one gain for all groups."""
    transposed = getattr(functional, f"conv_transpose{len(shape) - 1}d")
    stored = {"weight": parameter(shape[0], op.channels // op.groups, *op.kernel), "gain": parameter(op.channels)}
    stored |= {"bias": parameter(op.channels)} if op.bias else {}

    def run(x: Tensor) -> Tensor:
        found = []
        for part, weight, gain in zip(*(t.chunk(op.groups, d) for t, d in parts(x)), strict=True):
            weight = torch._weight_norm(weight, gain.reshape(1, -1, *(1,) * (len(shape) - 1)), 1)
            found.append(transposed(part, weight, None, op.stride, 0, extra, 1, op.dilation))
        result = torch.cat(found, 1)
        result = result + stored["bias"].reshape(-1, *(1,) * (len(shape) - 1)) if op.bias else result
        return padded(result, [(-before, -after) for before, after in sides])

    def parts(x: Tensor) -> list[tuple[Tensor, int]]:
        return [(x, 1), (stored["weight"], 0), (stored["gain"], 0)]

    return layer(run, **stored)


def torch_upconv(op: Any, shape: Sizes) -> Module:
    cls = by_rank("ConvTranspose", shape)
    reach = [d * (k - 1) + 1 for k, d in zip(op.kernel, op.dilation, strict=True)]
    extra, sides = list(op.outpad or [0] * len(reach)), []
    if op.pad == "same":  # Keras: the excess is cut off on both sides
        made = same_sizes(op, shape[1:], reach)
        for axis, (n, m, r, s) in enumerate(zip(shape[1:], made, reach, op.stride, strict=True)):
            excess = (n - 1) * s + r - m
            extra[axis] = max(-excess, 0)
            sides.append((max(excess, 0) // 2, max(excess, 0) - max(excess, 0) // 2))
    else:
        sides = pads(op, shape[1:])
    if op.weight_norm:
        return torch_normed_upconv(op, shape, sides, extra)
    common = {"dilation": op.dilation, "groups": op.groups, "bias": op.bias, "output_padding": extra}
    if even(sides) and all(before <= r - 1 for (before, _), r in zip(sides, reach, strict=True)):
        padding = [before for before, _ in sides]
        return cls(shape[0], op.channels, op.kernel, op.stride, padding, **common)
    module = cls(shape[0], op.channels, op.kernel, op.stride, **common)
    return nn.Sequential(module, layer(lambda x: padded(x, [(-before, -after) for before, after in sides])))


entry(
    "upconv",
    draw=spatially(draw_upconv),
    torch=torch_upconv,
    cases=[
        ({"channels": 8, "kernel": (3, 5), **TWO, "outpad": (1, 0), "groups": 2}, (MAP,)),
        ({"channels": 8, "kernel": (3, 5), **TWO, "outpad": (0, 0), "groups": 2, "weight_norm": True}, (MAP,)),
        ({"channels": 8, "kernel": (3, 2), **TWO, "pad": "same"}, (MAP,)),
        ({"channels": 8, "kernel": (3, 2), **TWO, "pad": "same", "outpad": (1, 2)}, (MAP,)),
    ],
)
