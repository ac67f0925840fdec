"""The sizes of the current tensor, by name, in every expression."""

from __future__ import annotations

import pytest

from tests.spec.reading import chain, graph, marked, problem, shapes, wrong


@pytest.mark.parametrize(
    ("shape", "layer", "output"),
    [
        ("10", "fc 2*C", "20"),
        ("10", "fc n0+1", "11"),
        ("4x100", "conv L//2 k1", "50x100"),
        ("4x100", "conv n0*n1 k1", "400x100"),
        ("3x20x30", "conv H+W k1", "50x20x30"),
        ("3x20x30", "upsample to=(n1*2)x(W-10)", "3x40x20"),
        ("3x20x30", "reshape (H)x(C*W)", "20x90"),
        ("2x5x20x30", "conv D*H k1", "100x5x20x30"),
        ("2x5x20x30", "conv n1+n2+n3 k1", "55x5x20x30"),
        ("2x3x4x5x6", "conv n4 k1", "6x3x4x5x6"),
    ],
)
def test_a_size_is_that_of_the_tensor_that_enters_the_layer(shape: str, layer: str, output: str) -> None:
    assert shapes(chain(f"identity -> {layer}", shape)) == [output]


@pytest.mark.parametrize(
    ("shape", "layer", "at", "known"),
    [
        ("10", "fc H", "H", "C, n0"),
        ("10", "fc n1", "n1", "C, n0"),
        ("4x100", "conv H k1", "H", "C, L, n0, n1"),
        ("3x20x30", "conv L k1", "L", "C, H, W, n0, n1, n2"),
        ("3x20x30", "conv D k1", "D", "C, H, W, n0, n1, n2"),
        ("3x20x30", "conv n3 k1", "n3", "C, H, W, n0, n1, n2"),
        ("2x3x4x5x6", "conv W k1", "W", "C, n0, n1, n2, n3, n4"),
    ],
)
def test_a_size_that_the_tensor_does_not_have_is_an_error_that_lists_its_sizes(
    shape: str, layer: str, at: str, known: str
) -> None:
    found = wrong(layer, shape)
    assert found.code == "shape"
    assert found.message == f"the current tensor, {shape}, has no size {at}"
    assert found.hint == f"its sizes are {known}"
    assert marked(found) == at


def test_sizes_are_channels_first_in_every_layout() -> None:
    text = """
    input: 20x30x3
    layout: hwc
    layers:
      - conv C*2 k1 -> reshape (H)x(W)x(n0)
    """
    assert shapes(graph(text)) == ["6x20x30", "6x20x30"]


def test_defaults_sizes_of_joins_and_repeats_are_those_of_the_tensor_at_the_call() -> None:
    text = """
    input: 4x10x12
    blocks:
      f(a=H, b=a+W): conv 7 k3 -> conv a k1 -> conv b k1
    layers:
      - f()
      - concat(conv H k1, maxpool 2 -> conv H k1 -> upsample 2)
      - (relu)*(n1-8)
    """
    assert shapes(graph(text)) == [
        *("7x8x10", "10x8x10", "22x8x10"),
        *("8x8x10", "22x4x5", "4x4x5", "4x8x10", "12x8x10"),
    ]


def test_a_declared_name_hides_a_size() -> None:
    text = """
    input: 3x(H)x8
    variables: {H: 6, n1: 5}
    blocks:
      f(W): conv H*W k1 -> conv n1 k1 -> conv n2 k1
    layers:
      - f(2)
    """
    assert shapes(graph(text)) == ["12x6x8", "5x6x8", "8x6x8"]


def test_in_an_inline_expression_a_size_is_a_variable_only_if_it_is_set_or_in_the_shape() -> None:
    assert shapes(chain("conv H k1", "3x8x9")) == ["8x8x9"]
    assert shapes(chain("conv H k1", "3x8x9", set={"H": "5"})) == ["5x8x9"]
    assert shapes(chain("maxpool 2 -> conv H k1", "3x(H)x(H)", set={"H": "6"})) == ["3x3x3", "6x3x3"]
    assert shapes(chain("maxpool 2 -> conv H k1", "3x8x8", numbers={"H": 6})) == ["3x3x4", "3x3x4"]


@pytest.mark.parametrize("section", ["variables: {a: H}\ninput: 3x4x4", "input: 3x(W)x4"])
def test_variables_and_input_shapes_have_no_current_tensor(section: str) -> None:
    found = problem(f"{section}\nlayers: [relu]")
    assert found.code == "unknown-name"
    assert "a size of a tensor" in found.message


def test_numbered_names_are_those_of_input_sizes_as_well() -> None:
    assert shapes(graph("input: 3x8x8\nlayers: [relu]", numbers={"n1": 5, "input.n2": 6})) == ["3x5x6"]
