"""Comparisons in every format. Libraries are imported by the formats that need them only."""

from __future__ import annotations

from archcalc.report.diff_tables import NetworkComparison


def diff_text(comparison: NetworkComparison, form: str, *, color: bool = False, width: int | None = None) -> str:
    """Return a comparison as text that ends in a newline.

    Args:
        comparison: what was compared.
        form: ``rich``, ``plain``, ``markdown``, ``json`` or ``side-by-side``.
        color: whether ``rich`` and ``plain`` use colour.
        width: the columns of the terminal for ``rich``; ``None`` for no limit.
    """
    if form == "json":
        from archcalc.report.diff_records import diff_record
        from archcalc.report.json_text import write_json

        return write_json(diff_record(comparison))
    if form == "markdown":
        from archcalc.report.diff_markdown import diff_markdown

        return diff_markdown(comparison)
    if form == "side-by-side":
        from archcalc.report.diff_page import diff_page

        return diff_page(comparison)
    from archcalc.report.diff_text import DiffText

    return DiffText(form, color=color, width=width).write(comparison)
