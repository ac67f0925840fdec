"""The order of the packages (imports point down only, without cycles), names of classes, and light imports."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.imports import cycles, imports_of

PACKAGE = Path(__file__).resolve().parent.parent / "archcalc"
IMPORTS = imports_of(PACKAGE)

LEVELS = (
    {"numeric", "terminal", "arrays", "record"},
    {"ops"},
    {"graph"},
    {"spec", "analysis", "executor"},
    {"readers"},
    {"engine", "counters", "writers"},
    {"query"},
    {"claims"},
    {"diagnosis"},
    {"grading"},
    {"verification"},
    {"lint"},
    {"validation"},
    {"changes", "drawing"},
    {"report"},
    {"api", "cli"},
)
"""From the bottom up. Packages of one level do not import each other, except that the command line may use the API."""
ALLOWED_WITHIN_A_LEVEL = {("cli", "api")}
LEVEL = {package: height for height, packages in enumerate(LEVELS) for package in packages}
ENTRY_POINTS = {"__init__", "__main__"}
"""The modules without a level: they are what users import or run."""


def package_of(file: str) -> str:
    """Return the package (or top-level module) of a file of archcalc; for ``__init__``, the API that it exports."""
    package = file.split("/")[0].removesuffix(".py")
    return "api" if package == "__init__" else package


def test_no_two_public_classes_have_the_same_name() -> None:
    """Those of the syntax tree are told apart by their module, ``syntax.Layer``."""
    modules: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if path != PACKAGE / "spec" / "syntax.py":
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    modules.setdefault(node.name, []).append(str(path.relative_to(PACKAGE)))
    assert not {name: found for name, found in modules.items() if len(found) > 1}


def test_imports_point_down_only() -> None:
    wrong = []
    for file, imported in IMPORTS.items():
        if file.removesuffix(".py") in ENTRY_POINTS:
            continue
        package = package_of(file)
        for other in sorted(imported):
            below = package_of(other)
            if below != package and LEVEL[below] >= LEVEL[package] and (package, below) not in ALLOWED_WITHIN_A_LEVEL:
                wrong.append(f"{file} imports {other}")
    assert not wrong


def test_every_package_has_its_level() -> None:
    assert {package_of(file) for file in IMPORTS} - ENTRY_POINTS <= LEVEL.keys()


def test_no_import_cycles() -> None:
    found = cycles(IMPORTS)
    assert not found, "files import one another:\n" + "\n".join(map(", ".join, found))


def test_cycles_are_found_wherever_the_imports_are(tmp_path: Path) -> None:
    files = {
        "__init__.py": "from p.low import number",
        "low.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p.top import name\nnumber = 1",
        "top.py": "from p import low\nimport p.inner\nname = 'top'",
        "itself.py": "def later():\n    from p import itself",
        "inner/__init__.py": "from .a import thing",
        "inner/a.py": "def later():\n    from p.inner import b\nthing = 1",
        "inner/b.py": "import p.inner",
    }
    package = tmp_path / "p"
    (package / "inner").mkdir(parents=True)
    for name, text in files.items():
        (package / name).write_text(text)
    imports = imports_of(package)
    assert imports["top.py"] == {"low.py", "inner/__init__.py"}
    assert imports["low.py"] == frozenset()
    assert cycles(imports) == [["inner/__init__.py", "inner/a.py", "inner/b.py"], ["itself.py"]]


def test_the_executor_shares_no_formula_with_the_analysis() -> None:
    """Agreement between the two is evidence only because they share nothing but the graph."""
    formulas = ("numeric/", "analysis/", "ops/sliding.py", "ops/window.py", "ops/view.py")
    shared = [
        f"{file} imports {other}"
        for file, imported in IMPORTS.items()
        for other in imported
        if file.startswith("executor/") and other.startswith(formulas)
    ]
    assert not shared


def test_only_repeated_runs_of_the_command_line_use_the_engine() -> None:
    """No witness depends on the code that makes runs fast."""
    users = {file for file, imported in IMPORTS.items() if any(other.startswith("engine/") for other in imported)}
    assert {file for file in users if not file.startswith("engine/")} == {"cli/run.py"}


def loaded_by(code: str) -> set[str]:
    """Return the modules that are loaded after running a piece of Python in a process of its own."""
    code += "\nimport sys; print(*sys.modules, file=sys.stderr)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE.parent, check=True)
    return set(run.stderr.split())


HEAVY = {"numpy", "sympy", "rich", "csv"}


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    assert not loaded_by("import archcalc.cli") & HEAVY


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["show", "compare", "ops", "validate", "explain", "formula"])
def test_a_simple_command_loads_nothing_heavy(verb: str) -> None:
    arguments = [verb, "conv" if verb == "ops" else "lenet5"]
    code = f"from archcalc.cli import main\ntry: main({arguments})\nexcept SystemExit as end: assert not end.code"
    assert not loaded_by(code) & HEAVY


def test_importing_the_package_does_not_load_the_command_line() -> None:
    assert "click" not in loaded_by("import archcalc")


OF_A_CLASS = re.compile(r"isinstance\(([a-z_]+\.)*op,")
OWNERS = ("ops", "executor/kernels", "executor/gradients", "executor/loops", "writers/recognition")
"""The packages whose subject are the operators themselves: what each computes, or which of them compute another one."""


def test_other_packages_ask_operators_for_traits_not_for_their_class() -> None:
    """An exception has its reason in a comment on the same line (see ``archcalc/ops/traits.py``)."""
    asked = [
        f"{file}: {line.strip()}"
        for file in IMPORTS
        if not file.startswith(OWNERS)
        for line in (PACKAGE / file).read_text(encoding="utf-8").splitlines()
        if OF_A_CLASS.search(line)
    ]
    assert all("  # " in line for line in asked), asked
    assert len(asked) < 15
