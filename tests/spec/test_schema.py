"""The published JSON Schema of spec files: valid files pass, typical mistakes do not."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings

from archcalc.lint import RULES
from archcalc.query.quantities import MEASURED
from archcalc.spec.read import KEYS
from archcalc.spec.zoo import bundled, bundled_folder
from tests.pages import examples
from tests.random_networks import networks
from tests.spec import test_examples

SCHEMA: dict[str, Any] = json.loads(files("archcalc.spec").joinpath("spec.schema.json").read_text(encoding="utf-8"))
VALID = jsonschema.Draft7Validator(SCHEMA)
EXAMPLES = [pytest.param(example.text, id=example.id) for example in examples("yaml") if "layers:" in example.text]


def as_editors_read(text: str) -> Any:
    """Return the content of YAML as editors read it: with numbers and booleans as values, and texts as keys."""
    return with_texts_as_keys(yaml.safe_load(text))


def with_texts_as_keys(content: Any) -> Any:
    if isinstance(content, dict):
        return {str(key): with_texts_as_keys(value) for key, value in content.items()}
    return [with_texts_as_keys(item) for item in content] if isinstance(content, list) else content


@pytest.mark.parametrize("name", bundled())
def test_every_bundled_spec_passes(name: str) -> None:
    VALID.validate(as_editors_read((bundled_folder() / f"{name}.yaml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_spec_of_the_documentation_passes(text: str) -> None:
    VALID.validate(as_editors_read(text))


@pytest.mark.parametrize("text", [test_examples.LENET5, test_examples.RESNET50, test_examples.REST])
def test_typical_specs_pass(text: str) -> None:
    VALID.validate(as_editors_read(text))


@pytest.mark.slow
@settings(max_examples=40)
@given(networks())
def test_random_specs_pass(text: str) -> None:
    VALID.validate(as_editors_read(text))


@pytest.mark.parametrize(
    "text",
    [
        "layers: [relu]",
        "input: 3x8x8",
        "input: 3x8x8\ninputs: {a: 3}\nlayers: [relu]",
        "input: 3x8x8\nlayer: [relu]\nlayers: [relu]",
        "input: [3, 8, 8]\nlayers: [relu]",
        "input: 3*8*8\nlayers: [relu]",
        "input: 3x8x8\nlayers: []",
        "input: 3x8x8\nlayers: [{a: relu, b: relu}]",
        "input: 3x8x8\nlayers: [{a b: relu}]",
        "input: 3x8x8\nlayers: [a: [{b: relu, c: relu}]]",
        "input: 3x8x8\nlayers: [a: ]",
        "input: 3x8x8\nlayers: [relu]\nlayout: nchw",
        "input: 3x8x8\nlayers: [relu]\nexpect: {parameters: 3}",
        "input: 3x8x8\nlayers: [relu]\nexpect: [params]",
        "input: 3x8x8\nlayers: [relu]\nheads: ['@a -> relu']",
        "input: 3x8x8\nlayers: [relu]\nignore: unused-blocks",
        "input: 3x8x8\nlayers: [relu]\nvariables: [a]",
        "input: 3x8x8\nlayers: [relu]\ntables: {t: 'X-X'}",
        "input: 3x8x8\nlayers: [relu]\nblocks: {'f c': relu}",
        "[relu]",
    ],
)
def test_typical_mistakes_do_not_pass(text: str) -> None:
    assert not VALID.is_valid(as_editors_read(text))


def test_the_schema_knows_what_the_language_knows() -> None:
    assert tuple(SCHEMA["properties"]) == KEYS
    assert set(SCHEMA["definitions"]["code"]["enum"]) == RULES.keys()
    for quantity in MEASURED:
        document = {"input": "3x8x8", "layers": ["relu"], "expect": {quantity: 1, f"a/b_1.{quantity}": "at most 5M"}}
        VALID.validate(document)


def test_every_section_is_described() -> None:
    for name, section in SCHEMA["properties"].items():
        target = section if "description" in section else SCHEMA["definitions"][section["$ref"].rpartition("/")[2]]
        assert target["description"], name
