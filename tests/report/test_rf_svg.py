"""The picture of a receptive field: well-formed, complete, true to scale, and never crowded."""

from __future__ import annotations

import re
from math import prod
from typing import Any
from xml.etree import ElementTree

import pytest

from archcalc.report.rf_svg import MAX_LABELS, MAX_WINDOWS, FieldPicture, NestedWindow, draw

SVG = "{http://www.w3.org/2000/svg}"


def picture(sizes: tuple[int, ...], *windows: tuple[tuple[int, int] | None, ...], **more: Any) -> FieldPicture:
    nested = tuple(NestedWindow(f"layer{index}", window) for index, window in enumerate(windows))
    inside = (
        tuple((max(0, a), min(n - 1, b)) for (a, b), n in zip(windows[-1], sizes, strict=True))  # type: ignore[misc]
        if windows and None not in windows[-1]
        else tuple((0, n - 1) for n in sizes)
    )
    regions = more.pop("regions", (tuple((span,) for span in inside),))
    count = more.pop("count", prod(b - a + 1 for a, b in inside))
    fixed = {"title": "unit (0)", "network": "net", "input": "image", "seen": inside, **more}
    return FieldPicture(**fixed, sizes=sizes, nested=nested, regions=regions, count=count)


@pytest.mark.parametrize(("sizes", "patches"), [((9,), 2), ((9, 9), 4)])
def test_positions_that_a_dilated_window_leaves_out_are_not_painted(sizes: tuple[int, ...], patches: int) -> None:
    window = ((2, 6),) * len(sizes)
    regions = ((((2, 2), (6, 6)),) * len(sizes),)
    root = drawn(picture(sizes, window, regions=regions, count=patches))
    assert len(boxes(root, "seen")) == patches
    assert any(f"only {patches} of the {5 ** len(sizes)} positions" in text for text in texts(root))


def test_a_cross_is_painted_as_a_cross() -> None:
    cross = ((((0, 8),), ((4, 4),)), (((4, 4),), ((0, 8),)))
    root = drawn(picture((9, 9), ((0, 8), (0, 8)), regions=cross, count=17))
    areas = [width * height for *_, width, height in boxes(root, "seen")]
    assert sum(areas) == pytest.approx(17 * (480 / 9) ** 2, rel=1e-3)


def drawn(what: FieldPicture) -> ElementTree.Element:
    return ElementTree.fromstring(draw(what))


def texts(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def boxes(root: ElementTree.Element, kind: str) -> list[tuple[float, ...]]:
    return [
        tuple(float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
        for rect in root.iter(f"{SVG}rect")
        if rect.attrib.get("class") == kind
    ]


def test_a_window_lies_on_the_plane_where_it_belongs() -> None:
    root = drawn(picture((10, 20), ((2, 4), (5, 9))))
    (x, y, width, height), *_ = boxes(root, "input")
    window = boxes(root, "window")[0]
    scale = width / 20
    assert height == pytest.approx(10 * scale)
    assert window == pytest.approx((x + 5 * scale, y + 2 * scale, 5 * scale, 3 * scale), abs=0.02)
    assert "3×5" in texts(root)
    assert boxes(root, "seen") == [window]


def test_areas_beyond_the_input_are_hatched_and_named() -> None:
    over = drawn(picture((10, 10), ((-3, 4), (0, 5))))
    assert any("beyond the border" in text for text in texts(over))
    assert any(rect.attrib.get("fill") == "url(#beyond)" for rect in over.iter(f"{SVG}rect"))
    inside = drawn(picture((10, 10), ((3, 4), (0, 5))))
    assert not any("beyond the border" in text for text in texts(inside))


def test_an_input_of_one_axis_is_a_strip_with_a_line_per_layer() -> None:
    root = drawn(picture((50,), ((3, 5),), ((1, 9),), ((-4, 20),)))
    assert [text for text in texts(root) if text.startswith("layer")] == ["layer2", "layer1", "layer0"]
    assert {"25", "9", "3"} <= set(texts(root))


def test_an_input_of_three_axes_is_a_strip_and_a_plane() -> None:
    root = drawn(picture((8, 16, 16), ((1, 3), (2, 4), (3, 5)), ((0, 5), (1, 5), (2, 6))))
    assert len(boxes(root, "input")) == 2
    assert {"z", "y", "x"} <= set(texts(root))
    assert any("one strip per axis" in text for text in texts(root))


def test_labels_of_a_hundred_layers_do_not_overlap() -> None:
    windows = [((50 - i, 50 + i), (50 - i, 50 + i)) for i in range(100)]
    root = drawn(picture((100, 100), *windows))
    labels = [text for text in texts(root) if text.startswith("layer")]
    assert len(labels) == MAX_LABELS
    assert {labels[0], labels[-1]} == {"layer99", "layer0"}
    assert len(boxes(root, "window")) == MAX_WINDOWS + MAX_LABELS  # with the colour samples of the labels


def test_windows_far_beyond_the_input_leave_it_a_visible_size() -> None:
    root = drawn(picture((8, 8), ((2, 4), (2, 4)), ((-1000, 1000), (-1000, 1000))))
    assert boxes(root, "input")[0][2] > 60
    assert any("clipped" in text for text in texts(root))


def test_a_global_field_is_labelled_all() -> None:
    root = drawn(picture((8, 8), ((2, 4), (2, 4)), (None, None)))
    assert "all×all" in texts(root)


@pytest.mark.parametrize("sizes", [(1,), (1, 1), (1, 500), (500, 1), (3, 1, 1), (10**9, 10**9), (2, 3, 4, 5)])
def test_any_size_is_drawn_within_the_page(sizes: tuple[int, ...]) -> None:
    root = drawn(picture(sizes, tuple((-1, n) for n in sizes)))
    width, height = (float(root.attrib[name]) for name in ("width", "height"))
    for kind in ("input", "seen"):
        for x, y, w, h in boxes(root, kind):
            assert 0 <= x <= x + w <= width + 0.01
            assert 0 <= y <= y + h <= height + 0.01


def test_names_with_markup_and_control_characters_are_text() -> None:
    root = drawn(picture((8, 8), ((2, 4), (2, 4)), title="<b>&\x00", network='"><script>', input="\u202e"))
    assert "<b>&�" in texts(root)
    assert not list(root.iter(f"{SVG}script"))


@pytest.mark.parametrize("image", [None, "data:image/png;base64,AAAA"])
@pytest.mark.parametrize("sizes", [(8,), (8, 8), (4, 8, 8)])
def test_colours_are_literal_and_dark_mode_is_an_extra(sizes: tuple[int, ...], image: str | None) -> None:
    """Programs other than browsers support neither variables nor modes: without literal colours, they draw in black."""
    text = draw(picture(sizes, ((2, 4),) * len(sizes), image=image if len(sizes) == 2 else None))
    assert "var(" not in text
    root = ElementTree.fromstring(text)
    for element in (*root.iter(f"{SVG}rect"), *root.iter(f"{SVG}text"), *root.iter(f"{SVG}line")):
        inside_clip = "class" not in element.attrib and "fill" not in element.attrib
        assert inside_clip or re.match(r"#|none|url", element.attrib.get("fill", element.attrib.get("stroke", "")))
    (style,) = root.iter(f"{SVG}style")
    assert (style.text or "").strip().startswith("@media (prefers-color-scheme: dark)")


def test_a_photo_lies_on_the_plane_and_what_is_not_seen_is_dimmed() -> None:
    root = drawn(picture((8, 8), ((2, 4), (2, 4)), image="data:image/png;base64,AAAA"))
    (image,) = root.iter(f"{SVG}image")
    assert image.attrib["href"].startswith("data:image/png")
    assert not boxes(root, "seen")
