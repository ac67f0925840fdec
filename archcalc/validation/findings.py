"""What a check has found, as data: one place, one reason, one hint. Every format for CI is written from this."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple

from archcalc.spec.errors import Problem


class Finding(NamedTuple):
    """Something wrong or suspicious in a file."""

    status: int
    """What it does to the exit status: 0 a warning, 1 a failure, 2 an error in the input."""
    code: str
    message: str
    hint: str
    file: str
    line: int | None
    """1-based, as is the column; ``None`` where there is no place in the file."""
    column: int | None
    end_line: int | None
    end_column: int | None
    """Behind the last character."""
    text: str
    """All of it as people read it, with the line and a caret."""
    content: str = ""
    """The line of the file, for fingerprints that outlive a shift of lines."""

    @property
    def level(self) -> str:
        """``warning`` or ``error``."""
        return "error" if self.status else "warning"

    @property
    def advice(self) -> str:
        """The message with its hint, in one line (a hint that takes more is left out)."""
        return f"{self.message} ({self.hint})" if self.hint and "\n" not in self.hint else self.message


def fingerprints(findings: list[Finding]) -> list[str]:
    """One stable name per finding: it stays when lines are added elsewhere, and no two are alike.

    It is made of the file, the code and the text of the line; the second of the same kind has a number.
    """
    seen: dict[str, int] = {}
    result = []
    for finding in findings:
        about = "\0".join((finding.file, finding.code, finding.content.strip() or finding.message))
        seen[about] = seen.get(about, 0) + 1
        result.append(sha256(f"{about}\0{seen[about]}".encode("utf-8", "replace")).hexdigest()[:32])
    return result


def findings(problems: Iterable[Problem], status: int, name: str) -> tuple[Finding, ...]:
    """Return problems of a spec as plain data, which other processes can read."""
    result = []
    for problem in problems:
        problem = replace(problem, level="error" if status else "warning")
        file, line, column = problem.place()
        end_line, end_column = problem.end()
        if file != name:  # in a setting: that is no place in the file
            line = column = end_line = end_column = None
        content = problem.span.text.source.text.splitlines() if problem.span is not None and line else []
        result.append(
            Finding(
                status=status,
                code=problem.code,
                message=problem.message,
                hint=problem.hint,
                file=name,
                line=line,
                column=column,
                end_line=end_line,
                end_column=end_column,
                text=problem.render(),
                content=content[line - 1] if line and line <= len(content) else "",
            )
        )
    return tuple(result)


def relative_to(root: str | None, findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with their files as a CI server knows them: relative to the folder that it checked out."""
    root = os.path.realpath(root) if root else None
    result = []
    for finding in findings:
        place = os.path.realpath(finding.file)
        inside = root is not None and os.path.exists(place) and place.startswith(root + os.sep)
        file = os.path.relpath(place, root) if inside else finding.file
        result.append(finding._replace(file=file.replace(os.sep, "/")))
    return result
