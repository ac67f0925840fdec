"""Random ways to write a correct value: separators, scripts, rounding, suffixes, units, LaTeX, notations of shapes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

SCRIPTS = ("0123456789", "۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "０１２３４５６７８９")
GROUPED = (",", " ", "_", "'", "\u00a0", "\u2009", "\u202f", "٬", ".", "{,}")
SUFFIXES = {
    3: (
        "K",
        "k",
        " K",
        " thousand",
        "e3",
        "·10^3",
        "×10³",
        r" \times 10^3",
        r"\times10^3",
        "×1e3",
        r" \cdot 10^{3}",
        " هزار",
    ),
    6: ("M", " M", " million", "e6", "E+06", " x 10^6", r"\times10^6", "×1e6", "*10**6", " Mio.", " میلیون"),
    9: ("G", "B", " billion", "e9", " x 10^9", "×10⁹", " bn"),
}
UNITS = {
    "params": ("", " params", " parameters", " weights"),
    "trainable": ("", " parameters"),
    "macs": ("", " MACs", " mult-adds", " multiply-adds"),
    "mults": ("", " multiplications"),
    "flops": ("", " FLOPs", " operations"),
}


def in_script(text: str, digits: str) -> str:
    return text.translate(str.maketrans(SCRIPTS[0], digits))


def grouped(number: int, separator: str) -> str:
    return f"{number:,}".replace(",", separator)


def decorated(data: Any, text: str) -> str:
    """Return a text with signs around it that do not change its meaning."""
    form = data.draw(st.sampled_from(["{}", "{}", "{}", " {} ", "= {}", "**{}**", "`{}`", "${}$", "{}."]))
    return str(form).format(text)


def write_integer(data: Any, number: int) -> str:
    """Return an integer, written in full."""
    separators = [""] + [each for each in GROUPED if number >= 1_000_000 or each != "."] * (number >= 1000)
    text = grouped(number, data.draw(st.sampled_from(separators)))
    return in_script(text, data.draw(st.sampled_from(SCRIPTS)))


def write_rounded(data: Any, number: int) -> str:
    """Return an integer rounded to some digits, with a suffix for the thousands."""
    power = data.draw(st.sampled_from([each for each in SUFFIXES if number >= 10**each] or [3]))
    decimals = data.draw(st.integers(0, 4))
    unit = Fraction(10) ** (power - decimals)
    digits = round(Fraction(number) / unit)
    whole, rest = divmod(digits, 10**decimals)
    point = data.draw(st.sampled_from([".", ",", "٫"] if decimals not in (0, 3) else [".", "٫"]))
    text = f"{whole}{point}{rest:0{decimals}d}" if decimals else f"{whole}"
    return in_script(text, data.draw(st.sampled_from(SCRIPTS))) + data.draw(st.sampled_from(SUFFIXES[power]))


def write_count(data: Any, number: int, quantity: str) -> str:
    """Return a count, exact or rounded, perhaps with its unit, in bytes, or as a range or bound."""
    way = data.draw(st.sampled_from(["whole", "whole", "rounded", "range", "bound", "about", "bytes", "working"]))
    unit = data.draw(st.sampled_from(UNITS.get(quantity, ("",))))
    if way == "rounded":
        text = write_rounded(data, number)
        return decorated(data, text + (unit if text[-1].isdigit() or unit.startswith(" ") else ""))
    if way == "range":
        return f"{max(0, number - data.draw(st.integers(0, 9)))}..{number + data.draw(st.integers(0, 9))}"
    if way == "bound":
        relation, slack = data.draw(st.sampled_from([("<=", 0), ("at most", 3), ("≥", 0), ("at least", -1), ("<", 1)]))
        return f"{relation} {number + slack}" if number + slack >= 0 else f"{relation} 0"
    if way == "about":
        return f"≈ {number}" if number < 100 else f"about {round(number, -1)}"
    if way == "bytes" and quantity in ("params", "trainable", "activations"):
        step, name = data.draw(st.sampled_from([(1000, "KB"), (1024, "KiB"), (1024, "KB"), (1, "bytes")]))
        decimals = data.draw(st.integers(0, 3)) if step > 1 else 0
        value = round(Fraction(4 * number, step) * 10**decimals)
        return f"{value // 10**decimals}.{value % 10**decimals:0{decimals}d} {name}" if decimals else f"{value} {name}"
    if way == "working":
        return f"{number}*1 = {number}"
    return decorated(data, write_integer(data, number) + unit)


def write_shape(data: Any, shape: tuple[int, ...], layout: str) -> str:
    """Return a shape, written in a layout."""
    sizes = [in_script(str(size), data.draw(st.sampled_from(SCRIPTS[:3]))) for size in shape]
    forms = ["x", "×", " x ", r" \times ", r"\times", "X", " × "]
    ways = ["times", "times", "times", "brackets", "square", "batch", "keras"]
    if len(shape) == 3 and shape[1] == shape[2] and layout == "chw":
        ways += ["maps", "squared"]
    way = data.draw(st.sampled_from(ways))
    comma = data.draw(st.sampled_from([", ", ","]))
    if way == "brackets":
        return f"({comma.join(sizes)}{',' if len(sizes) == 1 else ''})"
    if way == "square":
        return data.draw(st.sampled_from(["[{}]", "torch.Size([{}])"])).format(comma.join(sizes))
    if way == "keras":
        return f"(None, {', '.join(sizes)})"
    if way == "batch" and len(shape) > 1:
        return f"1x{'x'.join(sizes)}"
    if way == "maps":
        return f"{sizes[0]}@{sizes[1]}x{sizes[2]}"
    if way == "squared":
        return f"{sizes[0]}×{sizes[1]}²"
    return decorated(data, data.draw(st.sampled_from(forms)).join(sizes))
