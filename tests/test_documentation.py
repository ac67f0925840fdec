"""The documentation shows what the program prints, and its links lead somewhere: every example is executed."""

from __future__ import annotations

import doctest
import json
import re
from itertools import chain
from pathlib import Path

import jsonschema
import pytest
import yaml

import archcalc
from archcalc.analysis.propagate import analyze
from archcalc.claims import judge_expectations
from archcalc.spec import Source, read_spec
from tests.pages import FENCE, PAGES, ROOT, Example, examples, run_in

README = ROOT / "README.md"
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]*)\)")
TREE = re.compile(r"^```\{toctree\}\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def each(language: str) -> pytest.MarkDecorator:
    found = examples(language)
    return pytest.mark.parametrize("example", found, ids=[example.id for example in found])


def each_page() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])


@pytest.mark.slow
@each("console")
def test_commands_print_what_the_page_prints(example: Example, tmp_path: Path) -> None:
    if ".tflite" in example.command:
        pytest.importorskip("tflite")
    assert run_in(tmp_path, example.command).splitlines() == example.output.splitlines()


@each("yaml")
def test_specs_on_the_pages_are_correct(example: Example) -> None:
    spec = read_spec(Source(example.id, example.text))
    assert all(verdict.holds for verdict in judge_expectations(spec, analyze(spec.graph)))


@each("python")
def test_python_on_the_pages_runs(example: Example) -> None:
    case = doctest.DocTestParser().get_doctest(example.text, {}, example.id, str(example.page), example.line)
    assert case.examples
    shown: list[str] = []
    doctest.DocTestRunner().run(case, out=shown.append)
    assert not shown, "".join(shown)


@pytest.mark.parametrize(("key", "schema"), [("questions", "key"), ("claims", "answers")])
def test_keys_and_audits_on_the_pages_follow_their_schemas(key: str, schema: str, tmp_path: Path) -> None:
    described = json.loads(run_in(tmp_path, f"archcalc schema {schema}"))
    found = [example for example in examples("yml") if re.search(rf"^{key}:", example.text, re.MULTILINE)]
    assert found
    for example in found:
        jsonschema.validate(yaml.safe_load(example.text), described)


def test_docstring_examples_run() -> None:
    assert doctest.testmod(archcalc.api).failed == 0


def test_both_set_up_commands_are_in_the_readme_on_one_line_each() -> None:
    commands = [line for line in README.read_text(encoding="utf-8").splitlines() if "venv .venv" in line]
    assert len(commands) == 2
    for command in commands:
        assert command.startswith("python3 -m venv .venv && ")
    assert commands[0].endswith("archcalc show resnet50")
    assert "-m pytest" in commands[1]


def test_the_readme_has_at_most_150_lines() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150


@each_page()
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    for title, target in LINK.findall(CODE.sub("`", page.read_text(encoding="utf-8"))):
        assert title, f"{target}: nothing to click on where the page is read in the repository"
        if re.match(r"https?://", target):
            continue
        path, _, heading = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), target
        assert not heading or heading in headings(linked), target


def headings(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MyST write them."""
    titles = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_page_of_the_site_is_in_a_table_of_contents() -> None:
    site = ROOT / "docs"
    trees = TREE.findall(site.joinpath("index.md").read_text(encoding="utf-8"))
    listed = [line for line in chain.from_iterable(map(str.splitlines, trees)) if line and not line.startswith(":")]
    pages = [str(page.relative_to(site).with_suffix("")) for page in site.rglob("*.md")]
    assert sorted([*listed, "index"]) == sorted(pages)


FROM_A_REGISTRY = re.compile(r"pip install (-\S+ )*['\"]?archcalc\b(?! @)")


@pytest.mark.parametrize(
    "path",
    [*PAGES, *sorted(ROOT.glob("examples/ci/*")), *sorted(ROOT.glob(".github/workflows/*"))],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_nothing_tells_people_to_install_from_a_registry_that_does_not_have_it(path: Path) -> None:
    assert not FROM_A_REGISTRY.search(path.read_text(encoding="utf-8"))


def test_no_message_tells_people_to_install_from_a_registry_that_does_not_have_it() -> None:
    files = [path for path in ROOT.glob("archcalc/**/*.py") if FROM_A_REGISTRY.search(path.read_text(encoding="utf-8"))]
    assert files == []
