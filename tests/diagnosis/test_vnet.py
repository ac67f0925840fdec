"""V-Net's published table of receptive fields (Milletari, Navab, Ahmadi 2016, Table 1), correct and wrong numbers."""

from __future__ import annotations

from functools import cache

import pytest

from archcalc.analysis.propagate import analyze
from archcalc.claims import Claim, Judge, Verdict
from archcalc.diagnosis import Explainer
from archcalc.spec import Source, read_spec

VNET = """\
input: 1x128x128x64
blocks:
  more(c): conv c k5 half -> prelu
layers:
  - l1: add(conv 16 k5 half, identity) -> prelu
  - l2: conv 32 k2 s2 -> prelu -> add((more(32))*2, identity)
  - l3: conv 64 k2 s2 -> prelu -> add((more(64))*3, identity)
  - l4: conv 128 k2 s2 -> prelu -> add((more(128))*3, identity)
  - l5: conv 256 k2 s2 -> prelu -> add((more(256))*3, identity)
  - r4: upconv 128 k2 s2 -> prelu -> concat(identity, @l4) -> add((more(256))*3, identity)
  - r3: upconv 64 k2 s2 -> prelu -> concat(identity, @l3) -> add((more(128))*3, identity)
  - r2: upconv 32 k2 s2 -> prelu -> concat(identity, @l2) -> add((more(64))*2, identity)
  - r1: upconv 16 k2 s2 -> prelu -> concat(identity, @l1) -> add(more(32), identity)
  - out: conv 2 k1
"""


@cache
def judge() -> Judge:
    analysis = analyze(read_spec(Source("vnet.yaml", VNET)).graph)
    return Judge(analysis, explainer=Explainer(analysis))


@pytest.mark.parametrize(("stage", "published"), [("l1", 5), ("l2", 22), ("l3", 72), ("l4", 172), ("l5", 372)])
def test_the_published_fields_are_correct_on_the_way_down(stage: str, published: int) -> None:
    (judgement,) = judge().judge([Claim(f"{stage}.rf", f"{published}")])
    assert judgement.verdict is Verdict.EXACT


@pytest.mark.parametrize(
    ("stage", "published", "right"),
    [("r4", 476, 468), ("r3", 528, 516), ("r2", 546, 532), ("r1", 551, 548), ("out", 551, 548)],
)
def test_the_published_fields_count_transposed_kernels_on_the_way_up(stage: str, published: int, right: int) -> None:
    wrong, exact = judge().judge([Claim(f"{stage}.rf", f"{published}"), Claim(f"{stage}.rf", f"{right}")])
    assert wrong.verdict is Verdict.EXPLAINED
    assert wrong.explanations[0].code == "rf-transposed-kernel"
    assert exact.verdict is Verdict.EXACT
