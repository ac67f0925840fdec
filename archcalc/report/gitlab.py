"""GitLab's Code Quality report: a list of issues, of which a merge request shows what is new and what is gone."""

from __future__ import annotations

from typing import Any

from archcalc.validation.findings import Finding, fingerprints

SEVERITIES = ("minor", "major", "critical")
"""By the status of a finding: a warning, a failure, an error in the input."""


def code_quality(findings: list[Finding]) -> list[dict[str, Any]]:
    """The issues, ready for JSON (GitLab documentation, "Code Quality report format")."""
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
