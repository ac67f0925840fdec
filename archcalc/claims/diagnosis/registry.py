"""All mistakes and conventions, and their codes."""

from __future__ import annotations

from archcalc.claims.diagnosis import counting, numbers, places, windows
from archcalc.claims.diagnosis.mistake import Convention, Misreading

MISREADINGS = tuple(each for each in (*windows.MISTAKES, *counting.MISTAKES) if isinstance(each, Misreading))
CONVENTIONS = tuple(each for each in counting.MISTAKES if isinstance(each, Convention))
SCALINGS = numbers.SCALINGS

CONVENTIONAL = frozenset(
    {each.code for each in CONVENTIONS}
    | {
        "bias-left-out",
        "bias-added",
        "two-per-mac",
        "halved",
        "kilo-1024",
        "bytes",
        "layout",
        "rounded-up",
        "rounded-down",
    }
    | {"training-heads-counted", "heads-left-out", "input-positions"}
)
"""Not mistakes, but ways to count that somebody may have chosen."""

FOLLOW_THROUGH = "follow-through"
NOT_THE_SUM = "not-the-sum"
CUT_OFF = "truncated"

CODES: dict[str, str] = {
    **{each.code: each.clause for each in (*MISREADINGS, *CONVENTIONS, *SCALINGS)},
    **{code: clause for code, (clause, _) in places.CLAUSES.items()},
    **numbers.SLIPS,
    FOLLOW_THROUGH: "an earlier wrong answer is carried forward",
    CUT_OFF: "cut off where it should be rounded",
    NOT_THE_SUM: "the total is not the sum of the parts that are claimed",
}
"""Every code with the words for it; two mistakes together have both codes, joined by ``+``."""
