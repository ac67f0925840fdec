"""How libraries name networks: timm, Keras and Hugging Face append to a name what a spec has in other places.

>>> library_forms("google/vit-base-patch16-224"), library_forms("mobilenetv2_100.ra_in1k")
((('vitb16_224', ''), ('vitb16', '224')), (('mobilenetv2', ''),))
"""

from __future__ import annotations

import re

from archcalc.spec.similarity import distance

SIZES = {"tiny": "t", "small": "s", "medium": "m", "base": "b", "large": "l", "xlarge": "xl", "huge": "h"}
"""The words for sizes, and their letters."""

DECORATIONS = ("tf", "hf", "uncased", "instruct", "chat", "in1k", "in12k", "in21k", "in22k", "ft", "meta")
"""Words about weights: how and from what they were trained, and who published them."""

OTHER_FAMILIES = ("resnest", "resnext", "regnet", "efficientdet")
"""Names of families that look like slips of the names of others."""

_OWNER = re.compile(r".*/(?=.*[A-Za-z].*[A-Za-z])")
_TAG = re.compile(r"\.[a-z]\w*$")
_VERSION = re.compile(r"[-_]v0\.\d$")
_FULL_WIDTH = re.compile(r"[-_](?:100|1\.00?)$")
_IMAGE_SIZE = re.compile(r"[-_](?P<size>\d{3})$")


def library_forms(name: str) -> tuple[tuple[str, str], ...]:
    """Return the spellings in which a name may identify a network, each with the image size that it states (or none:
    "").

    The spelling is the same for the names of a network in different libraries. It serves comparisons only.
    """
    text = _VERSION.sub("", _TAG.sub("", without_owner(name).casefold()))
    text = "".join(part for part in re.split(r"([-_/\s])", text) if part not in DECORATIONS).rstrip("-_/ ")
    forms = [(_form(text), "")]
    if (match := _IMAGE_SIZE.search(text)) is not None and match["size"] != "100":
        forms.append((_form(text[: match.start()]), match["size"]))
    return tuple(forms)


def without_owner(name: str) -> str:
    """Return a name on Hugging Face without its owner."""
    return _OWNER.sub("", name)


def _form(text: str) -> str:
    parts = [part.removeprefix("patch") for part in re.split(r"[\W_]+", _FULL_WIDTH.sub("", text))]
    return without_separators("_".join(SIZES.get(part, part) for part in parts))


def without_separators(text: str) -> str:
    """Return a text without punctuation, except between digits: 1.6 and 16 are different sizes."""
    return re.sub(r"(?<!\d)_|_(?!\d)", "", re.sub(r"[\W_]+", "_", text))


def is_slip(written: str, name: str) -> bool:
    """Return whether a name is probably a misspelling of another one.

    Numbers and short words distinguish the networks of a family, so only longer words may differ, each by one letter.
    """
    ours, theirs = (re.findall(r"[a-z]+|\d+", each.casefold()) for each in (written, name))
    return len(ours) == len(theirs) and all(map(_is_slip, ours, theirs))


def _is_slip(word: str, meant: str) -> bool:
    if word == meant:
        return True
    alike = len(word) > 3 and word[:1] == meant[:1] and abs(len(word) - len(meant)) <= 1
    return alike and word not in OTHER_FAMILIES and distance(word, meant) == 1
