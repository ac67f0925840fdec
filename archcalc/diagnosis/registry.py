"""The registry of the known mistakes and conventions, by code."""

from __future__ import annotations

from archcalc.claims.sentences import SENTENCES
from archcalc.diagnosis import conventions, numbers, places
from archcalc.diagnosis.arrays.mistakes import ARRAY_MISTAKES
from archcalc.diagnosis.conventions import batch_norms, of_kind
from archcalc.diagnosis.layer_mistakes import LAYER_MISTAKES
from archcalc.diagnosis.mistake import WEIGHTS, Convention, Prior

OUTPUTS = frozenset({"macs", "mults", "flops"})

CONVENTIONS = (
    Convention(
        code="bn-statistics-left-out", affects=frozenset({"params"}), prior=Prior.COMMON,
        contribution=conventions.statistics_left_out,
    ),
    Convention(
        code="bn-statistics-counted", affects=frozenset({"trainable"}), prior=Prior.COMMON,
        contribution=conventions.statistics_counted,
    ),
    Convention(
        code="bn-left-out", affects=WEIGHTS | {"mults", "flops", "connections"}, prior=Prior.COMMON,
        contribution=conventions.without(batch_norms),
    ),
    Convention(
        code="bn-one-per-map", affects=WEIGHTS, contribution=conventions.one_per_map,
    ),
    Convention(
        code="bn-per-element", affects=WEIGHTS, prior=Prior.RARE, contribution=conventions.per_element,
        combinable=False,
    ),
    Convention(
        code="one-bias", affects=WEIGHTS, contribution=conventions.one_bias,
    ),
    Convention(
        code="bias-per-kernel", affects=WEIGHTS, contribution=conventions.bias_per_kernel,
    ),
    Convention(
        code="bias-per-input-channel", affects=WEIGHTS, contribution=conventions.bias_per_input, combinable=False,
    ),
    Convention(
        code="inputs-added", affects=WEIGHTS, prior=Prior.RARE, contribution=conventions.inputs_added,
        combinable=False,
    ),
    Convention(
        code="bias-in-macs", affects=frozenset({"macs", "mults"}), prior=Prior.COMMON,
        contribution=conventions.products_with_biases,
    ),
    Convention(
        code="bn-in-macs", affects=frozenset({"macs"}), prior=Prior.COMMON,
        contribution=conventions.multiplications_of_norms,
    ),
    Convention(
        code="bn-operations-in-macs", affects=frozenset({"macs"}),
        contribution=conventions.operations_of(batch_norms),
    ),
    Convention(
        code="activations-in-macs", affects=frozenset({"macs"}),
        contribution=conventions.one_per_output_of_activations,
    ),
    Convention(
        code="pooling-in-macs", affects=frozenset({"macs"}), contribution=conventions.operations_of(of_kind("pooling")),
    ),
    Convention(
        code="other-layers-in-macs", affects=frozenset({"macs"}), contribution=conventions.operations_of_all,
    ),
    Convention(
        code="only-convolutions", affects=WEIGHTS | OUTPUTS | {"connections"},
        contribution=conventions.only(of_kind("convolution")),
    ),
    Convention(
        code="only-fully-connected", affects=WEIGHTS | OUTPUTS | {"connections"},
        contribution=conventions.only(of_kind("dense")),
    ),
    Convention(
        code="fully-connected-left-out", affects=WEIGHTS | OUTPUTS | {"connections"},
        contribution=conventions.without(of_kind("dense")),
    ),
    Convention(
        code="macs-for-flops", affects=frozenset({"flops"}), prior=Prior.COMMON, contribution=conventions.macs_only,
    ),
    Convention(
        code="twice-macs-for-flops", affects=frozenset({"flops"}), prior=Prior.COMMON,
        contribution=conventions.twice_macs,
    ),
    Convention(
        code="bias-on-top", affects=frozenset({"flops"}), contribution=conventions.bias_on_top, combinable=False,
    ),
    Convention(
        code="in-place", affects=frozenset({"activations"}), contribution=conventions.in_place,
    ),
)  # fmt: skip

SCALINGS = numbers.SCALINGS

CONVENTIONAL = frozenset(
    {each.code for each in CONVENTIONS}
    - {"bn-one-per-map", "bn-per-element", "bias-per-input-channel", "inputs-added", "bias-on-top"}
    | {
        "bias-left-out",
        "bias-added",
        "second-bias-left-out",
        "second-bias-added",
        "two-per-mac",
        "halved",
        "kilo-1024",
        "bytes",
        "layout",
        "rounded-up",
        "rounded-down",
        "training-heads-counted",
        "heads-left-out",
        "input-positions",
        "input-counted",
        "softmax-left-out",
        "softmax-added",
        "kept-by-pytorch",
        "overwritten",
        "kept-by-pytorch-in-place",
        "other-optimizer",
    }
)
"""The codes that are not mistakes but legitimate ways to count."""

FOLLOW_THROUGH = "follow-through"
NOT_THE_SUM = "not-the-sum"
TRUNCATED = "truncated"
ROUNDING_LEFT_OUT = "rounding-left-out"

CODES: dict[str, str] = {
    code: SENTENCES[code]
    for code in (
        *dict.fromkeys(each.code for each in (*LAYER_MISTAKES, *CONVENTIONS, *SCALINGS)),
        *(each.code for each in ARRAY_MISTAKES),
        *places.PRIORS,
        *numbers.SLIPS,
        FOLLOW_THROUGH,
        TRUNCATED,
        NOT_THE_SUM,
        ROUNDING_LEFT_OUT,
    )
}
"""Every code with its sentence; two mistakes made together have both codes, joined by ``+``."""
