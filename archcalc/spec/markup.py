r"""LaTeX and the digits of other scripts in what people write: numbers (``3.8\times10^9``) and formulas.

What both have in common is read here; what differs is left to the readers of numbers and of formulas.
"""

from __future__ import annotations

import re
from unicodedata import decimal

SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")

_COMMANDS = (
    (re.compile(r"\\(?:left|right|displaystyle|big[lr]?)(?![a-z])"), ""),
    (re.compile(r"\\(?:text|mathrm|mathit|mathbf|textbf|textit|operatorname)\s*\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\(?:text)?times(?![a-z])"), "×"),  # a digit may follow: 3.8\times10^9
    (re.compile(r"\\(?:cdot|ast)(?![a-z])"), "·"),
    (re.compile(r"\\[,;:! ]|\\quad(?![a-z])"), " "),
    (re.compile(r"\\[()\[\]]|\$|`"), ""),
)


def without_commands(text: str) -> str:
    """Return the text without the commands of LaTeX that have the same meaning in numbers and formulas."""
    for pattern, instead in _COMMANDS:
        text = pattern.sub(instead, text)
    return text


def with_usual_digits(text: str) -> str:
    """Return the text with the digits of all scripts as 0–9."""
    return text if text.isascii() else "".join(str(decimal(c)) if c.isdecimal() else c for c in text)
