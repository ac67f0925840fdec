"""Random networks as spec text, valid by construction, with every operator and every construct of the language.

`networks` is the strategy. The entry of an operator (`tests.operators`) draws a layer: from the shape of the current
tensor, it makes the text of a layer, or ``None`` where the layer is impossible. archcalc itself gives the shape of the
output, so a text that it refuses fails the test.
"""

from __future__ import annotations

from math import prod
from typing import Any

from hypothesis import strategies as st

from tests.operators import ENTRIES
from tests.operators.joins import same_shape
from tests.operators.writer import Shape, Writer, document, written

MAX_ELEMENTS = 4_000
"""The approximate maximum number of elements of a tensor; larger ones are made smaller."""


def item(w: Writer, shape: Shape, depth: int) -> str:
    """Return one item of a chain."""
    kinds = [*KINDS, *(["call"] if len(shape) > 1 else [])]
    kind = w.among(*["layer"] * 7, *kinds) if depth else "layer"
    if kind in CONSTRUCTS:
        return CONSTRUCTS[kind](w, shape, depth)
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
    if kind == "call":
        w.blocks["cba_(c, kk=3, way=half, act_=relu)"] = "conv c k=kk pad=way -> bn -> act_"
        return w.among("cba_(C)", "cba_(4, 1)", "cba_(2*C, way=same, act_=gelu)", "cba_(c = 3, kk = 1)*2")
    while True:
        text = ENTRIES[w.among(*ENTRIES)].draw(w, shape)
        if text is not None:
            return text


def choice(w: Writer, shape: Shape, depth: int) -> str:
    """Return a condition that chooses a chain."""
    condition = w.among("1", "0", f"n0 == {shape[0]}", f"C > {w.whole(1, 8)}", f"n{len(shape) - 1} % 2 != 0")
    other = f", {chain(w, shape, depth - 1)[0]}" if w.among(True, False) else ""
    return f"if({condition}, {chain(w, shape, depth - 1)[0]}{other})"


def index(w: Writer, shape: Shape, depth: int) -> str:
    """Return a repetition in which layers depend on the index."""
    return w.among(
        f"(scale 1/(i+2) -> {same_shape(w, shape)})*3",
        f"({same_shape(w, shape)} -> if(i % 2, relu, tanh))*2",
        "((leaky_relu (i+1)/10)*(i+1))*2",
    )


def entries(w: Writer, shape: Shape, depth: int) -> str:
    """Return a block with named entries."""
    name = f"e{len(w.blocks)}_"
    end = w.among("mul(@x, @y -> sigmoid)", "concat(@y -> flatten, @x -> flatten, identity -> flatten)")
    w.blocks[name] = [{"x": "identity"}, {"y": same_shape(w, shape)}, same_shape(w, shape), {"out": end}]
    return name


def starred(w: Writer, shape: Shape, depth: int) -> str:
    """Return a block that joins all entries of a name."""
    w.blocks["one_"] = {"y": "tanh", "out": "relu"}
    name = f"join{len(w.blocks)}_"
    w.blocks[name] = [{"x": f"one_()*{w.whole(1, 3)}"}, {"z": w.among("add(@x/y*)", "add(@x/y* -> relu, identity)")}]
    return name


def tensor(w: Writer, shape: Shape, depth: int) -> str:
    """Return a block with a tensor as its argument."""
    w.blocks["t_(map, way)"] = "concat(@map -> flatten -> way, identity -> flatten)"
    w.blocks["half_"] = "scale 1/2 -> relu"
    return f"t_(@{w.among(*w.stages)}, {w.among('half_', 'relu')})" if w.stages else same_shape(w, shape)


def shared(w: Writer, shape: Shape, depth: int) -> str:
    """Return calls of a shared block, on inputs of one shape."""
    name = f"w{written(shape)}_"
    last = f"n{len(shape) - 1}"
    w.shared.setdefault(name, f"linear {last} -> relu -> {'bn' if len(shape) > 1 else 'linear n0 nobias'}")
    return w.among(name, f"{name}()*2", f"add({name}, relu -> {name})")


def tied(w: Writer, shape: Shape, depth: int) -> str:
    """Return a block in which a layer uses the weights of another one."""
    last = f"n{len(shape) - 1}"
    name = f"v{len(w.blocks)}_"
    w.blocks[name] = [{"a": f"linear {last}"}, f"tanh -> linear {last} weights=@a{w.maybe(' nobias')}"]
    return name


def states(w: Writer, shape: Shape, depth: int) -> str:
    """Return a block in which the last states of a recurrent layer are read: by another layer, or as a tensor."""
    name = f"last{len(w.blocks)}_"
    kind = w.among("rnn", "gru", "lstm")
    form = f"{kind} {w.whole(1, 3)}{w.maybe(' layers=2')}{w.maybe(' bidirectional')}"
    given = f"state=@a/state{w.maybe(' cell=@a/cell') if kind == 'lstm' else ''}"
    ends = [f"@x -> {form} {given}", "@a/state -> relu", "concat(@a/state -> flatten, @x -> flatten)"]
    w.blocks[name] = [{"x": "identity"}, {"a": f"{form}{w.maybe(' final')}"}, {"out": w.among(*ends)}]
    return name if len(shape) > 1 else same_shape(w, shape)


CONSTRUCTS = {
    "if": choice,
    "index": index,
    "entries": entries,
    "starred": starred,
    "tensor": tensor,
    "shared": shared,
    "tied": tied,
    "states": states,
}
KINDS = ("group", "repeat", "block", *CONSTRUCTS)


def chain(w: Writer, shape: Shape, depth: int = 2) -> tuple[str, Shape]:
    """Return a chain, and the shape of its output."""
    items: list[str] = []
    for _ in range(w.whole(1, 4)):
        text = item(w, shape, depth)
        after = w.after(shape, text)
        fewer = f"slice 0:{min(8, after[0])}"
        for smaller in (w.among("gap", "adaptive_avgpool 2", "slice 0:1 axis=-1"), fewer):
            if prod(after) > MAX_ELEMENTS and (len(after) > 1 or smaller == fewer):
                text, after = f"{text} -> {smaller}", w.after(after, smaller)
        items.append(text)
        shape = after
    return w.among(" -> ", "->", " → ").join(items), shape


@st.composite
def shapes(draw: Any) -> Shape:
    """Return shapes of vectors, sequences, images and volumes."""
    rank = draw(st.sampled_from((0, 1, 1, 2, 2, 2, 3)))
    most = (0, 24, 12, 6)[rank]
    return (draw(st.integers(1, 8)), *(draw(st.integers(1, most)) for _ in range(rank)))


@st.composite
def layers(draw: Any, name: str) -> str:
    """Return a spec with one layer of this operator."""
    w = Writer(draw)
    shape = draw(shapes())
    text = ENTRIES[name].draw(w, shape)
    if text is None:
        shape = (*shape[:1], 5) if len(shape) == 1 else shape[:2]
        text = ENTRIES[name].draw(w, shape)
    assert text is not None
    return w.spec(shape, text)


@st.composite
def networks(draw: Any) -> str:
    """Return the text of a spec."""
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
