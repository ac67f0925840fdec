"""GitLab's Code Quality report: a list of findings, of which a merge request shows the new and the resolved ones."""

from __future__ import annotations

from typing import Any

from archcalc.validation.findings import Finding, fingerprints

SEVERITIES = ("minor", "major", "critical")
"""The severity by the status of a finding: a warning, a failure, an error in the input."""


def code_quality(findings: list[Finding]) -> list[dict[str, Any]]:
    """Return the entries of the report, ready for JSON (GitLab documentation, "Code Quality report format")."""
    return [
        {
            "description": finding.advice,
            "check_name": finding.code,
            "fingerprint": name,
            "severity": SEVERITIES[finding.status],
            "location": {"path": finding.file.removeprefix("./"), "lines": {"begin": finding.line or 1}},
        }
        for finding, name in zip(findings, fingerprints(findings), strict=True)
    ]
