"""Writing layers of random networks: draws, and the arguments that several operators share."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from math import gcd
from typing import Any, TypeAlias, TypeVar

from hypothesis import strategies as st

from archcalc.spec import Source, read_spec

Shape: TypeAlias = tuple[int, ...]
T = TypeVar("T")


@dataclass
class Writer:
    """Draws, and the declarations that they need."""

    data: Callable[[st.SearchStrategy[Any]], Any]
    tables: dict[str, str] = field(default_factory=dict)
    blocks: dict[str, Any] = field(default_factory=dict)
    shared: dict[str, str] = field(default_factory=dict)
    stages: dict[str, Shape] = field(default_factory=dict)
    """The shapes of the stages that can be referred to, by name."""

    def among(self, *choices: T) -> T:
        return self.data(st.sampled_from(choices))

    def whole(self, least: int, most: int) -> int:
        return self.data(st.integers(least, max(least, most)))

    def maybe(self, text: str) -> str:
        return self.among("", text)

    def number(self, n: int, shape: Shape) -> str:
        """Return one of the ways to write an integer as an argument."""
        c = shape[0]
        spellings = [str(n), str(n), str(n), f"({n})", f"{n}.0", f"0{n}", f"{2 * n}/2", f"{2 * n + 1}//2", f"({n}+1)-1"]
        spellings += [f"C+{n - c}", f"n0+{n - c}"] if n >= c else [f"C-{c - n}", f"n0-{c - n}"]
        spellings += [f"{n // c}*C"] if n % c == 0 else [f"round({n}.4)", f"max(1,{n})", f"{n}e0"]
        return self.among(*spellings)

    def divisor(self, *numbers: int) -> int:
        n = gcd(*numbers)
        return self.among(*(d for d in range(1, n + 1) if n % d == 0))

    def spec(self, shape: Shape, chain: str) -> str:
        """Return a spec of this chain only; the tensors that it refers to are inputs."""
        inputs = {"input_": shape, **self.stages}
        return document({"inputs": {k: written(v) for k, v in inputs.items()}, **self.sections(), "layers": chain})

    def sections(self) -> dict[str, Any]:
        found = {"tables": self.tables, "blocks": self.blocks, "shared": self.shared}
        return {key: value for key, value in found.items() if value}

    def with_tensors(self, layer: str, **tensors: str) -> str:
        """Return a call of a block with one layer, on tensors that chains make; ``@x`` is the input of the block."""
        name = f"a{len(self.blocks)}_"
        self.blocks[name] = [{"x": "identity"}, *({key: chain} for key, chain in tensors.items()), f"@x -> {layer}"]
        return name

    def after(self, shape: Shape, chain: str) -> Shape:
        """Return the shape of a chain's output."""
        graph = read_spec(Source("net.yaml", self.spec(shape, chain))).graph
        return graph.shape(next(iter(graph.outputs.values())))


def written(shape: Shape) -> str:
    return "x".join(map(str, shape))


def document(sections: dict[str, Any]) -> str:
    """Return a spec file: JSON is YAML, and its quoting is simple."""
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in sections.items())


def joined(words: list[str]) -> str:
    return " ".join(word for word in words if word)


def per_axis(values: list[int]) -> str:
    return written((values[0],)) if len(set(values)) == 1 else written(tuple(values))


def draw_window(w: Writer, shape: Shape, *, pool: bool = False) -> str:
    """Return kernel, dilation and padding that fit the positions."""
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
    if not pool:
        words.append(draw_border(w, sizes, [2] * len(sizes) if way in ("p", "sides") else [r - 1 for r in reach]))
    return joined(words)


def draw_border(w: Writer, sizes: Shape, padding: list[int]) -> str:
    """Return the border mode for padding of at most these sizes."""
    left = min(n - p for n, p in zip(sizes, padding, strict=True))
    return w.among("", "", "", "replicate", *["reflect"] * (left > 0), *["circular"] * (left >= 0))


def draw_stride(w: Writer, shape: Shape) -> str:
    steps = [w.among(1, 1, 2, 3) for _ in shape[1:]]
    steps = steps[:1] * len(steps) if w.among(True, True, False) else steps
    return "" if set(steps) == {1} else f"s{per_axis(steps)}"


def draw_axis(w: Writer, shape: Shape) -> tuple[str, int]:
    number = w.whole(-len(shape), len(shape) - 1)
    return ("" if number == 0 else f"axis={number}" if number > 0 else f"axis=({number})"), shape[number]


def plain(*texts: str) -> Callable[[Writer, Shape], str]:
    return lambda w, shape: w.among(*texts)


def spatially(write: Callable[[Writer, Shape], str]) -> Callable[[Writer, Shape], str | None]:
    return lambda w, shape: write(w, shape) if len(shape) > 1 else None
