"""The summary of a validation: totals, one line for the terminal, and the summary of a step in GitHub Actions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archcalc.arrays.texts import count_text
from archcalc.report.github import MAX_SUMMARY_BYTES, bounded_summary
from archcalc.report.validation_results import changes_table, headline
from archcalc.spec.errors import escaped
from archcalc.validation.results import ValidationResult


def totals(results: Sequence[ValidationResult]) -> dict[str, int]:
    """Return how many specs there are, how many of them pass, fail and cannot be read, and other totals, by name.

    ``other_errors`` is the number of errors in configurations and baselines.
    """
    specs = [result for result in results if result.is_spec and not result.skipped]
    others = [finding for result in results if not result.is_spec for finding in result.findings]
    return {
        "specs": len(specs),
        "ok": sum(result.status == 0 for result in specs),
        "failed": sum(result.status == 1 for result in specs),
        "errors": sum(result.status == 2 for result in specs),
        "other_errors": sum(finding.status > 0 for finding in others),
        "warnings": sum(result.warnings for result in results),
        "skipped": sum(bool(result.skipped) for result in results),
        "corrections": sum(result.corrections for result in results),
    }


def summary(results: Sequence[ValidationResult]) -> str:
    """Return the summary of all specs, which is the last line of the output."""
    found = totals(results)
    words = [f"{found['ok']} ok"]
    words += [f"{found[key]} {word}" for key, word in (("failed", "failed"), ("errors", "with errors")) if found[key]]
    parts = [f"{count_text(found['specs'], 'spec')}: {', '.join(words)}"]
    errors = found["other_errors"]
    parts += [f"{count_text(errors, 'error')} in configurations or baselines"] if errors else []
    parts += [count_text(found["warnings"], "warning")] if found["warnings"] else []
    parts += [f"{count_text(found['skipped'], 'file')} skipped"] if found["skipped"] else []
    return "; ".join(parts)


def step_summary(results: Sequence[ValidationResult], room: int = MAX_SUMMARY_BYTES) -> str:
    """Return the summary of a GitHub Actions step in Markdown: the findings and the changes since the baseline.

    Args:
        results: the results of all specs.
        room: the maximum number of bytes; what is most severe comes first, and the rest is counted.
    """
    return bounded_summary(f"### archcalc validate\n\n{summary(results)}\n\n", _blocks(results), room)


def _blocks(results: Sequence[ValidationResult]) -> Iterator[str]:
    from archcalc.report.render import render

    for result in sorted(results, key=lambda result: -result.status):
        if result.findings:
            yield f"* {_plain(headline(result, color=False))}\n"
        for each in sorted(result.findings, key=lambda finding: -finding.status):
            yield f"  * {each.level} `{each.code}`: {_plain(each.advice)}\n"
    for result in results:
        if result.comparison is not None and result.comparison.differs:
            yield "\n" + render(changes_table(_plain(result.name), result.comparison), "markdown")


def _plain(text: str) -> str:
    """Return a text of one line with the special characters of Markdown escaped."""
    return "".join(f"\\{each}" if each in "\\`*_<>[]|#" else each for each in escaped(text))
