"""The bundled networks of a family, and the differences between them."""

from __future__ import annotations

import re
from collections import Counter
from difflib import SequenceMatcher

from archcalc.arrays.texts import count_text
from archcalc.graph import Graph
from archcalc.spec.catalogue import catalogue
from archcalc.spec.locate import split_variant
from archcalc.spec.zoo import bundled, bundled_name, find_bundled


def variants(name: str) -> list[str]:
    """Return the other forms of a bundled network: of ``resnet50``, ``resnet50:torchvision``.

    Files that have several sizes of a network as variants have no other forms.
    """
    written, given = split_variant(name)
    file, variant = find_bundled(written) or ("", "")
    variant = variant or given
    forms = [entry.name for entry in catalogue() if entry.file == file]
    return [each for each in forms if each != (f"{file}:{variant}" if variant else file)] if file in forms else []


def relatives(name: str) -> list[str]:
    """Return the other bundled networks that a name may mean: its variants, and those of its family.

    The names of a family include all parts of this one or are part of it.
    """
    forms, names = variants(name), bundled()
    if (file := bundled_name(name)) is None:
        return forms
    parts = {each: _parts_of(each) for each in names}
    near = [each for each in names if parts[each] < parts[file]]
    roots = [file, *near]
    return [*forms, *(each for each in names if each != file and any(parts[root] <= parts[each] for root in roots))]


def _parts_of(name: str) -> frozenset[str]:
    """Return the parts of a name: {resnet, 50, v1.5} for ``resnet50-v1.5``."""
    return frozenset(part for word in name.split("-") for part in (re.findall(r"^[a-z]{2,}|.+", word) or [word]))


def differences(base: Graph, other: Graph) -> str:
    """Return the differences of a network from another one, in a few words; an empty text if they are equal.

    Attributes are compared between layers of the same operator in the same order, as far as they can be matched.
    """
    if base is other:
        return ""
    ours, theirs = [node.op for _, node in base.layers()], [node.op for _, node in other.layers()]
    names = [op.name for op in ours], [op.name for op in theirs]
    differing: Counter[str] = Counter()
    for block in SequenceMatcher(None, *names, autojunk=False).get_matching_blocks():
        for place in range(block.size):
            before, after = ours[block.a + place].attributes(), theirs[block.b + place].attributes()
            differing.update(key for key in before if before[key] != after[key])
    counts = Counter(names[1])
    counts.subtract(Counter(names[0]))
    said = [f"{key} differs in {count_text(number, 'layer')}" for key, number in differing.most_common(3)]
    said += [f"{abs(number):,} {name} {'more' if number > 0 else 'fewer'}" for name, number in counts.items() if number]
    return ", ".join(said[:4]) or ("" if names[0] == names[1] else "other layers")
