"""Grading: a thousand submissions of thirty answers in one process, compared with a single submission.

Half of the students make mistakes of their own, so that they have to be diagnosed. Prints seconds.

    python benchmarks/check.py [SUBMISSIONS]
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import archcalc
from archcalc.analysis.propagate import Layer

ROOT = Path(__file__).resolve().parent.parent
NETWORK = "vgg-d"
QUESTIONS = 30


def questions() -> list[tuple[str, int]]:
    """Return targets with their correct values: parameters and MACs of the layers that have MACs."""
    layers: list[Layer] = [layer for layer in archcalc.load(NETWORK).analyze().layers if layer.macs]
    found = [(f"{layer.name}.{name}", getattr(layer, name)) for layer in layers for name in ("params", "macs")]
    return found[:QUESTIONS]


def answers(asked: list[tuple[str, int]], dice: random.Random) -> str:
    """Return the submission of one student."""
    careless = dice.random() < 0.5
    lines = ["answers:"]
    for target, right in asked:
        value = right
        if careless and dice.random() < 0.3:
            value = dice.choice([right * 2, right - 64, right + dice.randrange(1, 10**6), right // 9])
        lines.append(f"  {target}: {dice.choice([f'{value:,}', str(value), f'{value:_}'])}")
    return "\n".join(lines) + "\n"


def seconds(folder: Path, key: Path, form: str) -> float:
    """Return the wall-clock time of one process in seconds."""
    command = [sys.executable, "-m", "archcalc", "check", str(folder), "--key", str(key), "--format", form]
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, cwd=ROOT, check=False)
    return time.perf_counter() - start


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    dice = random.Random(6)
    asked = questions()
    with tempfile.TemporaryDirectory() as place:
        key = Path(place, "key.yaml")
        key.write_text(f"network: {NETWORK}\nquestions: [{', '.join(target for target, _ in asked)}]\n")
        one, many = Path(place, "one"), Path(place, "many")
        one.mkdir()
        many.mkdir()
        one.joinpath("student.yaml").write_text(answers(asked, random.Random(1)))
        for index in range(count):
            many.joinpath(f"student_{index:04}.yaml").write_text(answers(asked, dice))
        for form in ("csv", "plain", "json"):
            few, all_of_them = seconds(one, key, form), seconds(many, key, form)
            each = (all_of_them - few) / (count - 1) * 1000
            print(f"{form:6} one submission {few:5.2f} s, {count} submissions {all_of_them:6.2f} s: {each:.1f} ms each")


if __name__ == "__main__":
    main()
