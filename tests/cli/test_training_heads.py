"""Training heads limit no verb: one that is impossible on the input is left out, with a note.

The property: every verb gives the same answers as for the network without its training heads.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from archcalc.api import load
from archcalc.spec import SpecError
from tests.cli.conftest import Archcalc

MAIN = """
name: Pools
input: 3x32x32
variables: {c: 4}
layers:
  - a: conv c k3 s2 half -> bn -> relu
  - b: conv 2*c k3 s2 half -> relu
  - out: gap -> fc 3
"""
HEADS = """
training_heads:
  aux: "@a -> avgpool k5 s3 -> conv c k1 -> fc 3"
  ratio: "@b -> conv 8/c k1"
"""


@pytest.fixture
def specs(tmp_path: Path) -> tuple[str, str]:
    """Return the network with its training heads, and without."""
    for name, text in (("with.yaml", MAIN + HEADS), ("without.yaml", MAIN)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return str(tmp_path / "with.yaml"), str(tmp_path / "without.yaml")


SMALL = ("--shape", "3x4x4", "--set", "c=3")
"""Here both training heads are impossible: a window of 5 on 2 positions, and 8/3 channels."""


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", *SMALL, "--format", "csv"),
        ("rf", *SMALL, "--format", "csv"),
        ("rf", "b", "--at", "0,0", *SMALL, "--format", "csv"),
        ("explain", "macs", *SMALL),
        ("fold", *SMALL, "--format", "csv"),
        ("compare", *SMALL, "--format", "csv"),
        ("verify", "--only", "shapes,params", *SMALL, "--format", "csv"),
        ("sweep", "--shape", "H=W=1:12", "--set", "c=1:4", "--columns", "macs,b.params", "--format", "csv"),
        ("solve", "--vary", "H=W", "--target", "macs < 2000", "--format", "csv"),
        ("solve", "--vary", "c=1:16", "--target", "params < 2000", "--format", "csv"),
        ("formula", "macs", "--free", "H,c"),
        ("formula", "macs", "--free", "H", "--scale", "H=2*H"),
    ],
    ids=" ".join,
)
def test_a_verb_answers_as_without_training_heads(
    archcalc: Archcalc, specs: tuple[str, str], arguments: tuple[str, ...]
) -> None:
    verb, *rest = arguments
    ran, plain = (archcalc(verb, spec, *rest) for spec in specs)
    assert ran.status == plain.status == 0, ran.err
    one, other = ran.out.replace("with.yaml", ""), plain.out.replace("without.yaml", "")
    if verb == "verify":
        one, other = (re.sub(r",\d+\.\d$", "", each, flags=re.MULTILINE) for each in (one, other))  # without seconds
    assert one == other


def test_show_says_which_heads_are_left_out_and_why(archcalc: Archcalc, specs: tuple[str, str]) -> None:
    ran = archcalc("show", specs[0], *SMALL)
    assert "the training head aux is left out, since it is impossible on this input: avgpool on 3x2x2" in ran.out
    assert "the training head ratio is left out" in ran.out
    assert json.loads(archcalc("show", specs[0], *SMALL, "--format", "json").out)["impossible_heads"].keys() == {
        "aux",
        "ratio",
    }


def test_training_needs_the_heads(archcalc: Archcalc, specs: tuple[str, str]) -> None:
    for arguments in (
        ("show", specs[0], *SMALL, "--training"),
        ("explain", specs[0], *SMALL, "--training"),
        ("run", specs[0], *SMALL, "--mode", "train"),
        ("fold", specs[0], *SMALL, "--output", "unwritten.yaml"),
    ):
        ran = archcalc(*arguments)
        assert ran.status == 2
        assert "error[shape]: avgpool on 3x2x2 (in stage aux): a window of 5" in ran.err
    with pytest.raises(SpecError):
        load(specs[0], shapes="3x4x4", training=True)


def test_training_restricts_a_search(archcalc: Archcalc, specs: tuple[str, str]) -> None:
    search = ("solve", specs[0], "--vary", "H=W=1:64", "--target", "macs > 0", "--format", "csv")
    first = {training: archcalc(*search, *training).lines[1].split(",")[0] for training in ((), ("--training",))}
    assert first == {(): "1", ("--training",): "9"}  # the head pools 5 of the ⌈H/2⌉ positions


def test_a_target_in_a_head_needs_only_that_head(archcalc: Archcalc, specs: tuple[str, str]) -> None:
    ran = archcalc(
        "sweep", specs[0], "--shape", "H=W=4,12", "--set", "c=3", "--columns", "aux.params", "--format", "csv"
    )
    assert [line.split(",")[0] for line in ran.lines[1:]] == ["12"]
    assert archcalc("formula", specs[0], "ratio.params", "--free", "H").out.splitlines()[-1] == "ratio.params = 18"


def test_the_error_of_a_name_in_an_absent_head_gives_the_reason(archcalc: Archcalc, specs: tuple[str, str]) -> None:
    for arguments in (("rf", specs[0], "aux", *SMALL), ("explain", specs[0], "aux.params", *SMALL)):
        ran = archcalc(*arguments)
        assert ran.status == 2
        assert "the training head 'aux' is impossible on this input: avgpool on 3x2x2" in ran.err


def test_validation_warns(archcalc: Archcalc, specs: tuple[str, str]) -> None:
    ran = archcalc("validate", specs[0], *SMALL)
    assert ran.status == 0
    assert ran.out.count("warning[impossible-head]") + ran.err.count("warning[impossible-head]") == 2
    assert archcalc("validate", specs[0], *SMALL, "--error", "impossible-head").status == 1


def test_wrong_names_in_a_head_stay_errors(archcalc: Archcalc, tmp_path: Path) -> None:
    for head in ("conv 3 k1 foo=2", "nothing 3", "conv q k1", "@later -> relu"):
        file = tmp_path / "net.yaml"
        file.write_text(f"{MAIN}training_heads:\n  aux: '{head}'\n", encoding="utf-8")
        assert archcalc("show", str(file)).status == 2, head
