"""Comparisons of networks that are written as text."""

from __future__ import annotations

from archcalc.analysis.propagate import Analysis, analyze
from archcalc.changes import NetworkDiff, compare
from archcalc.spec import Source, load_spec, read_spec


def analysis(text: str) -> Analysis:
    """Return the analysis of a SPEC, or of the text of a file."""
    if "\n" in text:
        return analyze(read_spec(Source("net.yaml", text)).graph)
    return analyze(load_spec(text).graph)


def diff(old: str, new: str) -> NetworkDiff:
    """Return the comparison of two of them."""
    return compare(analysis(old), analysis(new))


def rows(old: str, new: str) -> list[str]:
    """Return what changed, in short: ``added conv ×2``."""
    return [
        f"{row.kind} {row.label}".rstrip() + (f" ×{row.times}" if row.times > 1 and row.kind != "affected" else "")
        for row in diff(old, new).rows
    ]


RESIDUAL = """
input: 3x32x32
blocks:
  unit(c, s=1): add(conv c k3 s=s p1 nobias -> bn -> relu -> conv c k3 p1 nobias -> bn, conv c k1 s=s) -> relu
layers:
  - stem: conv 16 k3 p1 -> relu
  - low: unit(16)*2
  - high: unit(32, 2) -> unit(32)*2
  - head: gap -> fc 10
"""
"""A small residual network."""
