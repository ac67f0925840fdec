"""Answer files in every form: what is read, with its place, and what happens to lines that cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import SpecError
from archcalc.grading.answers import read_answers
from archcalc.grading.submission import AnswerFile
from archcalc.spec import Limits
from archcalc.spec.errors import Source, Text


def read(name: str, text: str, **bounds: int) -> AnswerFile:
    return read_answers(Source(name, text), **bounds)  # type: ignore[arg-type]


def values(texts: Mapping[str, Text]) -> dict[str, str]:
    return {name: text.value for name, text in texts.items()}


def pairs(file: AnswerFile) -> list[tuple[str, str]]:
    return [(answer.target.value, answer.value.value) for answer in file.answers]


WANTED = [("c1.params", "156"), ("c1.shape", "6x28x28"), ("params", "61,706")]

SAME = {
    "mapping.yaml": "answers:\n  c1.params: 156\n  c1.shape: 6x28x28\n  params: 61,706\n",
    "bare.yaml": "c1.params: 156\nc1.shape: 6x28x28\nparams: 61,706\n",
    "nested.yaml": 'answers:\n  c1: {params: 156, output: 6x28x28}\n  params: "61,706"\n',
    "list.yaml": "answers:\n  - c1.params: 156\n  - c1.shape = 6x28x28\n  - params == 61,706\n",
    "rows.yaml": "- {layer: c1, quantity: Parameters, answer: 156}\n- {layer: c1, output shape: 6x28x28}\n"
    "- params: 61,706\n",
    "mapping.json": '{"answers": {"c1.params": 156, "c1.shape": [6, 28, 28], "params": "61,706"}}',
    "rows.json": '[{"layer": "c1", "params": 156, "output": [6, 28, 28]}, {"target": "params", "value": "61,706"}]',
    "long.csv": 'Layer,Quantity,Answer\nc1,# Params,156\nc1,Output shape,6x28x28\n,params,"61,706"\n',
    "unquoted.csv": "layer,quantity,answer\nc1,params,156\nc1,shape,6x28x28\n,params,61,706\n",
    "blanks.csv": 'layer, quantity, answer\nc1, params, 156\nc1, shape, 6x28x28\n, params, "61,706"\n',
    "semicolons.csv": "layer;quantity;your answer\nc1;params;156\nc1;output;6x28x28\n;params;61,706\n",
    "excel.csv": "sep=;\nlayer;quantity;answer\nc1;params;156\nc1;output;6x28x28\n;params;61,706\n",
    "tabs.tsv": "target\tanswer\nc1.params\t156\nc1.shape\t6x28x28\nparams\t61,706\n",
    "wide.csv": '# the answers of everybody\nlayer,params,output\nc1,156,6x28x28\n-,"61,706",\n',
    "long.md": "# Mine\n\n| layer | quantity | answer |\n|---|:-:|--:|\n| c1 | params | **156** |\n"
    "| `c1` | output | 6x28x28 |\n| | params | 61,706 |\n",
    "wide.md": "layer | params | output\n--- | --- | ---\nc1 | 156 | 6x28x28\n- | 61,706 | \n",
    "wide.txt": "| layer | params | output |\n|--|--|--|\n| c1 | 156 | 6x28x28 |\n| - | 61,706 | |\n",
    "long.txt": "target,answer\nc1.params,156\nc1.shape,6x28x28\nparams,61,706\n",
    "mapping.txt": "c1.params: 156\nc1.shape: 6x28x28\nparams: 61,706\n",
}


@pytest.mark.parametrize("name", list(SAME))
def test_every_form_has_the_same_content(name: str) -> None:
    assert pairs(read(name, SAME[name])) == WANTED


@pytest.mark.parametrize("name", [name for name in SAME if name.endswith((".csv", ".tsv", ".md", ".yaml"))])
def test_every_answer_has_its_place(name: str) -> None:
    lines = SAME[name].splitlines()
    for answer in read(name, SAME[name]).answers:
        line, column = answer.value.place(0)
        assert lines[line][column:].lstrip("\"'").startswith(answer.value.value)


def test_the_number_of_layers_in_a_list_is_not_the_name_of_a_layer() -> None:
    file = read("audit.yaml", "claims:\n  - layers: 15\n    erratum: 14\n  - {layers: c1, params: 156}\n")
    assert pairs(file) == [("layers", "15"), ("c1.params", "156")]


def test_a_shape_without_a_network_is_an_answer() -> None:
    assert pairs(read("x.yaml", "shape: 10\nparams: 61706\n")) == [("shape", "10"), ("params", "61706")]
    about = read("x.yaml", "network: lenet5\nshape: 1x32x32\nparams: 61706\n")
    assert (pairs(about), values(about.networks[""].shapes)) == ([("params", "61706")], {"": "1x32x32"})


def test_the_student_and_the_network() -> None:
    document = read(
        "x.yaml", "name: Ada\nnetwork: mobilenet-v1\nset: {alpha: 0.5}\nshape: 3x96x96\nlayout: hwc\nanswers: {}\n"
    )
    assert document.name == "Ada"
    network = document.networks[""]
    assert (network.spec.value, values(network.settings)) == ("mobilenet-v1", {"alpha": "0.5"})
    assert values(network.shapes) == {"": "3x96x96"}
    assert network.layout == "hwc"
    for name, text in {
        "x.md": "**Name:** Ada\nNetwork: `lenet5`\n\n|layer|macs|\n|-|-|\n|c1|1|\n",
        "x.csv": "# name: Ada\n# network: lenet5\nlayer,macs\nc1,1\n",
    }.items():
        file = read(name, text)
        assert (file.name, file.networks[""].spec.value) == ("Ada", "lenet5")


def test_several_networks_with_settings_of_their_own() -> None:
    text = "networks:\n  A: lenet5\n  B: {spec: mobilenet-v1, set: {alpha: 0.5}}\nanswers: [A.params > B.params]\n"
    file = read("x.yaml", text)
    assert {name: network.spec.value for name, network in file.networks.items()} == {"A": "lenet5", "B": "mobilenet-v1"}
    assert values(file.networks["B"].settings) == {"alpha": "0.5"}
    assert pairs(file) == [("A.params", "> B.params")]


def test_keys_of_audits() -> None:
    text = "claims:\n  a.params: {printed: 1K, erratum: 2K, because: why}\n  b: {macs: {printed: 1, convention: x+y}}\n"
    text += "  c: 3\n"
    file = read("x.yaml", text)
    assert file.audit
    first, second, third = file.answers
    assert (first.erratum and first.erratum.value, first.reason) == ("2K", "why")
    assert (second.target.value, second.convention and second.convention.value) == ("b.macs", "x+y")
    assert third.erratum is third.convention is None
    assert not read("x.yaml", "answers: {c: 3}").audit


@pytest.mark.parametrize("nothing", ["", "-", "?", "n/a", "NULL"])
def test_an_empty_text_is_not_an_answer(nothing: str) -> None:
    assert pairs(read("x.csv", f"target,answer\nc1.params,{nothing}\nmacs,5\n")) == [("c1.params", ""), ("macs", "5")]
    assert pairs(read("x.csv", f"layer,params,macs\nc1,{nothing},5\n")) == [("c1.macs", "5")]


def test_columns_and_tables_that_are_not_read_are_named() -> None:
    assert read("x.csv", "layer,kernel,params\nc1,5x5,1\n").notes == ("columns not read: kernel",)
    page = "|a|b|\n|-|-|\n|1|2|\n\n|layer|params|\n|-|-|\n|c1|1|\n"
    assert read("x.md", page).notes == ("line 1: table without a column 'layer' not read",)


@pytest.mark.parametrize(
    ("name", "text", "target", "message"),
    [
        ("x.csv", "layer,params,macs\nc1,1,506,2\n", "c1.params", "the row must have 3 cells, got 4"),
        ("x.yaml", "answers:\n  c1.params: {a: {b: 1}}\n", "c1.params.a.b", ""),
        ("x.yaml", "answers:\n  c1.shape: [[1], 2]\n", "c1.shape", "must be a value"),
        ("x.yaml", "answers: [hello]\n", "hello", "TARGET = VALUE"),
        ("x.yaml", "answers: [[1, 2]]\n", "", "must be text or a mapping, got a list"),
        ("x.json", '[{"layer": "c1"}]', "c1", "no answer"),
        ("x.json", '[{"layer": ["c1"], "params": 3}]', "", "the name of a layer must be text"),
        ("x.yaml", "answers: {c1.params: {value: 1, colour: red}}\n", "c1.params", "unknown key 'colour' in an answer"),
    ],
)
def test_a_line_that_cannot_be_read_is_an_answer_with_its_problem(
    name: str, text: str, target: str, message: str
) -> None:
    answer = read(name, text).answers[0]
    assert answer.target.value == target
    if message:
        assert answer.problem is not None
        assert message in answer.problem.message
        assert answer.problem.place()[0] == name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("x.yaml", "answers: {c1.params: 61,706}\n", "x.yaml:1:25: error[yaml]"),
        ("x.yaml", "answers: &a {b: *a}\n", "x.yaml:1:10: error[yaml]"),
        ("x.yaml", "answers:\n  c1.params: 1\n  c1.params: 2\n", "x.yaml:3:3: error[duplicate]"),
        ("x.yaml", "answer: {c1: 1}\nanswers: {c2: 3}\n", "x.yaml:1:1: error[unknown-key]"),
        ("x.yaml", "network: a\nnetworks: {A: b}\n", "x.yaml:2:"),
        ("x.yaml", "networks: {A: {set: {a: 1}}}\n", "x.yaml:1:15: error[missing]"),
        ("x.yaml", "network: a\nlayout: cwh\n", "x.yaml:2:9: error[argument]"),
        ("x.yaml", "just words\n", "x.yaml: error[answers]"),
        ("x.yaml", "", "x.yaml: error[answers]: the file is empty"),
        ("x.json", '{"answers": {"c1.params": 156', "x.json:1:"),
        ("x.csv", 'layer,params\n"c1,156\n', "x.csv:2:1: error[answers]: a quoted cell"),
        ("x.csv", "name,mark\nAda,3\n", "x.csv:1:1: error[answers]: the columns are not those"),
        ("x.csv", "# nothing\n", "x.csv: error[answers]"),
        ("x.md", "no table here\n", "x.md: error[answers]: the page has no table"),
        ("x.yaml", "a: " + "[" * 100_000, "x.yaml:1:"),
        ("x.csv", "layer,params\n" + "c1,1\n" * 20_000, "x.csv: error[limit]: more than 10,000 answers"),
        ("x.md", "|layer|params|\n|-|-|\n" + "|c1|1|\n" * 20_000, "x.md: error[limit]"),
        ("x.json", json.dumps([{"target": "a", "answer": 1}] * 20_000), "x.json: error[limit]"),
        ("x.csv", "layer,params\nc1," + "1" * 200_000 + "\n", "x.csv:2:1: error[answers]"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_located_message(name: str, text: str, place: str) -> None:
    with pytest.raises(SpecError) as caught:
        read(name, text)
    assert str(caught.value).startswith(place)


def test_the_bound_on_answers_can_be_raised() -> None:
    text = "target,answer\n" + "".join(f"c{index},1\n" for index in range(12_000))
    assert len(read("x.csv", text, max_answers=12_000).answers) == 12_000
    with pytest.raises(SpecError, match="more than 11,999"):
        read("x.csv", text, max_answers=11_999)


WRITERS: dict[str, Callable[[list[tuple[str, str]]], str]] = {
    "x.json": lambda rows: json.dumps({"answers": [{"target": target, "answer": value} for target, value in rows]}),
    "x.csv": lambda rows: "target,answer\n" + "".join(f'{target},"{value}"\n' for target, value in rows),
    "x.md": lambda rows: "|target|answer|\n|-|-|\n" + "".join(f"|{target}|{value}|\n" for target, value in rows),
}
TARGETS = st.from_regex(r"[a-z][a-z0-9_]{0,8}\.(params|macs|shape)", fullmatch=True)
VALUES = st.from_regex(r"[1-9][0-9,.xKM ]{0,12}[0-9KM]", fullmatch=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(WRITERS))
@given(rows=st.lists(st.tuples(TARGETS, VALUES), min_size=1, max_size=8))
def test_no_written_answer_is_lost(name: str, rows: list[tuple[str, str]]) -> None:
    assert pairs(read(name, WRITERS[name](rows))) == rows


@pytest.mark.parametrize("name", ["x.yaml", "x.json", "x.csv", "x.md", "x.txt"])
@given(text=st.text(st.sampled_from('ab1:,;|-{}[]"\n #&*!?\t='), max_size=60))
def test_any_text_is_read_or_refused_with_a_place(name: str, text: str) -> None:
    refused = None
    try:
        file = read_answers(Source(name, text), limits=Limits(nesting=20))
    except SpecError as error:
        refused = str(error)
    if refused is not None:
        assert refused.startswith(name)
        return
    for answer in file.answers:
        answer.value.place(0)
        answer.target.place(0)
