"""Objects in Python code as SPECs: which arguments name one, and the errors where there is no such object."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

import archcalc
from archcalc import SpecError
from archcalc.readers.torch_module import request
from archcalc.spec.errors import Problem
from archcalc.spec.models import PYTHON_OBJECT
from tests.readers.programs import small_network, write

Fail = Callable[..., Problem]


@pytest.fixture
def problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Return what fails when a SPEC is read in an empty folder. No process may be started."""

    def start(*arguments: Any, **options: Any) -> NoReturn:
        raise AssertionError("a process was started")

    def read(spec: str, **options: Any) -> Problem:
        with pytest.raises(SpecError) as caught:
            archcalc.load(spec, **options)
        return caught.value.problems[0]

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(request.subprocess, "run", start)
    return read


@pytest.mark.parametrize("spec", ["torchvision.models:resnet50", "a.b:C.make", "net.py:Net", "./a b/net.py:Net"])
def test_dotted_modules_and_python_files_name_objects(spec: str) -> None:
    assert PYTHON_OBJECT.fullmatch(spec)


@pytest.mark.parametrize(
    "spec", ["efficientnet:b9", "vitt:b_16", "torchvision:resnet50", "net.py", "a.b:", "a..b:C", "a.b:1"]
)
def test_nothing_else_is_imported(spec: str, problem: Fail) -> None:
    assert problem(spec, shapes="3x8x8").code in ("not-found", "unknown-name")


@pytest.mark.parametrize("spec", ["./net.py", "torchvision:resnet50"])
def test_the_hint_for_an_incomplete_name_has_the_form_of_a_complete_one(spec: str, problem: Fail) -> None:
    assert "./file.py:OBJECT" in problem(spec).hint


def test_a_file_of_that_name_has_precedence(tmp_path: Path, problem: Fail) -> None:
    (tmp_path / "net.py:Net").write_text("name: mine\ninput: 3x8x8\nlayers: relu\n")
    assert archcalc.load("./net.py:Net").name == "mine"


def test_without_pytorch_a_workaround_is_named(problem: Fail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "find_spec", lambda name: None)
    found = problem("package.module:Net", shapes="3x8x8")
    assert found.message == "PyTorch is needed to read a module"
    assert ".pt2" in found.hint


def test_a_module_needs_the_shape_of_its_input(problem: Fail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "find_spec", lambda name: object())
    assert "--shape" in problem("package.module:Net").hint


@pytest.mark.parametrize("option", ["arguments", "batch_axes"])
def test_a_spec_has_neither_arguments_nor_a_batch(option: str, problem: Fail) -> None:
    assert problem("lenet5", **{option: {"classes": "3"}}).code == "argument"


def test_a_model_without_named_sizes_has_no_variables(problem: Fail, tmp_path: Path) -> None:
    found = problem(str(write(tmp_path / "net.pt2", small_network())), set={"width": 3})
    assert (found.origin, found.message) == ("--set width", "no variable 'width': a model has none")
