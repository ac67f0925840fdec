"""Targets: the same for every verb, with the same values in every kind of number."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archcalc
from archcalc.analysis.propagate import analyze
from archcalc.query.quantities import MEASURED, QUANTITIES
from archcalc.query.targets import Evaluator, Target, resolve, resolve_among
from archcalc.spec import Source, SpecError, read_spec
from tests.query.sweeping import blocks, question
from tests.random_networks import networks

LENET = "1x32x32 -> conv 6 k5 -> tanh -> maxpool 2 -> conv 16 k5 -> tanh -> maxpool 2 -> flatten -> fc 10"


@pytest.mark.slow
@settings(max_examples=40)
@given(networks(), st.data())
def test_targets_have_the_values_of_the_analysis(text: str, data: Any) -> None:
    """A target that is evaluated alone has its value from the analysis of the whole network."""
    graph = read_spec(Source("random.yaml", text)).graph
    batch, training = data.draw(st.sampled_from([None, 3])), data.draw(st.booleans())
    known = Evaluator.of(analyze(graph, training=training, batch=batch))
    alone = Evaluator(graph, training=training, batch=batch)
    places = ["", *(node.name for node in graph.nodes), *graph.stages]
    for _ in range(20):
        place, name = data.draw(st.sampled_from(places)), data.draw(st.sampled_from(MEASURED))
        target = f"{place}.{name}" if place else name
        assert found(known, target) == found(alone, target)


def found(evaluator: Evaluator, target: str) -> Any:
    """Return the values of a target, or the error of one that has none."""
    try:
        return evaluator.values(evaluator.target(target))
    except LookupError as error:
        return error.args


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "unet"])
def test_additive_quantities_are_the_sums_of_their_parts(name: str) -> None:
    graph = archcalc.load(name).graph
    evaluator = Evaluator(graph)
    for quantity in QUANTITIES.values():
        if quantity.aggregation == "sum":
            parts = [
                evaluator.values(evaluator.target(f"{node.name}.{quantity.name}"))[0] for _, node in graph.layers()
            ]
            assert evaluator.values(evaluator.target(quantity.name)) == (sum(parts),)


@pytest.mark.parametrize(
    ("target", "message", "hint"),
    [
        ("conv_9.params", "no layer or stage 'conv_9'", "did you mean 'conv_2'?"),
        ("what.params", "no layer or stage 'what'", "`archcalc show --depth all` lists the layers"),
        ("conv_1.mac", "no quantity 'mac'", "did you mean 'macs'?"),
        ("conv_1.peak", "'peak' is a quantity of the whole network", "write it as peak"),
        ("H", "'H' is a quantity of one output, not of the network", "write LAYER.H"),
        ("conv_1.D", "'conv_1' has no axis D", "its axes are C, H, W"),
        ("fc_1.n_1", "'fc_1' has no axis n_1", "its axes are C"),
    ],
)
def test_texts_that_are_not_targets_are_errors(target: str, message: str, hint: str) -> None:
    with pytest.raises(LookupError) as error:
        resolve(target, archcalc.load(LENET).analyze())
    assert error.value.args == (message, hint)


def test_a_target_knows_how_it_is_written() -> None:
    evaluator = Evaluator(archcalc.load(LENET).graph)
    for written in ("macs", "conv_1.H"):
        target = evaluator.target(written)
        assert isinstance(target, Target)
        assert target.name == written


def test_a_kind_of_operation_is_also_a_word_that_variables_hold() -> None:
    source = Source("net.yaml", "input: 3x8x8\nvariables: {act: tanh}\nlayers: [conv 4 k3, act]\n")
    asked = question(source, ["tanh_1.tanh"], where="act = tanh")
    (block,) = blocks(asked, {"act": ("tanh", "relu"), "H": (8,)})[:1]
    assert block.columns is not None
    assert block.columns[-1].tolist() == [4 * 6 * 6]


def test_explain_names_quantities_that_it_does_not_derive() -> None:
    with pytest.raises(SpecError, match="no quantity 'layers'"):
        archcalc.load(LENET).explain(quantity="layers")


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("c1.params/c3.params", "write a ratio with spaces: c1.params / c3.params"),
        ("c1/conv.params/c3/conv.params", "write a ratio with spaces: c1/conv.params / c3/conv.params"),
        ("c9/nothing.params", "`archcalc show --depth all` lists the layers"),
    ],
)
def test_a_ratio_without_spaces_has_a_hint(target: str, hint: str) -> None:
    with pytest.raises(LookupError) as caught:
        resolve_among(target, {"": archcalc.load("lenet5").analyze()})
    assert caught.value.args[1] == hint
