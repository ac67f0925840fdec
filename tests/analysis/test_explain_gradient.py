"""Derivations of gradients: every operator has one, in both notations, and its symbols are typeset."""

from __future__ import annotations

import pytest

import archcalc
from archcalc.analysis.explain.gradient import typeset
from archcalc.ops.base import REGISTRY
from archcalc.ops.chain_rules import RULES, rules
from archcalc.spec.errors import SpecError
from tests.operators import ENTRIES

REARRANGING = {
    *("identity", "flatten", "reshape", "transpose", "shuffle", "roll", "split", "slice", "rearrange", "repeat"),
    *("pixel_shuffle", "space_to_depth", "take", "gather", "topk", "upsample", "pad", "crop", "padded_identity"),
    *("reduce", "relative_bias", "roi_align", "deform_conv"),
}
"""Operators whose gradient returns to the numbers that they read; they share one derivation."""


def derivation(spec: str, layer: str, *, latex: bool = False) -> dict[str, str]:
    """Return the formulas of the gradient of a layer by their left sides; the last of several."""
    ((_, (found,)),) = archcalc.load(spec).explain(layer, "gradient", latex=latex)
    return {step.symbol: step.formula or step.value for step in found.steps}


def test_every_operator_has_a_derivation() -> None:
    without = {name for name, cls in REGISTRY.items() if cls.no_gradient is not None and cls.no_gradient.is_complete}
    assert {name for name, cls in REGISTRY.items() if cls not in RULES} == REARRANGING | without
    for name in without:
        assert rules(REGISTRY[name](**ENTRIES[name].cases[0][0]), ENTRIES[name].cases[0][1])[0].formula == "0"


@pytest.mark.parametrize(
    ("spec", "layer", "found"),
    [
        ("8 -> floor", "floor_1", {"∂L/∂x": "0"}),
        ("8 -> add(identity, constant 8)", "constant_1", {"∂L/∂value": "0"}),
        ("8 -> add(identity, random 8)", "random_1", {"∂y/∂w": "0"}),
    ],
)
def test_an_operator_that_passes_no_gradient_on_names_what_it_has(spec: str, layer: str, found: dict[str, str]) -> None:
    assert derivation(spec, layer) == found


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_formulas_are_typeset_completely(name: str) -> None:
    for attributes, shapes in ENTRIES[name].cases:
        for rule in rules(REGISTRY[name](**attributes), shapes):
            for text in (rule.symbol, rule.formula):
                latex = typeset(text)
                assert latex.isascii(), latex
                assert latex.count("{") == latex.count("}"), latex


def test_the_gradients_of_a_convolution_are_convolutions() -> None:
    found = derivation("3x8x8 -> conv 4 k3", "conv_1")
    assert found["∂L/∂W"] == "X ⋆ ∂L/∂Z"
    assert found["∂L/∂X"] == "full(∂L/∂Z) ⋆ rot180(W)"
    assert found["∂L/∂weight"] == "4x3x3x3"
    assert "∂L/∂b[o]" not in derivation("3x8x8 -> conv 4 k3 nobias", "conv_1")


def test_the_kernel_of_a_mathematical_convolution_is_flipped_in_its_gradients() -> None:
    found = derivation("3x8x8 -> conv 4 k3 flip", "conv_1")
    assert (found["Z"], found["∂L/∂W"]) == ("X ⋆ K + b", "rot180(∂L/∂K)")
    assert found["∂L/∂X"] == "full(∂L/∂Z) ⋆ W"
    assert derivation("3x8x8 -> sepconv 4 k3 flip", "sepconv_1")["∂L/∂D"] == "rot180(X ⋆ ∂L/∂M)"


def test_dropout_that_scales_at_inference_does_not_divide_in_training() -> None:
    assert derivation("4 -> dropout", "dropout_1")["∂L/∂x"] == "m·∂L/∂y/(1 − p)"
    assert derivation("4 -> dropout scale=inference", "dropout_1")["∂L/∂x"] == "m·∂L/∂y"


def test_weights_that_are_computed_pass_their_gradient_on() -> None:
    assert derivation("3x8x8 -> conv 4 k3 weight_norm", "conv_1")["∂L/∂g"] == "Σ ∂L/∂W·V/‖V‖"
    assert derivation("3x8x8 -> conv 4 k3 ws", "conv_1")["W"] == "(V − μ)/√(σ² + ε)"


def test_batch_norm_has_three_paths() -> None:
    ((_, (found,)),) = archcalc.load("3x8x8 -> bn").explain("bn_1", "gradient")
    (step,) = (step for step in found.steps if step.note.startswith("three paths"))
    assert step.formula == "∂L/∂x̂[i]/√(σ² + ε) + ∂L/∂σ²·2·(x[i] − μ)/m + ∂L/∂μ/m"


def test_softmax_with_cross_entropy_is_the_difference_from_the_target() -> None:
    assert derivation("5 -> softmax", "softmax_1")["∂L/∂z[j]"] == "p[j] − t[j]"
    assert derivation("5 -> softmax", "softmax_1", latex=True)[r"\frac{\partial L}{\partial z[j]}"] == "p[j] - t[j]"


@pytest.mark.parametrize("place", [None, "c1"])
def test_a_gradient_is_derived_for_one_layer(place: str | None) -> None:
    with pytest.raises(SpecError, match="'gradient' is a quantity of one"):
        archcalc.load("lenet5").explain(place, "gradient")
