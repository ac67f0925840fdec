"""A fixed list of wrong answers whose mistakes are known: each code at least once, on networks of this file only.

The wrong values were computed by hand, as a student who makes that mistake would; the calculations are in comments.
"""

from __future__ import annotations

from functools import cache

import pytest

from archcalc.analysis.propagate import analyze
from archcalc.claims import Claim, Judge, Judgement, Verdict
from archcalc.diagnosis import CODES, Explainer
from archcalc.diagnosis.arrays.mistakes import ARRAY_MISTAKES
from archcalc.spec import Source, read_spec

# 24x24x19, 24x11x9, 36x5x3 (reach 7), 36x4x2, 10x12x6, 10x1x1; 1,104 + 1,944 + 144 + 5,770 + 187 = 9,149 parameters
TRAINED = "{input: 3x8x8, layers: conv 4 k3 -> elu -> conv 4 k3 -> bn -> maxpool 2 -> dropout 0.1 -> fc 10}"
LONG = """\
input: 3x50x38
layers:
  - one: conv 24 k5x3 s2 p1
  - two: maxpool k3 s2
  - three: conv 36 k3 d3 g4 nobias
  - norm: bn
  - act: relu
  - four: avgpool k2 s1
  - five: upconv 10 k4 s3 p1 outpad=1
  - six: gap
  - seven: fc 17
"""
WIDE = "{input: 5x20x20, layers: [wide: conv 9 k3 p2]}"
CEILED = "{input: 8x14x14, layers: [pool: maxpool k3 s2 ceil]}"
DISJOINT = "{input: 8x10x14, layers: [pool: maxpool 2]}"
FLAT = "{input: 6x7x5, layers: [flat: flatten, dense: fc 11]}"
SEPARABLE = "{input: 12x9x9, layers: [sep: sepconv 20 k3]}"
FIELDS = """\
input: 3x96x96
layers:
  - one: conv 8 k7 s2 p3
  - two: maxpool k3 s2
  - three: conv 8 k3 d2
  - four: conv 8 k3
"""  # fields 7, 11, 27, 35; jumps 2, 4, 4, 4
HEADED = """\
input: 4x10x10
layers:
  - body: conv 6 k3 half
heads: {mask: conv 1 k1}
training_heads: {aux: gap -> fc 5}
"""  # 222, 7 and 35 parameters
HOURGLASS = """\
input: 1x64x64
layers:
  - down: conv 4 k3 s2
  - up: upconv 4 k4 s2 p1
  - after: conv 4 k5
"""  # fields 3, 5, 7 or 9; jumps 2, 1, 1
TABLED = """\
input: 3x9x9
tables: {t: "XX. / .XX / X.X"}
layers:
  - maps: conv 3 k5 table=t
"""

STACK = """\
input: 3x128x128
layers:
  - one: conv 8 k5 s2
  - two: conv 8 k3 s3
  - three: conv 8 k3
"""  # fields 5, 9, 21; jumps 2, 6, 6
GROWN = """\
input: 20x12x12
layers:
  - join: concat(identity, conv 12 k3 half)
  - sum: add(identity, conv 32 k1)
  - narrow: conv 8 k1
  - wide: conv 24 k3 half
  - deep: dwconv k3
  - point: conv 40 k1
  - all: gap
  - soft: softmax
"""

SIAMESE = """\
inputs: {left: 1x20x20, right: 1x20x20}
shared:
  tower: conv 4 k5 -> relu -> fc 8
layers:
  - one: tower
  - other: "@right -> tower"
  - same: sub(@one, @other) -> abs -> fc 1
"""  # 104 + 8,200 + 9 = 8,313 parameters
WITH_SOURCE = """\
input: 8x6x6
layers:
  - a: conv 8 k3 half
  - b: add(identity, learned 8x1x1)
  - c: fc 4
"""  # 584 + 8 + 1,156 = 1,748 parameters

SEEDED = [
    ("shared-counted-twice", SIAMESE, "params", "16,617"),  # 8,313 + 8,304
    ("bias-left-out", SIAMESE, "params", "8,300"),  # 4 + 8 + 1, each once
    ("bias-left-out", WITH_SOURCE, "params", "1,736"),
    ("positions-lost", WITH_SOURCE, "c.params", "36"),
    ("one-subtracted", WIDE, "wide.shape", "9x20x20"),  # 22 − 2
    ("kernel-added", LONG, "one.shape", "24x29x22"),  # (50 + 2 + 5)/2 + 1
    ("kernel-added", WIDE, "wide.shape", "9x26x26"),  # 24 + 3 − 1
    ("one-axis-only", LONG, "two.shape", "24x11x19"),
    ("padding-added", LONG, "five.shape", "10x16x10"),  # 12 + 4
    ("transposed-stride-only", "{input: 3x7x7, layers: [up: upconv 8 k3 s2]}", "up.shape", "8x14x14"),
    ("transposed-not-less-one", LONG, "five.shape", "10x15x9"),
    ("transposed-one-less", LONG, "five.shape", "10x11x5"),
    ("transposed-one-more", LONG, "five.shape", "10x13x7"),
    ("filters-times-channels", LONG, "one.shape", "72x24x19"),
    ("channels-pooled", LONG, "two.shape", "12x11x9"),
    ("channels-averaged", LONG, "six.shape", "12x6"),
    ("all-averaged", LONG, "six.shape", "1"),
    ("concat-as-add", GROWN, "join.shape", "12x12x12"),
    ("channels-multiplied", GROWN, "join.shape", "240x12x12"),
    ("add-as-concat", GROWN, "sum.shape", "64x12x12"),
    ("bottleneck-left-out", GROWN, "wide.params", "6,936"),  # 24·32·9 + 24
    ("bottleneck-not-reduced", GROWN, "wide.macs", "995,328"),  # 24·32·9·144
    ("separable-as-standard", GROWN, "point.params", "8,680"),  # 40·24·9 + 40
    ("channels-lost", FLAT, "dense.params", "396"),  # 35·11 + 11
    ("one-axis-lost", FLAT, "dense.params", "473"),  # 6·7·11 + 11
    ("rf-last-stride", STACK, "three.rf", "15"),  # 5 + 2·2 + 2·3
    ("rf-own-kernel", STACK, "three.rf", "3"),
    ("rf-kernels-multiplied", STACK, "three.rf", "45"),
    ("rf-strides-added", STACK, "three.rf_stride", "5"),
    ("rf-own-step", STACK, "two.rf_stride", "3"),
    ("one-group", LONG, "three.params", "486"),  # 9·6·9
    ("groups-twice", "{input: 16x8x8, layers: [c: conv 32 k3 g4]}", "c.params", "320"),  # 32·1·9 + 32
    ("kernel-left-out", LONG, "three.params", "216"),  # 36·6
    ("output-channels-read", LONG, "one.params", "8,664"),  # 24·24·15 + 24
    ("multiplier-ignored", "{input: 6x9x9, layers: [d: dwconv k3 multiplier=4]}", "d.params", "60"),
    ("depthwise-left-out", SEPARABLE, "sep.params", "260"),  # 12·20 + 20
    ("rf-strides-ignored", STACK, "three.rf", "11"),  # 9 + 2
    ("kernel-squared", LONG, "one.params", "1,824"),  # 24·3·25 + 24
    ("kernel-sides-added", LONG, "one.params", "600"),  # 24·3·8 + 24
    ("bias-per-input-channel", LONG, "one.params", "1,083"),
    ("inputs-added", FLAT, "dense.params", "221"),  # 210 + 11
    ("padded-positions", LONG, "one.macs", "2,246,400"),  # 52·40·1080
    ("positions-one-axis", LONG, "one.macs", "25,920"),  # 24·1080
    ("bias-on-top", LONG, "one.flops", "995,904"),  # 2·492,480 + 24·24·19
    ("bn-one-per-map", LONG, "norm.params", "36"),
    ("bn-per-element", LONG, "norm.params", "2,160"),  # 144·15
    ("in-place", LONG, "activations", "15,435"),  # 15,975 − 540
    ("in-place+input-counted", LONG, "activations", "21,135"),  # and 3·50·38
    ("softmax-left-out", GROWN, "activations", "26,600"),  # 40 of 26,640
    ("softmax-added", LONG, "activations", "15,992"),
    ("kept-by-pytorch", TRAINED, "saved", "2,672"),  # 2,576 + 4·2·4 statistics + 8·16 indices − 4·16 maxima
    ("overwritten", TRAINED, "saved", "2,000"),  # 2,576 − 4·4·36: elu by its output
    ("kept-by-pytorch-in-place", TRAINED, "saved", "2,096"),
    ("other-optimizer", TRAINED, "training_memory", "9,856"),  # adam: 6,352 + 2·4·438
    ("one-map", LONG, "one.activations", "456"),
    ("input-value", LONG, "one.shape", "3x50x38"),
    ("one-part", LONG, "params", "5,770"),
    ("padding-ignored", LONG, "one.shape", "24x23x18"),  # (50 − 5)/2 + 1, (38 − 3)/2 + 1
    ("padding-once", WIDE, "wide.shape", "9x20x20"),  # 20 + 2 − 3 + 1
    ("padding-assumed", LONG, "three.shape", "36x11x9"),
    ("padding-twice", WIDE, "wide.shape", "9x26x26"),  # 20 + 8 − 3 + 1
    ("stride-ignored", LONG, "one.shape", "24x48x38"),
    ("stride-ignored", LONG, "one.macs", "1,969,920"),  # 48·38·1080
    ("pool-stride-one", LONG, "two.shape", "24x22x17"),
    ("pool-stride-one", FIELDS, "four.rf", "23"),  # 7 + 2·2 + 4·2 + 2·2
    ("pool-stride-kernel", LONG, "two.shape", "24x8x6"),
    ("pooling-ignored", LONG, "two.shape", "24x24x19"),
    ("global-pooling-ignored", LONG, "seven.params", "12,257"),  # 720·17 + 17
    ("rounded-up", LONG, "two.shape", "24x12x9"),
    ("rounded-down", CEILED, "pool.shape", "8x6x6"),
    ("one-forgotten", WIDE, "wide.shape", "9x21x21"),
    ("one-too-many", LONG, "three.shape", "36x6x4"),
    ("one-too-many", DISJOINT, "pool.shape", "8x6x8"),  # padding of the pooling would not give it
    ("dilation-ignored", LONG, "three.shape", "36x9x7"),
    ("dilation-ignored", FIELDS, "three.rf", "19"),  # 11 + 2·4
    ("dilation-times-kernel", LONG, "three.shape", "36x3x1"),  # a reach of 9
    ("kernel-turned", LONG, "one.shape", "24x25x18"),
    ("channels-kept", LONG, "three.shape", "24x5x3"),
    ("transposed-as-convolution", LONG, "five.shape", "10x1x1"),
    ("transposed-as-convolution", HOURGLASS, "after.rf", "25"),  # 3 + 3·2 + 4·4
    ("output-padding-ignored", LONG, "five.shape", "10x11x5"),
    ("rf-strides-ignored", FIELDS, "four.rf", "15"),  # 1 + 6 + 2 + 4 + 2
    ("rf-own-stride", FIELDS, "two.rf", "15"),  # 7 + 2·4
    ("rf-kernel-not-less-one", FIELDS, "two.rf", "13"),  # 7 + 3·2
    ("rf-transposed-kernel", HOURGLASS, "after.rf", "10"),  # 3 + 3·1 + 4·1
    ("rf-area", FIELDS, "one.rf", "49"),
    ("off-by-one", FIELDS, "four.rf", "36"),
    ("bias-left-out", LONG, "one.params", "1,080"),  # 24·3·15
    ("bias-added", LONG, "three.params", "1,980"),  # 36·6·9 + 36
    ("second-bias-left-out", "{input: 20x4096, layers: [r: lstm 256]}", "r.params", "4,457,472"),  # Keras
    ("second-bias-added", "{input: 20x4096, layers: [r: lstm 256 onebias]}", "r.params", "4,458,496"),  # PyTorch
    ("groups-ignored", LONG, "three.params", "7,776"),  # 36·24·9
    ("groups-ignored", TABLED, "maps.params", "228"),  # 3·3·25 + 3: the table forgotten
    ("input-channels-left-out", LONG, "one.params", "384"),  # 24·15 + 24
    ("one-filter", LONG, "one.params", "46"),  # 3·15 + 1
    ("positions-lost", FLAT, "dense.params", "77"),  # 6·11 + 11
    ("kernel-once", LONG, "three.params", "648"),  # 36·6·3
    ("kernel-once", WIDE, "wide.macs", "65,340"),  # 22·22·9·5·3
    ("pooling-ignored", FIELDS, "four.rf", "31"),  # 7 + 2·2·4 + 2·4; only the window of the pooling is ignored
    ("effective-kernel-counted", LONG, "three.params", "10,584"),  # 36·6·7·7
    ("input-positions", LONG, "one.macs", "2,052,000"),  # 50·38·1080
    ("output-positions", LONG, "five.macs", "414,720"),  # 12·6·36·10·16
    ("positions-left-out", LONG, "one.macs", "1,080"),
    ("pooling-with-weights", LONG, "two.params", "5,208"),  # 24·24·9 + 24
    ("pooling-with-weights", LONG, "two.params", "216"),  # 24·9
    ("pointwise-left-out", SEPARABLE, "sep.params", "108"),  # 12·9
    ("bn-statistics-left-out", LONG, "norm.params", "72"),
    ("bn-statistics-counted", LONG, "norm.trainable", "144"),
    ("bn-left-out", LONG, "params", "9,005"),
    ("bias-per-kernel", LONG, "one.params", "1,152"),  # 1080 + 24·3
    ("one-bias", LONG, "one.params", "1,081"),
    ("bias-in-macs", LONG, "one.macs", "503,424"),  # 492,480 + 24·24·19
    ("bn-in-macs", LONG, "macs", "568,430"),  # 567,890 + 36·5·3
    ("bn-operations-in-macs", LONG, "macs", "568,970"),
    ("activations-in-macs", LONG, "macs", "568,430"),
    ("pooling-in-macs", LONG, "macs", "588,770"),  # 24·11·9·8 + 36·4·2·4 + 10·72 more
    ("other-layers-in-macs", LONG, "macs", "590,390"),  # and 2·540 and 540 more
    ("only-convolutions", LONG, "params", "8,818"),
    ("only-fully-connected", LONG, "params", "187"),
    ("fully-connected-left-out", LONG, "params", "8,962"),
    ("macs-for-flops", LONG, "one.flops", "492,480"),
    ("twice-macs-for-flops", LONG, "three.flops", "58,320"),  # 2·29,160; exactly there are 540 additions fewer
    ("two-per-mac", LONG, "one.macs", "984,960"),
    ("halved", LONG, "one.macs", "246,240"),
    ("kilo-1024", LONG, "three.params", "1.898K"),  # 1944/1024
    ("unit-too-small", LONG, "macs", "567.9"),
    ("unit-too-large", LONG, "macs", "568M"),
    ("decimal-point", LONG, "params", "91,490"),
    ("bytes", LONG, "params", "36,596"),
    ("layout", LONG, "three.shape", "5x3x36"),
    ("height-and-width-swapped", LONG, "three.shape", "36x3x5"),
    ("axes-in-another-order", LONG, "three.shape", "5x36x3"),
    ("channels-left-out", LONG, "three.shape", "5x3"),
    ("positions-left-out-of-shape", LONG, "three.shape", "36"),
    ("flattened", LONG, "three.shape", "540"),
    ("layer-before", LONG, "five.params", "144"),
    ("layer-after", LONG, "three.params", "144"),
    ("running-sum", LONG, "three.params", "3,048"),  # 1,104 + 1,944
    ("other-quantity", LONG, "one.params", "10,944"),  # its activations
    ("part-left-out", LONG, "params", "7,205"),  # without 1,944
    ("part-twice", LONG, "params", "11,093"),
    ("training-heads-counted", HEADED, "params", "264"),  # 222 + 7 + 35
    ("heads-left-out", HEADED, "params", "222"),
    ("rounded-too-far", LONG, "params", "9,150"),
    ("rounded-wrongly", LONG, "params", "9.2K"),
    ("digits-swapped", LONG, "params", "9,194"),
    ("one-digit", LONG, "params", "9,179"),
    ("digit-missing", LONG, "macs", "56,890"),
    ("digit-too-many", LONG, "macs", "5,678,990"),
    ("two-per-mac+truncated", LONG, "macs", "1.135M"),  # 1,135,780
    ("bias-left-out+groups-ignored", "{input: 16x8x8, layers: [c: conv 32 k3 g4]}", "c.params", "4,608"),
    ("bias-left-out+bn-statistics-left-out", LONG, "params", "9,026"),  # 24, 10 and 17 biases, 72 statistics
    ("bias-left-out+kilo-1024", LONG, "five.params", "5.625K"),  # 5760/1024
    ("padding-ignored+stride-ignored", LONG, "one.shape", "24x46x36"),
    ("padding-ignored+layout", LONG, "one.shape", "23x18x24"),
]


@cache
def judge_of(text: str) -> Judge:
    analysis = analyze(read_spec(Source("net.yaml", text)).graph)
    return Judge(analysis, explainer=Explainer(analysis))


def judged(text: str, *claims: tuple[str, str]) -> list[Judgement]:
    return judge_of(text).judge([Claim(target, value) for target, value in claims])


@pytest.mark.parametrize(("code", "text", "target", "value"), SEEDED, ids=[f"{s[0]}:{s[2]}" for s in SEEDED])
def test_a_seeded_mistake_is_explained(code: str, text: str, target: str, value: str) -> None:
    (judgement,) = judged(text, (target, value))
    assert judgement.verdict is Verdict.EXPLAINED, judgement.sentence
    assert code in [explanation.code for explanation in judgement.explanations], judgement.explanations
    assert judgement.derivation or target.endswith("rf") is False
    assert all(explanation.sentence for explanation in judgement.explanations)


def test_a_pooling_that_is_left_out_has_no_stride() -> None:
    """22x15 comes from padding (or from rounding up), whatever a pooling of one position would give."""
    (judgement,) = judged("{input: 8x43x29, layers: [pool: maxpool k3 s2]}", ("pool.shape", "8x22x15"))
    assert judgement.explanations
    assert "pooling-ignored" not in [explanation.code for explanation in judgement.explanations]


BY_OTHER_TESTS = {"follow-through", "not-the-sum", "rounding-left-out", *(each.code for each in ARRAY_MISTAKES)}


def test_every_code_is_seeded() -> None:
    seeded = {part for code, *_ in SEEDED for part in code.split("+")}
    assert seeded | BY_OTHER_TESTS == set(CODES)


@pytest.mark.parametrize(
    ("text", "target", "value"),
    [
        (LONG, "params", "8,213"),
        (WITH_SOURCE, "params", "1,000"),
        (LONG, "macs", "777,777"),
        (LONG, "three.shape", "36x17x40"),
        (FIELDS, "four.rf", "500"),
    ],
)
def test_unexplained_values_are_called_wrong(text: str, target: str, value: str) -> None:
    (judgement,) = judged(text, (target, value))
    assert judgement.verdict is Verdict.WRONG
    assert not judgement.explanations
    assert judgement.derivation
    assert "No known mistake" in judgement.sentence


def test_bounds_and_comparisons_are_not_explained_but_answered() -> None:
    bound, comparison = judged(LONG, ("params", "at most 9,000"), ("one.params", "> three.params"))
    assert bound.sentence == "params is 9,149, not at most 9,000."
    assert comparison.sentence == "one.params is 1,104, not > three.params. three.params is 1,944."
