"""The picture of ``archcalc rf --svg``: from a unit to a file."""

from __future__ import annotations

from archcalc.analysis.unit import UnitField
from archcalc.cli.files import output_errors, require_svg, write_file
from archcalc.graph import Graph, Ref
from archcalc.query.growth import growth
from archcalc.report.rf_svg import FieldPicture, NestedWindow, draw
from archcalc.spec.errors import fail

MAX_PHOTO_SIDE = 1024
"""Pixels to which the longer side of a photo is scaled down."""


def write_picture(graph: Graph, node: int, unit: UnitField, source: Ref | None, path: str, photo: str | None) -> None:
    """Draw the window of a unit, and those of the layers before it, to an SVG file.

    Raises:
        SpecError: the unit sees nothing, the photo cannot be read, or the file cannot be written.
    """
    require_svg(path)
    drawn = next((name for name, box in unit.seen.items() if box), None)
    if drawn is None:
        place = ",".join(map(str, unit.unit))
        fail("argument", f"unit {place} of '{unit.layer}' sees no positions of any input", origin="--svg")
    index = next(index for index, one in enumerate(graph.nodes) if one.name == drawn)
    sizes = graph.positions(source or Ref(index))
    nested = tuple(
        NestedWindow(step.layer, tuple(None if span is None else (span.first, span.last) for span in step.window))
        for step in growth(graph, node, unit.unit, drawn, source=source)
    )
    picture = FieldPicture(
        title=f"unit ({', '.join(map(str, unit.unit))}) of {unit.layer}",
        network=graph.name,
        input=drawn,
        sizes=sizes,
        nested=nested,
        seen=tuple((interval.first, interval.last) for interval in unit.seen[drawn]),
        regions=tuple(
            tuple(tuple((run.first, run.last) for run in runs) for runs in region)
            for region in unit.positions[drawn].regions
        ),
        count=unit.positions[drawn].number,
        image=None if photo is None else _photo(photo, sizes),
    )
    with output_errors("--svg", path):
        write_file(path, draw(picture))


def _photo(path: str, sizes: tuple[int, ...]) -> str:
    """Return a photo as a ``data:`` URL, scaled to cover the input and cropped to it.

    Raises:
        SpecError: Pillow is not installed, the photo cannot be read, or the input does not have two spatial axes.
    """
    if len(sizes) != 2:
        fail("argument", f"--image needs an input with two spatial axes, got {len(sizes)}", origin="--image")
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError:
        fail("missing", "--image needs Pillow", hint="install it: pip install pillow", origin="--image")
    import base64
    import io
    import warnings

    height, width = sizes
    scale = MAX_PHOTO_SIDE / max(height, width)
    target = max(1, round(width * scale)), max(1, round(height * scale))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as opened:
                opened.draft("RGB", target)
                fitted = ImageOps.fit(ImageOps.exif_transpose(opened).convert("RGB"), target)
    except UnidentifiedImageError:
        fail("argument", f"'{path[:80]}' is not an image that Pillow can read", origin="--image")
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        fail("limit", f"'{path[:80]}' has too many pixels", origin="--image")
    except OSError as error:
        fail("argument", f"cannot read '{path[:80]}': {error.strerror or error}", origin="--image")
    buffer = io.BytesIO()
    fitted.save(buffer, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
