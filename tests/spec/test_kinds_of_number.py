"""Specs are read with numbers of any kind in place of their variables and input sizes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from archcalc.analysis.propagate import analyze
from archcalc.graph import Graph, input_axes
from archcalc.numeric import is_plain
from archcalc.spec import GivenSettings, Source, SpecError, load_spec, read_spec
from tests.opaque import OpaqueNumber, plain_value
from tests.sample import SAMPLE
from tests.spec.reading import graph, problem

VARIABLES = """
    name: knobs
    inputs: {image: 3x32x32, prior: 1x16x16}
    variables: {width: 8, depth: 2, half_width: width//2, k: 3}
    layers:
      - body: (conv width k=k half -> relu)*2 -> conv 2*width k1 -> maxpool 2 -> concat(@prior, identity)
      - tail: conv half_width k1
"""


def counts(network: Graph) -> list[Any]:
    """Return all counts of every layer, in plain numbers."""
    return [
        (
            layer.name,
            [plain_value(size) for size in layer.output],
            *(
                plain_value(getattr(layer, name))
                for name in ("params", "trainable", "macs", "connections", "activations")
            ),
            {kind: plain_value(count) for kind, count in layer.operations.items() if plain_value(count)},
        )
        for layer in analyze(network, receptive=False).layers
    ]


def opened(name: str) -> Graph:
    """Return a bundled network with opaque numbers wherever its structure does not need plain ones."""
    plain = load_spec(name).graph
    values = {name: value for name, value in plain.variables.items() if is_plain(value)}
    values |= {
        axis: plain.inputs[source][index]
        for axis, (source, index) in input_axes(plain.inputs).items()
        if axis not in values and plain.inputs[source][index] != 1  # as written, 1 broadcasts
    }
    structural = set()
    for variable, value in values.items():
        try:
            load_spec(name, GivenSettings(numbers={variable: OpaqueNumber(value)}))
        except SpecError as error:
            if {found.code for found in error.problems} != {"needs-number"}:
                raise
            structural.add(variable)
    numbers = {variable: OpaqueNumber(value) for variable, value in values.items() if variable not in structural}
    return load_spec(name, GivenSettings(numbers=numbers)).graph


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
def test_bundled_networks_are_generic_in_their_variables_and_input_sizes(name: str) -> None:
    assert counts(opened(name)) == counts(load_spec(name).graph)


def test_numbers_stand_in_for_variables_and_sizes_by_name() -> None:
    changed = graph(VARIABLES, numbers={"width": 16, "H": 64, "prior.W": 16, "prior.H": 32})
    assert changed.inputs == {"image": (3, 64, 32), "prior": (1, 32, 16)}
    assert [node.output[0] for _, node in changed.layers()] == [16, 16, 16, 16, 32, 32, 33, 8]


@pytest.mark.parametrize(
    ("size", "message"),
    [(Fraction(7, 2), "must be an integer, got 7/2"), (0, "must be positive, got 0"), (-3, "must be positive, got -3")],
)
@pytest.mark.parametrize("layer", ["relu", "conv 4 k1", "flatten -> fc 2"])
def test_input_sizes_must_be_positive_integers(layer: str, size: Any, message: str) -> None:
    assert message in problem(f"input: 3x8x8\nlayers:\n  - {layer}\n", numbers={"H": size}).message


def test_an_unknown_name_is_an_error_with_a_suggestion() -> None:
    found = problem(VARIABLES, numbers={"widht": 16})
    assert (found.code, found.hint) == ("unknown-name", "did you mean 'width'?")


@pytest.mark.parametrize(
    ("layers", "what"),
    [
        ("(relu)*n", "a number of repetitions"),
        ("if(n > 0, relu)", "a condition"),
        ("if(n, relu, tanh)", "a condition"),
        ("softmax axis=n", "an argument of softmax"),
        ("conv 2**n k1", "an argument of conv"),
        ("maxpool 2 ceil=n", "an argument of maxpool"),
    ],
)
def test_variables_that_determine_the_structure_need_plain_numbers(layers: str, what: str) -> None:
    text = f"input: 3x8x8\nvariables: {{n: 1}}\nlayers:\n  - body: {layers}\n"
    found = problem(text, numbers={"n": OpaqueNumber(1)})
    assert (found.code, found.message.split(" depends")[0]) == ("needs-number", what)


def test_an_observer_is_notified_of_every_layer_before_its_formulas() -> None:
    observed: list[int] = []
    network = graph(VARIABLES, observe=observed.append)
    assert observed == [index for index, _ in network.layers()]


def test_names_of_an_expression_are_its_variables() -> None:
    settings, numbers = {"n": "4", "k": "3x5"}, {"n": 4}
    given_size = graph_of("3x(H)x16 -> conv n k=k half", set={**settings, "H": "8"})
    assert given_size.nodes[-1].output == (4, 8, 16)
    assert graph_of("3x8x16 -> conv n k3 half", numbers=numbers).nodes[-1].output == (4, 8, 16)


def test_the_free_channels_of_an_input_are_not_those_of_the_layers_after_it() -> None:
    for shape in ("(C)x16x16", "6x16x16"):
        network = graph_of(f"{shape} -> conv C//2 k1 -> conv C k1 -> conv 2*C k1", numbers={"C": 8})
        assert [node.output[0] for node in network.nodes] == [8, 4, 4, 8]


def test_a_name_in_an_expression_hides_the_size_of_that_name() -> None:
    network = graph_of("3x(2*H+1)x(max(H,9)) -> conv 2*H k1", numbers={"H": 4})
    assert [node.output for node in network.nodes] == [(3, 9, 9), (8, 9, 9)]
    assert graph_of("(2*C)x8x8 -> conv C k1", numbers={"C": 4}).nodes[-1].output == (8, 8, 8)


def graph_of(expression: str, **given: Any) -> Graph:
    return read_spec(Source("<expression>", expression), GivenSettings(**given), inline=True).graph
