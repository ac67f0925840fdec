"""The bundled specs: their names, other names that people use for them, and what a wrong name may mean."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from archcalc.spec.similarity import closest

OTHER_NAMES = {
    "inceptionv1": "googlenet",
    "mobilenet": "mobilenet-v1",
    "mobilenetv1100": "mobilenet-v1",
    "lenet": "lenet5",
}
"""Names in papers and libraries, in lower case without punctuation, of networks that are bundled in that form."""

MAX_SUGGESTIONS = 6


@cache
def bundled_folder() -> Path:
    """Return the folder of the bundled specs: inside the installed package, or at the top of the source tree."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "specs"
    return inside if inside.is_dir() else package.parent / "specs"


def bundled() -> list[str]:
    """Return the names of the bundled specs, sorted."""
    return sorted(path.stem for path in bundled_folder().glob("*.yaml"))


def bundled_name(spec: str) -> str | None:
    """Return the name of the bundled spec that is meant by a name; ``None`` if it is not one of them.

    The name may be written in any case, with other punctuation or without any (``ResNet50_v1_5``), or be that of a
    paper or library (``vgg16``).
    """
    if not spec.isprintable() or "/" in spec or "\\" in spec:
        return None
    word = _plain(spec)
    other = OTHER_NAMES.get(word)
    return other or next((name for name in bundled() if _plain(name) == word), None)


def suggest_bundled(spec: str) -> str:
    """Return the hint for a name that no bundled network has; empty if nothing is similar.

    Those are listed whose name or title contains all of its words, then those that begin like it. A similar spelling is
    a slip of the pen only if the digits agree: ``resnet26`` is another network than ``resnet50``.
    """
    names = bundled()
    words = re.findall(r"[a-z]+|\d+", spec.casefold())
    found = [name for name in names if words and all(word in f"{name} {_title(name)}".casefold() for word in words)]
    digits = re.sub(r"\D", "", spec)
    similar = closest(spec, [name for name in names if re.sub(r"\D", "", name) == digits])
    if not found and similar is not None:
        return f"did you mean '{similar}'?"
    if not found and words and len(words[0]) > 2:
        found = [name for name in names if _plain(name).startswith(words[0])]
    listed = ", ".join(found[:MAX_SUGGESTIONS]) + (", …" if len(found) > MAX_SUGGESTIONS else "")
    return f"the bundled networks like it are {listed}" if found else ""


def _plain(name: str) -> str:
    """Return a name in lower case, without punctuation."""
    return re.sub(r"[\W_]", "", name.casefold())


def _title(name: str) -> str:
    """Return the title of a bundled spec, as written."""
    text = (bundled_folder() / f"{name}.yaml").read_text(encoding="utf-8")
    match = re.search(r"^name:[ ]*(.*)$", text, re.MULTILINE)
    return match[1] if match else ""
