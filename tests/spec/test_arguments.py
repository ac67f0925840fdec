"""The argument words of layers: positional, named, short forms, flags, sizes and padding."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from archcalc.ops.base import REGISTRY
from archcalc.ops.fields import PADDING_WORDS
from archcalc.spec.arguments import example
from tests.spec.reading import chain, graph, last, marked, problem, shapes, wrong


@pytest.mark.parametrize(
    "layer",
    [
        "conv 16 k3 s2 p1 d1 g4 nobias",
        "conv 16 kernel=3 stride=2 pad=1 dilation=1 groups=4 bias=0",
        "conv 16 k=3 s=2 p=1 d=1 g=4 bias=0",
        "conv k3 s2 g4 p1 nobias 16",
        "conv nobias channels=16 k3x3 s2x2 p1:1x1:1 g4",
        "conv 2*C k=(1+2) s=C/4 p=2-1 g=C//2 nobias",
        "conv (2 * C) k=( 1 + 2 ) s2 p1 g=(C // 2) nobias",
    ],
)
def test_arguments_may_be_positional_named_short_or_flags_in_any_order(layer: str) -> None:
    op = last(chain(layer))
    assert op.attributes() == {
        "channels": 16,
        "kernel": (3, 3),
        "stride": (2, 2),
        "pad": ((1, 1), (1, 1)),
        "dilation": (1, 1),
        "border": "zeros",
        "weight_norm": False,
        "flip": False,
        "groups": 4,
        "bias": False,
        "ws": False,
        "table": None,
    }


@pytest.mark.parametrize(
    ("layer", "code", "what", "at"),
    [
        ("conv 8", "argument", "conv requires kernel", "conv"),
        ("conv k3", "argument", "conv requires channels", "conv"),
        ("conv", "argument", "conv requires kernel and channels", "conv"),
        ("conv 8 3", "argument", "too many arguments for conv", "3"),
        ("conv 8 k3 k5", "argument", "the kernel of conv is set twice", "k5"),
        ("conv 8 k3 kernel=5", "argument", "the kernel of conv is set twice", "kernel=5"),
        ("conv 8 k3 channels=5", "argument", "the channels of conv is set twice", "channels=5"),
        ("conv 8 k3 nobias nobias", "argument", "the bias of conv is set twice", "nobias"),
        ("conv 8 k3 half p1", "argument", "the pad of conv is set twice", "p1"),
        ("conv 8 k3 haff", "argument", "'haff' is not a valid argument of conv", "haff"),
        ("conv 8 k3 kernal=3", "argument", "conv has no argument 'kernal'", "kernal=3"),
        ("relu k3", "argument", "relu has no kernel (k)", "k3"),
        ("relu 3", "argument", "too many arguments for relu", "3"),
        ("conv 8 k0", "argument", "the kernel of conv must be at least 1, got 0", "k0"),
        ("conv 0 k1", "argument", "the channels of conv must be at least 1, got 0", "0"),
        ("conv 8 k3 p=-1", "argument", "the pad of conv must be at least 0, got -1", "p=-1"),
        ("conv 8 k3x3x3", "argument", "the kernel of conv has 3 parts, but the tensor has 2 spatial axes", "k3x3x3"),
        ("conv 8 k3 p1x1x1", "argument", "the pad of conv has 3 parts, but the tensor has 2 spatial axes", "p1x1x1"),
        ("conv 8 k=1:2", "argument", "the kernel of conv must have one number per axis, got a pair", "k=1:2"),
        ("conv 8 k3 p1:", "argument", "the pad of conv requires a number on both sides of the colon, as in 1:2", "p1:"),
        ("conv 8 k3 bias=2", "argument", "bias of conv must be yes or no (1 or 0), got 2", "bias=2"),
        ("conv 8x8 k3", "argument", "the channels of conv must be one number, got the size 8x8", "8x8"),
        ("conv same k3", "argument", "conv requires channels", "conv"),
        ("conv 8 k3 pad=haff", "unknown-name", "no variable or parameter 'haff'", "haff"),
        ("conv 8 k3 pad=relu", "unknown-name", "no variable or parameter 'relu'", "relu"),
        ("ln axis=lats", "unknown-name", "no variable or parameter 'lats'", "lats"),
        ("ln axis=1", "argument", "the axis of ln must be all, last, channels, 0 or -1, got 1", "axis=1"),
        ("slice 3", "argument", "the range of slice must be start:stop", "3"),
        ("reshape 1:2", "argument", "the shape of reshape must consist of numbers, got a pair", "1:2"),
        ("conv 8 k3*2", "syntax", "expected a space, found '*2'", "*2"),
        ("conv 8 k(3)", "syntax", "expected a space, found '('", "("),
        ("conv 8 k3 = 2", "syntax", "expected an argument, found '='", "="),
        ("conv 8 k= 3", "syntax", "expected a number, a name or (arithmetic)", " "),
        ("conv 8 k3,p1", "syntax", "expected '->' or the end, found ','", ","),
        ("conv(8)", "syntax", "'conv' is an operator: its arguments follow it without brackets", "conv"),
        ("slice C//2:C", "syntax", "expected a space, found ':C'", ":C"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named_and_marked(layer: str, code: str, what: str, at: str) -> None:
    found = wrong(layer)
    assert found.code == code
    assert what in found.message
    assert marked(found).strip() == at.strip()


@pytest.mark.parametrize(
    ("layer", "hint"),
    [
        ("conv 8 k3 haff", "did you mean 'half'?"),
        ("conv 8 k3 pad=haff", "did you mean 'half'?"),
        ("ln axis=lats", "did you mean 'last'?"),
        ("conv 8 kernal=3 k3", "did you mean 'kernel'?"),
        ("conv 8 k3*2", "the short form takes plain sizes only: write k=3*…"),
        ("conv 8 k(3)", "write k=(…)"),
        ("conv 8 k3 = 2", "write '=' without spaces: k=3"),
        ("slice C//2:C", "the parts of a size must be numbers or arithmetic in brackets: (w)x3, (C//2):C, (-1)x16"),
        ("reshape -1x16", "the parts of a size must be numbers or arithmetic in brackets: (w)x3, (C//2):C, (-1)x16"),
        ("maxpol 2", "did you mean 'maxpool'?"),
        ("conv 8,k3", "separate arguments by spaces, and the parts of a size by 'x': conv 64 k3x5 s2"),
        ("conv 8 k3 SAME", "did you mean 'same'?"),
        ("Dense 10", "write linear 10 (along the last axis, as in Keras; fc 10 flattens first)"),
        ("BatchNorm2d", "did you mean 'bn'?"),
        ("conv_transpose2d 8 k3", "did you mean 'upconv'?"),
        ("swish", "did you mean 'silu'?"),
        ("frobnicate 8", "`archcalc ops` lists all operators"),
        ("fc 10 10", "usage: fc features [weight_norm] [nobias]"),
        ("ln channels", "usage: ln [axis=all|last|channels] [noaffine] [eps=…]"),
        ("conv(8)", "for example: conv 64 k3"),
        ("cast bf16", "did you mean 'bfloat16'?"),
        ("cast half", "did you mean 'float16'?"),
        ("quantize fp32 scale=0.5", "did you mean 'float32'?"),
    ],
)
def test_hints_say_what_to_write(layer: str, hint: str) -> None:
    assert wrong(layer).hint == hint


def test_the_names_in_a_hint_are_in_order() -> None:
    names = wrong("cast fp9").hint.removeprefix("known names: ").partition(";")[0].split(", ")
    assert names == sorted(names)
    assert "bfloat16" in names


@pytest.mark.parametrize(
    ("shape", "kernel", "expected"),
    [
        ("4x32", "k3", "8x30"),
        ("4x32x20", "k3", "8x30x18"),
        ("4x32x20", "k3x5", "8x30x16"),
        ("4x32x20", "k3×5", "8x30x16"),
        ("4x32x20", "k=(2+1)x(C+1)", "8x30x16"),
        ("4x32x20", "k3x(C+1)", "8x30x16"),
        ("4x9x32x20", "k1x3x5", "8x9x30x16"),
        ("4x7x9x32x20", "k2", "8x6x8x31x19"),
    ],
)
def test_a_size_is_one_part_for_every_axis_or_one_per_axis(shape: str, kernel: str, expected: str) -> None:
    assert shapes(chain(f"conv 8 {kernel}", shape)) == [expected]


@pytest.mark.parametrize(
    ("pad", "expected"),
    [
        ("p1", ((1, 1), (1, 1))),
        ("p1x2", ((1, 1), (2, 2))),
        ("p0:1", ((0, 1), (0, 1))),
        ("p1:1x0:2", ((1, 1), (0, 2))),
        ("p1x0:2", ((1, 1), (0, 2))),
        ("pad=(C-7):2", ((1, 2), (1, 2))),
        ("p0:C", ((0, 8), (0, 8))),
    ],
)
def test_padding_may_differ_by_axis_and_side(pad: str, expected: object) -> None:
    assert last(chain(f"conv 8 k9 {pad}")).pad == expected


@pytest.mark.parametrize("word", PADDING_WORDS)
def test_padding_words_are_flags_and_values_and_pass_through_blocks_and_variables(word: str) -> None:
    text = f"""
        input: 3x15x16
        variables: {{way: {word}}}
        blocks:
          direct(q): conv 8 k3 s2 d2 pad=q
          through(q={word}): direct(q)
          default: conv 8 k3 s2 d2 pad=way
        layers:
          - a: conv 8 k3 s2 d2 {word}
          - b: "@input -> conv 8 k3 s2 d2 pad={word}"
          - c: "@input -> direct({word})"
          - d: "@input -> through(q={word})"
          - e: "@input -> through"
          - f: "@input -> default"
          - g: "@input -> direct(way)"
    """
    assert {node.op.pad for _, node in graph(text).layers()} == {word}  # type: ignore[attr-defined]
    expected = {"same": "8x8x8", "half": "8x8x8", "valid": "8x6x6", "full": "8x10x10"}[word]
    assert set(shapes(graph(text))) == {expected}


@pytest.mark.parametrize("n", range(9, 20))
@pytest.mark.parametrize(("k", "s", "d"), [(3, 2, 1), (4, 3, 1), (2, 1, 1), (3, 2, 2), (1, 2, 1)])
def test_padding_words_mean_what_the_language_defines(n: int, k: int, s: int, d: int) -> None:
    def size(word: str) -> str:
        return shapes(chain(f"conv 1 k{k} s{s} d{d} {word}", f"1x{n}"))[0]

    reach = d * (k - 1) + 1
    assert size("same") == f"1x{-(-n // s)}"
    assert size("half") == f"1x{(n + 2 * (d * (k - 1) // 2) - reach) // s + 1}"
    assert size("valid") == f"1x{(n - reach) // s + 1}" == shapes(chain(f"conv 1 k{k} s{s} d{d}", f"1x{n}"))[0]
    assert size("full") == f"1x{(n + 2 * d * (k - 1) - reach) // s + 1}"


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("slice 0:(C//2)", "4x32x32"),
        ("slice (C//2):C", "4x32x32"),
        ("slice :3", "3x32x32"),
        ("slice 3:", "5x32x32"),
        ("slice :", "8x32x32"),
        ("slice (-2):", "2x32x32"),
        ("slice :(-2) axis=1", "8x30x32"),
        ("slice 0:C step=3", "3x32x32"),
        ("reshape (-1)x16", "512x16"),
        ("reshape 8x1024", "8x1024"),
        ("reshape 8192", "8192"),
        ("reshape C*1024", "8192"),
        ("transpose 2x0x1", "32x8x32"),
        ("pad 1:2x3", "8x35x38"),
        ("upsample 2x3", "8x64x96"),
        ("upsample to=40x50", "8x40x50"),
    ],
)
def test_sizes_pairs_and_positions_are_read(layer: str, expected: str) -> None:
    assert shapes(chain(layer)) == [expected]


def test_real_arguments_are_exact() -> None:
    assert last(chain("dropout 0.1")).rate == Fraction(1, 10)
    assert last(chain("leaky_relu 1e-2")).slope == Fraction(1, 100)
    assert last(chain("scale 1/3")).factor == Fraction(1, 3)
    assert last(chain("standardize mean=0.485x0.456 std=.229x(1/2)", "2x4x4")).std == (
        Fraction(229, 1000),
        Fraction(1, 2),
    )


def test_one_mean_per_channel_is_counted_against_the_channels() -> None:
    found = wrong("standardize mean=1x2x3 std=1")
    assert (found.code, "needs one or 8 means, got 3" in found.message) == ("shape", True)


def test_a_word_of_an_argument_has_precedence_over_a_parameter_of_that_name() -> None:
    text = """
        input: 3x8x8
        blocks:
          b(last): ln axis=last -> conv last k1
        layers: b(5)
    """
    network = graph(text)
    assert network.nodes[1].op.axis == "last"  # type: ignore[attr-defined]
    assert shapes(network)[-1] == "5x8x8"


def test_a_size_that_is_not_an_integer_names_the_helpers() -> None:
    found = wrong("conv C/3 k1")
    assert "must be an integer, got 8/3" in found.message
    assert all(name in found.hint for name in ("floor(…)", "ceil(…)", "round(…)", "divisible(…, 8)"))


def test_a_layer_that_does_not_fit_names_its_shapes_and_stage() -> None:
    found = problem("input: 3x8x8\nlayers:\n  - big: relu -> conv 4 k9\n")
    assert found.code == "shape"
    assert found.message.startswith("conv on 3x8x8 (in stage big): ")
    assert marked(found) == "conv 4 k9"


def test_a_flag_may_be_set_by_name() -> None:
    assert not last(chain("conv 8 k3 bias=no")).bias
    assert last(chain("conv 8 k3 bias=yes")).bias
    assert last(chain("conv 8 k3 ws=1")).ws


@pytest.mark.parametrize(
    ("layer", "hint"),
    [
        ("conv 8 k 3", "write k3"),
        ("conv 8 k3 pad", "write pad=…"),
        ("fc 10 bias", "write bias=…"),
        ("conv 4 + 4 k3", "4+4"),
        ("conv C // 2 k3", "4+4"),
    ],
)
def test_a_word_that_lacks_its_value_gets_the_correct_hint(layer: str, hint: str) -> None:
    assert hint in wrong(layer).hint


@pytest.mark.parametrize(
    "name",
    [name for name, cls in REGISTRY.items() if cls.arity is not None and any(p.required for p in cls.parameters())],
)
def test_the_example_in_a_hint_is_valid(name: str) -> None:
    text = example(REGISTRY[name])
    if "@boxes" in text:
        graph(f"inputs: {{x: 64x20x20, boxes: 5x4}}\nlayers: '@x -> {text}'")
    else:
        chain(text, "16x5x5" if name == "reshape" else "64x20x20")


def test_a_factor_may_be_a_fraction() -> None:
    """88 → 120, and ⌊5·3/2⌋ = 7, as PyTorch and ONNX round the size."""
    assert chain("upsample (120/88)", "1x88").nodes[-1].output == (1, 120)
    assert chain("upsample 1.5", "1x5").nodes[-1].output == (1, 7)
    assert wrong("upsample 0", "1x8").message == "the scale of upsample must be positive, got 0"


@pytest.mark.parametrize("given", [{}, {"set": {"rho": "0.857"}}])
def test_a_decimal_that_stands_for_a_ratio_is_written_as_one(given: dict[str, Any]) -> None:
    text = "input: 3x(224*rho)x(224*rho)\nvariables: {rho: 0.857}\nlayers: conv 8 k3 half\n"
    assert problem(text, **given).hint == f"decimals are exact: write {'--set rho=6/7' if given else 'rho: 6/7'}"
    assert graph(text, set={"rho": "6/7"}).nodes[0].output == (3, 192, 192)


def test_a_decimal_that_does_not_help_is_rounded() -> None:
    text = "input: 3x(224*rho)x7\nvariables: {rho: 0.123}\nlayers: conv 8 k3 half\n"
    assert "floor(…)" in problem(text).hint
