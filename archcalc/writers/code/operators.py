"""What the code of operators has in common in every library."""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_lowercase
from typing import Any

from archcalc.ops.pattern import Pattern
from archcalc.writers.code.registry import LayerContext

ARITHMETIC: Mapping[str, str] = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
"""Python's operators for joins."""
COMPARISONS: Mapping[str, str] = {
    "greater": ">",
    "greater_equal": ">=",
    "less": "<",
    "less_equal": "<=",
    "equal": "==",
    "not_equal": "!=",
}
"""Python's comparisons."""


def filled_up(context: LayerContext, place: int, rank: int) -> str:
    """Return a tensor with axes of size 1 behind the batch, so that it has as many axes as others."""
    missing = rank - len(context.shapes[place])
    return f"${place}" + (f"[:{', None' * missing}]" if missing else "")


def letters_of(pattern: Pattern) -> tuple[Mapping[str, str], str]:
    """Return a letter for each axis of an einsum, and one for the batch; names of one letter are kept."""
    names = pattern.input_names
    plain = all(len(name) == 1 and name in ascii_lowercase for name in names)
    letters = dict(zip(names, names if plain else ascii_lowercase, strict=False))
    return letters, next(letter for letter in "b" + ascii_lowercase[::-1] if letter not in letters.values())


def shares_heads(attention: Any) -> bool:
    """Return whether several heads of an attention layer have the same keys and values."""
    return attention.kv_heads is not None and attention.kv_heads != attention.heads


def words_of(attention: Any) -> list[str]:
    """Return the words that tell an attention layer from a plain one, for the name of its function or class."""
    words = {
        "unbiased": not attention.bias,
        "key_unbiased": attention.bias and not attention.key_bias,
        "out_unbiased": attention.bias and not attention.out_bias,
        "causal": attention.causal,
        "rotary": attention.rope is not None,
        "linear": attention.alibi,
        "windowed": attention.window is not None,
        "biased": attention.score_bias,
        "masked": attention.mask,
        "cross": attention.context,
        "wide": attention.dim is not None,
        "grouped_query": shares_heads(attention),
    }
    return [word for word, holds in words.items() if holds]
