"""The order of the rooms (DESIGN, section 4): imports point down only, and a plain question stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "archcalc"

FLOORS = (
    {"numeric"},
    {"ops"},
    {"graph"},
    {"spec", "analysis", "executor"},
    {"query"},
    {"claims"},
    {"diagnosis"},
    {"grading"},
    {"verification"},
    {"lint"},
    {"validation"},
    {"report"},
    {"api", "cli"},
)
"""From the ground up. Rooms on one floor do not import each other, except that the command line may use the API."""
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
SIDEWAYS = {("cli", "api")}
ENTRANCES = {"__init__", "__main__"}
"""They belong to no room: what the package shows to the outside."""

MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(module: str) -> str:
    """The room of ``archcalc.room.module`` (of a name that ``archcalc`` itself exports: the API)."""
    room = module.split(".")[1] if "." in module else "api"
    return room if room in FLOOR else "api"


def imports(path: Path) -> Iterator[str]:
    """The modules of archcalc that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "archcalc")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            if node.module == "archcalc":
                yield from (f"archcalc.{alias.name}" for alias in node.names)
            elif node.module and node.module.startswith("archcalc."):
                yield node.module


def own_room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(PACKAGE)) for path in MODULES])
def test_imports_point_down_only(path: Path) -> None:
    room = own_room(path)
    if room in ENTRANCES:
        return
    for module in imports(path):
        other = room_of(module)
        allowed = other == room or FLOOR[other] < FLOOR[room] or (room, other) in SIDEWAYS
        assert allowed, f"{room} imports {module}"


def test_every_room_has_its_floor() -> None:
    assert {own_room(path) for path in MODULES} - ENTRANCES <= FLOOR.keys()


def test_the_executor_shares_no_formula_with_the_analysis() -> None:
    """Agreement between the two means something only because they share nothing but the graph."""
    formulas = {"archcalc.numeric", "archcalc.ops.sliding", "archcalc.ops.window", "archcalc.analysis"}
    for path in (PACKAGE / "executor").rglob("*.py"):
        for module in imports(path):
            assert not any(module == name or module.startswith(f"{name}.") for name in formulas), f"{path}: {module}"


def loaded_by(code: str) -> set[str]:
    """The modules that are loaded after running a piece of Python in a process of its own."""
    code += "\nimport sys; print(*sys.modules, file=sys.stderr)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE.parent, check=True)
    return set(run.stderr.split())


HEAVY = {"numpy", "sympy", "rich", "tabulate", "csv"}


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    assert not loaded_by("import archcalc.cli") & HEAVY


@pytest.mark.parametrize("verb", ["show", "compare", "ops", "validate", "explain", "formula"])
def test_a_plain_question_loads_nothing_heavy(verb: str) -> None:
    arguments = [verb, "conv" if verb == "ops" else "lenet5"]
    code = f"from archcalc.cli import main\ntry: main({arguments})\nexcept SystemExit as end: assert not end.code"
    assert not loaded_by(code) & HEAVY


def test_importing_the_package_does_not_load_the_command_line() -> None:
    assert "click" not in loaded_by("import archcalc")
