"""Receptive fields as an SVG picture: the input with the window of a unit, and the windows of the layers before it.

The last two axes are drawn as a plane; the axis of an input with one axis, and every further axis, is drawn as a strip
with one line per layer. Colours are attributes, which every program understands; browsers replace them in dark mode.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import prod

from archcalc.report.bars import sample_evenly
from archcalc.report.svg import COLORS, LETTER, MARGIN, document, label, label_with_halo, short, style

Interval = tuple[int, int]
"""The first and the last position along an axis."""

MAX_WINDOWS = 28
MAX_LABELS = 12
MAX_PATCHES = 4000
"""The maximum number of pieces of the positions seen that are drawn one by one."""

WIDTH = 860
PLANE = 480
"""The length of the longer side of the plane with all windows, in pixels."""
STRIP = 480
MAX_OVERHANG = 3
"""How far beyond the input windows are drawn, as a multiple of the size of the input."""
LINE = 20
LEGEND = 24


@dataclass(frozen=True)
class NestedWindow:
    """The window of a unit in one layer: an interval per axis, or ``None`` for the entire axis."""

    label: str
    window: tuple[Interval | None, ...]


@dataclass(frozen=True)
class FieldPicture:
    """The content of a picture."""

    title: str
    network: str
    input: str
    """The name of the input."""
    sizes: tuple[int, ...]
    """The number of positions of the input, per axis."""
    nested: tuple[NestedWindow, ...]
    """The windows from the first layer to that of the unit, each inside the next."""
    seen: tuple[Interval, ...]
    """The box around the positions of the input that the unit depends on, per axis."""
    regions: tuple[tuple[tuple[Interval, ...], ...], ...]
    """The positions themselves: a union of products of intervals per axis."""
    count: int
    """The number of these positions."""
    image: str | None = None
    """A photo to draw on the plane, as a ``data:`` URL."""


def axis_names(rank: int) -> tuple[str, ...]:
    """Return the names of axes: y and x for a plane, z before them."""
    return ("z", "y", "x")[-rank:] if rank <= 3 else (*(f"axis {axis + 1}" for axis in range(rank - 2)), "y", "x")


def draw(picture: FieldPicture) -> str:
    """Return the picture as an SVG document."""
    nested = sample_evenly(_drawable(picture), MAX_WINDOWS)
    windows = [(one, _color(index, len(nested))) for index, one in enumerate(nested)]
    names = axis_names(len(picture.sizes))
    lines = [label(MARGIN, MARGIN + 12, short(picture.title, 92), "title")]
    y: float = MARGIN + 12
    for sentence in _sentences(picture, names):
        y += 20
        lines.append(label(MARGIN, y, sentence, "faint"))
    y += 18
    strips = range(len(picture.sizes)) if len(picture.sizes) == 1 else range(len(picture.sizes) - 2)
    for axis in strips:
        y += 8
        drawn, height = _strip(picture, windows, axis, names[axis], y)
        lines += drawn
        y += height
    if len(picture.sizes) > 1:
        drawn, height = _plane(picture, windows, y + 8)
        lines += drawn
        y += 8 + height
    pattern = (
        '<pattern id="beyond" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<line {style("beyond")} x1="0" y1="0" x2="0" y2="7" stroke-opacity="0.7"/></pattern>'
    )
    return document(picture.title, WIDTH, round(y + MARGIN), lines, definitions=pattern)


def _sentences(picture: FieldPicture, names: tuple[str, ...]) -> list[str]:
    """Return the description of the picture."""
    size = "×".join(str(n) for n in picture.sizes)
    seen = ", ".join(f"{name} {first} … {last}" for name, (first, last) in zip(names, picture.seen, strict=True))
    share = "×".join(str(last - first + 1) for first, last in picture.seen)
    found = [
        short(picture.network, 110),
        short(f"sees {share} of the {size} positions of {picture.input}: {seen}", 110),
    ]
    box = prod(last - first + 1 for first, last in picture.seen)
    if picture.count < box:
        found.append(f"only {picture.count:,} of the {box:,} positions of that box are seen; the others are left out")
    window = picture.nested[-1].window if picture.nested else ()
    if any(interval is not None and _beyond(interval, n) for interval, n in zip(window, picture.sizes, strict=False)):
        size_text = "×".join("all" if interval is None else str(interval[1] - interval[0] + 1) for interval in window)
        found.append(f"its window of {size_text} extends beyond the border into padding (hatched)")
    if any(first < low or last > high for first, last, low, high in _reaches(picture)):
        found.append("windows that extend far beyond the input are clipped")
    if len(picture.sizes) > 2:
        found.append("one strip per axis, then the plane of the last two axes")
    return found


def _beyond(interval: Interval, n: int) -> bool:
    return interval[0] < 0 or interval[1] >= n


def _extent(picture: FieldPicture, axis: int) -> Interval:
    """Return the positions that are drawn of an axis: the input and the windows, up to `MAX_OVERHANG` beyond it."""
    n = picture.sizes[axis]
    intervals = [interval for one in picture.nested if (interval := one.window[axis]) is not None]
    first, last = (
        min([0, *(interval[0] for interval in intervals)]),
        max([n - 1, *(interval[1] for interval in intervals)]),
    )
    return max(first, -MAX_OVERHANG * n), min(last, n - 1 + MAX_OVERHANG * n)


def _drawable(picture: FieldPicture) -> list[NestedWindow]:
    """Return the windows that are not clipped, and always that of the unit."""
    extents = [_extent(picture, axis) for axis in range(len(picture.sizes))]

    def fits(one: NestedWindow) -> bool:
        pairs = zip(one.window, extents, strict=True)
        return all(interval is None or (low <= interval[0] and interval[1] <= high) for interval, (low, high) in pairs)

    return [one for index, one in enumerate(picture.nested, 1) if fits(one) or index == len(picture.nested)]


def _reaches(picture: FieldPicture) -> list[tuple[int, int, int, int]]:
    """Return the first and last position of the unit's window, and those that are drawn, per axis."""
    if not picture.nested:
        return []
    window = picture.nested[-1].window
    return [(*interval, *_extent(picture, axis)) for axis, interval in enumerate(window) if interval is not None]


def _plane(picture: FieldPicture, windows: list[tuple[NestedWindow, str]], top: float) -> tuple[list[str], float]:
    """Return the plane of the last two axes, with a legend."""
    height, width = picture.sizes[-2:]
    (y0, y1), (x0, x1) = _extent(picture, -2), _extent(picture, -1)
    scale = PLANE / max(y1 - y0 + 1, x1 - x0 + 1)
    left = MARGIN + 34

    def box(rows: Interval, columns: Interval, room: int = 0) -> str:
        x, y = left + (columns[0] - x0) * scale - room, top + (rows[0] - y0) * scale - room
        w, h = (columns[1] - columns[0] + 1) * scale + 2 * room, (rows[1] - rows[0] + 1) * scale + 2 * room
        return f'x="{x:.2f}" y="{y:.2f}" width="{w:.2f}" height="{h:.2f}"'

    def window(one: NestedWindow) -> str:
        rows, columns = one.window[-2:]
        return box(rows or (0, height - 1), columns or (0, width - 1))

    plane = box((0, height - 1), (0, width - 1))
    lines = [f'<clipPath id="drawn"><rect {box((y0, y1), (x0, x1), 2)}/></clipPath>', '<g clip-path="url(#drawn)">']
    lines += [f'<rect fill="url(#beyond)" {window(windows[-1][0])}/>'] if windows else []
    lines.append(f"<rect {style('input')} {plane}/>")
    color = windows[-1][1] if windows else _color(1, 1)
    patches = [box(rows, columns) for rows, columns in _patches(picture)]
    dark_patches = "".join(f'<rect fill="#000" {patch}/>' for patch in patches)
    if picture.image:  # a darker line below each window, and what the unit does not see dimmed
        lines += [
            f'<clipPath id="plane"><rect {plane}/></clipPath>',
            f'<mask id="unseen"><rect fill="#fff" {plane}/>{dark_patches}</mask>',
            f'<image {plane} preserveAspectRatio="none" href="{escape(picture.image)}"/>',
            f'<rect {style("ground")} fill-opacity="0.55" mask="url(#unseen)" {plane}/>',
            f"<rect {style('edge')} {plane}/>",
        ]
    else:
        lines += [f'<rect {style("seen")} fill="{color}" {patch}/>' for patch in patches]
    for index, (one, color) in enumerate(windows):
        thick = 2.5 if index == len(windows) - 1 else 1.5 if len(windows) <= MAX_LABELS else 1
        if picture.image:
            dark = f'stroke="#000" stroke-opacity="0.5" stroke-width="{thick + 1.5}" clip-path="url(#plane)"'
            lines.append(f"<rect {style('window')} {dark} {window(one)}/>")
        lines.append(f'<rect {style("window")} stroke="{color}" stroke-width="{thick}" {window(one)}/>')
    lines.append("</g>")
    lines += _ruler(left + (0 - x0) * scale, top + (y1 - y0 + 1) * scale + 16, width, scale)
    near, far = top + (0 - y0) * scale, top + (height - y0) * scale
    edge = left + (0 - x0) * scale - 6
    if height * scale > 50:
        lines += [
            label_with_halo(edge, near + 11, "0", anchor="end"),
            label_with_halo(edge, (near + far) / 2 + 4, "y", anchor="end"),
        ]
    lines.append(label_with_halo(edge, far, str(height - 1), anchor="end"))
    drawn_height = (y1 - y0 + 1) * scale + 22
    legend = _legend(windows, left + (x1 - x0 + 1) * scale + 26, top)
    return [*lines, *legend], max(drawn_height, LEGEND * (min(len(windows), MAX_LABELS) + 1))


def _patches(picture: FieldPicture) -> list[tuple[Interval, Interval]]:
    """Return the positions seen of the plane as disjoint rectangles; the box if there are too many."""
    regions = {region[-2:] for region in picture.regions}
    heights = sorted({end for rows, _ in regions for first, last in rows for end in (first, last + 1)})
    patches: list[tuple[Interval, Interval]] = []
    for top, bottom in pairwise(heights):
        columns = [runs for rows, runs in regions if any(first <= top <= last for first, last in rows)]
        patches += [((top, bottom - 1), run) for run in _union(run for runs in columns for run in runs)]
        if len(patches) > MAX_PATCHES:
            break
    rows, columns_of_box = picture.seen[-2:]
    return patches if 0 < len(patches) <= MAX_PATCHES else [(rows, columns_of_box)]


def _runs(picture: FieldPicture, axis: int) -> list[Interval]:
    """Return the intervals seen along an axis; that of the box if there are too many."""
    runs = _union(run for region in picture.regions for run in region[axis])
    return runs if 0 < len(runs) <= MAX_PATCHES else [picture.seen[axis]]


def _union(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the union of intervals, sorted; touching ones are merged."""
    united: list[Interval] = []
    for first, last in sorted(intervals):
        if united and first <= united[-1][1] + 1:
            united[-1] = (united[-1][0], max(united[-1][1], last))
        else:
            united.append((first, last))
    return united


def _ruler(left: float, y: float, n: int, scale: float, name: str = "x") -> list[str]:
    """Return the labels below an axis: its first and last position and its name, if there is room."""
    last = label_with_halo(left + n * scale, y, str(n - 1), anchor="end")
    if n * scale < 60:
        return [last]
    middle = label(left + n * scale / 2, y, name, "faint", anchor="middle")
    return [label_with_halo(left, y, "0"), middle, last]


def _legend(windows: list[tuple[NestedWindow, str]], left: float, top: float) -> list[str]:
    """Return the labels of a sample of the windows, the outermost first."""
    lines = []
    for index, (one, color) in enumerate(sample_evenly(windows[::-1], MAX_LABELS)):
        y = top + 13 + index * LEGEND
        size = "×".join(
            "all" if interval is None else str(interval[1] - interval[0] + 1) for interval in one.window[-2:]
        )
        swatch = f'x="{left:.1f}" y="{y - 10:.1f}" width="11" height="11"'
        lines.append(f'<rect {style("window")} stroke="{color}" stroke-width="2.5" {swatch}/>')
        lines += _label(left + 18, y, one.label, size)
    return lines


def _label(left: float, y: float, name: str, size: str, kind: str = "") -> list[str]:
    """Return a name and a right-aligned size."""
    right = WIDTH - MARGIN
    room = int((right - left) / LETTER) - len(size) - 2
    return [label(left, y, short(name, room), kind), label(right, y, size, kind, anchor="end")]


def _strip(
    picture: FieldPicture, windows: list[tuple[NestedWindow, str]], axis: int, name: str, top: float
) -> tuple[list[str], float]:
    """Return one axis, with a line per layer and the input below them."""
    n = picture.sizes[axis]
    x0, x1 = _extent(picture, axis)
    scale = STRIP / (x1 - x0 + 1)
    left = MARGIN + 34
    shown = sample_evenly(windows, MAX_LABELS)[::-1]

    def pixels(positions: Interval) -> tuple[float, float]:
        return left + (positions[0] - x0) * scale, (positions[1] - positions[0] + 1) * scale

    x, w = pixels((0, n - 1))
    height = LINE * (len(shown) + 1)
    lines = [f'<rect {style("input")} x="{x:.2f}" y="{top}" width="{w:.2f}" height="{height}"/>']
    if picture.seen and shown:
        for run in _runs(picture, axis):
            a, b = pixels(run)
            lines.append(
                f'<rect {style("seen")} fill="{shown[0][1]}" x="{a:.2f}" y="{top}" width="{b:.2f}" height="{height}"/>'
            )
    for index, (one, color) in enumerate(shown):
        y = top + index * LINE + 4
        window = one.window[axis] or (0, n - 1)
        a, b = pixels((max(window[0], x0), min(window[1], x1)))
        lines.append(f'<rect fill="{color}" x="{a:.2f}" y="{y}" width="{b:.2f}" height="{LINE - 8}" rx="2"/>')
        for first, last in ((max(window[0], x0), -1), (n, min(window[1], x1))):
            if first <= last:  # beyond the border
                a, b = pixels((first, last))
                hatch = f'x="{a:.2f}" y="{y}" width="{b:.2f}" height="{LINE - 8}"'
                lines.append(f'<rect {style("ground")} fill-opacity="0.6" {hatch}/><rect fill="url(#beyond)" {hatch}/>')
        size = "all" if one.window[axis] is None else str(window[1] - window[0] + 1)
        lines += _label(left + STRIP + 14, y + 10, one.label, size)
    base = top + height
    lines += [
        *_ruler(x, base + 15, n, scale, name),
        *_label(left + STRIP + 14, base - 5, picture.input, str(n), "faint"),
    ]
    return lines, height + 24


def _color(index: int, count: int) -> str:
    place = index / (count - 1) * (len(COLORS) - 1) if count > 1 else len(COLORS) - 1.0
    below = min(int(place), len(COLORS) - 2)
    mixed = (round(a + (b - a) * (place - below)) for a, b in zip(COLORS[below], COLORS[below + 1], strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)
