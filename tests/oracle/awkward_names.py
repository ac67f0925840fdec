"""Random networks whose stages, blocks, inputs and heads have names that mean something else in Python or PyTorch."""

from __future__ import annotations

import builtins
from keyword import kwlist, softkwlist

from hypothesis import strategies as st

from archcalc.spec import Source, SpecError, read_spec
from archcalc.writers.pytorch.reserved import ATTRIBUTES, USED

MORE = """
x y z skip skip1 skip2 tensor
weight bias in_channels factor center_crop swiglu
class_ Class 3a stage_3a bfloat bfloat16 _ __ __class__ __x 0 1
"""
BUILT_IN = {name for name in dir(builtins) if name.islower()}
WORDS = sorted({*ATTRIBUTES, *USED, *kwlist, *softkwlist, *BUILT_IN, *MORE.split()})


def is_block_name(name: str) -> bool:
    """Return whether the language allows blocks of this name."""
    try:
        text = str({"input": "4x8x8", "blocks": {f"{name}(k=1)": "conv 4 k=k"}, "layers": [name]})
        read_spec(Source("net.yaml", text))
    except SpecError:
        return False
    return True


BLOCK_WORDS = [name for name in WORDS if is_block_name(name) and name != "swiglu"]  # an operator of these networks


def different(words: list[str], number: int) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(words), min_size=number, max_size=number, unique=True)


@st.composite
def networks(draw: st.DrawFn) -> str:
    """Return a spec in which all names are such words."""
    left, right, a, b, c, d, e, head = draw(different(WORDS, 8))
    block, inner = draw(different(BLOCK_WORDS, 2))
    one, two, three = draw(different(WORDS, 3))
    kind = draw(st.sampled_from(("conv 4 k3 half -> relu", "conv 4 k1", "add(identity, conv 4 k3 half) -> tanh")))
    end = draw(st.sampled_from((f"{block} -> {inner}", "maxpool 2 -> conv 6 k3", f"swiglu axis=0 -> {inner}")))
    steps = [{one: f"{inner} -> {kind}"}, {two: f"{inner}(3)"}, {three: f"add(@{one}, @{two})"}]
    times = draw(st.integers(1, 3))
    document = {
        "inputs": {left: "4x8x8", right: "4x8x8"},
        "blocks": {f"{inner}(k=1)": "conv 4 k=k half -> scale 1/k -> relu", block: steps},
        "layers": [
            {a: f"@{left} -> {block}"},
            {b: f"@{right} -> ({inner})*2 -> (add({inner}, identity))*{times}"},
            {c: f"({block})*{times} -> (relu -> {inner}(3))*2"},
            {d: f"concat(@{a} -> conv 4 k3, @{b}, @{c}, crop=smallest) -> conv 4 k1"},
            {e: end},
        ],
        "heads": {head: f"@{draw(st.sampled_from((a, b, c)))} -> {inner} -> sub(@{b}, identity)"},
    }
    return str(document)
