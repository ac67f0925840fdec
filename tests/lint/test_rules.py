"""Each rule: what it reports, at which place, and what it does not report."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import archcalc
from archcalc.lint import RULES
from tests.lint.warnings import chain_codes, codes, warnings
from tests.spec.reading import marked

USED = """
    input: (size)x32x32
    variables: {size: 3, width: 8, twice: 2*width, act: relu, times: 2, bound: 5, unread: 4}
    tables: {t: XX/XX/.X}
    blocks:
      inner(c, f=act): conv c k1 -> f
      outer(c, k=3): (conv c k=k half)*times -> inner(C+twice)
      bare: relu
      idle: bare2
      bare2: relu
    layers:
      - a: conv 2 k3 table=t -> outer(width) -> bare
      - b: act
    expect:
      params: at most bound*1000
"""


def test_names_in_layers_inputs_blocks_and_variables_are_used() -> None:
    spec = USED.replace("    expect:\n      params: at most bound*1000\n", "")
    found = {problem.message for problem in warnings(spec)}
    assert found == {
        "variable 'bound' is not used",
        "variable 'unread' is not used",
        "block 'idle' is not used",
        "block 'bare2' is not used",
    }


def test_only_what_is_reached_from_the_layers_counts() -> None:
    found = codes("""
        input: 3x8x8
        variables: {a: 1, b: a+1}
        blocks: {f: g(b), g(c): conv c k1}
        layers: [relu]
    """)
    assert found == ["unused-variable", "unused-variable", "unused-block", "unused-block"]


def test_a_parameter_hides_the_variable_of_its_name() -> None:
    text = """
        input: 3x8x8
        variables: {c: 4}
        blocks: {f(c): conv c k1}
        layers: [f(2)]
    """
    assert codes(text) == ["unused-variable"]


def test_unused_declarations_are_marked_by_their_names() -> None:
    (variable, table, block) = warnings("""
        input: 3x8x8
        variables: {a: 1}
        tables: {t: X}
        blocks:
          f(c, k=3): conv c k=k
        layers: [relu]
    """)
    assert [problem.place()[1:] for problem in (variable, table, block)] == [(2, 13), (3, 10), (5, 3)]
    assert marked(variable) == "a"
    assert variable.render().startswith("net.yaml:2:13: warning[unused-variable]: ")


def test_an_unused_parameter_is_marked_in_the_signature() -> None:
    text = """
        input: 3x8x8
        blocks:
          f(c, k=3, d=k): conv c k=d half
        layers: [f(2)]
    """
    assert not warnings(text)
    (problem,) = warnings(text.replace("k=d", "k1"))
    assert (problem.code, marked(problem)) == ("unused-parameter", "d")


@pytest.mark.parametrize(
    "layers",
    [
        "[a: conv 2 k1, b: '@input -> conv 3 k1']",
        "[a: conv 2 k1, b: 'concat(@input, @input)']",
        "[a: 'concat(identity, identity -> conv 5 k1) -> conv 4 k1', b: '@input -> relu']",
    ],
)
def test_a_layer_without_readers_is_found(layers: str) -> None:
    assert codes(f"input: 3x8x8\nlayers: {layers}") == ["unread-output"]


@pytest.mark.parametrize(
    "rest",
    [
        "layers: [a: conv 2 k1, b: 'concat(@a, @input)']",
        "layers: [a: conv 2 k1, b: '@input -> conv 2 k1']\nheads: {h: '@a -> relu'}",
        "layers: [a: conv 2 k1, b: '@input -> conv 2 k1']\nheads: {h: '@a'}",
        "layers: [a: conv 2 k1, b: '@input -> conv 2 k1']\ntraining_heads: {h: '@a -> relu'}",
    ],
)
def test_layers_that_a_join_or_head_reads_have_a_reader(rest: str) -> None:
    assert not codes(f"input: 3x8x8\n{rest}")


def test_an_input_without_readers_is_found_at_its_name() -> None:
    (problem,) = warnings("inputs: {a: 3x8x8, b: 3x8x8}\nlayers: [relu]")
    assert (problem.code, marked(problem)) == ("unused-input", "b")
    assert not codes("inputs: {a: 3x8x8, b: 3x8x8}\nlayers: ['add(identity, @b)']")


@pytest.mark.parametrize(
    "layer", ["conv 4 k3", "dwconv k3", "sepconv 4 k3", "upconv 4 k2 s2", "fc 4", "fc 9 -> linear 4"]
)
@pytest.mark.parametrize("norm", ["bn", "bn noaffine"])
def test_a_bias_before_a_batch_norm_is_found(layer: str, norm: str) -> None:
    assert chain_codes(f"{layer} -> {norm}") == ["bias-before-norm"]
    assert not chain_codes(f"{layer} nobias -> {norm}")
    assert not chain_codes(f"{layer} -> relu -> {norm}")


def test_a_bias_along_another_axis_than_that_of_the_norm_is_used() -> None:
    assert not chain_codes("linear 4 -> bn")


def test_an_instance_norm_cancels_a_bias_and_a_group_norm_does_not() -> None:
    assert chain_codes("conv 4 k3 -> in") == ["bias-before-norm"]
    assert not chain_codes("conv 4 k3 -> gn 2")
    assert not chain_codes("conv 4 k3 -> ln axis=all")


def test_a_bias_that_another_layer_reads_is_used() -> None:
    assert not codes("input: 3x8x8\nlayers: [a: conv 2 k1, b: 'bn -> add(identity, @a)']")
    assert not codes("input: 3x8x8\nlayers: [a: conv 2 k1, b: bn]\nheads: {h: '@a'}")


def test_the_biases_of_a_block_are_one_warning_with_their_parameters() -> None:
    (problem,) = warnings("""
        input: 3x8x8
        blocks: {f(c): conv c k1 -> bn}
        layers: [a: f(4) -> f(5), b: f(6)]
    """)
    assert problem.message == "the bias of 'a/conv_1' and of 2 other layers is cancelled by the normalisation after it"
    assert "saves 15 parameters" in problem.hint
    assert marked(problem) == "conv c k1"


def last_seen(n: int, k: int, s: int, p0: int, p1: int) -> int:
    """Return the last position that a window of k taps sees, sliding as long as it stays within the padding."""
    start, seen = -p0, -1
    while start + k <= n + p1:
        seen = start + k - 1
        start += s
    return seen


@given(n=st.integers(1, 40), k=st.integers(1, 7), s=st.integers(1, 5), p0=st.integers(0, 3), p1=st.integers(0, 3))
def test_dropped_pixels_are_those_that_no_window_reaches(n: int, k: int, s: int, p0: int, p1: int) -> None:
    if n + p0 + p1 < k:
        return
    found = chain_codes(f"conv 1 k{k} s{s} p{p0}:{p1}", f"1x{n}")
    drops = last_seen(n, k, s, p0, p1) < n - 1
    assert ("dropped-border" in found) == (drops and k >= s)


def test_dropped_pixels_are_counted_per_axis() -> None:
    (problem,) = warnings("input: 3x56x55\nlayers: [a: maxpool 3 s2]")
    assert problem.message == "'a' drops 1 row at the end of its 3x56x55 input"
    (problem,) = warnings("input: 3x57x56\nlayers: [a: maxpool k3x4 s3x3]")
    assert problem.message == "'a' drops 1 column at the end of its 3x57x56 input"


def test_rounding_up_and_padding_drop_nothing() -> None:
    assert chain_codes("maxpool 2", "3x55x55") == ["dropped-border"]
    assert not chain_codes("maxpool 2 ceil", "3x55x55")
    assert not chain_codes("maxpool 2 same", "3x55x55")
    assert not chain_codes("gap", "3x55x55")
    assert not chain_codes("conv 4 k1 s2", "3x56x56")


def test_the_first_field_past_the_input_is_found() -> None:
    (problem,) = warnings("input: 3x8x8\nlayers: [a: conv 4 k5 half, b: conv 4 k5 half, c: conv 4 k5 half]")
    assert problem.message == "from 'b' on, the receptive field (9x9) is larger than the input 'input' (8x8)"
    assert marked(problem) == "conv 4 k5 half"


def test_a_field_past_the_input_within_a_block_is_marked_at_its_stage() -> None:
    (problem,) = warnings("""
        input: 3x8x8
        blocks: {f: conv 4 k5 half -> relu}
        layers: [a: f, b: f]
    """)
    assert (problem.code, marked(problem)) == ("field-past-input", "b")


def test_fields_as_large_as_the_input_and_global_ones_are_not_reported() -> None:
    assert not chain_codes("conv 4 k8", "3x8x8")
    assert not chain_codes("gap -> fc 10", "3x8x8")
    assert not chain_codes("conv 4 k9 half", "3x9x8")


def test_fields_past_the_single_position_of_a_generator_are_not_reported() -> None:
    assert not chain_codes("upconv 64 k4 nobias -> bn -> upconv 3 k4 s2 p1", "100x1x1")
    assert chain_codes("upconv 64 k4 nobias -> bn -> upconv 3 k4 s2 p1", "100x2x2") == ["field-past-input"]


@pytest.mark.parametrize("code", RULES)
def test_every_rule_is_documented(code: str) -> None:
    rule = RULES[code]
    assert rule.summary.endswith((".", ":", "."))
    assert len(rule.summary) < 120
    assert rule.help.startswith(rule.summary)


def test_many_warnings_of_one_kind_are_listed_in_part() -> None:
    layers = "\n".join(f"  - s{i}: maxpool 2 ceil -> upsample 2 -> conv 1 k2 s2 p0:1" for i in range(3))
    assert not codes(f"input: 1x8x8\nlayers:\n{layers}", "field-past-input", "dropped-border")
    many = "\n".join(f"  v{i}: {i}" for i in range(50))
    found = warnings(f"input: 1x8x8\nvariables:\n{many}\nlayers: [relu]")
    assert len(found) == 20
    assert found[-1].message == "variable 'v19' is not used (and 30 more of this kind)"


def test_the_api_gives_the_warnings_of_a_network() -> None:
    (problem,) = archcalc.load("3x9x9 -> maxpool 2").warnings()
    assert (problem.code, problem.level) == ("dropped-border", "warning")
