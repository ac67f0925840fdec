"""Files that are recognised as specs."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc.validation.recognize import is_spec, is_spec_file


@pytest.mark.parametrize(
    "text",
    [
        "input: 3x8x8\n",
        "# a comment\nlayers:\n",
        'name: x\n"layers": [relu]\n',
        "inputs : {a: 3}\n",
        '{"layers": []}',
        "{input: 3x8x8, layers: [relu]}",
        '{"layers": [',
        "",
        "input: &a 3\nservices: *a\n",
        "# a comment\n{input: 3x8x8, layers: [relu]}",
        "---\n{layers: [relu]}\n",
        "%YAML 1.1\n---\n{'layers': [relu]}\n",
        "{name: x,\n layers: [@a]}",
        "? layers\n: [relu]\n",
        "  layers: [relu]\n",
        "a: b\n---\ninput: 3x8x8\n",
        "input: [3, 8, 8]\nlayerss: [relu]\n",
        "inputs: {a: 3x8x8, b: 4}\nlayer: relu\n",
        '{"inputs": {"a": 3}}',
        "layers: [\n",
        "\tx\nlayers: a\n",
    ],
)
def test_files_with_layers_or_an_input_are_recognised(text: str) -> None:
    assert is_spec(text)


@pytest.mark.parametrize(
    "text",
    [
        "services: {web: {layers: 3}}\n",
        "on:\n  workflow_dispatch:\n    inputs:\n      a: b\n",
        '{"specs": {"a": {"layers": {}}}}',
        "[1, 2]",
        "just text",
        "key: |\n  layers: 3\n",
        "text: '\nlayers: 3\n'\n",
        "name: my action\ninputs:\n  token: {description: a token, required: true}\nruns: {using: node20}\n",
        "inputs:\n  token:\nruns: {}\n",
        "inputs: {}\n",
        "input: {path: data}\n",
        "{name: x, more: {layers: 3}}",
        "- layers: 3\n",
        "a: {{ .Values.layers }}\n  b: [\n",
        "# only a comment",
    ],
)
def test_other_files_are_not_recognised(text: str) -> None:
    assert not is_spec(text)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8-sig"])
def test_files_are_recognised_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    spec, other = tmp_path / "spec.yaml", tmp_path / "other.yaml"
    spec.write_text("# größer\ninput: 3\nlayers: [relu]\n", encoding=encoding)
    other.write_text("# größer\nkey: [1]\n", encoding=encoding)
    assert is_spec_file(str(spec), 1000)
    assert not is_spec_file(str(other), 1000)


def test_images_are_not_specs(tmp_path: Path) -> None:
    path = tmp_path / "layers.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 4)
    assert not is_spec_file(str(path), 100_000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"data": [' + '{"input": 1}, ' * 50, False),
        ('{"input": 3, "data": [' + "1, " * 50, True),
        ("a: b\n" * 50, False),
        ("layers:\n" + "  - relu\n" * 50, True),
    ],
)
def test_files_that_are_too_large_are_recognised_by_their_beginning(tmp_path: Path, text: str, expected: bool) -> None:
    path = tmp_path / "large.json"
    path.write_text(text, encoding="utf-8")
    assert is_spec_file(str(path), 100) is expected


def test_a_file_that_cannot_be_read_may_be_a_spec(tmp_path: Path) -> None:
    assert is_spec_file(str(tmp_path / "none.yaml"), 100)
