"""Derivations of the gradient of a layer, as text or typeset."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archcalc.analysis.explain.steps import Derivation, DerivationStep
from archcalc.analysis.propagate import Analysis, Layer
from archcalc.graph import write_shape
from archcalc.numeric.printer import latex_text
from archcalc.numeric.traced import Form, Notation
from archcalc.ops.chain_rules import rules

QUOTIENT = re.compile(r"∂([^\s/∂·⊙(),]*?)/∂([\ŵ]+²?(?:_\w)?(?:\[[^\]]*\])?)")
ROOT = re.compile(r"√\(([^()]*)\)")
SUBSCRIPT = re.compile(r"([ΣΠ]|max|min)_(?:\{([^{}]*)\}|(\w))")
WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2,}\d*(?![A-Za-z])")
NUMBERED = re.compile(r"\b([ui])(\d)\b")
COMMANDS = {
    "Σ": r"\sum", "Π": r"\prod", "·": r" \cdot ", "⊙": r" \odot ", "⋆": r" \star ", "∗": r" * ", "−": "-",
    "≠": r" \neq ", "≥": r" \ge ", "≤": r" \le ", "ᵀ": r"^{\top}", "²": "^2", "′": "'", "∂": r"\partial ", "μ": r"\mu ",
    "σ": r"\sigma ", "ε": r"\epsilon ", "γ": r"\gamma ", "β": r"\beta ", "α": r"\alpha ", "‖": r"\Vert ",
    "…": r"\dots ", "×": r" \times ",
}  # fmt: skip
"""Characters of formulas in LaTeX."""
SYMBOLS = re.compile(rf"[^\s;:,]*[{''.join(COMMANDS)}\[][^\s;:,]*")
"""The words of notes that are formulas."""


def explain_gradient(analysis: Analysis, layer: Layer, *, form: Form = "text") -> Derivation:
    """Derive the gradient of a layer: from that of its output to those of its inputs and trained arrays."""
    return Derivation(layer.name, "gradient", tuple(_steps(analysis, layer, form=form)))


def _steps(analysis: Analysis, layer: Layer, *, form: Form) -> Iterator[DerivationStep]:
    graph = analysis.graph
    node = graph.nodes[layer.node]
    inputs = graph.input_shapes(node)
    notation = Notation(form)
    for rule in rules(node.op, inputs):
        if form == "latex":
            note = SYMBOLS.sub(lambda found: f"${typeset(found[0])}$", rule.note)
            yield DerivationStep(typeset(rule.symbol), typeset(rule.formula), "", "", note)
        else:
            symbol, formula = rule.symbol.replace("{", "").replace("}", ""), _plain(rule.formula)
            yield DerivationStep(notation.text(symbol), notation.text(formula), "", "", rule.note)
    for weight in node.op.weights(inputs):
        if weight.trainable:
            shape = write_shape(weight.shape)
            name = notation.text(f"∂L/∂{weight.name}")
            if form == "latex":
                name = rf"\frac{{\partial L}}{{\partial \mathrm{{{latex_text(weight.name)}}}}}"
            yield DerivationStep(name, "", "", notation.text(shape), "the shape of the array")


def _word(found: re.Match[str]) -> str:
    """Return a word of a formula in LaTeX: a conjunction, or the name of a function."""
    return rf"\text⟪ {found[0]} ⟫" if found[0] in ("if", "else", "in", "near") else rf"\operatorname⟪{found[0]}⟫"


def _plain(formula: str) -> str:
    """Return a formula as text: a subscript of several characters in brackets."""
    return SUBSCRIPT.sub(lambda found: f"{found[1]}({found[2]})" if found[2] else f"{found[1]}({found[3]})", formula)


def typeset(formula: str) -> str:
    """Return a formula in LaTeX."""
    text = QUOTIENT.sub(lambda found: f"⟦∂{found[1]}⟧⟨∂{found[2]}⟩", formula)
    text = ROOT.sub(lambda found: f"√⟪{found[1]}⟫", text)
    text = SUBSCRIPT.sub(lambda found: f"{found[1]}_⟪{found[2] or found[3]}⟫", text)
    text = text.replace("x̂", r"\hat⟪x⟫")
    text = re.sub(r"\^\(([^()]*)\)", r"^⟪\1⟫", text)
    text = NUMBERED.sub(r"\1_\2", WORD.sub(_word, text))
    for character, command in COMMANDS.items():
        text = text.replace(character, command)
    text = text.replace("⟦", r"\frac{").replace("⟧⟨", "}{").replace("⟩", "}").replace("√", r"\sqrt")
    return re.sub(r" +", " ", text.replace("⟪", "{").replace("⟫", "}")).strip()
