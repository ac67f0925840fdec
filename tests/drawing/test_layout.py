"""Drawings of networks: nothing overlaps, edges go around boxes, texts fit, and frames contain what is theirs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

import pytest
from PIL import ImageFont

import archcalc
from archcalc.analysis.propagate import analyze
from archcalc.drawing.layout import lay_out
from archcalc.drawing.measure import BOX_PADDING, SMALL, TEXT, TITLE_LEFT, text_width
from archcalc.drawing.outline import Detail, outline
from archcalc.drawing.places import Curve, Label, Layout, Point
from archcalc.spec.catalogue import catalogue

Rectangle = tuple[float, float, float, float]
TOLERANCE = 0.01
"""Pixels by which rounding may move an end."""
FEW = (
    "lenet5",
    "resnet18",
    "googlenet",
    "unet",
    "vit:b_16",
    "transformer",
    "yolov8:n",
    "densenet121",
    "lstm-classifier",
)


def rectangles(layout: Layout) -> tuple[list[Rectangle], list[Rectangle]]:
    """Return the left, top, right and lower ends of the boxes and of the frames."""
    found = []
    for placed in (layout.boxes, layout.frames):
        found.append([(one.left, one.top, one.left + one.width, one.top + one.height) for one in placed])
    return found[0], found[1]


def overlap(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] - TOLERANCE and b[0] < a[2] - TOLERANCE and a[1] < b[3] - TOLERANCE and b[1] < a[3] - TOLERANCE


def inside(a: Rectangle, b: Rectangle) -> bool:
    return all(x >= y - TOLERANCE for x, y in zip(a[:2], b[:2], strict=True)) and all(
        x <= y + TOLERANCE for x, y in zip(a[2:], b[2:], strict=True)
    )


def along(curve: Curve) -> Iterator[Point]:
    """Yield points on a curve."""
    for (x, y), (new_x, new_y) in pairwise(curve.points):
        middle = (y + new_y) / 2
        for step in range(21):
            t = step / 20
            if curve.turns:
                yield x + (new_x - x) * t, y + (new_y - y) * t
            else:
                weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
                yield (
                    sum(w * at for w, at in zip(weights, (x, x, new_x, new_x), strict=True)),
                    sum(w * at for w, at in zip(weights, (y, middle, middle, new_y), strict=True)),
                )


def label_area(label: Label) -> Rectangle:
    width = text_width(label.text, SMALL)
    left = label.x - width if label.ends else label.x
    return left, label.baseline - SMALL, left + width, label.baseline


def faults(layout: Layout) -> list[str]:
    """Return what is wrong with a drawing."""
    boxes, frames = rectangles(layout)
    page = (0.0, 0.0, layout.width, layout.height)
    found = [f"boxes {a} and {b} overlap" for a, b in combinations(boxes, 2) if overlap(a, b)]
    found += [f"{one} is outside the page" for one in (*boxes, *frames) if not inside(one, page)]
    for frame in frames:
        for one in (*boxes, *frames):
            if overlap(one, frame) and not inside(one, frame) and not inside(frame, one):
                found.append(f"{one} is across the border of {frame}")
    for curve in layout.curves:
        for x, y in along(curve):
            for left, top, right, bottom in boxes:
                if left + 1 < x < right - 1 and top + 1 < y < bottom - 1:
                    found.append(f"the edge {curve.points} crosses the box {(left, top, right, bottom)}")
    for label in layout.labels:
        area = label_area(label)
        found += [f"the label {label.text} is on the box {box}" for box in boxes if overlap(area, box)]
    for one in layout.frames:
        width = text_width(one.title, SMALL)
        left, baseline = one.left + TITLE_LEFT, one.baseline
        title = (left, baseline - SMALL, left + width, baseline)
        found += [f"the title {one.title} is on the box {box}" for box in boxes if overlap(title, box)]
    for placed in layout.boxes:
        for line in (*placed.box.lines, *placed.box.costs):
            if text_width(line, SMALL) + BOX_PADDING > placed.width:
                found.append(f"{line} is wider than its box")
    return found


@pytest.mark.parametrize("name", FEW)
def test_nothing_overlaps(name: str) -> None:
    analysis = analyze(archcalc.load(name).graph, receptive=False)
    assert not faults(lay_out(outline(analysis, Detail())))


@pytest.mark.parametrize("name", ["resnet18", "unet", "vit:b_16"])
def test_shapes_are_on_the_side_to_which_no_edge_goes(name: str) -> None:
    layout = lay_out(outline(analyze(archcalc.load(name).graph, receptive=False), Detail()))
    points = [point for curve in layout.curves for point in along(curve)]
    for label in layout.labels:
        left, top, right, bottom = label_area(label)
        assert not [(x, y) for x, y in points if left < x < right and top < y < bottom]


@pytest.mark.slow
def test_nothing_overlaps_in_the_zoo() -> None:
    wrong = {}
    for entry in catalogue():
        name = entry.name
        analysis = analyze(archcalc.load(name).graph, receptive=False)
        found = faults(lay_out(outline(analysis, Detail())))
        if found:
            wrong[name] = found[:3]
    assert not wrong


@pytest.mark.parametrize("name", ["resnet18", "vgg16"])
def test_a_long_network_is_drawn_in_columns_and_is_not_much_higher_than_a_page(name: str) -> None:
    layout = lay_out(outline(analyze(archcalc.load(name).graph, receptive=False), Detail()))
    assert layout.height < 2 * layout.width


@pytest.mark.parametrize("text", ["conv 64 k3 s2 half nobias", "attention heads=12 causal", "WMmw @@ %%", "1x2048x100"])
def test_texts_are_not_wider_than_measured(text: str) -> None:
    for size in (TEXT, SMALL):
        font = ImageFont.load_default(size)
        assert font.getlength(text) <= text_width(text, size)
