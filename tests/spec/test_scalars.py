"""YAML without surprises: scalars are text, keys are unique, and text that YAML would convert is an error."""

from __future__ import annotations

import pytest

from tests.spec.reading import graph, marked, names, problem, problems, shapes


@pytest.mark.parametrize(
    "name",
    ["no", "on", "off", "yes", "y", "n", "null", "true", "False", "012", "1e3", "0x1F", "1_000", "3a", "_", "2001"],
)
def test_names_are_what_is_written(name: str) -> None:
    network = graph(f"input: 3x8x8\nlayers:\n  - {name}: conv 4 k1 -> relu\nheads: {{h: '@{name} -> tanh'}}\n")
    assert names(network) == [f"{name}/conv", f"{name}/relu", "h"]


@pytest.mark.parametrize("name", ["3.10", "~", "a b", "a-b", "a/b", "é", "''", "1:2", "-1"])
def test_names_are_letters_digits_and_underscores(name: str) -> None:
    found = problem(f"input: 3x8x8\nlayers:\n  - {name}: relu\n")
    assert (found.code, found.place()) == ("name", ("net.yaml", 3, 5))


@pytest.mark.parametrize(
    ("written", "channels"),
    [
        ("012", 12),
        ("1e1", 10),
        ("3.0", 3),
        ("0x10", None),
        ("1_000", None),
        ("~", None),
        ("null", None),
        ("no", None),
        ("true", None),
    ],
)
def test_numbers_are_what_is_written(written: str, channels: int | None) -> None:
    text = f"input: 3x8x8\nvariables: {{w: {written}}}\nlayers: conv w k1\n"
    if channels is None:
        assert len(problems(text)) == 1
    else:
        assert shapes(graph(text)) == [f"{channels}x8x8"]


def test_no_and_on_are_names_of_variables_and_inputs() -> None:
    text = (
        "inputs: {on: 3x8x8, null: 1x8x8}\nvariables: {no: 4, y: no+1}\nlayers: conv no+y k1 -> add(identity, @null)\n"
    )
    assert shapes(graph(text)) == ["9x8x8", "9x8x8"]


@pytest.mark.parametrize(
    "written",
    [
        "conv 4 k1 -> relu",
        "'conv 4 k1 -> relu'",
        '"conv 4 k1 -> relu"',
        "|\n      conv 4 k1 ->\n      relu",
        ">-\n      conv 4 k1\n\n      -> relu",
        '"conv 4 k1 \\u2192 relu"',
        "conv 4 k1\n      -> relu",
        '"conv 4 k1 \\\n      -> relu"',
    ],
)
def test_every_yaml_style_holds_an_expression(written: str) -> None:
    assert names(graph(f"input: 3x8x8\nlayers:\n  - a: {written}\n")) == ["a/conv", "a/relu"]


@pytest.mark.parametrize(
    ("text", "twice"),
    [
        ("input: 3x8x8\ninput: 3x9x9\nlayers: relu\n", (2, 1)),
        ("input: 3x8x8\nlayers: {a: relu, a: tanh}\n", (2, 19)),
        ("input: 3x8x8\nvariables: {a: 1, b: 1, a: 2}\nlayers: relu\n", (2, 25)),
        ("input: 3x8x8\nlayers: relu\nexpect: {params: 1, params: 1}\n", (3, 21)),
    ],
)
def test_duplicate_keys_are_errors(text: str, twice: tuple[int, int]) -> None:
    found = problem(text)
    assert (found.code, found.place()[1:]) == ("duplicate", twice)
    assert "duplicate key" in found.message


def test_the_comma_of_a_number_in_a_flow_mapping_is_an_error() -> None:
    found = problems("input: 3x8x8\nlayers: relu\nexpect: {params: 31,030,658}\n")
    assert [(p.place()[1:], p.message) for p in found] == [
        ((3, 21), "'030' has no value"),
        ((3, 25), "'658' has no value"),
    ]
    assert "put quotes around a value that contains one" in found[0].hint


@pytest.mark.parametrize(
    ("written", "column"),
    [
        ("[conv 4 k1 -> relu]*2", 27),
        ("@input -> relu", 8),
        ("%a", 8),
        ("*a -> relu", 8),
        ("&a relu", 8),
        ("!conv 4 k1", 8),
        ("! conv", 8),
        ("'conv' 4 k1", 15),
        ('"conv" 4 k1', 15),
        ("{conv: 1} -> relu", 18),
        ("> relu -> tanh", 10),
        ("`relu`", 8),
        ("relu: tanh", 12),
    ],
)
def test_texts_that_yaml_would_convert_are_shown_with_quotes(written: str, column: int) -> None:
    found = problem(f"input: 3x8x8\nlayers:\n  - a: {written}\n  - b: relu\n")
    assert (found.code, found.place()) == ("yaml", ("net.yaml", 3, column))
    assert "quotes" in found.hint


@pytest.mark.parametrize("second", ["   - b: relu", "  - b: relu", "b: relu"])
def test_wrong_indentation_is_answered_with_how_to_indent(second: str) -> None:
    found = problem(f"input: 3x8x8\nlayers:\n - a: relu\n  {second}\n")
    assert found.code in ("yaml", "syntax") or "mapping values" in found.message
    assert found.place()[1] in (3, 4)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a: &x [1]\nb: *x\n", "starts a YAML anchor"),
        ("a: !!python/object:os.system [1]\n", "starts a YAML tag"),
        ("input: 3x8x8\n---\nlayers: relu\n", "only one YAML document"),
        ("input: 3x8x8\n\tlayers: relu\n", "tab"),
        ("input: 3x8x8\n layers: relu\n", "YAML reads the ': ' in this value as a mapping"),
        ("- input: 3x8x8\n", "a spec must be a mapping"),
        ("just a text\n", "a spec must be a mapping"),
        ("[1]: 2\n", "a key must be text"),
        ("? {a: 1}\n: 2\n", "a key must be text"),
        ("input: '3x8x8\nlayers: relu\n", "the closing quote is missing"),
    ],
)  # fmt: skip
def test_other_features_of_yaml_are_refused(text: str, what: str) -> None:
    found = problems(text)[0]
    assert what in found.message
    assert found.place()[0] == "net.yaml"
    assert found.place()[1] is not None


@pytest.mark.parametrize("text", ["", "  \n\n", "# only a comment\n", "---\n", "''\n"])
def test_an_empty_file_is_an_error(text: str) -> None:
    found = problem(text)
    assert (found.code, found.message, found.place()) == ("yaml", "the file is empty", ("net.yaml", None, None))


def test_comments_and_a_document_start_are_allowed() -> None:
    assert names(graph("# top\n---\ninput: 3x8x8 # in\nlayers: # here\n  - a: relu # ReLU\n  # end\n...\n")) == ["a"]


def test_json_is_yaml() -> None:
    assert names(graph('{"input": "3x8x8", "layers": [{"a": "conv 4 k1 -> relu"}, "tanh"]}')) == [
        "a/conv",
        "a/relu",
        "tanh_1",
    ]


@pytest.mark.parametrize("section", ["variables", "blocks", "tables", "heads", "training_heads", "expect"])
def test_an_empty_section_equals_a_missing_one(section: str) -> None:
    assert names(graph(f"input: 3x8x8\nlayers: relu\n{section}:\n")) == ["relu_1"]
    assert names(graph(f"input: 3x8x8\nlayers: relu\n{section}: {{}}\n")) == ["relu_1"]


@pytest.mark.parametrize("section", ["variables", "blocks", "tables", "heads", "training_heads", "expect", "inputs"])
@pytest.mark.parametrize("content", ["[a]", "a", "- a"])
def test_a_section_that_is_not_a_mapping_is_an_error(section: str, content: str) -> None:
    head = "" if section == "inputs" else "input: 3x8x8\n"
    found = problems(f"{head}layers: relu\n{section}:\n  {content}\n")[0]
    kind = "text" if content == "a" else "a list"
    assert found.message == f"'{section}:' must be a mapping, got {kind}"
    assert found.place()[1] == (3 if section == "inputs" else 4)


@pytest.mark.parametrize("key", ["name", "input", "layout"])
def test_a_text_that_is_a_list_is_an_error(key: str) -> None:
    text = {"name": "n", "input": "3x8x8", "layout": "chw"} | {key: "[1]"}
    found = problem("".join(f"{k}: {v}\n" for k, v in text.items()) + "layers: relu\n")
    assert "must be text, got a list" in found.message


def test_wrong_entries_of_sections_are_marked() -> None:
    found = problems(
        "input: 3x8x8\nvariables: {a: [1]}\nblocks: {b: {c: d}}\ntables: {t: [X]}\nlayers: relu\nexpect: {p: [1]}\n"
    )
    assert [p.place()[1] for p in found] == [2, 4, 6, 3]


def test_an_unknown_key_is_an_error_with_a_suggestion() -> None:
    found = problem("input: 3x8x8\nlayer: tanh\nlayers: relu\n")
    assert (found.code, found.hint, marked(found)) == ("unknown-key", "did you mean 'layers'?", "layer")


def test_missing_keys_are_errors_with_an_example() -> None:
    found = problems("name: x\n")
    assert [p.message for p in found] == ["a spec needs 'input:' (or 'inputs:' for several)", "a spec needs 'layers:'"]
    assert all("conv 6 k5" in p.hint for p in found)


def test_the_errors_of_all_sections_come_in_one_run() -> None:
    text = """
        nome: x
        layout: whc
        variables: {a: 1/0}
        input: 3xb
        blocks: {relu: tanh}
        tables: {t: "X. / ."}
        layers: [conv 4, a b: relu, maxpol 2]
        heads: [relu]
        expect: {params: []}
    """
    assert [p.place()[1] for p in problems(text)] == [1, 2, 3, 4, 6, 5, 7, 8, 9, 7, 7]
