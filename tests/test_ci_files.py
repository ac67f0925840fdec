"""Files for CI, the examples and the project's own: they follow their services' schemas, and their commands exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import yaml

from archcalc.cli import cli
from archcalc.spec.locate import SUFFIXES
from archcalc.spec.models import CONTENT_READERS, READERS
from tests.published_schemas import published

ROOT = Path(__file__).resolve().parent.parent
FILES = [*sorted(ROOT.glob("examples/ci/*.yml")), *sorted(ROOT.glob(".github/workflows/*.yml"))]
SCHEMAS = {
    "ci": "github-workflow.json",
    "github": "github-workflow.json",
    "github-code-scanning": "github-workflow.json",
    "github-diff": "github-workflow.json",
    "gitlab": "ci.json",
    "gitlab-diff": "ci.json",
    "pre-commit": "pre-commit-config.json",
}
HOOKS: list[dict[str, Any]] = yaml.safe_load(ROOT.joinpath(".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


def understood(command: str) -> bool:
    """Return whether the command line is one that archcalc accepts."""
    program, verb, *arguments = shlex.split(command)
    assert program == "archcalc"
    assert verb in ("validate", "diff")
    program_context = click.Context(cli, **cli.context_settings)
    found = cli.get_command(program_context, verb)
    assert found is not None
    found.make_context(verb, [*arguments, "net.yaml"], parent=program_context)
    return True


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_files_follow_the_schema_of_their_service(path: Path) -> None:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    if True in document:  # YAML 1.1 takes the key "on" for a Boolean; these services do not
        document["on"] = document.pop(True)
    schema = published(SCHEMAS[path.stem])
    jsonschema.validators.validator_for(schema)(schema).validate(document)


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_the_commands_in_files_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for command in re.findall(r"(archcalc (?:validate|diff) [^|\n]*)", text):
        assert understood(command)
    hooks = {hook["id"] for hook in HOOKS}
    assert set(re.findall(r"- id: (.*)", text)) <= hooks


def test_the_hooks_of_pre_commit_exist_and_skip_other_files() -> None:
    assert len({hook["id"] for hook in HOOKS}) == len(HOOKS)
    for hook in HOOKS:
        assert {"id", "name", "entry", "language"} <= hook.keys()
        assert understood(shlex.join([*shlex.split(hook["entry"]), *hook.get("args", [])]))
        assert "--specs-only" in hook["entry"] or "diff" in hook["entry"]  # which skips other files by itself


@pytest.mark.parametrize("hook", [hook for hook in HOOKS if "--fix" not in hook["entry"]], ids=lambda hook: hook["id"])
def test_the_hooks_of_pre_commit_see_every_kind_of_network(hook: dict[str, Any]) -> None:
    for suffix in (*SUFFIXES, *READERS, *CONTENT_READERS):
        assert re.search(hook["files"], f"nets/net{suffix}")
    assert not re.search(hook["files"], "nets/onnx.png")
    assert set(hook["types_or"]) == {"yaml", "json", "binary"}
