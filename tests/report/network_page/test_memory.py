"""The memory curve of a page."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

import archcalc
from archcalc.analysis.propagate import analyze
from archcalc.graph import Ref
from archcalc.report.network_page import memory
from archcalc.report.network_page.memory import HEIGHT, WIDTH, MemoryCurve, live_bytes, memory_curve


def curve_of(spec: str, *, batch: int | None = None, dtype: str = "float32") -> MemoryCurve:
    analysis = archcalc.load(spec).analyze(batch=batch)
    curve = memory_curve(analysis, live_bytes(analysis, dtype), "chw", dtype)
    assert curve is not None
    return curve


def test_the_peak_is_named_with_what_is_held() -> None:
    curve = curve_of("3x8x8 -> conv 4 k3 -> relu -> fc 10")
    assert curve.peak_layer == "conv_1"
    assert curve.peak_text == "1,344 bytes (1.3 KiB)"  # 3·8·8 + 4·6·6 numbers
    assert curve.held.rows == (("input", "3x8x8", "768 B"), ("conv_1", "4x6x6", "576 B"))


def test_batch_and_format_scale_the_curve() -> None:
    one, many = curve_of("lenet5"), curve_of("lenet5", batch=8, dtype="float16")
    assert [step.height for step in one.steps] == [step.height for step in many.steps]
    assert many.peak_text.partition(" ")[0] == f"{int(one.peak_text.partition(' ')[0].replace(',', '')) * 4:,}"


@pytest.mark.parametrize("most", [450, 7])
def test_steps_and_stages_fill_the_width(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(memory, "MAX_STEPS", most)
    curve = curve_of("resnet18")
    assert len(curve.steps) <= most
    for parts in (curve.steps, curve.stages):
        assert sum(part.width for part in parts) == pytest.approx(WIDTH)
        assert all(a.left + a.width == pytest.approx(b.left) for a, b in pairwise(parts))
    assert max(step.height for step in curve.steps) == HEIGHT


def test_a_network_without_layers_has_no_curve() -> None:
    graph = archcalc.load("3x8x8 -> relu").graph
    analysis = analyze(replace(graph, nodes=graph.nodes[:1], outputs={"output": Ref(0)}))
    assert memory_curve(analysis, live_bytes(analysis, "float32"), "chw", "float32") is None
