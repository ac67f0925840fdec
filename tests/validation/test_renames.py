"""Renamed specs are recognised by their layers."""

from __future__ import annotations

from archcalc.analysis.propagate import analyze
from archcalc.spec import Source, read_spec
from archcalc.spec.locate import bundled_folder
from archcalc.validation.baseline import NetworkFigures, figures_of
from archcalc.validation.renames import find_renames


def figures(text: str) -> NetworkFigures:
    return figures_of(analyze(read_spec(Source("x.yaml", text)).graph))


def bundled(name: str, old: str = "", new: str = "") -> NetworkFigures:
    text = (bundled_folder() / f"{name}.yaml").read_text(encoding="utf-8")
    assert old in text
    return figures(text.replace(old, new) if old else text)


LENET, UNET, VGG = bundled("lenet5"), bundled("unet"), bundled("vgg-a")
NARROW = "input: 3x32x32\nlayers: [conv 8 k3 -> relu -> conv 8 k3 -> relu -> gap -> fc 10]"


def test_a_spec_that_was_only_renamed_is_recognised() -> None:
    assert find_renames({"a.yaml": LENET, "b.yaml": UNET}, {"c.yaml": UNET, "d.yaml": LENET}) == {
        "c.yaml": "b.yaml",
        "d.yaml": "a.yaml",
    }


def test_a_spec_that_was_renamed_and_changed_is_recognised() -> None:
    assert find_renames({"a.yaml": VGG, "b.yaml": UNET}, {"c.yaml": bundled("vgg-a", "fc 4096", "fc 8192")}) == {
        "c.yaml": "a.yaml"
    }


def test_a_moved_spec_is_recognised_with_other_widths() -> None:
    before, after = figures(NARROW), figures(NARROW.replace("8", "48"))
    assert find_renames({"prod/a.yaml": before}, {"production/a.yaml": after}) == {"production/a.yaml": "prod/a.yaml"}
    assert find_renames({"prod/a.yaml": before}, {"prod/b.yaml": after}) == {}


def test_another_network_is_new() -> None:
    assert find_renames({"a.yaml": UNET}, {"b.yaml": LENET}) == {}
    assert find_renames({"old/a.yaml": UNET}, {"new/a.yaml": LENET}) == {}
    assert find_renames({}, {"b.yaml": LENET}) == {}
    assert find_renames({"a.yaml": LENET}, {}) == {}


def test_equal_networks_are_matched_by_the_longest_common_path() -> None:
    names = ("x/net.yaml", "y/net.yaml", "y/other.yaml", "net.yaml")
    gone = {f"prod/{name}": LENET for name in names}
    new = {f"production/{name}": LENET for name in names}
    assert find_renames(gone, new) == {f"production/{name}": f"prod/{name}" for name in names}


def test_one_entry_belongs_to_one_spec() -> None:
    found = find_renames({"a.yaml": LENET}, {"b.yaml": LENET, "c.yaml": LENET})
    assert list(found.values()) == ["a.yaml"]
