"""Inputs, shapes, layouts, tables, heads and expectations."""

from __future__ import annotations

from textwrap import dedent

import pytest

from archcalc.analysis.propagate import analyze
from archcalc.claims import judge_expectations
from archcalc.query.targets import resolve
from archcalc.spec import Source, SpecError, read_spec
from tests.spec.reading import chain, graph, marked, names, problem, problems, readers, shapes


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("3x224x224", (3, 224, 224)),
        ("3×224×224", (3, 224, 224)),
        ("784", (784,)),
        ("16x1000", (16, 1000)),
        ("3x16x112x112", (3, 16, 112, 112)),
        ("2x3x4x5x6", (2, 3, 4, 5, 6)),
        ("3x(224*6/7)x(2**5)", (3, 192, 32)),
        ("(1+2)x8", (3, 8)),
        ("1e1x8", (10, 8)),
    ],
)
def test_shapes_have_any_rank_and_exact_sizes(shape: str, expected: tuple[int, ...]) -> None:
    assert graph(f"input: {shape}\nlayers: identity\n").inputs == {"input": expected}
    assert chain("identity", shape).inputs == {"input": expected}


@pytest.mark.parametrize(
    ("shape", "what"),
    [
        ("3x0x8", "the sizes of the input must be positive, got 0"),
        ("(-3)x8", "the sizes of the input must be positive, got -3"),
        ("3x2.5", "must be an integer, got 5/2"),
        ("3:4", "must be a shape such as 3x224x224"),
        ("3xw", "no variable or parameter 'w'"),
        ("relu", "no variable or parameter 'relu'"),
        ("3x", "expected the end of the value"),
        ("3x8x8 ->", "expected the end of the value"),
        ("3 x 8", "the sizes of a shape must be joined by 'x'"),
        ("", "but the text ends here"),
        ("x".join("1" * 17), "the input has 17 axes; the limit is 16"),
        ("(10**60)x(10**60)", "the number of elements of the input has more than 100 digits"),
    ],
)
def test_wrong_shapes_are_errors(shape: str, what: str) -> None:
    found = problem(f"input: {shape}\nlayers: identity\n")
    assert what in found.message
    assert found.place()[:2] == ("net.yaml", 1)


def test_convolutions_and_pools_work_on_any_number_of_axes() -> None:
    for rank in (1, 2, 3, 4):
        network = chain("conv 4 k3 half -> maxpool 2 -> bn -> gap -> fc 10", "x".join(["3"] + ["8"] * rank))
        assert shapes(network)[1] == "x".join(["4"] + ["4"] * rank)
        assert shapes(network)[-1] == "10"


def test_the_chain_starts_at_the_first_of_several_inputs() -> None:
    network = graph("inputs: {b: 3x8x8, a: 1x8x8}\nlayers: relu -> concat(@a, identity)\n")
    assert readers(network, "relu_1") == ["b"]
    assert readers(network, "concat_1") == ["a", "relu_1"]
    assert list(network.inputs) == ["b", "a"]


def test_input_or_inputs_but_not_both() -> None:
    found = problem("input: 3x8x8\ninputs: {a: 3x8x8}\nlayers: relu\n")
    assert (found.code, found.place()[1]) == ("duplicate", 2)
    assert problem("inputs: {}\nlayers: relu\n").message == "'inputs:' is empty"


def test_shapes_given_from_outside_replace_those_of_the_spec() -> None:
    text = "inputs: {a: 3x8x8, b: 1x8x8}\nlayers: concat(identity, @b)\n"
    assert shapes(graph(text, shapes={"": "5x8x8"})) == ["6x8x8"]
    assert shapes(graph(text, shapes={"b": "7x8x8"})) == ["10x8x8"]
    assert shapes(graph(text, shapes={"a": "3x9x9", "b": "7x(3*3)x9"})) == ["10x9x9"]
    assert shapes(chain("conv 4 k1", shapes={"input": "2x5x5"})) == ["4x5x5"]


@pytest.mark.parametrize(
    ("given", "place", "what"),
    [
        ({"c": "3x8x8"}, ("--shape c", None, None), "no input 'c'"),
        ({"a": "3x8x"}, ("--shape a", 1, 4), "expected the end of the value"),
        ({"": "3xw"}, ("--shape", 1, 3), "--shape must consist of numbers, got the name 'w'"),
        ({"": "0x8x8"}, ("--shape", 1, 1), "must be positive"),
        ({"": ""}, ("--shape", 1, 1), "the text ends here"),
    ],
)
def test_wrong_shapes_from_outside_are_shown_where_they_were_written(
    given: dict[str, str], place: tuple[str, int | None, int | None], what: str
) -> None:
    found = problem("inputs: {a: 3x8x8, b: 1x8x8}\nlayers: concat(identity, @b)\n", shapes=given)
    assert found.place() == place
    assert what in found.message


def test_layout_hwc_changes_how_shapes_are_written_and_nothing_else() -> None:
    text = "layout: hwc\ninputs: {a: 32x30x3, b: 32x30x1, v: 7}\nlayers: concat(identity, @b) -> slice 1:3 axis=1\n"
    network = graph(text)
    assert network.layout == "hwc"
    assert network.inputs == {"a": (3, 32, 30), "b": (1, 32, 30), "v": (7,)}
    assert network.nodes[-1].output == (4, 2, 30)
    assert graph(text, shapes={"b": "32x30x5"}).nodes[-1].output == (8, 2, 30)


def test_shapes_in_messages_follow_the_layout() -> None:
    text = "layout: hwc\ninput: 9x8x3\nlayers: conv 4 k1 -> conv 4 k9\n"
    assert problem(text).message.startswith("conv on 9x8x4: ")
    assert problem(text.replace("layout: hwc\n", "")).message.startswith("conv on 4x8x3: ")


@pytest.mark.parametrize("layout", ["whc", "HWC", "nchw", "''", "3"])
def test_an_unknown_layout_is_an_error(layout: str) -> None:
    found = problem(f"input: 3x8x8\nlayout: {layout}\nlayers: relu\n")
    assert (found.code, found.place()[1:]) == ("argument", (2, 9))
    assert "chw" in found.hint


TABLE = "input: 3x8x8\ntables: {{t: '{}'}}\nlayers: conv {} k3 table=t\n"


def test_a_connection_table_says_which_map_feeds_which() -> None:
    network = graph(TABLE.format("X..X / .XX. / X.X.", 4))
    assert network.nodes[1].op.table == (  # type: ignore[attr-defined]
        (True, False, False, True),
        (False, True, True, False),
        (True, False, True, False),
    )
    weights = network.nodes[1].op.weights(((3, 8, 8),))
    assert [weight.shape for weight in weights] == [(6, 3, 3), (4,)]


def test_a_table_may_be_a_block_of_lines() -> None:
    text = "input: 2x8x8\ntables:\n  t: |\n    X.X /\n    XX.\nlayers: conv 3 k3 table=t\n"
    assert graph(text).nodes[1].op.table == ((True, False, True), (True, True, False))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("table", "channels", "what"),
    [
        ("X.. / .Y. / X.X", 3, "must consist of X, . and /"),
        ("X..X / .XX", 4, "the rows of a table must have the same length, got 4, 3"),
        ("X. / X. / X.", 2, "no input map is connected to output map 2"),
        ("", 2, "must consist of X, . and /"),
        ("XX / / XX", 2, "must consist of X, . and /"),
        ("XX / XX", 2, "the connection table must have one row per input map (3), got 2"),
        ("XX / XX / XX", 3, "the connection table must have one column per output map (3), got 2"),
    ],
)
def test_wrong_tables_are_errors(table: str, channels: int, what: str) -> None:
    assert what in problem(TABLE.format(table, channels).replace("''", "' '")).message


def test_an_unknown_table_is_an_error_with_a_suggestion() -> None:
    found = problem("input: 1x8x8\ntables: {c3_table: X}\nlayers: conv 1 k3 table=c3_tabel\n")
    assert (found.code, found.hint, marked(found)) == ("unknown-name", "did you mean 'c3_table'?", "table=c3_tabel")


HEADS = """
input: 3x8x8
layers:
  - a: conv 4 k1
  - b: conv 5 k1
heads:
  first: fc 2
  second: "@a -> fc 3"
  third: "@first -> fc 4"
training_heads:
  aux: "@a -> fc 5 -> softmax"
"""


def test_heads_start_at_the_main_output_or_where_they_say() -> None:
    network = graph(HEADS)
    assert [readers(network, name) for name in ("first", "second", "third")] == [["b"], ["a"], ["first"]]
    assert list(network.outputs) == ["b", "first", "second", "third"]
    assert list(network.training_outputs) == ["aux"]
    assert {node.name: (node.head, node.training) for _, node in network.layers()} == {
        "a": (None, False),
        "b": (None, False),
        "first": ("first", False),
        "second": ("second", False),
        "third": ("third", False),
        "aux/fc": ("aux", True),
        "aux/softmax": ("aux", True),
    }


TRAINED = """
    input: 3x8x8
    layers: [a: conv 4 k3, out: gap -> fc 3]
    training_heads: {aux: "@a -> gap -> fc 3"}
    expect: {EXPECT}
"""


@pytest.mark.parametrize("quantity", ["params", "trainable", "macs", "flops", "activations", "memory", "layers"])
def test_expectations_state_totals_of_training(quantity: str) -> None:
    with_heads = read_spec(Source("net.yaml", dedent(TRAINED).replace("training_heads", "heads").replace("EXPECT", "")))
    total = resolve(quantity, analyze(with_heads.graph)).values[0]
    text = dedent(TRAINED).replace("EXPECT", f"training.{quantity}: {total}, {quantity}: below {total}")
    spec = read_spec(Source("net.yaml", text))
    assert all(each.holds for each in judge_expectations(spec, analyze(spec.graph)))


def test_totals_of_training_need_possible_heads() -> None:
    text = dedent(TRAINED).replace("gap -> fc 3}", "avgpool 9}").replace("@a -> gap", "@a -> maxpool 9")
    spec = read_spec(Source("net.yaml", text.replace("EXPECT", "training.params: 3")))
    with pytest.raises(SpecError, match="the training head 'aux' is impossible on this input"):
        judge_expectations(spec, analyze(spec.graph))


def test_a_stage_called_training_is_a_stage() -> None:
    graph = read_spec(Source("net.yaml", "input: 3x8x8\nlayers: [training: conv 4 k3, fc 3]\n")).graph
    assert resolve("training.params", analyze(graph)).values == (112,)


def test_training_heads_count_only_when_asked_for() -> None:
    from archcalc.analysis.propagate import analyze

    network = graph(HEADS)
    assert analyze(network, training=True).totals.params - analyze(network).totals.params == 256 * 5 + 5
    assert [layer.name for layer in analyze(network).layers] == names(network)


def test_the_main_path_cannot_refer_to_a_head() -> None:
    found = problem(HEADS.replace("- b: conv 5 k1", '- b: "@first -> conv 5 k1"'))
    assert "'@first' refers to a later stage" in found.message


def test_expectations_are_kept_as_written() -> None:
    text = "input: 3x8x8\nlayers:\n  - a: relu\nexpect:\n  a.shape: 3x8x8\n  params: 0\n  macs: at most 500K\n"
    spec = read_spec(Source("net.yaml", text))
    assert [(e.target.value, e.value.value) for e in spec.expectations] == [
        *(("a.shape", "3x8x8"), ("params", "0"), ("macs", "at most 500K")),
    ]
    assert spec.expectations[2].value.place(3) == (6, 11)


def test_sections_may_come_in_any_order() -> None:
    text = "expect: {params: 21}\nlayers: b(w)\nblocks: {b(c): conv c k1}\ninput: (w)x8x8\nvariables: {w: 3}\n"
    assert shapes(graph(text)) == ["3x8x8"]


def test_a_wrong_input_does_not_hide_wrong_layers() -> None:
    assert [p.place()[1] for p in problems("input: 3x0\nlayers: rleu -> conv 3\n")] == [1, 2, 2]


def test_layout_hwc_is_how_shapes_are_written_in_layers_and_errors_too() -> None:
    text = "layout: hwc\ninput: 32x32x3\nlayers:\n  - a: conv 6 k5\n  - r: reshape {}\n"
    assert graph(text.format("14x14x24")).nodes[-1].output == (24, 14, 14)
    message = problem(text.format("60x60x6")).message
    assert "reshape on 28x28x6" in message
    assert "28x28x6 (4704 numbers) to 60x60x6" in message


def test_all_wrong_references_are_reported_in_one_run() -> None:
    text = """
        input: 3x8x8
        layers:
          - b: add(@zz, identity)
          - c: add(@d, identity)
          - d: relu
        heads: {e: "@nope -> relu"}
        """
    assert [found.message for found in problems(text)] == [
        "no input or earlier stage 'zz'",
        "'@d' refers to a later stage",
        "no input or earlier stage 'nope'",
    ]
