"""Blocks: parameters, defaults, calls, and names that are refused."""

from __future__ import annotations

import pytest

from archcalc.ops.base import REGISTRY
from archcalc.spec.expressions import FUNCTIONS
from tests.spec.reading import graph, marked, names, ops, problem, problems, shapes


def spec(blocks: str, layers: str, variables: str = "{v: 7}") -> str:
    return f"input: 8x16x16\nvariables: {variables}\nblocks:\n{blocks}\nlayers:\n  - {layers}\n"


def test_a_call_expands_its_block_with_the_arguments() -> None:
    text = spec("  b(c, k=3, s=1): conv c k=k s=s half -> relu", "b(4) -> b(6, 5) -> b(8, s=2) -> b(k=1, c=2)")
    assert shapes(graph(text))[::2] == ["4x16x16", "6x16x16", "8x8x8", "2x8x8"]


def test_a_block_without_parameters_needs_no_brackets() -> None:
    text = spec("  b: relu -> tanh", "b -> b() -> (b)*2 -> b()*1")
    assert ops(graph(text)) == ["relu", "tanh"] * 5
    assert ops(graph(spec("  b(): relu", "b"))) == ["relu"]
    assert ops(graph(spec("  b(k=3): relu", "b"))) == ["relu"]


def test_a_call_repeats() -> None:
    assert ops(graph(spec("  b(c): conv c k1", "b(4)*3 -> b(2*C)*(v-5) -> b(4)*0"))) == ["conv"] * 5


def test_a_name_without_a_call_does_not_repeat() -> None:
    assert problem(spec("  b(k=1): conv 4 k=k", "b*3")).hint == "to repeat a block, call it: b()*3"
    assert problem(spec("  b(k=1): conv 4 k=k", "relu*3")).hint == "to repeat a layer, write (relu)*3"


def test_c_in_an_argument_is_taken_at_every_repetition() -> None:
    assert shapes(graph(spec("  b(c): conv c k1", "b(2*C)*3"))) == ["16x16x16", "32x16x16", "64x16x16"]


def test_defaults_may_use_earlier_parameters_variables_and_c() -> None:
    text = spec("  b(c, d=2*c, e=d+v, f=C): conv c k1 -> conv d k1 -> conv e k1 -> conv f k1", "b(3) -> b(3, 1)")
    assert [s.split("x")[0] for s in shapes(graph(text))] == ["3", "6", "13", "8", "3", "1", "8", "8"]


@pytest.mark.parametrize("default", ["e", "nothing", "2*nothing", "floor(nothing)", "(nothing)x3", "nothing+c"])
def test_a_default_that_uses_an_unknown_or_later_name_is_an_error_even_if_unused(default: str) -> None:
    found = problem(spec(f"  b(c, d={default}, e=1): conv c k1", "relu"))
    assert found.code == "unknown-name"
    assert marked(found) == default.strip("2*()x3+cflor") or marked(found) == "nothing"


def test_parameters_shadow_variables() -> None:
    text = spec("  b(v): conv v k1 -> inner\n  inner: conv v k1", "b(3) -> conv v k1")
    assert [s.split("x")[0] for s in shapes(graph(text))] == ["3", "7", "7"]  # a block sees its own names only


def test_parameters_hold_sizes_pairs_words_and_operators() -> None:
    text = spec(
        "  b(k, q, act=relu): conv 8 k=k pad=q -> act",
        "b(3x5, 1x2) -> b(1, 0:1, tanh) -> b(3, same, act=gelu)",
    )
    assert ops(graph(text)) == ["conv", "relu", "conv", "tanh", "conv", "gelu"]
    assert shapes(graph(text))[::2] == ["8x16x16", "8x17x17", "8x17x17"]


def test_an_operator_held_by_a_parameter_takes_arguments_and_passes_on() -> None:
    text = spec("  outer(op): inner(op) -> op 2\n  inner(op): op 3 s1", "outer(maxpool) -> outer(op=avgpool)")
    assert ops(graph(text)) == ["maxpool", "maxpool", "avgpool", "avgpool"]


def test_an_operator_may_be_held_by_a_variable_and_set() -> None:
    text = "input: 3x8x8\nvariables: {act: relu}\nlayers: conv 4 k1 -> act\n"
    assert ops(graph(text)) == ["conv", "relu"]
    assert ops(graph(text, set={"act": "gelu"})) == ["conv", "gelu"]


def test_an_operator_or_block_may_be_held_by_a_variable_that_blocks_use() -> None:
    text = """
        input: 3x8x8
        variables: {unit: plain, act: relu}
        blocks:
          plain(c): conv c k1 -> act
          normed(c): conv c k1 -> bn -> act
          stage(c): unit(c)*2
        layers: stage(4)
    """
    assert ops(graph(text)) == ["conv", "relu"] * 2
    assert ops(graph(text, set={"unit": "normed", "act": "gelu"})) == ["conv", "bn", "gelu"] * 2


@pytest.mark.parametrize(
    ("word", "what"),
    [("v", "'op' must be an operator, got"), ("add", "'add' is a join"), ("same", "no operator 'same'")],
)
def test_only_an_operator_can_stand_for_one(word: str, what: str) -> None:
    assert what in problem(spec("  b(op): op", f"b({word})")).message


@pytest.mark.parametrize(
    ("call", "what", "at"),
    [
        ("b", "block 'b' requires c", "b"),
        ("b()", "block 'b' requires c", "b"),
        ("b(k=3)", "block 'b' requires c", "b"),
        ("b(1, 2, 3)", "too many arguments for block 'b'", "3"),
        ("b(1, c=2)", "the c of block 'b' is set twice", "c=2"),
        ("b(1, d=2)", "block 'b' has no parameter 'd'", "d=2"),
        ("b 3", "'b' is a block: its arguments must be in brackets", "b 3"),
        ("b (3)", "there must be no space between 'b' and its bracket", "b"),
        ("b(w)", "no variable or parameter 'w'", "w"),
        ("b(swish)", "no operator 'swish'", "swish"),
        ("bb(3)", "no block 'bb'", "bb"),
        ("bb", "no operator 'bb'", "bb"),
        ("b(3", "this bracket is never closed by ')'", "("),
        ("b(3 4)", "expected ')', found '4'", "4"),
        ("b(,)", "expected a number, a name or (arithmetic)", ","),
        ("b(relu)", "the channels of conv must be one number, got the word 'relu'", "c"),
        ("b(3x3)", "the channels of conv must be one number, got the size 3x3", "c"),
        ("b(1/3)", "must be an integer, got 1/3", "c"),
    ],
)
def test_wrong_calls_are_named_and_marked(call: str, what: str, at: str) -> None:
    found = problem(spec("  b(c, k=1): conv c k=k", call))
    assert what in found.message
    assert marked(found)[: len(at)] == at


def test_blocks_use_blocks_in_any_order() -> None:
    assert ops(graph(spec("  a: b -> c\n  b: c -> relu\n  c: tanh", "a"))) == ["tanh", "relu", "tanh"]


@pytest.mark.parametrize(
    ("blocks", "cycle"),
    [
        ("  a: relu -> a", "a → a"),
        ("  a: b\n  b: (c)*2\n  c: add(identity, a)", "a → b → c → a"),
        ("  a(x=1): relu -> a(2)", "a → a"),
    ],
)
def test_a_block_that_uses_itself_is_an_error_even_if_unused(blocks: str, cycle: str) -> None:
    found = problem(spec(blocks, "relu"))
    assert found.code == "cycle"
    assert sorted(set(found.message.split(": ")[1].split(" → "))) == sorted(set(cycle.split(" → ")))


RESERVED = [name for name, cls in REGISTRY.items() if cls.reserved]
TAKEN = [*RESERVED, *FUNCTIONS, "C", "half", "same", "nobias", "exclude_pad", "k3", "s2", "p1x", "d2", "g32"]


@pytest.mark.parametrize("name", sorted(set(TAKEN)))
def test_ambiguous_names_are_rejected_where_they_are_declared(name: str) -> None:
    for text, what in (
        (f"input: 3x8x8\nvariables:\n  {name}: 1\nlayers: relu\n", "a variable"),
        (f"input: 3x8x8\nblocks:\n  {name}: relu -> sigmoid\nlayers: relu\n", "a block"),
        (f"input: 3x8x8\nblocks:\n  b({name}): relu\nlayers: relu\n", "a parameter"),
    ):
        found = problem(text)
        assert found.code == "name"
        assert found.message.startswith(f"{what} cannot be called '{name}': ")
        assert marked(found) == name


@pytest.mark.parametrize("name", sorted(REGISTRY.keys() - set(TAKEN)))
def test_names_that_are_not_reserved_keep_the_meaning_that_a_spec_gives_them(name: str) -> None:
    assert ops(graph(f"input: 3x8x8\nblocks:\n  {name}: relu -> sigmoid\nlayers: {name} -> tanh\n"))[:2] == [
        "relu",
        "sigmoid",
    ]
    assert ops(graph(f"input: 3x8x8\nblocks:\n  {name}(c): conv c k1\nlayers: {name}(4)\n")) == ["conv"]
    (conv,) = graph(f"input: 3x8x8\nblocks:\n  b({name}): conv {name} k1\nlayers: b(7)\n").nodes[1:]
    assert conv.output[0] == 7


@pytest.mark.parametrize("name", ["a b", "a-b", "3a", "a.b", "é", "''", "@a"])
def test_variables_and_blocks_have_plain_names(name: str) -> None:
    text = (
        f"input: 3x8x8\nvariables:\n  {name!r}: 1\nlayers: relu\n"
        if name != "''"
        else "input: 3\nvariables: {'': 1}\nlayers: relu\n"
    )
    assert problem(text).code == "name"
    assert problem(f"input: 3x8x8\nblocks:\n  {name!r}: relu\nlayers: relu\n").code == "syntax"


def test_blocks_variables_and_parameters_do_not_share_names() -> None:
    assert "both called 'v'" in problem(spec("  v: relu", "relu")).message
    assert "a block has this name" in problem(spec("  a(b): relu\n  b: relu", "relu")).message
    assert "two parameters are called 'x'" in problem(spec("  a(x, x): relu", "relu")).message
    assert "two blocks are called 'a'" in problem(spec("  a: relu\n  a(x): relu", "relu")).message


def test_all_wrong_names_of_a_file_come_in_one_run_in_order() -> None:
    found = problems(spec("  b(c): conv d k1 -> foo", "rleu -> b(1) -> conv q k1 -> b(1, 2)\n  - tahn"))
    assert [marked(p) for p in found] == ["d", "foo", "rleu", "q", "2", "tahn"]
    assert [p.place()[1] for p in found] == [4, 4, 6, 6, 6, 7]


def test_a_block_may_have_many_lines_and_be_called_over_many_lines() -> None:
    text = """
        input: 8x8x8
        blocks:
          mix(a,
              b = 2):
            concat(conv a k1,
                   conv b k1)
        layers:
          - one: mix(3,
                     b = 4)
    """
    assert names(graph(text.replace("mix(a,\n              b = 2)", "mix(a, b = 2)"))) == [
        "one/conv_1",
        "one/conv_2",
        "one/concat",
    ]


def test_a_wrong_declaration_does_not_make_its_calls_wrong_too() -> None:
    for signature in ("b(c", "b(c, k=)", "b(c))", "b[c]"):
        found = problem(spec(f"  {signature!r}: conv c k1\n  other: b(3) -> relu", "b(3) -> (b(4))*2 -> b -> other"))
        assert found.place()[1] == 4
