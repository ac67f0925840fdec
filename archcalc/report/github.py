"""Annotations of GitHub Actions: workflow commands that show findings at the lines of a pull request."""

from __future__ import annotations

from collections.abc import Iterable

from archcalc.validation.findings import Finding


def workflow_commands(findings: Iterable[Finding]) -> str:
    """Return one workflow command per finding (GitHub documentation, "Workflow commands for GitHub Actions")."""
    return "".join(f"{_command(finding)}\n" for finding in findings)


def _command(finding: Finding) -> str:
    properties: dict[str, object] = {"file": finding.file} if finding.line is not None else {}
    properties |= {"line": finding.line, "col": finding.column}
    if finding.end_line == finding.line and finding.end_column is not None:
        properties["endColumn"] = finding.end_column - 1
    elif finding.end_line is not None:
        properties["endLine"] = finding.end_line
    properties["title"] = f"archcalc {finding.code}"
    written = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items() if value is not None)
    where = "" if finding.line is not None else f"{finding.file}: "
    return f"::{finding.level} {written}::{_data(where + finding.advice)}"


def _data(text: str) -> str:
    """Escape a message: line ends, and the escape character itself."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape a property: also the characters that end one."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
