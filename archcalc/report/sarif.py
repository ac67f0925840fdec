"""SARIF 2.1.0 (an OASIS standard), which code scanning services read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from archcalc.validation.codes import RuleText
from archcalc.validation.findings import Finding, fingerprints

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

MAX_RESULTS = 25_000
"""The maximum number of results of a run that GitHub accepts."""


class SkippedFile(NamedTuple):
    """A file that was not validated."""

    file: str
    reason: str


def sarif(
    findings: list[Finding], rules: Iterable[RuleText], version: str, skipped: Iterable[SkippedFile] = ()
) -> dict[str, Any]:
    """Return the log of one run, ready for JSON.

    Of more than `MAX_RESULTS` findings, the most severe ones are listed, and the others counted in a notification.

    Args:
        findings: the findings of the run.
        rules: the documentation of every code that may occur; other codes are listed without documentation.
        version: the version of archcalc.
        skipped: the files that were not validated, for notifications.
    """
    texts = {rule.code: rule for rule in rules}
    codes = list(dict.fromkeys([*texts, *(finding.code for finding in findings)]))
    driver = {"name": "archcalc", "version": version, "rules": [_rule(code, texts.get(code)) for code in codes]}
    index = {code: position for position, code in enumerate(codes)}
    results = [
        _result(finding, index[finding.code], name)
        for finding, name in most_severe(list(zip(findings, fingerprints(findings), strict=True)))
    ]
    notifications = [_notification("note", f"skipped: {each.reason}", each.file) for each in skipped]
    if len(results) < len(findings):
        number = f"{len(findings) - len(results):,} of {len(findings):,}"
        notifications.append(_notification("warning", f"{number} results are left out, the least severe ones"))
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notifications}],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def most_severe(results: list[tuple[Finding, str]]) -> list[tuple[Finding, str]]:
    """Return all results in their order, or the `MAX_RESULTS` most severe ones, sorted."""
    if len(results) <= MAX_RESULTS:
        return results
    return sorted(results, key=lambda result: -result[0].status)[:MAX_RESULTS]


def _notification(level: str, text: str, file: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {"level": level, "message": {"text": text}}
    return found | ({"locations": [{"physicalLocation": {"artifactLocation": _artifact(file)}}]} if file else {})


def _rule(code: str, text: RuleText | None) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": code, "name": "".join(word.capitalize() for word in code.split("-"))}
    if text is not None:
        rule |= {
            "shortDescription": {"text": text.summary},
            "fullDescription": {"text": text.help},
            "help": {"text": text.help, "markdown": text.help},
            "defaultConfiguration": {"level": text.level},
        }
    return rule


def _result(finding: Finding, rule: int, fingerprint: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.level,
        "message": {"text": finding.advice},
        "partialFingerprints": {"archcalc/v1": fingerprint},
    }
    place: dict[str, Any] = {"artifactLocation": _artifact(finding.file)}
    region = {
        "startLine": finding.line,
        "startColumn": finding.column,
        "endLine": finding.end_line,
        "endColumn": finding.end_column,
    }
    if finding.line is not None:
        place["region"] = region
    return result | {"locations": [{"physicalLocation": place}]}


def _artifact(file: str) -> dict[str, str]:
    """Return a file as a URI, relative to the root of the repository unless the path is absolute."""
    if Path(file).is_absolute():
        return {"uri": Path(file).as_uri()}
    return {
        "uri": quote(file.replace(os.sep, "/").removeprefix("./"), errors="surrogateescape"),
        "uriBaseId": "%SRCROOT%",
    }
