"""GitLab's Code Quality report: a list of issues; a merge request shows new and resolved ones."""

from __future__ import annotations

from typing import Any

from archcalc.validation.findings import Finding, fingerprints

SEVERITIES = ("minor", "major", "critical")
"""By the status of a finding: a warning, a failure, an error in the input."""


def code_quality(findings: list[Finding]) -> list[dict[str, Any]]:
    """Return the issues, ready for JSON (GitLab Docs, "Code Quality report format")."""
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
