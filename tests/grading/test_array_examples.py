"""The examples with arrays: those of the lectures, whose answers are PyTorch's or printed, and two homeworks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from archcalc.arrays.written_arrays import WrittenArray, read_array
from archcalc.cli import cli

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
LECTURES = EXAMPLES / "lectures"
QUESTIONS: list[dict[str, Any]] = yaml.safe_load((LECTURES / "key.yaml").read_text(encoding="utf-8"))["questions"]


def checked(*arguments: str) -> list[dict[str, Any]]:
    """Return the answers of each submission that ``archcalc check`` grades."""
    run = CliRunner().invoke(cli, ["check", *arguments, "--format", "json"], standalone_mode=False)
    return [each["answers"] for each in json.loads(run.stdout)["submissions"]]


def numbers(text: object) -> Any:
    found = read_array(str(text))
    assert isinstance(found, WrittenArray)
    return np.array([float(each) for each in found.numbers])


def test_the_answers_of_the_lectures_are_what_the_networks_compute() -> None:
    (answers,) = checked(str(LECTURES / "answers.yaml"), "--key", str(LECTURES / "key.yaml"))
    assert len(answers) == len(QUESTIONS)
    assert all(each["verdict"] == "exact" for each in answers)


@pytest.mark.parametrize("question", QUESTIONS, ids=[each["id"] for each in QUESTIONS])
def test_one_command_prints_the_answer_of_an_example(question: dict[str, Any]) -> None:
    arguments = ["run", question["network"], "--input", question["input"], "--format", "json"]
    for name, array in question.get("weights", {}).items():
        arguments += ["--weights", f"{name} = {array}"]
    if question.get("mode") == "train":
        arguments += ["--mode", "train"]
    for name, array in question.get("masks", {}).items():
        arguments += ["--mask", f"{name} = {array}"]
    if "layer" in question:
        arguments += ["--at", question["layer"]]
    run = CliRunner().invoke(cli, arguments, standalone_mode=False)
    document = json.loads(run.stdout)
    if "layer" in question:
        assert document["worked"][0]["steps"][-1]["value"].replace("−", "-") == str(question["answer"])
    else:
        computed = np.ravel(document["tensors"][0]["values"])
        assert computed == pytest.approx(numbers(question["answer"]), rel=1e-5)


def test_the_homework_has_a_correct_a_mistaken_and_a_malformed_submission() -> None:
    folder = EXAMPLES / "arrays"
    ada, bob, mallory = checked(str(folder / "submissions"), "--key", str(folder / "key.yaml"))
    assert {each["verdict"] for each in ada} == {"exact"}
    assert [each["code"] for each in bob] == [
        "kernel-flipped",
        "average-for-maximum",
        "bias-left-out",
        None,
        "sample-variance",
        "matrix-transposed",
    ]
    assert [each["verdict"] for each in mallory] == [
        "unreadable",
        "wrong",
        "unreadable",
        "exact",
        "unreadable",
        "wrong",
    ]
    assert re.search(r"must have the shape 2x2, not 4 \(4 numbers\)", mallory[1]["sentence"])


def test_the_homework_about_gradients_has_a_correct_a_mistaken_and_a_malformed_submission() -> None:
    """The answers of the correct one are those of PyTorch's autograd."""
    folder = EXAMPLES / "gradients"
    ada, carol, mallory = checked(str(folder / "submissions"), "--key", str(folder / "key.yaml"))
    assert {each["verdict"] for each in ada} == {"exact"}
    assert [each["code"] for each in carol] == [
        "derivative-left-out",
        "kernel-not-flipped",
        None,
        "target-not-subtracted",
        "statistics-constant",
    ]
    assert [each["verdict"] for each in mallory] == ["unreadable", "wrong", "unreadable", "exact", "unreadable"]
    assert re.search(r"must have the shape 4x4, not 2x4", mallory[1]["sentence"])


def test_wrong_entries_of_gradients_are_worked_out() -> None:
    folder = EXAMPLES / "gradients"
    given = [str(folder / "submissions" / "carol.txt"), "--key", str(folder / "key.yaml")]
    out = CliRunner().invoke(cli, ["check", *given, "--explain"]).output
    correct = {
        "q1: entry 1, 2": "∂L/∂conv_1.weight[0, 0, 0, 1] = 0·1 + 0·2 + 0·3 + 0·5 + 1·6 + 0·7 + 0·9 + 0·10 + 2·11 = 28",
        "q2: entry 2, 2": "∂L/∂input[0, 1, 1] = 0·(−4) + 0·3 + 0·2 + 1·1 = 1",
        "q4: entry 3, 1": "∂L/∂fc_1.weight[2, 0] = (−0.334759)·1 = −0.334759",
    }
    for title, sentence in correct.items():
        assert sentence in out.partition(f"\n{title}\n")[2].partition("entry")[0], title
    assert "∂L/∂variance = " in out.partition("\nq5: entry 1, 1\n")[2]
