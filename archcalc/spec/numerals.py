"""Numbers as people write them: separators, scripts, LaTeX, powers of ten, suffixes and units.

An integer without a suffix is exact. A suffix, a decimal point or an exponent indicates a rounded value, which stands
for every number that rounds to it at the printed precision.

If a text is ambiguous (``61.706`` is 61,706 in half of Europe, ``4 MB`` is 4·1000² or 4·1024² bytes), it is read as
usual in English texts; `NumberInterpretation` selects another interpretation.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from archcalc.spec.markup import SUPERSCRIPTS, with_usual_digits, without_commands

BYTES = "bytes"
SHARE = "%"


class WrittenNumber(NamedTuple):
    """A number as written: its value, the maximum distance of the true value (0 if exact), and its unit."""

    value: Fraction
    tolerance: Fraction
    unit: str = ""
    """`BYTES` (the value is then in bytes), `SHARE`, a word for a receptive field, or empty for all other units."""


GLOBAL, CAUSAL, UNKNOWN = "global", "causal", "unknown"
FIELD_WORDS = {
    **dict.fromkeys((GLOBAL, "everything", "whole input", "entire input", "whole image", "entire image"), GLOBAL),
    CAUSAL: CAUSAL,
    UNKNOWN: UNKNOWN,
}
"""The words for receptive fields without a size, by the texts that mean them."""


def field_word(word: str) -> WrittenNumber:
    """Return a word for a receptive field in place of a number."""
    return WrittenNumber(Fraction(0), Fraction(0), word)


class NumberInterpretation(NamedTuple):
    """The interpretation of ambiguous numbers."""

    decimal_comma: bool = False
    """Whether a single separator before three digits is read as in continental Europe: ``61.706`` is 61706, ``1,234``
    is 1.234."""
    binary: bool = False
    """Whether KB, MB and GB are powers of 1024, and B alone is a byte instead of a billion."""


USUAL = NumberInterpretation()
UNUSUAL = (
    NumberInterpretation(decimal_comma=True),
    NumberInterpretation(binary=True),
    NumberInterpretation(decimal_comma=True, binary=True),
)

SCALES = {
    "": 0,
    **dict.fromkeys(("k", "thousand", "thousands", "tsd", "هزار"), 3),
    **dict.fromkeys(("m", "million", "millions", "mio", "mn", "میلیون"), 6),
    **dict.fromkeys(("g", "b", "bn", "billion", "billions", "giga", "mrd", "میلیارد"), 9),
    **dict.fromkeys(("t", "trillion", "trillions", "tera"), 12),
}
"""Powers of ten by the word or letter after a number."""

BINARY = {"ki": 1, "mi": 2, "gi": 3, "ti": 4}
"""Powers of 1024."""

COUNTED_UNITS = re.compile(
    "param(eter)?s?|weights?|values|numbers|elements|activations|neurons|units|connections|channels|maps|features|layers|"
    "macs?|madds?|mult(ipl(y|ie[sd]|ications?))?s?([- ]?(adds?|accumulates?))?|flops?|op(eration)?s?|add(ition)?s?|"
    "px|pixels?"
)
"""Words for what is counted. They do not change the value: the target determines the quantity."""

ZERO_WORDS = ("none", "zero", "nil")

_SPACES = " \u00a0\u2009\u202f\u2007"
GROUPERS = "_'’٬،"
"""Separators between groups of thousands, besides commas, points and spaces."""
_MARKS = f",.٫{_SPACES}{GROUPERS}"
_NUMBER = re.compile(
    rf"(?P<sign>[-−+]?)(?P<body>[.,٫]?\d(?:[\d{_MARKS}]*\d)?)[.,]?"
    r"(?:\s?[eE](?P<exponent>[+-]?\d{1,3})|\s*[·×xX*]\s*(?:10\s*(?:\^|\*\*)\s*|1[eE])(?P<power>[+-]?\d{1,3}))?"
    r"\s*(?P<suffix>[^\W\d_][^\d]*|%)?"
)
_RATIO = re.compile(r"(-?\d{1,60})/(\d{1,60})")
_POWER = re.compile(r"(\d{1,4})\s*(?:\^|\*\*)\s*(\d{1,3})")
_LOOKALIKES = str.maketrans("✕✖⨯∗хХ", "×××*xx")
"""Multiplication signs; the last two are Cyrillic letters."""
_LATEX = (
    (re.compile(r"\{,\}|\{\\,\}"), ","),
    (re.compile(r"\^\{([^{}]*)\}"), r"^\1"),
    (re.compile(r"\\approx(?![a-z])|\\sim(?:eq)?(?![a-z])"), "≈"),
    (re.compile(r"\\leq?(?![a-z])"), "<="),
    (re.compile(r"\\geq?(?![a-z])"), ">="),
    (re.compile(r"\\pm(?![a-z])"), "±"),
    (re.compile(r"\\%"), "%"),
    (re.compile(r"[`*]{2,}"), ""),
)


def plain(text: str) -> str:
    """Return the text with the digits of all scripts as 0–9, superscripts as ``^``, and without LaTeX and Markdown."""
    if not text.isascii():
        text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda match: "^" + match.group().translate(SUPERSCRIPTS), text)
        text = with_usual_digits(text).translate(_LOOKALIKES)
    if not text.isdecimal():
        if "**" in text:
            text = re.sub(r"(?<=\d)\*\*(?=-?\d)", "^", text)  # a power, not Markdown
        for pattern, instead in _LATEX:
            text = pattern.sub(instead, text)
        text = without_commands(text)
    text = text.strip()
    return text[:-1] if text.endswith(".") and not text.endswith("..") else text


def read_number(text: str, reading: NumberInterpretation = USUAL) -> WrittenNumber:
    """Return a number as written, with the tolerance that its precision implies.

    Raises:
        ValueError: the text is not a number.
    """
    text = plain(text)
    if text.lower() in ZERO_WORDS:
        return WrittenNumber(Fraction(0), Fraction(0))
    if text.lower() in FIELD_WORDS:
        return field_word(FIELD_WORDS[text.lower()])
    ratio = _RATIO.fullmatch(text)
    if ratio is not None and int(ratio[2]):
        return WrittenNumber(Fraction(int(ratio[1]), int(ratio[2])), Fraction(0))
    power = _POWER.fullmatch(text)
    if power is not None:
        return WrittenNumber(Fraction(int(power[1]) ** int(power[2])), Fraction(0))
    match = _NUMBER.fullmatch(text)
    if match is None:
        missing = f"'{text[:40]}' is not" if text else "a number is missing: expected"
        raise ValueError(f"{missing} a number, a shape or a bound, such as 61,706, 569M, 6x28x28 or at most 500K")
    whole, decimals = _parts(match["body"], reading.decimal_comma)
    scale, unit = _suffix(match["suffix"] or "", binary=reading.binary)
    exponent = int(match["exponent"] or match["power"] or 0)
    step = scale * Fraction(10) ** (exponent - len(decimals))
    value = int(whole + decimals) * step * (-1 if match["sign"] in ("-", "−") else 1)
    rounded = bool(decimals or exponent or scale != 1)
    return WrittenNumber(value, step / 2 if rounded else Fraction(0), unit)


def _parts(body: str, swapped: bool) -> tuple[str, str]:
    """Return the digits before and after the decimal point.

    Raises:
        ValueError: separators are misplaced.
    """
    marks = [c for c in body if not c.isdigit()]
    if not marks:
        return body, ""
    last = marks[-1]
    head, _, tail = body.rpartition(last)
    kinds = len(set(marks))
    alone = len(marks) == 1
    lone_group = alone and len(tail) == 3 and 1 <= len(head) <= 3 and not head.startswith("0")
    if last == "٫" or (last in ".," and kinds > 1 and marks.count(last) == 1):
        decimal_point = True
    elif last == ".":
        decimal_point = alone and not (swapped and lone_group)
    elif last == ",":
        decimal_point = alone and (not lone_group or (swapped and tail != "000"))  # 120,000 is never 120
    else:
        decimal_point = False
    whole, decimals = (head, tail) if decimal_point else (body, "")
    if any(not c.isdigit() for c in whole) and not _is_grouped(whole):
        raise ValueError(f"'{body[:40]}' has misplaced separators: thousands are groups of three digits")
    return "".join(c for c in whole if c.isdigit()) or "0", decimals


def _is_grouped(whole: str) -> bool:
    """Return whether the digits are in groups of three (or, as in India, of two before the last three) with one kind of
    separator."""
    first, *groups = re.split(r"\D", whole)
    if len({c for c in whole if not c.isdigit()}) > 1 or not 1 <= len(first) <= 3:
        return False
    sizes = [len(group) for group in groups]
    indian = len(first) <= 2 and len(sizes) > 1 and sizes[-1] == 3 and set(sizes[:-1]) == {2}
    return set(sizes) == {3} or indian


def _suffix(written: str, *, binary: bool) -> tuple[Fraction, str]:
    """Return the factor and the unit of the suffix of a number.

    Raises:
        ValueError: the suffix is unknown.
    """
    suffix = written.strip().rstrip(".").lower().replace(" of ", " ")
    if suffix in ("%", "percent", "per cent"):
        return Fraction(1, 100), SHARE
    if suffix == "b" and binary:
        return Fraction(1), BYTES
    for scale, unit in _splits(suffix):
        if unit in ("b", "byte", "bytes") and (scale or unit != "b"):
            if scale in BINARY:
                return Fraction(1024 ** BINARY[scale]), BYTES
            if scale in SCALES:
                return Fraction(1024 ** (SCALES[scale] // 3) if binary else 10 ** SCALES[scale]), BYTES
        elif not unit or COUNTED_UNITS.fullmatch(unit):
            if scale in SCALES:
                return Fraction(10 ** SCALES[scale]), ""
            if scale in BINARY:
                return Fraction(1024 ** BINARY[scale]), ""
    raise ValueError(
        f"unknown suffix '{written.strip()[:20]}': it must be one of K, M, G (or B), T, thousand, million, billion, "
        "or a unit such as MACs or KiB, or both"
    )


def _splits(suffix: str) -> list[tuple[str, str]]:
    """Return the ways to split a suffix into a scale and a unit."""
    if " " in suffix or "." in suffix:
        first, _, second = suffix.replace(".", " ").partition(" ")
        return [(first, second.strip()), ("", suffix)]
    return [(suffix, ""), ("", suffix), (suffix[:1], suffix[1:]), (suffix[:2], suffix[2:])]
