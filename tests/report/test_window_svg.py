"""The picture of a window: the panels, the marked cells, and colours that every program draws."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from archcalc.report.window_svg import COLOR_OF, Panel, WindowPicture, draw

SVG = "{http://www.w3.org/2000/svg}"
PANELS = (
    Panel("input", [["1", "2", "0"], ["3", "−1.25", "0"]], {(0, 0): ("window",), (1, 2): ("padding", "window")}),
    Panel("weights", [["7", "8"]], {(0, 0): ("weight",), (0, 1): ("weight",)}),
)
PICTURE = WindowPicture(
    "y[0]", "net & more", [PANELS, PANELS], ("·",), Panel("y", [["9"]], {(0, 0): ("output",)}), ["9"]
)
ROOT = ElementTree.fromstring(draw(PICTURE))


def test_every_number_stands_in_a_cell() -> None:
    texts = [element.text for element in ROOT.iter(f"{SVG}text")]
    assert [text for text in texts if text == "−1.25"] == ["−1.25"] * 2  # one for each channel
    cells = [rect for rect in ROOT.iter(f"{SVG}rect") if rect.attrib.get("class") in ("cell", "padding")]
    assert len(cells) == 2 * (6 + 2) + 1
    assert len([rect for rect in cells if rect.attrib["class"] == "padding"]) == 2
    assert "net & more" in texts


def test_marked_cells_have_a_colour_and_lie_within_the_picture() -> None:
    width, height = (float(ROOT.attrib[name]) for name in ("width", "height"))
    marks = [rect for rect in ROOT.iter(f"{SVG}rect") if rect.attrib.get("fill") in COLOR_OF.values()]
    assert len(marks) == 2 * (2 + 2) + 1
    for rect in marks:
        x, y, w, h = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
        assert 0 <= x <= x + w <= width
        assert 0 <= y <= y + h <= height


def test_colours_are_literal_and_dark_mode_is_an_extra() -> None:
    for element in (*ROOT.iter(f"{SVG}rect"), *ROOT.iter(f"{SVG}text")):
        assert re.match(r"#|none", element.attrib["fill"])
    (style,) = ROOT.iter(f"{SVG}style")
    assert (style.text or "").strip().startswith("@media (prefers-color-scheme: dark)")


def test_long_equations_are_wrapped() -> None:
    long = " + ".join(f"{number}·1" for number in range(100))
    one = WindowPicture("y[0]", "net", [PANELS], ("·",), Panel("y", [["9"]], {(0, 0): ("output",)}), [long])
    root = ElementTree.fromstring(draw(one))
    lines = [element.text or "" for element in root.iter(f"{SVG}text") if "·1" in (element.text or "")]
    assert len(lines) > 5
    assert " ".join(line.strip() for line in lines) == long
