"""The example notebook: its cells run, and give the points that nbgrader would take."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted(ROOT.glob("examples/**/*.ipynb"))


class Ran:
    """What a notebook printed and gave, cell by cell."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, str] | None = None) -> None:
        """Run the cells of a notebook in order.

        Args:
            path: the notebook.
            capsys: what captures the output.
            changed: other sources of cells, by their id for nbgrader.
        """
        self.points: dict[str, float] = {}
        self.printed: dict[str, str] = {}
        self.cells: dict[str, dict[str, Any]] = {}
        names: dict[str, Any] = {}
        document = json.loads(path.read_text(encoding="utf-8"))
        assert document["nbformat"] == 4
        for cell in document["cells"]:
            if cell["cell_type"] != "code":
                continue
            assert cell["outputs"] == []
            about = cell["metadata"].get("nbgrader", {})
            source = (changed or {}).get(about.get("grade_id", ""), "".join(cell["source"]))
            result = _executed(source, names)
            captured = capsys.readouterr()
            assert captured.err == ""  # nbgrader gives no points to a cell that writes to standard error
            if about.get("grade"):
                self.points[about["grade_id"]] = float(repr(result))
                self.printed[about["grade_id"]] = captured.out
                self.cells[about["grade_id"]] = about


def _executed(source: str, names: dict[str, Any]) -> Any:
    """Run a cell, and return the value of its last line if that is an expression, as IPython does."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), names)
    if not isinstance(last, ast.Expr):
        return None
    return eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_every_cell_of_a_notebook_runs(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran = Ran(path, capsys)
    assert ran.points
    for name, points in ran.points.items():
        assert 0 < points <= ran.cells[name]["points"]


def test_answers_earn_points_in_full_in_part_or_not_at_all(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = {"c1": "c1_params = 150", "c1-shape": "c1_shape = None", "c1-macs": "c1_macs = 7"}
    ran = Ran(ROOT / "examples/notebook/lenet5.ipynb", capsys, wrong)
    assert list(ran.points.values()) == [0.5, 0.0, 0.0]
    assert "biases are left out" in ran.printed["c1-grade"]
    assert "156" not in "".join(ran.printed.values())
