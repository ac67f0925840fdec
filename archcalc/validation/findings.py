"""Findings as plain data, each with one place, one message and one hint, from which all formats for CI are written."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple

from archcalc.spec.errors import Problem


class Finding(NamedTuple):
    """An error or warning with its place."""

    status: int
    """The exit status that the finding causes: 0 for a warning, 1 for a failure, 2 for an error in the input."""
    code: str
    message: str
    hint: str
    file: str
    line: int | None
    """The line, from 1, like the column; ``None`` if there is no place in the file."""
    column: int | None
    end_line: int | None
    end_column: int | None
    """The column after the last character."""
    text: str
    """The finding as people read it, with the line and a caret."""
    content: str = ""
    """The line of the file, for fingerprints that do not depend on line numbers."""

    @property
    def level(self) -> str:
        """``warning`` or ``error``."""
        return "error" if self.status else "warning"

    @property
    def advice(self) -> str:
        """The message with its hint, in one line; a hint of several lines is left out."""
        return f"{self.message} ({self.hint})" if self.hint and "\n" not in self.hint else self.message


def fingerprints(findings: list[Finding]) -> list[str]:
    """Return a stable and unique fingerprint per finding, which does not change when other lines are added.

    It is a hash of the file, the code, the text of the line and the number of equal findings before it.
    """
    seen: dict[str, int] = {}
    result = []
    for finding in findings:
        about = "\0".join((finding.file, finding.code, finding.content.strip() or finding.message))
        seen[about] = seen.get(about, 0) + 1
        result.append(sha256(f"{about}\0{seen[about]}".encode("utf-8", "replace")).hexdigest()[:32])
    return result


def findings(problems: Iterable[Problem], status: int, name: str) -> tuple[Finding, ...]:
    """Return the errors or warnings of a spec as findings, which can be sent to other processes.

    Args:
        problems: The errors or warnings.
        status: The exit status that they cause.
        name: The name of the spec.
    """
    result = []
    for problem in problems:
        problem = replace(problem, level="error" if status else "warning")
        file, line, column = problem.place()
        end_line, end_column = problem.end()
        if file != name:  # an error in a setting has no place in the file
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
    """Return findings whose files are relative to the folder that a CI server checked out."""
    root = os.path.realpath(root) if root else None
    result = []
    for finding in findings:
        place = os.path.realpath(finding.file)
        inside = root is not None and os.path.exists(place) and place.startswith(root + os.sep)
        file = os.path.relpath(place, root) if inside else finding.file
        result.append(finding._replace(file=file.replace(os.sep, "/")))
    return result
