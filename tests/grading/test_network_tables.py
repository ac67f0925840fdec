"""Tables of networks: a network in each row, whose columns come from one tool each."""

from __future__ import annotations

import pytest

from archcalc import SpecError
from archcalc.grading.answers import read_answers
from archcalc.grading.columns import quantity_and_unit
from archcalc.grading.grade import Grader
from archcalc.grading.marks import GradedSubmission
from archcalc.grading.subjects import NetworkLibrary
from archcalc.grading.submission import AnswerFile
from archcalc.spec.errors import Source

PTFLOPS = """\
# Models

| Model | Resolution | Params (M) | FLOPs (G) | Top-1 |
|:--|--:|--:|--:|--:|
| [ResNet-18](configs/resnet18.py) | 224x224 | 11.69 | 1.82 | 69.90 |
| ResNet-34<sup>1</sup> | 224x224 | 21.8 | 3.68 | 73.62 |
| **ResNet-50** | 224x224 | 25.56 | 4.12 | 76.55 |
| VGG-11 | 224x224 | 132.86 | 7.63 | 68.75 |
| Unheard-of-Net | 224x224 | 1.0 | 1.0 | 99.99 |
"""
"""OpenMMLab's table of classifiers, with names as they are written elsewhere, too."""


def read(text: str, name: str = "zoo.md") -> AnswerFile:
    return read_answers(Source(name, text))


def graded(text: str, name: str = "zoo.md") -> GradedSubmission:
    return Grader(None, NetworkLibrary()).grade(read(text, name), name)


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("GFLOPs", ("flops", "G")),
        ("FLOPs (G)", ("flops", "G")),
        ("#Params/M", ("params", "M")),
        ("Parameters, M", ("params", "M")),
        ("Params(10^6)", ("params", "M")),
        ("Mult-Adds (M)", ("macs", "M")),
        ("GMACs", ("macs", "G")),
        ("# params", ("params", "")),
        ("MAdds", ("macs", "")),
        ("Top-1", None),
        ("Memory (MB)", None),
    ],
)
def test_titles_may_have_the_unit_of_their_numbers(title: str, found: tuple[str, str] | None) -> None:
    assert quantity_and_unit(title) == found


def test_a_row_is_a_network_and_a_cell_a_claim_in_the_unit_of_its_column() -> None:
    file = read(PTFLOPS)
    assert [(each.target.value, each.value.value) for each in file.answers[:4]] == [
        ("ResNet-18.params", "11.69M"),
        ("ResNet-18.flops", "1.82G"),
        ("ResNet-34.params", "21.8M"),
        ("ResNet-34.flops", "3.68G"),
    ]
    assert {name: network.spec.value for name, network in file.networks.items()} == {
        "ResNet-18": "resnet18",
        "ResNet-34": "resnet34",
        "ResNet-50": "resnet50",
        "VGG-11": "vggnet:11",
    }
    assert any("Unheard-of-Net" in note for note in file.notes)
    assert any("Top-1" in note for note in file.notes)


def test_the_resolution_of_a_row_is_that_of_its_input() -> None:
    file = read("Model,Image size,GFLOPs\nEfficientNet-B0,224,0.39\nEfficientNet-B0,240,0.45\n", "zoo.csv")
    shapes = {name: [shape.value for shape in network.shapes.values()] for name, network in file.networks.items()}
    assert shapes == {"EfficientNet-B0": [], "EfficientNet-B0 3x240x240": ["3x240x240"]}


def test_a_table_of_unknown_networks_only_is_an_error() -> None:
    with pytest.raises(SpecError) as error:
        read("Model,GFLOPs\nUnheard-of-Net,1.0\n", "zoo.csv")
    (problem,) = error.value.problems
    assert problem.message == "no row names a network that archcalc knows"
    assert problem.span is not None


def test_a_table_of_layers_is_not_a_table_of_networks() -> None:
    file = read("Network: lenet5\n\n| layer | params |\n|--|--|\n| c1 | 156 |\n")
    assert not file.audit
    assert not file.columns


@pytest.mark.slow
def test_the_tool_that_made_a_column_is_named_and_the_rows_that_do_not_fit() -> None:
    result = graded(PTFLOPS.replace("7.63", "7.95"))
    assert result.status == 1
    (wrong,) = result.wrong
    assert wrong.id == "VGG-11.flops"
    assert "ptflops 0.6.9 prints 7," in wrong.sentence
    flops = [mark for mark in result.marks if mark.id.endswith(".flops") and mark.right]
    assert [mark.code for mark in flops] == ["tool:ptflops-0.6.9"] * 3
    assert any(
        note.startswith("column FLOPs (G) in line 3: 3 of 4 numbers are what ptflops 0.6.9") for note in result.notes
    )
    assert any("Params (M)" in note and "4 of 4" in note for note in result.notes)


@pytest.mark.slow
def test_a_row_that_the_tool_gives_only_without_the_classifier_says_so() -> None:
    row = "| MobileNet V2 | 224x224 | 3.5 | 0.319 | 71.86 |\n"  # OpenMMLab's script counts features
    (wrong,) = graded(PTFLOPS + row).wrong
    assert wrong.code == "tool:ptflops-0.6.9+fully-connected-left-out"
    assert wrong.sentence.endswith(
        "0.319G is what ptflops 0.6.9 would print for mobilenet-v2, 319,019,008, on this assumption: "
        "The fully connected layers are left out."
    )


@pytest.mark.slow
def test_rows_whose_networks_are_built_otherwise_than_assumed_fit_their_tool() -> None:
    # printed by thop 0.1.1 for torchvision's models, two of which pool with a function
    table = "model,macs\nresnet18,1824033792\nmobilenet_v2,327486720\ndensenet121,2897007104\n"
    result = graded(table, "zoo.csv")
    assert [mark.code for mark in result.marks] == ["tool:thop", *["tool:thop+pooling-functions"] * 2]
    assert not result.wrong
    assert any("3 of 3 numbers are what thop 0.1.1 prints as MACs" in note for note in result.notes)


def test_a_column_by_definition_needs_no_tool() -> None:
    result = graded(
        "model,params,macs\nlenet5,61706,416520\nlenet1,2578,128600\nalexnet,62378344,1135256096\n", "zoo.csv"
    )
    assert [mark.verdict for mark in result.marks[:2]] == ["exact", "exact"]
    assert any("params" in note and "archcalc's own" in note for note in result.notes)


def test_a_column_without_a_source_keeps_the_verdicts_of_its_numbers() -> None:
    result = graded("model,macs\nlenet5,416520\nlenet1,7\nvgg-a,9\n", "zoo.csv")
    assert [mark.right for mark in result.marks] == [True, False, False]
    assert result.notes == ("column macs: neither archcalc nor any single tool gives most of its numbers",)


@pytest.mark.parametrize(
    "table", ["model,params,macs\nlenet5,61706,416520\n", "model,rf\nlenet5,global\nvgg-a,global\n"]
)
def test_nothing_is_said_about_columns_whose_numbers_are_correct_without_a_source(table: str) -> None:
    result = graded(table, "zoo.csv")
    assert all(mark.right for mark in result.marks)
    assert not result.notes


def test_nothing_is_said_about_the_source_of_a_single_number() -> None:
    result = graded("model,macs\nlenet5,7\n", "zoo.csv")
    assert [mark.right for mark in result.marks] == [False]
    assert not result.notes
