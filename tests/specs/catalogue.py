"""What the catalogue of the bundled networks must contain. Run as a program, it writes the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archcalc.analysis.propagate import analyze
from archcalc.graph import write_shape
from archcalc.spec import bundled
from archcalc.spec.catalogue import FIGURES, FILE, Entry, catalogue, write_catalogue
from archcalc.spec.document import read_yaml
from archcalc.spec.limits import DEFAULT
from archcalc.spec.locate import locate
from archcalc.spec.read import load_spec
from archcalc.spec.variants import variants_of


def specs_of(name: str) -> list[str]:
    """The SPECs of a file: the network itself and its variants.

    A file with variants and without expectations of its own is its first variant.
    """
    document = read_yaml(locate(name, DEFAULT)[0], DEFAULT)
    variants = [f"{name}:{variant}" for variant in variants_of(document)]
    return variants if variants and document.get("expect") is None else [name, *variants]


def entry_of(spec: str) -> Entry:
    """The entry of a SPEC."""
    read = load_spec(spec)
    graph, about = read.graph, read.about
    totals = analyze(graph, receptive=False).totals
    values = {each.target.value: each.value.value for each in read.expectations}
    file = spec.partition(":")[0]
    own = [file] if spec != file and specs_of(file)[0] == spec else []
    return Entry(
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


def computed() -> Iterator[Entry]:
    """The entries of all bundled specs, in the order of the catalogue."""
    found = [entry_of(spec) for name in bundled() for spec in specs_of(name)]
    yield from sorted(found, key=lambda entry: (entry.family.casefold(), natural(entry.file)))  # variants as written


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts numbers in names by their values."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.findall(r"\d+|\D+", name)]


if __name__ == "__main__":
    FILE.write_text(write_catalogue(computed()), encoding="utf-8")
    catalogue.cache_clear()
    print(f"{len(catalogue())} entries")
