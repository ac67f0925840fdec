"""Find what a SPEC argument names: standard input, an inline expression, a file, a bundled spec, or a Python object."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import NoReturn

from archcalc.spec.errors import Source, Span, Text, fail, fail_to_read
from archcalc.spec.limits import Limits
from archcalc.spec.models import CHECKPOINTS, HDF5, PYTHON_OBJECT, READERS, is_checkpoint, model_file, python_object
from archcalc.spec.zoo import bundled_folder, bundled_name, find_bundled, meant_name, suggest_bundled

EXPRESSION = "<expression>"
"""The name of the source of an inline expression."""

SUFFIXES = (".yaml", ".yml", ".json")

OBJECT_HINT = "a PyTorch module is written package.module:OBJECT, with a dot in the module, or ./file.py:OBJECT"

VARIANT = re.compile(r"(.+):([A-Za-z0-9_]+)", re.DOTALL)
"""A SPEC argument that may name a variant."""

CONTROL = re.compile("[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|\ufeff")
"""Characters that YAML does not allow, and the byte order mark, which has no meaning inside a text."""


BINARY = {
    b"PK\x03\x04": "a zip archive, as .xlsx, .pt, .pth, .keras and .npz files are",
    b"\x89HDF": "an HDF5 file",
    b"\x80\x02": "a pickle, as old .pt and .pth files are",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"%PDF": "a PDF file",
    b"\x1f\x8b": "a gzip archive",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
"""The kinds of files that begin with these bytes."""
MAX_CONTROL = 0.05
"""The share of control characters up to which a file is a text with mistakes."""


def what_else(data: bytes) -> str:
    """Return the kind of a file that is not UTF-8 text; empty if it may be text."""
    known = next((what for start, what in BINARY.items() if data.startswith(start)), "")
    if known or b"\0" not in data:
        return known
    control = sum(map(data.count, (bytes([code]) for code in range(32) if code not in b"\t\n\r")))
    return "a binary file" if control > MAX_CONTROL * len(data) else ""


def is_file_name(text: str) -> bool:
    """Return whether a text has the suffix of a spec file or of a model file."""
    return text.lower().endswith((*SUFFIXES, *READERS))


def is_inline(spec: str) -> bool:
    """Return whether a SPEC argument is an inline expression.

    It is one if it contains an arrow, or white space without the suffix of a file or the name of a Python object.
    """
    if "->" in spec or "→" in spec:
        return True
    if not any(character.isspace() for character in spec):
        return False
    name = split_variant(spec)[0]
    is_file = is_file_name(name) or name.lower().endswith(CHECKPOINTS)
    return not is_file and PYTHON_OBJECT.fullmatch(spec) is None


def split_variant(spec: str) -> tuple[str, str]:
    """Return a SPEC argument without its variant, and the name of the variant (empty if there is none).

    The variant follows the last colon if what precedes it is a bundled name or ends in the suffix of a spec file.
    """
    match = VARIANT.fullmatch(spec)
    if match is None or not (match[1].lower().endswith(SUFFIXES) or bundled_name(match[1])):
        return spec, ""
    return match[1], match[2]


def locate(spec: str, limits: Limits) -> tuple[Source, bool]:
    """Return the text or model of a SPEC argument, and whether it is an inline expression. Models are not read yet.

    Raises:
        SpecError: there is no such file or bundled spec, or it cannot be read as text.
    """
    if spec == "-":
        return Source("<stdin>", decode(sys.stdin.buffer.read(limits.bytes + 1), "<stdin>", limits)), False
    if is_inline(spec):
        _require_no_settings(spec)
        if len(spec.encode("utf-8", "surrogateescape")) > limits.bytes:
            decode(b" " * (limits.bytes + 1), EXPRESSION, limits)
        return Source(EXPRESSION, spec), True
    if (file := model_file(spec)) is not None:
        return Source(spec, "", model=file), False
    if is_checkpoint(spec):
        refuse_checkpoint(spec)
    name, variant = split_variant(spec)
    if not variant and not os.path.exists(spec):
        if (imported := python_object(spec)) is not None:
            return Source(spec, "", model=imported), False
        if ":" in Path(spec).name:
            fail("not-found", "neither a spec nor an object in Python code", hint=OBJECT_HINT, origin=spec[:80])
    if spec.lower().endswith(".py"):
        fail("not-found", "neither a spec nor an object in Python code", hint=OBJECT_HINT, origin=spec[:80])
    if "/" in name or "\\" in name or name.lower().endswith(SUFFIXES):
        return read_file(Path(name), name, limits)._replace(variant=variant), False
    found, own = find_bundled(name) or ("", "")
    variant = variant or own
    if found and (found == name or not Path(spec).is_file()):
        source = read_file(bundled_folder() / f"{found}.yaml", f"{found}.yaml", limits)
        return source._replace(variant=variant), False
    fail("not-found", f"no bundled network '{spec[:80]}'", hint=_hint(spec), origin=spec[:80] or "SPEC")


def _require_no_settings(spec: str) -> None:
    """Raise an error if a SPEC is a name and settings, as `compare`, `diff` and `report` read them."""
    name, *settings = spec.split() or [""]
    if settings and all("=" in word for word in settings) and (is_file_name(name) or bundled_name(name)):
        hint = "options set variables and shapes, as in --set alpha=0.5 --shape 3x320x320"
        fail("argument", "only compare, diff and report read settings after a SPEC", hint=hint, origin=spec[:80])


def refuse_checkpoint(name: str) -> NoReturn:
    """Raise the error that a file has no network."""
    hint = "show, compare and diff list its parameters"
    if not name.lower().endswith(HDF5):
        hint += "; `archcalc run SPEC --weights FILE` runs a network with them"
    fail("format", "a checkpoint has parameters only, no network", hint=hint, origin=name)


def _hint(spec: str) -> str:
    if spec[:1].isdigit() and spec.replace("x", "").replace("×", "").isdigit():
        return f"put quotes around an inline expression, because the shell interprets '>': \"{spec} -> conv 6 k5\""
    if Path(spec).is_file():
        return f"to read the file of that name, write ./{spec}"
    return suggest_bundled(spec) or "`archcalc zoo` lists them; the name of a file contains a / or ends in .yaml"


def read_file(path: Path, name: str, limits: Limits) -> Source:
    """Return the text of a file.

    Args:
        path: the file.
        name: its name in messages.
        limits: the maximum size.

    Raises:
        SpecError: it cannot be read, is too large or is not text.
    """
    if is_checkpoint(name):
        refuse_checkpoint(name)
    try:
        with path.open("rb") as file:
            return Source(name, decode(file.read(limits.bytes + 1), name, limits))
    except (OSError, ValueError) as error:
        meant = None if path.suffix.lower() in SUFFIXES or path.exists() else meant_name(name)
        hint = "" if meant is None else f"did you mean the bundled network '{meant}'?"
        fail_to_read(error, name, hint)


def decode(data: bytes, name: str, limits: Limits) -> str:
    """Return bytes decoded as UTF-8 text, with normalised line endings.

    Raises:
        SpecError: they are too many, are not UTF-8, or contain control characters.
    """
    if len(data) > limits.bytes:
        fail("limit", f"more than {limits.bytes:,} bytes", hint="raise the limit with --max-bytes", origin=name)
    other = what_else(data)
    if other:
        fail("encoding", f"not UTF-8 text, but {other}", origin=name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = len(data[: error.start].decode("utf-8-sig"))
        where = Span(Text(Source(name, data.decode("utf-8-sig", "replace")), " ", before), 0, 1)
        fail("encoding", f"not UTF-8 text (byte {error.start})", where)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    control = CONTROL.search(text)
    if control is not None:
        where = Span(Text(Source(name, text), " ", control.start()), 0, 1)
        fail("encoding", f"not text: it contains the control character {control.group()!r}", where)
    return text
