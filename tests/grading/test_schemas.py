"""The published schemas of answer files and keys: they accept what the readers accept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import archcalc
from archcalc import SpecError
from archcalc.grading.answers import read_answers
from archcalc.grading.key import PARTIAL, read_key
from archcalc.spec.errors import Source

ROOT = Path(__file__).resolve().parent.parent.parent
GRADING = Path(archcalc.__file__).parent / "grading"
ANSWERS: dict[str, Any] = json.loads((GRADING / "answers.schema.json").read_text(encoding="utf-8"))
KEY: dict[str, Any] = json.loads((GRADING / "key.schema.json").read_text(encoding="utf-8"))
EXAMPLES = sorted(path for path in (ROOT / "examples").rglob("*.yaml") if path.stem != "mallory")  # a broken file


@pytest.mark.parametrize("schema", [ANSWERS, KEY], ids=["answers", "key"])
def test_the_schemas_are_schemas(schema: dict[str, Any]) -> None:
    jsonschema.Draft7Validator.check_schema(schema)


def fits(text: str, schema: dict[str, Any]) -> bool:
    return jsonschema.Draft7Validator(schema).is_valid(yaml.safe_load(text))


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_every_example_fits(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert fits(text, KEY if path.stem == "key" else ANSWERS)


@pytest.mark.parametrize(
    "text",
    [
        "network: lenet5\nanswers: {c1.params: 156, c1.shape: [6, 28, 28], q: null}",
        "networks: {A: lenet5, B: {spec: mobilenet-v1, set: {alpha: 0.5}}}\nclaims: [A.params > B.params]",
        "name: Ada\nanswers:\n  - {layer: c1, quantity: params, answer: 156}\n  - c1.macs: {printed: 3, erratum: 4}",
        "answers: {c1: {output: 6x28x28, params: 156}}",
    ],
)
def test_answers_that_are_read_fit(text: str) -> None:
    read_answers(Source("x.yaml", text))
    assert fits(text, ANSWERS)


@pytest.mark.parametrize(
    "text",
    [
        "network: lenet5\nanswer: {c1.params: 156}\nanswers: {}",
        "network: lenet5\nnetworks: {}\nanswers: {}",
        "network: {set: {a: 1}}\nanswers: {}",
        "layout: cwh\nnetwork: x\nanswers: {}",
    ],
)
def test_answers_that_are_refused_do_not_fit(text: str) -> None:
    with pytest.raises(SpecError):
        read_answers(Source("x.yaml", text))
    assert not fits(text, ANSWERS)


@pytest.mark.parametrize(
    "text",
    [
        "network: lenet5\nquestions: [c1.params, {id: q, target: c3.macs, accept: [two-per-mac]}]\ndigits: 2",
        'questions: {q1: c1.params, q2: {layer: c3, quantity: macs, text: "How many?"}}\npartial: {explained: 0.25}',
        "title: Homework\nnetwork: lenet5\npoints: 2\ndigits: 3\nbatch: 4",
        "questions: [{id: q, expect: 3, tolerance: 1%}, {id: p, expect: [[1, 0], [0, 1]]}, {id: r, by_hand: yes}]",
        "questions: [{id: q, choices: {a: 1, b: 2}, answer: a}, {id: p, choices: [x, y, z], answer: [a, c]}]",
        "network: lenet5\nquestions: [{id: q, statement: params > 3}, {id: p, compare: [c1.params, c3.params]}]",
        "network: lenet5\nquestions: [{id: q, vary: [c1/conv.k, c1/conv.p=0:3], condition: c1.H = 28, which: any}]",
    ],
)
def test_keys_that_are_read_fit(text: str) -> None:
    read_key(Source("key.yaml", text))
    assert fits(text, KEY)


@pytest.mark.parametrize(
    "text",
    [
        "questions: [{id: q, expect: 3, which: every}]",
        "questions: [{id: q, choices: [1], answer: a}]",
        "batch: 0\nnetwork: lenet5",
        "questions: [{id: q}]",
        "partial: {explain: 1}",
        "partial: {wrong: 2}",
        "question: []",
        "digits: 0",
    ],
)
def test_keys_that_are_refused_do_not_fit(text: str) -> None:
    with pytest.raises(SpecError):
        read_key(Source("key.yaml", text))
    assert not fits(text, KEY)


def test_the_schema_names_every_verdict() -> None:
    assert set(KEY["properties"]["partial"]["properties"]) == set(PARTIAL)
