"""What the catalogue of the bundled networks must contain. Run as a program, it writes the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from archcalc.analysis.propagate import analyze
from archcalc.graph import write_shape
from archcalc.spec import Spec, bundled
from archcalc.spec.catalogue import FIGURES, FILE, CatalogueEntry, catalogue, write_catalogue
from archcalc.spec.read import load_spec


def specs_of(name: str) -> list[str]:
    """Return the SPECs of a file: the network itself, unless it is one of its variants, and the variants."""
    variants = [f"{name}:{variant}" for variant in load_spec(name).variants]
    return variants if variant_of(name) else [name, *variants]


@cache
def variant_of(name: str) -> str:
    """Return the variant with the inputs and the variables of the file itself, whose expectations it then has."""
    spec = load_spec(name)
    if spec.expectations:
        return ""
    same = [f"{name}:{variant}" for variant in spec.variants]
    return next((each for each in same if values_of(load_spec(each)) == values_of(spec)), "")


def values_of(spec: Spec) -> tuple[object, ...]:
    """Return the inputs and the variables of a spec, which variants may change."""
    return dict(spec.graph.inputs), dict(spec.graph.variables)


def entry_of(spec: str) -> CatalogueEntry:
    """Return the entry of a SPEC."""
    read = load_spec(spec)
    graph, about = read.graph, read.about
    totals = analyze(graph, receptive=False).totals
    values = {each.target.value: each.value.value for each in read.expectations}
    file = spec.partition(":")[0]
    own = [file] if variant_of(file) == spec else []
    return CatalogueEntry(
        name=spec,
        family=about.family or graph.name,
        task=about.task,
        title=graph.name,
        aliases=(*own, *about.aliases),
        input=", ".join(write_shape(shape, graph.layout) for shape in graph.inputs.values()),
        variables=" ".join(f"{name}={value}" for name, value in graph.variables.items()),
        source=about.source,
        published={name: {"value": values[name], "source": where} for name, where in about.published.items()},
        layers=sum(1 for _ in graph.layers()),
        **{name: totals.of(name) for name in FIGURES if name != "layers"},
    )


def computed() -> Iterator[CatalogueEntry]:
    """Yield the entries of all bundled specs, in the order of the catalogue."""
    found = [entry_of(spec) for name in bundled() for spec in specs_of(name)]
    yield from sorted(found, key=lambda entry: (entry.family.casefold(), natural(entry.file)))  # variants as written


def natural(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts numbers in names by their values."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.findall(r"\d+|\D+", name)]


if __name__ == "__main__":
    FILE.write_text(write_catalogue(computed()), encoding="utf-8")
    catalogue.cache_clear()
    print(f"{len(catalogue())} entries")
