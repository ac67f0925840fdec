"""Variants: SPEC:VARIANT, their variables, inputs, expectations and further names."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

import archcalc
from archcalc.spec import GivenSettings, SpecError, load_spec, locate
from archcalc.spec.limits import DEFAULT
from archcalc.validation.examine import Options, ValidationResult, ValidationTask, examine
from archcalc.validation.paths import FoundSpec, find_specs
from tests.spec.reading import marked, problem, problems

TEXT = """
    name: Net
    input: 3x(r)x(r)
    variables: {r: 8, dim: 4, mlp: 4*dim, act: relu}
    variants:
      small: {alias: net_s, dim: 2, expect: {params: 22}}
      wide: {dim: 10, r: 6, act: tanh, name: Wide Net, expect: {params: 400, out.shape: 40x6x6}}
      flat: {input: 3x5x7, ignore: unused-block}
      own: {mlp: 9}
    layers:
      - out: conv dim k1 nobias -> act -> conv mlp k1 nobias
    expect:
      params: 76
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    file = tmp_path / "net.yaml"
    file.write_text(dedent(TEXT))
    return str(file)


def loaded(path: str, variant: str, **given: object) -> archcalc.Network:
    return archcalc.load(f"{path}:{variant}" if variant else path, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("variant", "name", "shape", "variables"),
    [
        ("", "Net", (16, 8, 8), {"r": 8, "dim": 4, "mlp": 16, "act": "relu"}),
        ("small", "Net small", (8, 8, 8), {"r": 8, "dim": 2, "mlp": 8, "act": "relu"}),
        ("wide", "Wide Net", (40, 6, 6), {"r": 6, "dim": 10, "mlp": 40, "act": "tanh"}),
        ("flat", "Net flat", (16, 5, 7), {"r": 8, "dim": 4, "mlp": 16, "act": "relu"}),
        ("own", "Net own", (9, 8, 8), {"r": 8, "dim": 4, "mlp": 9, "act": "relu"}),
    ],
)
def test_values_of_a_variant_replace_those_of_the_file_in_its_order(
    path: str, variant: str, name: str, shape: tuple[int, ...], variables: dict[str, object]
) -> None:
    graph = loaded(path, variant).graph
    assert graph.name == name
    assert graph.nodes[-1].output == shape
    assert graph.variables == variables


def test_values_from_outside_replace_both(path: str) -> None:
    assert loaded(path, "small", set={"dim": 5}).graph.nodes[-1].output == (20, 8, 8)
    assert loaded(path, "flat", shapes={"": "3x2x2"}).graph.nodes[-1].output == (16, 2, 2)


def test_expectations_are_those_of_the_variant(path: str) -> None:
    def expected(variant: str) -> list[str]:
        return [f"{each.target.value}: {each.value.value}" for each in loaded(path, variant).spec.expectations]

    assert expected("") == ["params: 76"]
    assert expected("wide") == ["params: 400", "out.shape: 40x6x6"]
    assert expected("flat") == []


def result(text: str, tmp_path: Path) -> ValidationResult:
    file = tmp_path / "net.yaml"
    file.write_text(dedent(text))
    return examine(Options(), ValidationTask(FoundSpec("net.yaml", str(file))))


def test_validation_checks_all_variants(tmp_path: Path) -> None:
    validated = result(TEXT, tmp_path)
    assert (validated.status, validated.expectations) == (1, 4)
    (failed,) = validated.findings
    assert "params" in failed.message
    assert failed.content.strip().startswith("wide:")


def test_an_impossible_variant_is_an_error_that_names_it(tmp_path: Path) -> None:
    found = result(TEXT.replace("own: {mlp: 9}", "own: {act: flatten}"), tmp_path)
    assert found.status == 2
    assert any("(in variant own)" in each.message for each in found.findings)


@pytest.mark.parametrize(
    ("entry", "code", "what", "at"),
    [
        ("x: {dimm: 3}", "unknown-name", "no variable 'dimm', which a variant could set", "dimm"),
        ("a-b: {dim: 3}", "name", "the name of a variant must consist of", "a-b"),
        ("x: 3", "yaml", "variant 'x' must be a mapping, got text", "3"),
        ("x: {input: 3x8x8, inputs: {a: 3x8x8}}", "duplicate", "either 'input:' or 'inputs:', not both", "x"),
        ("x: {dim: [3]}", "yaml", "'dim' must be text, got a list", "["),
        ("x: {alias: net_s}", "duplicate", "two variants are called 'net_s'", "net_s"),
    ],
)
def test_wrong_variants_are_located_errors(entry: str, code: str, what: str, at: str) -> None:
    found = problem(TEXT.replace("own: {mlp: 9}", entry))
    assert found.code == code
    assert what in found.message
    assert marked(found) == at


def test_keys_of_variants_are_not_variables() -> None:
    found = problems(TEXT.replace("act: relu", "act: relu, alias: 3"))
    assert "no variable can be called 'alias'" in found[0].message


def test_an_unknown_variant_lists_the_known_ones(path: str) -> None:
    with pytest.raises(SpecError) as raised:
        load_spec(f"{path}:large")
    (found,) = raised.value.problems
    assert found.message == "no variant 'large'"
    assert found.hint == "the variants are small, wide, flat, own"
    with pytest.raises(SpecError) as raised:
        load_spec(f"{path}:smal")
    assert raised.value.problems[0].hint == "did you mean 'small'? the variants are small, wide, flat, own"
    with pytest.raises(SpecError) as raised:
        load_spec("lenet5:b")
    assert raised.value.problems[0].hint == "this spec has no variants"


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("lenet5:b_16", ("lenet5", "b_16")),
        ("a/vit.yaml:b_16", ("a/vit.yaml", "b_16")),
        ("C:\\my nets\\vit.yaml:b_16", ("C:\\my nets\\vit.yaml", "b_16")),
        ("vit.JSON:x", ("vit.JSON", "x")),
        ("C:vit.yaml", ("C:vit.yaml", "")),
        ("torchvision.models:resnet50", ("torchvision.models:resnet50", "")),
        ("lenet5:b-16", ("lenet5:b-16", "")),
        ("lenet5", ("lenet5", "")),
    ],
)
def test_the_variant_follows_the_last_colon(spec: str, parts: tuple[str, str]) -> None:
    assert locate.split_variant(spec) == parts


def test_a_path_with_blanks_and_a_variant_is_not_an_inline_expression() -> None:
    assert not locate.is_inline("my nets/vit.yaml:b_16")
    assert locate.is_inline("3x8x8 -> conv 3 k1:1")


def test_a_variant_may_have_several_aliases(path: str) -> None:
    text = Path(path).read_text().replace("alias: net_s", "alias: [net_s, net-small.v1]")
    Path(path).write_text(text)
    assert load_spec(f"{path}:small").about.aliases == ("net_s", "net-small.v1")
    assert load_spec(path).about.aliases == ()


def test_a_variant_can_be_validated_separately(path: str) -> None:
    (found,) = find_specs([f"{path}:wide"], DEFAULT)
    assert found.name == f"{path}:wide"
    assert examine(Options(), ValidationTask(found)).expectations == 2


def test_numbers_of_other_kinds_replace_those_of_a_variant(path: str) -> None:
    assert load_spec(f"{path}:wide", GivenSettings(numbers={"dim": 3})).graph.nodes[-1].output == (12, 6, 6)
