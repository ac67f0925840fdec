"""Networks from which code is written, for every library."""

from __future__ import annotations

from archcalc.graph import Graph
from archcalc.spec import Source, read_spec

SHARED = """
inputs: {left: 1x8x8, right: 1x8x8}
shared:
  tower: conv 4 k3 -> bn -> relu -> fc 5
layers:
  - one: tower
  - other: "@right -> tower -> relu"
  - first: linear 5
  - again: linear 5 weights=@first
  - same: sub(@one, @again) -> abs -> fc 1
heads:
  seen: "@one"
"""
LOOPS = """
input: 3x16x16
blocks:
  unit(c, s=1): conv c k3 s=s half nobias -> bn -> relu
  residual(c): add(unit(c) -> unit(c), identity) -> relu
layers:
  - stem: unit(8)
  - stage1: residual(8)*3
  - stage2: unit(16, s=2) -> residual(16)*2
  - mix: add(identity, conv 16 k1) -> residual(16)*2 -> mul(identity, gap -> sigmoid)
  - head: gap -> fc 5
training_heads:
  aux: "@stage1 -> gap -> fc 5"
"""
BLOCKS = """
input: 3x16x16
blocks:
  unit(c, k=3, s=1): conv c k=k s=s half nobias -> bn -> relu
  residual(c): add(unit(c) -> unit(c, k=1), identity)
layers:
  - stem: unit(8)
  - stage1: residual(8)*3
  - stage2: unit(16, s=2) -> residual(16)*2
  - both: concat(unit(4), unit(6, k=5), identity)
  - head: gap -> fc 5
"""


def graph(text: str) -> Graph:
    """Return the graph of a spec."""
    return read_spec(Source("net.yaml", text)).graph
