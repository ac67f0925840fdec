"""SARIF 2.1.0 (an OASIS standard), which code scanning services read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from archcalc.validation.codes import RuleText
from archcalc.validation.findings import Finding, fingerprints

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(findings: list[Finding], rules: Iterable[RuleText], version: str) -> dict[str, Any]:
    """Return the log of one run, ready for JSON.

    Args:
        findings: The findings of the run.
        rules: The documentation of every code that may occur; other codes are listed without documentation.
        version: The version of archcalc.
    """
    texts = {rule.code: rule for rule in rules}
    codes = list(dict.fromkeys([*texts, *(finding.code for finding in findings)]))
    driver = {"name": "archcalc", "version": version, "rules": [_rule(code, texts.get(code)) for code in codes]}
    index = {code: position for position, code in enumerate(codes)}
    results = [
        _result(finding, index[finding.code], name)
        for finding, name in zip(findings, fingerprints(findings), strict=True)
    ]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


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
    """A file as a URI, relative to the root of the repository unless the path is absolute."""
    if Path(file).is_absolute():
        return {"uri": Path(file).as_uri()}
    return {"uri": quote(file.replace("\\", "/").removeprefix("./")), "uriBaseId": "%SRCROOT%"}
