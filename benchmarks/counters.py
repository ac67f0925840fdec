"""What tools have printed, against what archcalc says that they print, on model files.

The prints are tables that ``benchmarks.record_counters`` writes: which tool printed what for which model of a corpus.
The files are those of ``benchmarks.corpora``. Prints equal/tried for each tool and quantity, then every difference.

    python -m benchmarks.counters TABLE.csv … --files FOLDER [--only WORD] [--tool TOOL]
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import Counter, defaultdict
from pathlib import Path

import archcalc
from archcalc.counters.count import Count
from archcalc.counters.network import counts_of

SETTINGS = {"no gradients": "no_grad", "gradients": "", "meta": "meta"}
SCALED = dict.fromkeys(("forward_backward_mib", "input_mib", "params_mib", "total_mib"), 2**20)
"""Quantities that are printed in MB of 2²⁰ bytes with two decimals."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, nargs="+", help="the CSV files of prints")
    parser.add_argument("--files", type=Path, required=True, help="the folder of the files, with one folder per corpus")
    parser.add_argument("--only", default="", help="only models with this word in their name")
    parser.add_argument("--tool", default="", help="only this tool")
    given = parser.parse_args()
    prints = defaultdict(list)
    for table in given.table:
        with table.open(newline="") as lines:
            for row in csv.DictReader(lines):
                if given.only in row["network"] and given.tool in row["tool"]:
                    prints[row["corpus"], row["network"]].append(row)
    tried: Counter[tuple[str, ...]] = Counter()
    equal: Counter[tuple[str, ...]] = Counter()
    other: Counter[tuple[str, ...]] = Counter()
    between: Counter[tuple[str, ...]] = Counter()
    differences = []
    slowest = 0.0
    for (corpus, name), rows in sorted(prints.items()):
        try:
            network = archcalc.load(str(given.files / corpus / f"{name}.pt2"), partial=True)
            analysis = network.analyze()
        except archcalc.SpecError as error:
            print(f"{corpus} {name}: {str(error).splitlines()[0]}")
            continue
        begin = time.perf_counter()
        counts = {
            (each.tool.name, each.tool.version, each.tool.setting, each.quantity.name): each
            for each in counts_of(analysis, network.spec.model)
        }
        slowest = max(slowest, time.perf_counter() - begin)
        for row in rows:
            count = found(counts, row)
            if count is None:
                continue
            key = (row["tool"], row["version"], row["setting"], row["quantity"])
            tried[key] += 1
            if agrees(count.value, row):
                equal[key] += 1
            elif agrees(count.other, row):
                other[key] += 1
            else:
                between[key] += lies_between(count, row)
                differences.append((*key, name, row["value"], count.value, count.other))
    for key in sorted(tried):
        unsure = (
            f" (and {other[key]} equal to the other value, {between[key]} between both)"
            if other[key] or between[key]
            else ""
        )
        print(f"{equal[key]:4} / {tried[key]:<4} {' '.join(key)}{unsure}")
    print(f"slowest: {slowest:.2f} s for all rows of a network")
    for *key, name, printed, value, other in differences:
        print(f"{' '.join(key)} {name}: printed {printed}, archcalc {value}" + (f" or {other}" if other else ""))


def found(counts: dict[tuple[str, str, str, str], Count], row: dict[str, str]) -> Count | None:
    """Return the count that corresponds to a print."""
    version = row["version"]
    quantity = row["quantity"].replace("_mib", "_bytes")
    of_tool = [key for key in counts if key[0] == row["tool"] and version.startswith(key[1]) and key[3] == quantity]
    setting = SETTINGS[row["setting"]]
    exact = next((key for key in of_tool if key[2] == setting), None)
    key = exact or (of_tool[0] if len(of_tool) == 1 else None)
    return None if key is None else counts[key]


def printed(value: int, row: dict[str, str]) -> float:
    """Return a number of archcalc in the unit of a print, rounded as it is printed."""
    divisor = SCALED.get(row["quantity"])
    return value if divisor is None else round(value / divisor, 2)


def agrees(value: int | None, row: dict[str, str]) -> bool:
    """Return whether a print is a number of archcalc."""
    try:
        return value is not None and float(row["value"]) == printed(value, row)
    except ValueError:
        return False  # the tool failed


def lies_between(count: Count, row: dict[str, str]) -> bool:
    """Return whether a print lies between the two numbers that are possible where a file does not say everything."""
    if count.other is None:
        return False
    low, high = sorted((printed(count.value, row), printed(count.other, row)))
    return low < float(row["value"]) < high


if __name__ == "__main__":
    main()
