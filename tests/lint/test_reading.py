"""Warnings about how a text is read: what they report, what they advise, and what they do not report."""

from __future__ import annotations

import pytest

import archcalc
from archcalc.analysis.propagate import analyze
from archcalc.lint import RULES, lint
from archcalc.spec import GivenSettings, Problem, Source, Spec, SpecError, bundled, load_spec, read_spec
from archcalc.spec.misreadings import CHECKS
from tests.spec.reading import marked


def warnings(expression: str, **given: object) -> list[Problem]:
    """Return the warnings about how an inline expression is read."""
    return misread(load_spec(expression, GivenSettings(**given)))  # type: ignore[arg-type]


def file_warnings(text: str, **given: object) -> list[Problem]:
    """Return the warnings about how a file is read."""
    return misread(read_spec(Source("net.yaml", text), GivenSettings(**given)))  # type: ignore[arg-type]


def misread(spec: Spec) -> list[Problem]:
    return [problem for problem in lint(spec, analyze(spec.graph)) if problem.code in CHECKS]


MISREAD = {
    "512x512x3 -> conv 64 k4 s2 p1": ("channels-last-shape", "512x512x3", "3x512x512"),
    "480x640x1 -> conv 8 k3 half": ("channels-last-shape", "480x640x1", "1x480x640"),
    "1x3x224x224 -> conv 64 k3 p1": ("batch-in-shape", "1x3x224x224", "write 3x224x224"),
    "32x1x28x28 -> conv 8 k3 half": ("batch-in-shape", "32x1x28x28", "write 1x28x28"),
    "1x224x224x3 -> conv 64 k3": ("batch-in-shape", "1x224x224x3", "write 3x224x224"),
    "16x112x112x3 -> conv 64 k3": ("batch-in-shape", "16x112x112x3", "write 3x16x112x112"),
    "32x32 -> conv 6 k5": ("missing-channels", "32x32", "write 1x32x32"),
    "28x28 -> relu -> maxpool 2": ("missing-channels", "28x28", "write 1x28x28"),
    "300x64 -> ln": ("layer-norm-axis", "ln", "axis=last (128 parameters)"),
}

MEANT = [
    "3x512x512 -> conv 64 k4 s2 p1",
    "40x100 -> conv 6 k5",
    "1x16000 -> conv 8 k5",
    "64x64 -> linear 10",
    "512x7x7 -> fc 10",
    "2048x16x4 -> gap",
    "3x16x112x112 -> conv 64 k3",
    "1x64x64x64 -> conv 8 k3",
    "512x2x7x7 -> conv 8 k1",
    "300x64 -> ln axis=last",
    "300x64 -> ln axis=all",
    "64 -> ln",
]


@pytest.mark.parametrize("expression", MISREAD)
def test_texts_that_are_probably_misread_are_marked_with_the_better_text(expression: str) -> None:
    code, text, advice = MISREAD[expression]
    (found,) = warnings(expression)
    assert (found.code, found.level, marked(found)) == (code, "warning", text)
    assert advice in found.hint


@pytest.mark.parametrize("expression", MEANT)
def test_texts_that_are_read_as_meant_get_no_warning(expression: str) -> None:
    assert not warnings(expression)


def test_every_bundled_network_is_read_as_it_is_meant() -> None:
    assert not [found for name in bundled() for found in misread(load_spec(name))]


def test_the_advice_gets_no_warning_and_gives_the_number_that_it_promises() -> None:
    assert archcalc.load("300x64 -> ln axis=last").analyze().totals.params == 128
    assert archcalc.load("300x64 -> ln").analyze().totals.params == 38_400
    assert not warnings("3x512x512 -> conv 64 k4 s2 p1")


def test_a_layout_reads_the_shape_of_an_inline_expression() -> None:
    given = {"layout": "hwc"}
    assert not warnings("512x512x3 -> conv 64 k4 s2 p1", **given)
    network = archcalc.load("512x512x3 -> conv 64 k4 s2 p1", layout="hwc")
    assert network.graph.inputs == {"input": (3, 512, 512)}
    assert network.analyze().totals.params == 3 * 16 * 64 + 64
    shaped = archcalc.load("8x8x3 -> conv 64 k4 s2 p1", shapes="512x512x3", layout="hwc")
    assert shaped.graph.inputs == {"input": (3, 512, 512)}


def test_a_shape_of_the_command_line_is_marked_there() -> None:
    (found,) = warnings("mobilenet-v1", shapes={"": "160x160x3"})
    assert found.place() == ("--shape", 1, 1)
    assert not warnings("mobilenet-v1", shapes={"": "160x160x3"}, layout="hwc")


@pytest.mark.parametrize("shape", ["3x32", "64", "1x8x32x32"])
def test_a_shape_with_another_number_of_axes_is_marked_beside_the_one_that_it_replaces(shape: str) -> None:
    (found,) = warnings("1x32x32 -> relu", shapes={"": shape})
    axes = shape.count("x") + 1
    assert (found.code, marked(found)) == ("other-axes", shape)
    assert f"the shape {shape} has {axes} ax" in found.message
    assert "1x32x32 has 3" in found.message
    assert found.hint == "write CxHxW, as in 1x32x32"


def test_axes_are_counted_for_the_input_that_the_shape_is_given_to() -> None:
    text = "layout: hwc\ninputs:\n  image: 32x32x1\n  vector: 8\nlayers:\n  - a: '@vector -> relu'\n"
    found = file_warnings(text, shapes={"image": "32x3", "vector": "9"})
    assert [each.hint for each in found if each.code == "other-axes"] == ["write HxWxC, as in 32x32x1"]


def test_axes_explain_a_layer_that_they_make_impossible() -> None:
    with pytest.raises(SpecError) as caught:
        load_spec("lenet5", GivenSettings(shapes={"": "32"}))
    assert caught.value.problems[0].hint.startswith(
        "the shape 32 has 1 axis, but the network's own input 1x32x32 has 3"
    )


def test_a_channels_last_file_with_a_channels_first_shape_gets_a_warning() -> None:
    (found,) = file_warnings("layout: hwc\ninput: 3x224x224\nlayers: conv 8 k3\n")
    assert (found.code, marked(found)) == ("channels-last-shape", "3x224x224")
    assert "224x224x3" in found.hint
    assert not file_warnings("layout: hwc\ninput: 4x8x512\nlayers: conv 8 k3\n")


@pytest.mark.parametrize(
    "ignore", ["ignore: channels-last-shape\ninput: 32x32x3", "input: 32x32x3  # archcalc: ignore[channels-last-shape]"]
)
def test_a_file_suppresses_them_like_any_warning(ignore: str) -> None:
    assert not file_warnings(f"{ignore}\nlayers: conv 8 k3\n")


def test_a_comment_does_not_suppress_warnings_about_shapes_of_the_command_line() -> None:
    text = "input: 8x8x8  # archcalc: ignore[channels-last-shape]\nlayers: conv 8 k3\n"
    assert [found.code for found in file_warnings(text, shapes={"": "32x32x3"})] == ["channels-last-shape"]


def test_validate_gives_these_warnings_too() -> None:
    network = archcalc.load("32x32x3 -> conv 8 k3")
    assert [found.code for found in network.warnings()] == ["channels-last-shape"]
    assert set(CHECKS) <= set(RULES)
