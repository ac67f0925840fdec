"""The program, run in this process."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

from archcalc.cli import status_of


class RunResult(NamedTuple):
    """What a run of the program did."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    def line(self, start: str) -> str:
        """Return the first line of the output that starts with this text."""
        return next(line for line in self.lines if line.startswith(start))


CI_SERVER = ("GITHUB_ACTIONS", "GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "CI_PROJECT_DIR")
"""Variables that a CI server may set; the program would adapt its output to that server."""

Archcalc = Callable[..., RunResult]


@pytest.fixture
def archcalc(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Archcalc:
    """Run ``archcalc`` with arguments and, perhaps, a standard input; without a terminal."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", *CI_SERVER):
        monkeypatch.delenv(name, raising=False)

    def program(*arguments: str, stdin: str = "") -> RunResult:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        status = status_of(list(arguments))
        out, err = capsys.readouterr()
        return RunResult(status, out, err)

    return program
