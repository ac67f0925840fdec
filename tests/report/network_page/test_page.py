"""The page of a network: self-contained, and every text of a network is text, never markup."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

import archcalc
from archcalc.analysis.propagate import analyze
from archcalc.report.network_page.page import NetworkPage, network_page
from archcalc.spec.errors import Problem

HOSTILE = "</script><script>alert(1)</script><!-- {{ 7 * 7 }} ' &"
VOID = {"meta", "input", "br", "hr", "img", "link"}


class Parsed(HTMLParser):
    """The elements of a page and its text, apart from styles and scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text += data

    def attributes(self, name: str) -> list[str]:
        """Return the values of an attribute."""
        return [attributes[name] or "" for _, attributes in self.elements if name in attributes]


def page_of(spec: str) -> str:
    network = archcalc.load(spec)
    return network_page(NetworkPage(network.spec, network.analyze(), network.warnings(), "chw", "float32"))


def hostile_page() -> str:
    """Return the page of a network with markup in every name, as model files may have, and with a warning."""
    network = archcalc.load("3x33x33 -> conv 4 k2 s2 -> relu -> fc 10")
    graph = network.graph
    nodes = [replace(node, name=f"{node.name}/{HOSTILE}", path=(HOSTILE, node.name)) for node in graph.nodes]
    hostile = replace(graph, name=HOSTILE, nodes=tuple(nodes), notes=(HOSTILE,))
    warning = Problem("dropped-border", HOSTILE, hint=HOSTILE, origin=HOSTILE, level="warning")
    return network_page(NetworkPage(network.spec, analyze(hostile), [*network.warnings(), warning], "chw", "float32"))


def test_names_with_markup_are_text() -> None:
    found, plain = Parsed(hostile_page()), Parsed(page_of("3x33x33 -> conv 4 k2 s2 -> relu -> fc 10"))
    assert [tag for tag, _ in found.elements].count("script") == [tag for tag, _ in plain.elements].count("script")
    assert found.text.count(HOSTILE) > 5
    assert "{{ 7 * 7 }}" in found.text


@pytest.mark.parametrize("spec", ["lenet5", "unet", "transformer:base"])
def test_a_page_refers_to_nothing_outside(spec: str) -> None:
    page = page_of(spec)
    found = Parsed(page)
    assert not found.open
    assert not found.attributes("src")
    assert all(link.startswith("#") for link in found.attributes("href"))
    assert not re.search(r"@import|url\((?!#)|https?://(?!www\.w3\.org/2000/svg)", page)
    assert len(page.encode()) < 2**20


def test_identifiers_are_unique_and_links_lead_to_them() -> None:
    found = Parsed(page_of("unet"))
    identifiers = found.attributes("id")
    assert len(identifiers) == len(set(identifiers))
    assert {link.removeprefix("#") for link in found.attributes("href")} <= set(identifiers)
    assert {*" ".join(found.attributes("aria-labelledby")).split()} <= set(identifiers)


def test_a_page_has_the_figures_of_the_network() -> None:
    text = Parsed(page_of("lenet5")).text
    totals = analyze(archcalc.load("lenet5").graph).totals
    assert f"{totals.params:,}" in text
    assert f"{totals.macs:,}" in text


def test_a_box_of_a_drawing_has_its_figures() -> None:
    text = Parsed(page_of("3x8x8 -> conv 4 k3 -> relu -> fc 10")).text
    assert "conv_1 … relu_1 · output 4x6x6 · 112 parameters · 3,888 MACs" in text


def test_a_network_of_many_stages_has_a_small_page(tmp_path: Path) -> None:
    path = tmp_path / "long.yaml"
    stages = "\n".join(f"  - stage_{number}: conv 8 k3 same" for number in range(2000))
    path.write_text(f"input: 8x16x16\nlayers:\n{stages}\n", encoding="utf-8")
    page = page_of(str(path))
    assert len(page) < 500_000
    assert "Totals of the network" not in page
