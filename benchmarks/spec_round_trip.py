"""Write networks as specs with blocks, and read them again.

    python -m benchmarks.spec_round_trip SPEC ...

A spec is equal if it reads as the same layers on the same tensors; printed are the lines of each.
"""

from __future__ import annotations

import sys

from archcalc import SpecError, load
from archcalc.writers.spec.compact import is_same, write_compact


def main(specs: list[str]) -> None:
    """Print the lines of each spec, or the error, and the counts."""
    equal = 0
    for spec in specs:
        try:
            graph = load(spec).graph
            text = write_compact(graph)
        except SpecError as error:
            print(f"{spec}: {error}", flush=True)
            continue
        equal += is_same(graph, text)
        note = "" if is_same(graph, text) else ", not equal"
        print(f"{spec}: {len(graph.nodes)} layers in {len(text.splitlines())} lines{note}", flush=True)
    print(f"{equal} of {len(specs)} networks are equal after a round trip")


if __name__ == "__main__":
    main(sys.argv[1:])
