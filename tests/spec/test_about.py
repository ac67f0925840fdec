"""What a spec says about its network: family, task, source, further names, published figures."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from archcalc.spec import Source, load_spec, read_spec
from archcalc.spec.about import About
from tests.spec.reading import marked, problem

TEXT = """
    name: Net
    alias: [net, the-net]
    family: Nets
    task: classification
    source: 'Author: "A net", 2020'
    input: 3x8x8
    variables: {dim: 4}
    variants:
      wide: {dim: 8, alias: net_w, expect: {params: 32, macs: 2K}, published: {a blog: macs}}
      other: {dim: 2, source: elsewhere, task: detection, expect: {params: 8, macs: 512}}
    layers:
      - out: conv dim k1
    expect: {params: 16, out.shape: 4x8x8, macs: 768}
    published: {Table 1: [params, out.shape], Table 2: params}
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    file = tmp_path / "net.yaml"
    file.write_text(dedent(TEXT))
    return str(file)


def test_a_spec_says_what_it_is_and_where_its_figures_are_published(path: str) -> None:
    assert load_spec(path).about == About(
        "Nets",
        "classification",
        'Author: "A net", 2020',
        ("net", "the-net"),
        {"params": "Table 1; Table 2", "out.shape": "Table 1"},
    )


def test_the_places_of_a_variant_replace_those_of_the_file(path: str) -> None:
    wide, other = (load_spec(f"{path}:{variant}").about for variant in ("wide", "other"))
    assert wide.published == {"macs": "a blog"}
    assert (wide.aliases, wide.source) == (("net_w",), 'Author: "A net", 2020')
    assert (other.aliases, other.source, other.task) == ((), "elsewhere", "detection")
    assert other.published == {"params": "Table 1; Table 2"}


def test_the_network_does_not_depend_on_the_description() -> None:
    plain = "input: 3x8x8\nlayers:\n  - conv 4 k1\n"
    about = read_spec(Source("net.yaml", f"family: F\ntask: T\nsource: S\nalias: A\n{plain}"))
    nodes, expected = (read.graph.nodes for read in (about, read_spec(Source("net.yaml", plain))))
    assert [(node.name, node.op.name, node.output) for node in nodes] == [
        (node.name, node.op.name, node.output) for node in expected
    ]


@pytest.mark.parametrize(
    ("old", "new", "code", "what", "at"),
    [
        ("family: Nets", "family: [Nets]", "yaml", "'family:' must be text, got a list", "["),
        ("the-net]", "the net]", "name", "an alias must consist of letters", "the net"),
        ("the-net]", "{a: b}]", "yaml", "an alias must be text, got a mapping", "{"),
        ("Table 2: params", "Table 2: parms", "unknown-name", "no expectation 'parms' under 'expect:'", "parms"),
        ("a blog: macs", "a blog: out.shape", "unknown-name", "no expectation 'out.shape'", "out.shape"),
        (
            "published: {Table 1: [params, out.shape], Table 2: params}",
            "published: x",
            "yaml",
            "must be a mapping",
            "x",
        ),
    ],
)
def test_mistakes_are_located_errors(old: str, new: str, code: str, what: str, at: str) -> None:
    found = problem(TEXT.replace(old, new))
    assert found.code == code
    assert what in found.message
    assert marked(found) == at
