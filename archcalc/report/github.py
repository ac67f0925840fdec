"""Workflow commands of GitHub Actions, which show findings beside the lines of a pull request."""

from __future__ import annotations

from collections.abc import Iterable

from archcalc.validation.findings import Finding


def workflow_commands(findings: Iterable[Finding]) -> str:
    """Return one workflow command per finding (GitHub Docs, "Workflow commands for GitHub Actions")."""
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
    """Return a message with line breaks and the escape character escaped."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Return the value of a property with the separators escaped, too."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
