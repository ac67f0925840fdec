"""Findings as plain data, each with one place, one message and one hint, from which all formats for CI are written."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple

from archcalc.spec.errors import Problem
from archcalc.terminal import readable

NUMBER = re.compile(r"\d[\d,.]*")


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
    """What identifies the finding in its file: the text of its line, which stays when lines are added elsewhere."""

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

    It is a hash of the file, the code, the text of the line and the number of equal findings before it. Without a line,
    the message without its numbers stands for the text.
    """
    seen: dict[str, int] = {}
    result = []
    for finding in findings:
        about = "\0".join((finding.file, finding.code, finding.content.strip() or NUMBER.sub("#", finding.message)))
        seen[about] = seen.get(about, 0) + 1
        result.append(sha256(f"{readable(about)}\0{seen[about]}".encode("utf-8", "replace")).hexdigest()[:32])
    return result


def findings(problems: Iterable[Problem], status: int, name: str, identity: str = "") -> tuple[Finding, ...]:
    """Return the errors or warnings of a spec as findings, which can be sent to other processes.

    Args:
        problems: the errors or warnings.
        status: the exit status that they cause.
        name: the name of the spec.
        identity: what identifies the findings if they are not about the line at their place.
    """
    result = []
    for problem in problems:
        problem = replace(problem, level="error" if status else "warning")
        file, line, column = problem.place()
        end_line, end_column = problem.end()
        if file != name:  # an error in a setting has no place in the file
            line = column = end_line = end_column = None
        content = problem.span.text.source.text.split("\n") if problem.span is not None and line else []
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
                content=identity or (content[line - 1] if line and line <= len(content) else ""),
            )
        )
    return tuple(result)


def checkout_path(root: str | None, file: str) -> str:
    """Return the path of a file from the folder that a CI server checked out; any other name is returned unchanged."""
    if root is not None:
        top, place = os.path.realpath(root), os.path.realpath(file)
        if os.path.exists(place) and place.startswith(top + os.sep):
            file = os.path.relpath(place, top)
    return file.replace(os.sep, "/")
