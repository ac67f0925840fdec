"""``-`` is standard output wherever a verb writes a file, and then nothing else is printed there."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Archcalc

NET = "3x8x8 -> conv 4 k3 -> bn"


def test_a_folded_spec(archcalc: Archcalc, tmp_path: Path) -> None:
    file = tmp_path / "folded.yaml"
    archcalc("fold", NET, "--output", str(file))
    assert archcalc("fold", NET, "--output", "-").out == file.read_text(encoding="utf-8")


def test_a_picture(archcalc: Archcalc, tmp_path: Path) -> None:
    file = tmp_path / "field.svg"
    archcalc("rf", NET, "conv_1", "--svg", str(file))
    assert archcalc("rf", NET, "conv_1", "--svg", "-").out == file.read_text(encoding="utf-8")


def test_a_report(archcalc: Archcalc) -> None:
    printed = archcalc("validate", "lenet5", "--format", "junit")
    assert archcalc("validate", "lenet5", "--format", "junit", "--output", "-").out == printed.out


def test_graded_answers(archcalc: Archcalc, tmp_path: Path) -> None:
    answers = tmp_path / "answers.yaml"
    answers.write_text("spec: lenet5\nanswers: {params: 61706}\n", encoding="utf-8")
    assert archcalc("check", str(answers), "--output", "-").out == archcalc("check", str(answers)).out


def test_an_array() -> None:
    command = [sys.executable, "-m", "archcalc", "run", "2x3x3 -> gap", "--output", "-"]
    array = np.load(io.BytesIO(subprocess.run(command, capture_output=True, check=True).stdout))
    assert array.shape == (1, 2, 1, 1)


@pytest.mark.parametrize("name", ["x.png", "x.PDF", "a/b.jpeg"])
def test_a_picture_in_another_format_is_an_error(archcalc: Archcalc, name: str) -> None:
    ran = archcalc("rf", NET, "conv_1", "--svg", name)
    assert ran.status == 2
    assert "the picture is SVG" in ran.err
    assert not Path(name).exists()
