"""The page of several networks."""

from __future__ import annotations

import archcalc
from archcalc.report.network_page.comparison import ComparisonPage, comparison_page
from archcalc.report.network_page.memory import HEIGHT
from archcalc.report.side_by_side import SideBySide
from tests.report.network_page.test_page import HOSTILE, Parsed


def page_of(*specs: str, label: str = "network") -> ComparisonPage:
    analyses = [archcalc.load(spec).analyze() for spec in specs]
    return ComparisonPage(SideBySide(specs, [label] * len(specs), analyses, "float32"))


def test_memory_curves_have_one_scale() -> None:
    small, large = page_of("lenet5", "resnet18").sides
    assert small.memory
    assert large.memory
    assert max(step.height for step in large.memory.steps) == HEIGHT
    assert 0 < max(step.height for step in small.memory.steps) < HEIGHT / 100


def test_what_changed_is_shown_for_two_networks_only() -> None:
    assert page_of("lenet5", "resnet18").diff is not None
    assert page_of("lenet5", "resnet18", "alexnet").diff is None


def test_identifiers_are_unique_and_names_are_text() -> None:
    for specs in (("lenet5", "resnet18"), ("lenet5", "resnet18", "lenet5")):
        found = Parsed(comparison_page(page_of(*specs, label=HOSTILE)))
        identifiers = found.attributes("id")
        assert len(identifiers) == len(set(identifiers))
        assert {link.removeprefix("#") for link in found.attributes("href")} <= set(identifiers)
        assert "script" not in {tag for tag, _ in found.elements}
        assert HOSTILE in found.text
