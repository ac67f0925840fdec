"""What the documentation prints is what the program prints: every example is executed."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import archcalc
from archcalc.analysis.propagate import analyze
from archcalc.claims import judge_expectations
from archcalc.spec import Source, read_spec
from tests.cli.conftest import CI_SERVER

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    text: str

    @property
    def id(self) -> str:
        return f"{self.page}:{self.line}"


def examples(language: str) -> list[Example]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            if match[1] == language:
                found.append(Example(page.name, text.count("\n", 0, match.start()) + 1, match[1], match[2]))
    return found


def each(language: str) -> pytest.MarkDecorator:
    found = examples(language)
    return pytest.mark.parametrize("example", found, ids=[example.id for example in found])


@pytest.fixture
def terminal(tmp_path: Path) -> dict[str, str]:
    """A folder like the checkout, with ``archcalc`` on the path; files that examples write stay in it."""
    for folder in ("specs", "examples"):
        (tmp_path / folder).symlink_to(ROOT / folder, target_is_directory=True)
    program = tmp_path / "bin" / "archcalc"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m archcalc "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {name: value for name, value in os.environ.items() if name not in CI_SERVER}
    return {**environment, "PATH": path, "HOME": str(tmp_path), "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}


@each("console")
def test_commands_print_what_the_page_prints(example: Example, terminal: dict[str, str]) -> None:
    command, _, expected = example.text.removeprefix("$ ").partition("\n")
    run = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=terminal["HOME"],
        env=terminal,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert [line.rstrip() for line in run.stdout.splitlines()] == [line.rstrip() for line in expected.splitlines()]


@each("yaml")
def test_specs_on_the_pages_are_right(example: Example) -> None:
    spec = read_spec(Source(example.page, example.text))
    assert all(verdict.holds for verdict in judge_expectations(spec, analyze(spec.graph)))


@each("python")
def test_python_on_the_pages_runs(example: Example) -> None:
    case = doctest.DocTestParser().get_doctest(example.text, {}, example.id, example.page, example.line)
    assert case.examples
    shown: list[str] = []
    doctest.DocTestRunner().run(case, out=shown.append)
    assert not shown, "".join(shown)


def test_the_table_of_operators_is_that_of_their_docstrings() -> None:
    page = ROOT.joinpath("README.md").read_text(encoding="utf-8")
    command = re.search(r"<!-- archcalc (ops .*) -->", page)
    assert command is not None
    arguments = [sys.executable, "-m", "archcalc", *command[1].split()]
    run = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=True)
    printed = [line for line in page[command.end() :].split("## ")[0].splitlines() if line.startswith("|")]
    expected = [line for line in run.stdout.splitlines() if line.startswith("|")]
    assert list(map(unpadded, printed)) == list(map(unpadded, expected))


def unpadded(row: str) -> str:
    """A row of a Markdown table, without what only aligns it."""
    return re.sub(r"-+", "-", re.sub(r" +", " ", row))


def test_docstring_examples_run() -> None:
    assert doctest.testmod(archcalc.api).failed == 0


def test_both_set_up_commands_stand_in_the_readme_on_one_line_each() -> None:
    commands = [
        line for line in ROOT.joinpath("README.md").read_text(encoding="utf-8").splitlines() if "venv .venv" in line
    ]
    assert len(commands) == 2
    for command in commands:
        assert command.startswith("python3 -m venv .venv && ")
    assert commands[0].endswith("archcalc show resnet50")
    assert "-m pytest" in commands[1]
