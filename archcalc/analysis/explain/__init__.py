"""Derivations: the formulas of operators and passes, evaluated with traced numbers, one layer at a time.

There are no separate formulas for derivations: the functions of the analysis are called with numbers that record the
expressions they come from, and every result is compared with that of the analysis before it is shown.
"""

from archcalc.analysis.explain.cache import explain_cache
from archcalc.analysis.explain.fields import explain_field
from archcalc.analysis.explain.folding import explain_folding, explain_stage_folding
from archcalc.analysis.explain.layers import explain_layer, heading
from archcalc.analysis.explain.memory import explain_memory, explain_stored
from archcalc.analysis.explain.steps import Contradiction, Derivation, DerivationStep
from archcalc.analysis.explain.sums import explain_sums
from archcalc.analysis.explain.training import explain_training

__all__ = [
    "Contradiction",
    "Derivation",
    "DerivationStep",
    "explain_cache",
    "explain_field",
    "explain_folding",
    "explain_layer",
    "explain_memory",
    "explain_stage_folding",
    "explain_stored",
    "explain_sums",
    "explain_training",
    "heading",
]
