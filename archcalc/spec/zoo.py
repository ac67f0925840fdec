"""The bundled specs by name: in other spellings, under further names, and what a wrong name may mean."""

from __future__ import annotations

import re
from functools import cache
from itertools import takewhile
from pathlib import Path

from archcalc.spec.catalogue import CatalogueEntry, catalogue
from archcalc.spec.library_names import is_slip, library_forms, without_owner, without_separators

MAX_SUGGESTIONS = 8


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
    """Return the name of the bundled spec that a name means without a variant; ``None`` if there is none."""
    name, variant = find_bundled(spec) or ("", "")
    return None if variant or not name else name


def find_bundled(spec: str) -> tuple[str, str] | None:
    """Return the bundled spec that is meant by a name, and its variant (empty: none); ``None`` if it is not bundled.

    The name may be written in any case, with other punctuation or without any (``ResNet50_v1_5``), be a further name
    (``vgg16``), or be that of a spec followed by its variant (``efficientnet-b3``).
    """
    if not spec.isprintable() or any(mark in spec for mark in "/\\:"):
        return None
    if spec and (bundled_folder() / f"{spec}.yaml").is_file() and spec in bundled():
        return spec, ""
    for word in spellings(spec):
        name = next((name for name in bundled() if word in spellings(name)), None)
        if name is not None:
            return name, ""
        found = entries_by_spelling().get(word)
        if found is not None:
            return found.file, found.variant
    return None


@cache
def entries_by_spelling() -> dict[str, CatalogueEntry]:
    """Return the entries of the catalogue by the spellings of their names; of several entries, the more likely one."""
    names = [(spellings(name), entry) for name, entry in _named()]
    loose = {plain: entry for (_, plain), entry in names}
    return {**loose, **{separated: entry for (separated, _), entry in names}}


def entry_named(written: str) -> CatalogueEntry | None:
    """Return the entry of the bundled network that people or other libraries call so; ``None`` if there is none.

    The punctuation of papers and the names of timm are understood (``ViT-B/16``, ``resnet50.a1_in1k``), misspelt names
    are not.
    """
    file, variant = find_bundled(written.replace("/", "-")) or ("", "")
    name = f"{file}:{variant}" if variant else file or _in_libraries(written)
    return next((entry for entry in catalogue() if entry.name == name), None)


def suggest_bundled(spec: str) -> str:
    """Return the hint for a name that no bundled network has; empty if nothing is similar.

    It lists the networks of the family that has this name; else the network that the name means in another library,
    or misspells; else those whose names, title or family contain all of its words; else those that begin like it.
    """
    found = [entry.name for entry in catalogue() if entry.family.casefold() == spec.casefold()]
    found.sort(key=lambda name: not name.startswith(spec.casefold()))
    if not found and (meant := meant_name(spec)) is not None:
        return f"did you mean '{meant}'?"
    spec = without_owner(spec)
    words = re.findall(r"[a-z]+|\d+", spec.casefold())
    found = found or [entry.name for entry in catalogue() if words and all(word in _words(entry) for word in words)]
    if not found and words and len(words[0]) > 2:
        found = _beginning_like(spec, words[0])
    more = ", …" if len(found) > MAX_SUGGESTIONS else ""
    return f"bundled networks with similar names: {', '.join(found[:MAX_SUGGESTIONS])}{more}" if found else ""


def meant_name(spec: str) -> str | None:
    """Return the name of the bundled network that a name means in another library, or misspells; ``None`` if none."""
    return _in_libraries(spec) or _misspelt(spec)


def _named() -> list[tuple[str, CatalogueEntry]]:
    """Return the entries by all of their names."""
    return [(name, entry) for entry in catalogue() for name in (entry.name, *entry.aliases)]


def _in_libraries(spec: str) -> str | None:
    for form, size in library_forms(spec):
        for name, entry in _named():
            if library_forms(name)[0][0] == form and (not size or size in re.findall(r"\d+", entry.input)):
                return entry.name
    return None


def _misspelt(spec: str) -> str | None:
    return next((entry.name for name, entry in _named() if is_slip(spec, name)), None)


def _beginning_like(spec: str, word: str) -> list[str]:
    """Return the networks whose names begin with a word, of them those that have most of the name in common."""
    plain = plain_name(spec)
    common: dict[str, int] = {}
    for name, entry in _named():
        if plain_name(name).startswith(word):
            pairs = zip(plain, plain_name(name), strict=False)
            length = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
            common[entry.name] = max(common.get(entry.name, 0), length)
    return [name for name, length in common.items() if length >= max(common.values()) - 1]


def plain_name(name: str) -> str:
    """Return a name in lower case, without punctuation."""
    return re.sub(r"[\W_]", "", name.casefold())


def spellings(name: str) -> tuple[str, str]:
    """Return a name without punctuation except between numbers, which it separates (1_6 is not 16), and without any."""
    return without_separators(name.casefold()), plain_name(name)


def _words(entry: CatalogueEntry) -> str:
    """Return the names, title and family of an entry in lower case."""
    return " ".join((entry.name, *entry.aliases, entry.title, entry.family)).casefold()
