"""Whether a file is meant as a spec: folders, patterns and hooks also find files of other kinds.

That is decided by the keys at the top of its documents. A file with errors counts as a spec if it may be one, because
a spec must not pass by being skipped.
"""

from __future__ import annotations

import codecs
import json
import re
from pathlib import Path
from typing import Any

import yaml

from archcalc.spec.document import LOADER

KEY = re.compile(r"""^["']?(?:layers|inputs?)["']?[ \t]*:""", re.MULTILINE)
"""A key of a spec at the beginning of a line."""
FLOW_KEY = re.compile(r"""[{,]\s*["']?(?:layers|inputs?)["']?\s*:""")
"""A key of a spec in braces."""
FLOW = re.compile(r"(?:\s|#.*|---)*\{")
"""The beginning of a document in braces, after comments and the marker of a document."""
MENTION = re.compile("layers|input")
"""The words of which every spec contains one."""
EXAMINED_BYTES = 1024 * 1024
"""The size of the beginning of a file that is examined if the whole is too large to be a spec."""


def is_spec_file(path: str, max_bytes: int) -> bool:
    """Return whether a file is meant as a spec, even one that cannot be read as text.

    Args:
        path: the file.
        max_bytes: the maximum size of a spec; only the beginning of a larger file is examined.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(max_bytes + 1)
    except (OSError, ValueError):
        return True
    is_large = len(data) > max_bytes
    data = data[:EXAMINED_BYTES] if is_large else data
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    return is_spec(data.decode(encoding, "replace"), is_complete=not is_large)


def is_spec(text: str, *, is_complete: bool = True) -> bool:
    """Return whether a text is meant as a spec: its top has ``layers``, or an input that may be a shape.

    An empty text counts as a spec, with an error.

    Args:
        text: the text of the file.
        is_complete: whether the text is the whole file.
    """
    if not text.strip():
        return True
    if MENTION.search(text) is None:
        return False
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if may_be_data(text):
        try:
            return _is_top_of_spec(json.loads(text))
        except (ValueError, RecursionError):
            pass
    documents, is_valid = _documents(text)
    if any(map(_is_top_of_spec, documents)):
        return True
    if is_valid or not is_complete:
        return False
    return KEY.search(text) is not None or (FLOW.match(text) is not None and FLOW_KEY.search(text) is not None)


def may_be_data(text: str) -> bool:
    """Return whether a text is probably not a spec, or JSON: it is recognised faster than it is read as a spec."""
    return text.lstrip().startswith(("{", "[")) or MENTION.search(text) is None


def _is_top_of_spec(top: Any) -> bool:
    if not isinstance(top, dict):
        return False
    sizes = top.get("inputs")
    shapes = list(sizes.values()) if isinstance(sizes, dict) else [sizes]
    return (
        "layers" in top
        or not isinstance(top.get("input", {}), dict)
        or (bool(shapes) and all(shape and not isinstance(shape, (dict, list)) for shape in shapes))
    )


def _documents(text: str) -> tuple[list[Any], bool]:
    """Return the documents of a YAML text up to its first error, and whether there is none. All scalars are texts."""
    documents: list[Any] = []
    containers: list[dict[Any, Any] | list[Any]] = [documents]
    keys: list[Any] = []  # of the open mappings: the key whose value comes next, or this list if a key comes next
    try:
        for event in yaml.parse(text, Loader=LOADER):
            if isinstance(event, yaml.CollectionEndEvent):
                if isinstance(containers.pop(), dict):
                    keys.pop()
            elif isinstance(event, yaml.NodeEvent):
                is_mapping = isinstance(event, yaml.MappingStartEvent)
                is_list = isinstance(event, yaml.SequenceStartEvent)
                value: Any = {} if is_mapping else [] if is_list else getattr(event, "value", "*")
                inside = containers[-1]
                if isinstance(inside, list):
                    inside.append(value)
                elif keys[-1] is keys:
                    keys[-1] = value if isinstance(value, str) else None
                else:
                    inside[keys[-1]] = value
                    keys[-1] = keys
                if is_mapping or is_list:
                    containers.append(value)
                if is_mapping:
                    keys.append(keys)
    except (yaml.YAMLError, UnicodeError):
        return documents, False
    return documents, True
