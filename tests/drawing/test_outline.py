"""The parts of a drawing: what has a box of its own, what is a line in one, and what is drawn once."""

from __future__ import annotations

import archcalc
from archcalc.analysis.propagate import analyze
from archcalc.drawing.diagram import Box, Frame, Part
from archcalc.drawing.kinds import KINDS, kind_of
from archcalc.drawing.outline import MAX_LEVEL_PARTS, Detail, number_of_boxes, outline
from archcalc.ops import REGISTRY
from archcalc.report.picture_page import COLORS
from archcalc.spec import Source, read_spec


def diagram(spec: str, depth: int = 99) -> Frame:
    return outline(analyze(archcalc.load(spec).graph, receptive=False), Detail(), depth)


def texts(frame: Frame) -> list[tuple[str, ...]]:
    return [part.lines for part in frame.parts if isinstance(part, Box)]


def repeated(part: Part) -> dict[str, int]:
    """Return how often the parts in a frame are repeated, by name, where that is more than once."""
    inner = (
        {} if isinstance(part, Box) else {name: times for one in part.parts for name, times in repeated(one).items()}
    )
    return {**inner, **({part.name: part.times} if part.times > 1 else {})}


def test_norms_and_activations_are_lines_of_the_layer_before_them() -> None:
    assert texts(diagram("3x8x8 -> conv 4 k3 -> bn -> relu -> maxpool 2")) == [
        ("input",),
        ("conv 4 k3", "bn · relu"),
        ("maxpool 2",),
    ]


def test_an_activation_is_a_box_if_something_else_reads_what_it_reads() -> None:
    assert texts(diagram("3x8x8 -> conv 3 k3 half -> add(identity, relu)")) == [
        ("input",),
        ("conv 3 k3 half",),
        ("relu",),
        ("add",),
    ]


def test_repetitions_are_drawn_once() -> None:
    # resnet50 has 3, 4, 6 and 3 blocks, the first of which has another shortcut
    assert repeated(diagram("resnet50")) == {"rest": 2} | {"rest": 5} | {"rest": 2}
    numbers = [part.times for stage in diagram("resnet50").parts if isinstance(stage, Frame) for part in stage.parts]
    assert [times for times in numbers if times > 1] == [2, 3, 5, 2]


def test_alternating_layers_are_drawn_once() -> None:
    frame = diagram("8x8x8 -> (conv 8 k3 half -> maxpool 3 s1 half)*5")
    assert [part.times for part in frame.parts] == [1, 5]


def test_layers_that_differ_are_not_repetitions() -> None:
    assert not repeated(diagram("3x8x8 -> conv 8 k3 half -> conv 8 k3 half"))  # 3 and 8 input channels
    assert not repeated(diagram("googlenet", depth=1))  # 4b and 4c have as many layers and outputs


def test_depth_folds_stages_into_one_box() -> None:
    assert texts(diagram("resnet18", depth=1))[-1] == ("head", "3 layers")
    assert number_of_boxes(diagram("resnet18", depth=1)) < number_of_boxes(diagram("resnet18", depth=2))


def test_a_short_chain_inside_a_frame_has_none_of_its_own() -> None:
    spec = """
input: 4x8x8
blocks:
  short: conv 4 k3 half -> maxpool 3 s1 half
  long: conv 4 k3 half -> maxpool 3 s1 half -> conv 4 k1 -> maxpool 3 s1 half
layers:
  - body: add(identity, short) -> add(identity, long)
"""
    body = outline(analyze(read_spec(Source("net.yaml", spec)).graph, receptive=False), Detail(), 99).parts[-1]
    assert isinstance(body, Frame)
    assert [part.name for part in body.parts if isinstance(part, Frame)] == ["long"]


def test_training_heads_are_drawn_on_request() -> None:
    analysis = analyze(archcalc.load("googlenet").graph, receptive=False)
    with_heads = outline(analysis, Detail(training=True), 1)
    assert {part.name for part in with_heads.parts} - {part.name for part in outline(analysis, Detail(), 1).parts} == {
        "aux1",
        "aux2",
    }


def test_a_network_of_thousands_of_layers_is_folded() -> None:
    layers = " -> ".join(f"conv {8 + index % 7} k1" for index in range(2000))
    frame = outline(analyze(archcalc.load(f"8x4x4 -> {layers}").graph, receptive=False), Detail())
    assert number_of_boxes(frame) <= MAX_LEVEL_PARTS
    assert sum(len(part.members) for part in frame.parts) == 2001


def test_every_operator_has_a_kind_and_every_kind_a_color() -> None:
    assert {kind_of(each) for each in map(object.__new__, REGISTRY.values())} <= KINDS.keys() - {"other"}
    assert COLORS.keys() == KINDS.keys()
