"""Random networks as spec text, valid by construction, over every operator and everything the language has.

`networks` is the strategy. Every operator has a writer in `WRITERS`: from the shape of the current tensor to the text
of a layer, or ``None`` where it cannot stand. The shape that comes out is asked of archcalc itself, so a text that it
refuses fails the test.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from math import gcd, prod
from typing import Any, TypeAlias, TypeVar

from hypothesis import strategies as st

from archcalc.ops.base import REGISTRY
from archcalc.spec import Source, read_spec
from archcalc.spec.grammar import JOINS

Shape: TypeAlias = tuple[int, ...]
T = TypeVar("T")

MOST = 4_000
"""Elements of a tensor, about: more than this is made smaller."""


@dataclass
class Writer:
    """Draws, and what was declared on the way."""

    data: Callable[[st.SearchStrategy[Any]], Any]
    tables: dict[str, str] = field(default_factory=dict)
    blocks: dict[str, str] = field(default_factory=dict)
    stages: dict[str, Shape] = field(default_factory=dict)
    """What can be referred to."""

    def among(self, *choices: T) -> T:
        return self.data(st.sampled_from(choices))

    def whole(self, least: int, most: int) -> int:
        return self.data(st.integers(least, max(least, most)))

    def maybe(self, text: str) -> str:
        return self.among("", text)

    def number(self, n: int, shape: Shape) -> str:
        """One of the ways to write a whole number as an argument."""
        c = shape[0]
        spellings = [str(n), str(n), str(n), f"({n})", f"{n}.0", f"0{n}", f"{2 * n}/2", f"{2 * n + 1}//2", f"({n}+1)-1"]
        spellings += [f"C+{n - c}"] if n >= c else [f"C-{c - n}"]
        spellings += [f"{n // c}*C"] if n % c == 0 else [f"round({n}.4)", f"max(1,{n})", f"{n}e0"]
        return self.among(*spellings)

    def divisor(self, *numbers: int) -> int:
        n = gcd(*numbers)
        return self.among(*(d for d in range(1, n + 1) if n % d == 0))

    def spec(self, shape: Shape, chain: str) -> str:
        """A spec in which the chain stands alone, what it refers to being inputs."""
        inputs = {"input_": shape, **self.stages}
        return document({"inputs": {k: written(v) for k, v in inputs.items()}, **self.sections(), "layers": chain})

    def sections(self) -> dict[str, Any]:
        found = {"tables": self.tables, "blocks": self.blocks}
        return {key: value for key, value in found.items() if value}

    def after(self, shape: Shape, chain: str) -> Shape:
        """The shape that a chain puts out."""
        graph = read_spec(Source("net.yaml", self.spec(shape, chain))).graph
        return graph.shape(next(iter(graph.outputs.values())))


def written(shape: Shape) -> str:
    return "x".join(map(str, shape))


def document(sections: dict[str, Any]) -> str:
    """A spec file: JSON is YAML, and its quoting is simple."""
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in sections.items())


# --- sizes of windows ---


def per_axis(values: list[int]) -> str:
    return written((values[0],)) if len(set(values)) == 1 else written(tuple(values))


def window(w: Writer, shape: Shape, *, pool: bool = False) -> str:
    """Kernel, dilation and padding that fit the positions."""
    sizes = shape[1:]
    way = w.among("none", "none", "p", "sides", "same", "half", "valid", "full", "pad=half", "pad=same")
    dilation = [w.among(1, 1, 1, 2) for _ in sizes]
    if w.among(True, False):
        dilation = dilation[:1] * len(sizes)
    kernel = [w.whole(1, min(5, (n - 1) // d + 1)) for n, d in zip(sizes, dilation, strict=True)]
    if w.among(True, True, False):
        kernel = [min(kernel)] * len(sizes)
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    words = [f"k{per_axis(kernel)}" if w.among(True, False) else f"kernel={per_axis(kernel)}"]
    if way == "p":
        words.append(f"p{per_axis([w.whole(0, min(2, r - 1) if pool else 2) for r in reach])}")
    elif way == "sides":
        most = [r - 1 if pool else 2 for r in reach]
        words.append("p" + "x".join(f"{w.whole(0, min(2, m))}:{w.whole(0, min(2, m))}" for m in most))
    elif way != "none":
        words.append(way)
    if set(dilation) != {1}:
        words.append(f"d{per_axis(dilation)}")
    return " ".join(words)


def stride(w: Writer, shape: Shape) -> str:
    steps = [w.among(1, 1, 2, 3) for _ in shape[1:]]
    steps = steps[:1] * len(steps) if w.among(True, True, False) else steps
    return "" if set(steps) == {1} else f"s{per_axis(steps)}"


def conv(w: Writer, shape: Shape) -> str:
    if w.among(*[False] * 7, True):
        return tabled(w, shape)
    channels = w.among(w.whole(1, 8), shape[0])
    groups = w.divisor(shape[0], channels)
    words = [f"conv {w.number(channels, shape)}", window(w, shape), stride(w, shape)]
    words += [f"g{groups}" if groups > 1 else "", w.maybe("nobias"), w.among("", "", "ws")]
    return joined(words)


def tabled(w: Writer, shape: Shape) -> str:
    columns = w.whole(1, 4)
    rows = [[w.among("X", ".") for _ in range(columns)] for _ in range(shape[0])]
    rows[w.whole(0, shape[0] - 1)] = ["X"] * columns
    name = f"t{len(w.tables)}_"
    w.tables[name] = w.among(" / ", "/").join("".join(row) for row in rows)
    return joined([f"conv {columns}", window(w, shape), stride(w, shape), f"table={name}", w.maybe("nobias")])


def upconv(w: Writer, shape: Shape) -> str:
    sizes = shape[1:]
    k, s, d = w.whole(1, 4), w.among(1, 2, 3), w.among(1, 1, 2)
    reach = d * (k - 1) + 1
    channels = w.among(w.whole(1, 6), shape[0])
    groups = w.divisor(shape[0], channels)
    ways = ["", "same", "half", "valid", "p1", "p0:1", "p" + "x".join(["1:0"] * len(sizes))]
    room = min((n - 1) * s + reach for n in sizes)
    ways = [way for way in ways if not way.startswith("p") or room > 2] + ["full"] * (room > 2 * d * (k - 1))
    way = w.among(*ways)
    extra = w.whole(0, max(s, d) - 1) if way != "same" else 0
    words = [f"upconv {w.number(channels, shape)} k{k} s{s}", way, f"d{d}" if d > 1 else ""]
    return joined([*words, f"outpad={extra}" if extra else "", f"g{groups}" if groups > 1 else "", w.maybe("nobias")])


def pooling(name: str, flags: str = "") -> Callable[[Writer, Shape], str]:
    def write(w: Writer, shape: Shape) -> str:
        step = w.among("", stride(w, shape) or "s1")
        words = [name, window(w, shape, pool=True), step, w.maybe("ceil")]
        return joined([*words, w.maybe(flags)])

    return write


def adaptive(name: str) -> Callable[[Writer, Shape], str]:
    return lambda w, shape: f"{name} {per_axis([w.whole(1, 6) for _ in shape[1:]])}"


def upsample(w: Writer, shape: Shape) -> str:
    to = w.among("", "to=")
    size = per_axis([w.whole(1, 8 if to else 3) for _ in shape[1:]])
    return joined([f"upsample {to}{size}", w.among("", "nearest", "bilinear", "bilinear align_corners")])


def margin(w: Writer, shape: Shape, name: str) -> str:
    most = min(3, (min(shape[1:]) - 1) // 2) if name == "crop" else 3
    sides = [
        f"{w.whole(0, most)}:{w.whole(0, most)}" if w.among(True, False) else str(w.whole(0, most)) for _ in shape[1:]
    ]
    return f"{name} {'x'.join(sides[:1] if w.among(True, False) else sides)}"


def axis(w: Writer, shape: Shape) -> tuple[str, int]:
    number = w.whole(-len(shape), len(shape) - 1)
    return ("" if number == 0 else f"axis={number}" if number > 0 else f"axis=({number})"), shape[number]


def softmax(name: str) -> Callable[[Writer, Shape], str]:
    return lambda w, shape: joined([name, axis(w, shape)[0]])


def split(w: Writer, shape: Shape) -> str:
    where, n = axis(w, shape)
    parts = w.divisor(n)
    return joined([f"split {parts} part={w.whole(0, parts - 1)}", where])


def sliced(w: Writer, shape: Shape) -> str:
    where, n = axis(w, shape)
    start, stop = w.whole(0, n - 1), 0
    stop = w.whole(start + 1, n)
    first = w.among(str(start), f"({start})", f"({start - n})", *([""] * (start == 0)))
    last = w.among(str(stop), f"({stop})", *([f"({stop - n})"] if stop < n else [""]))
    return joined([f"slice {first}:{last}", where, w.among("", "step=2", "step=3")])


def reshape(w: Writer, shape: Shape) -> str:
    total = prod(shape)
    sizes = [w.divisor(total)]
    if w.among(True, False):
        sizes.append(w.divisor(total // sizes[0]))
    sizes.append(total // prod(sizes))
    words = [str(size) for size in sizes]
    if w.among(True, False):
        words[w.whole(0, len(words) - 1)] = "(-1)"
    return f"reshape {'x'.join(words)}"


def transpose(w: Writer, shape: Shape) -> str:
    return f"transpose {written(tuple(w.data(st.permutations(range(len(shape))))))}"


def standardize(w: Writer, shape: Shape) -> str:
    def each(*values: str) -> str:
        return "x".join(w.among(*values) for _ in range(w.among(1, shape[0])))

    return f"standardize mean={each('0.5', '0', '(1/3)')} std={each('0.25', '1', '2e-1')}"


def lrn(w: Writer, shape: Shape) -> str:
    words = [w.among("lrn", "lrn 3", "lrn 2", "lrn size=4"), w.among("", "across", *["within"] * (len(shape) > 1))]
    return joined([*words, w.maybe("alpha=1e-3 beta=1/2 k=1")])


def joined(words: list[str]) -> str:
    return " ".join(word for word in words if word)


def plain(*texts: str) -> Callable[[Writer, Shape], str]:
    return lambda w, shape: w.among(*texts)


def spatially(write: Callable[[Writer, Shape], str]) -> Callable[[Writer, Shape], str | None]:
    return lambda w, shape: write(w, shape) if len(shape) > 1 else None


def ranked(write: Callable[[Writer, Shape], str]) -> Callable[[Writer, Shape], str | None]:
    return lambda w, shape: write(w, shape) if len(shape) < 4 else None


# --- joins ---


def join(name: str) -> Callable[[Writer, Shape], str]:
    def write(w: Writer, shape: Shape) -> str:
        return concat(w, shape) if name == "concat" else elementwise(w, shape, name)

    return write


def elementwise(w: Writer, shape: Shape, name: str) -> str:
    branches = ["identity", same_shape(w, shape), "relu -> tanh", f"fc {shape[0]} -> sigmoid"]
    if len(shape) > 1:
        branches += ["gap", "gmp -> conv C k1", "(sigmoid)*2"]
    for stage, known in w.stages.items():
        branches.append(f"@{stage} -> fc {shape[0]}")
        if known == shape:
            branches.append(f"@{stage}")
    chosen = [w.among("identity", same_shape(w, shape)), *(w.among(*branches) for _ in range(w.among(1, 1, 2)))]
    return f"{name}({w.among(', ', ',').join(w.data(st.permutations(chosen)))})"


def concat(w: Writer, shape: Shape) -> str:
    if len(shape) > 1 and w.among(False, False, True):
        smaller = [
            f"crop {w.whole(0, (min(shape[1:]) - 1) // 2)}",
            "identity",
            f"slice 0:{w.whole(1, shape[-1])} axis=(-1)",
        ]
        return f"concat({w.among(*smaller)}, {w.among(*smaller)}, crop=smallest)"
    where, _ = axis(w, shape)
    along = int(where.strip("axis=()") or 0) % len(shape)
    other = [f"concat(identity, identity, axis={along})", "identity", same_shape(w, shape)]
    chosen = [w.among(*other) for _ in range(w.among(2, 2, 3))]
    return f"concat({', '.join([*chosen, *([where] if where else [])])})"


def same_shape(w: Writer, shape: Shape) -> str:
    """A layer that leaves the shape as it is."""
    options = ["relu", "gelu tanh", "bn", "ln axis=last", "dropout 0.1", "scale 1/10", "prelu channels", "softmax"]
    if len(shape) > 1:
        options += [
            "conv C k3 s1 p1",
            "conv C k=3 pad=half nobias",
            "dwconv k3 same",
            "maxpool k3 s1 half",
            "sepconv C k1",
        ]
    return w.among(*options)


WRITERS: dict[str, Callable[[Writer, Shape], str | None]] = {
    "conv": spatially(conv),
    "dwconv": spatially(
        lambda w, s: joined(["dwconv", window(w, s), stride(w, s), w.among("", "multiplier=2", "nobias")])
    ),
    "sepconv": spatially(
        lambda w, s: joined(
            [
                f"sepconv {w.number(w.whole(1, 8), s)}",
                window(w, s),
                stride(w, s),
                w.among("", "multiplier=3"),
                w.maybe("nobias"),
            ]
        )
    ),
    "upconv": spatially(upconv),
    "fc": lambda w, s: joined([f"fc {w.number(w.whole(1, 20), s)}", w.maybe("nobias")]),
    "linear": lambda w, s: joined([f"linear {w.number(w.whole(1, 8), s)}", w.maybe("nobias")]),
    "rbf": lambda w, s: joined([f"rbf {w.number(w.whole(1, 8), s)}", w.maybe("trainable")]),
    "embedding": ranked(lambda w, s: f"embedding {w.whole(1, 30)} {w.whole(1, 5)}"),
    "maxpool": spatially(pooling("maxpool")),
    "avgpool": spatially(pooling("avgpool", "exclude_pad")),
    "subsample": spatially(pooling("subsample")),
    "gap": spatially(plain("gap")),
    "gmp": spatially(plain("gmp")),
    "adaptive_avgpool": spatially(adaptive("adaptive_avgpool")),
    "adaptive_maxpool": spatially(adaptive("adaptive_maxpool")),
    "upsample": spatially(upsample),
    "pad": spatially(lambda w, s: margin(w, s, "pad")),
    "crop": spatially(lambda w, s: margin(w, s, "crop")),
    "padded_identity": spatially(lambda w, s: joined([f"padded_identity {w.whole(s[0], s[0] + 3)}", stride(w, s)])),
    "bn": plain("bn", "bn noaffine", "bn eps=1e-3", "bn affine=0"),
    "ln": plain("ln", "ln axis=last", "ln axis=channels noaffine", "ln axis=all eps=1e-6"),
    "in": spatially(plain("in", "in affine")),
    "gn": lambda w, s: joined([f"gn {w.divisor(s[0])}", w.maybe("noaffine")]),
    "lrn": lrn,
    "standardize": standardize,
    "identity": plain("identity"),
    "flatten": plain("flatten"),
    "reshape": reshape,
    "transpose": transpose,
    "shuffle": lambda w, s: f"shuffle {w.divisor(s[0])}",
    "split": split,
    "slice": sliced,
    "scale": plain("scale 0.1", "scale factor=1/3", "scale -2"),
    "relu": plain("relu"),
    "relu6": plain("relu6"),
    "leaky_relu": plain("leaky_relu", "leaky_relu 0.2", "leaky_relu slope=1/3"),
    "prelu": plain("prelu", "prelu shared", "prelu channels", "prelu slopes=channels"),
    "elu": plain("elu", "elu 0.5"),
    "selu": plain("selu"),
    "gelu": plain("gelu", "gelu tanh", "gelu form=exact"),
    "silu": plain("silu"),
    "mish": plain("mish"),
    "sigmoid": plain("sigmoid"),
    "tanh": plain("tanh"),
    "hardswish": plain("hardswish"),
    "hardsigmoid": plain("hardsigmoid"),
    "softplus": plain("softplus"),
    "maxout": lambda w, s: f"maxout {w.divisor(s[0])}",
    "softmax": softmax("softmax"),
    "log_softmax": softmax("log_softmax"),
    "dropout": plain("dropout", "dropout 0.3", "dropout rate=1"),
    "spatial_dropout": spatially(plain("spatial_dropout", "spatial_dropout 0.1")),
    **{name: join(name) for name in JOINS},
}
"""Operator to the writer of one of its layers."""

# --- chains and networks ---


def item(w: Writer, shape: Shape, depth: int) -> str:
    """One item of a chain."""
    kind = w.among(*["layer"] * 7, "group", "repeat", "block", "call", "list") if depth else "layer"
    if kind == "group":
        opening, closing = w.among("()", "[]")
        return f"{opening}{chain(w, shape, depth - 1)[0]}{closing}{w.among('', '*1', '*0', ' * 1')}"
    if kind == "repeat":
        body = " -> ".join(same_shape(w, shape) for _ in range(w.whole(1, 2)))
        return f"({body})*{w.among('2', '3', '(1+1)', 'min(2, C)')}"
    if kind == "block":
        body = chain(w, shape, depth - 1)[0]
        name = f"b{len(w.blocks)}_"
        w.blocks[w.among(name, f"{name}()", f"{name}(c=C, act_=relu)")] = body
        return w.among(name, f"{name}()", f"{name}()*1")
    if kind == "call" and len(shape) > 1:
        w.blocks["cba_(c, kk=3, way=half, act_=relu)"] = "conv c k=kk pad=way -> bn -> act_"
        return w.among("cba_(C)", "cba_(4, 1)", "cba_(2*C, way=same, act_=gelu)", "cba_(c = 3, kk = 1)*2")
    while True:
        text = WRITERS[w.among(*WRITERS)](w, shape)
        if text is not None:
            return text


def chain(w: Writer, shape: Shape, depth: int = 2) -> tuple[str, Shape]:
    """A chain, and the shape it puts out."""
    items: list[str] = []
    for _ in range(w.whole(1, 4)):
        text = item(w, shape, depth)
        after = w.after(shape, text)
        fewer = f"slice 0:{min(8, after[0])}"
        for smaller in (w.among("gap", "adaptive_avgpool 2", "slice 0:1 axis=-1"), fewer):
            if prod(after) > MOST and (len(after) > 1 or smaller == fewer):
                text, after = f"{text} -> {smaller}", w.after(after, smaller)
        items.append(text)
        shape = after
    return w.among(" -> ", "->", " → ").join(items), shape


@st.composite
def shapes(draw: Any) -> Shape:
    """Shapes of vectors, sequences, pictures and volumes."""
    rank = draw(st.sampled_from((0, 1, 1, 2, 2, 2, 3)))
    most = (0, 24, 12, 6)[rank]
    return (draw(st.integers(1, 8)), *(draw(st.integers(1, most)) for _ in range(rank)))


@st.composite
def layers(draw: Any, name: str) -> str:
    """A spec with one layer of this operator."""
    w = Writer(draw)
    shape = draw(shapes())
    text = WRITERS[name](w, shape)
    if text is None:
        shape = (*shape[:1], 5) if len(shape) == 1 else shape[:2]
        text = WRITERS[name](w, shape)
    assert text is not None
    return w.spec(shape, text)


@st.composite
def networks(draw: Any) -> str:
    """The text of a spec."""
    w = Writer(draw)
    shape = draw(shapes())
    w.stages["first_"] = shape
    if draw(st.booleans()):
        w.stages["second_"] = draw(shapes())
    inputs = {name: written(size) for name, size in w.stages.items()}
    entries: list[Any] = []
    for number in range(draw(st.integers(1, 4))):
        text, shape = chain(w, shape)
        if draw(st.booleans()):
            w.stages[f"stage{number}"] = shape
            entries.append({f"stage{number}": [text, "identity"] if draw(st.booleans()) else text})
        else:
            entries.append(text)
    heads = {f"head{n}": _head(w, draw, shape) for n in range(draw(st.integers(0, 2)))}
    training = {f"aux{n}": _head(w, draw, shape) for n in range(draw(st.integers(0, 1)))}
    sections = {"name": "random", "inputs": inputs, **w.sections(), "layers": entries}
    return document(sections | ({"heads": heads} if heads else {}) | ({"training_heads": training} if training else {}))


def _head(w: Writer, draw: Any, shape: Shape) -> str:
    start = draw(st.sampled_from(["", *w.stages]))
    text, _ = chain(w, w.stages[start] if start else shape, depth=1)
    return f"@{start} -> {text}" if start else text


assert set(WRITERS) == set(REGISTRY), sorted(set(WRITERS) ^ set(REGISTRY))
