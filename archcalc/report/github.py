"""What GitHub Actions reads: annotations and the summary of a step."""

from __future__ import annotations

import re
from collections.abc import Iterable

from archcalc.validation.findings import Finding

MAX_SUMMARY_BYTES = 1024 * 1024
"""The maximum size of the summary of a step (GitHub documentation, "Adding a job summary")."""
COMMANDS = re.compile(r"(?:^|(?<=[\r\n]))(?P<space>\s*):(?=:)|#(?=#\[)")
"""The beginnings of workflow commands, of the current form and of the one before (``##[…]``, anywhere in a line)."""


def workflow_commands(findings: Iterable[Finding]) -> str:
    """Return one workflow command per finding (GitHub documentation, "Workflow commands for GitHub Actions")."""
    return "".join(f"{_command(finding)}\n" for finding in findings)


def inert(text: str) -> str:
    """Return a text of several lines that contains no workflow command, whatever names it quotes."""
    return COMMANDS.sub(lambda found: r"\x23" if found["space"] is None else rf"{found['space']}\x3a", text)


def bounded_summary(before: str, blocks: Iterable[str], room: int) -> str:
    """Return a summary in Markdown of a bounded size.

    Args:
        before: the beginning, which is always included.
        blocks: the lines and tables that follow, most important first. Those that do not fit are counted.
        room: the maximum number of bytes in UTF-8; without room for the beginning, the summary is empty.
    """
    pieces, left_out = [before], 0
    room -= len(before.encode()) + len(_left_out(10**9))
    if room < 0:
        return ""
    for block in blocks:
        room -= len(block.encode())
        if left_out or room < 0:
            left_out += 1
        else:
            pieces.append(block)
    return "".join([*pieces, _left_out(left_out) if left_out else ""])


def _left_out(number: int) -> str:
    entries = "1 more entry is" if number == 1 else f"{number:,} more entries are"
    return f"\nThe summary is full: {entries} left out.\n"


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
    """Escape a message: line endings, and the escape character itself."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape a property: also the characters that end one."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
