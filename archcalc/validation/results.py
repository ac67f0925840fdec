"""What a validation is given and what it results in: plain data, which can be sent to other processes and stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from archcalc.lint import RULES
from archcalc.spec.limits import DEFAULT, Limits
from archcalc.spec.records import GivenSettings
from archcalc.validation.baseline import NO_TOLERANCE, BaselineComparison, NetworkFigures, Tolerance
from archcalc.validation.configuration import NO_CONFIGURATION, Budget, Configuration
from archcalc.validation.findings import Finding
from archcalc.validation.paths import FoundSpec


class Options(NamedTuple):
    """The options of a validation, which apply to every spec."""

    settings: Mapping[str, str] = {}
    shapes: Mapping[str, str] = {}
    limits: Limits = DEFAULT
    ignore: frozenset[str] = frozenset()
    """The codes of ignored warnings."""
    warn: frozenset[str] = frozenset()
    """The codes of warnings that are reported though they are off by default."""
    error: frozenset[str] = frozenset()
    """The codes of warnings that are failures."""
    strict: bool = False
    """Whether all warnings are failures."""
    tolerance: Tolerance = NO_TOLERANCE
    """How much totals may grow; where it says nothing, the configuration applies."""
    update_baseline: bool = False
    """Whether the figures replace those of the baseline, so that they may differ in any way."""
    only_specs: bool = False
    """Whether to skip files that are not specs even if they are named explicitly."""
    fix: Literal["", "write", "diff"] = ""
    """Whether to make automatic corrections (``write``) or to show them (``diff``)."""
    arguments: Mapping[str, str] = {}
    batch_axes: Mapping[str, str] = {}
    values: Mapping[str, str] = {}

    @property
    def given(self) -> GivenSettings:
        """What is given for every spec from outside its text."""
        return GivenSettings(
            self.settings,
            self.shapes,
            arguments=self.arguments,
            batch_axes=self.batch_axes,
            values=self.values,
        )


class ValidationTask(NamedTuple):
    """A spec with its configuration and its baseline."""

    found_spec: FoundSpec
    configuration: Configuration = NO_CONFIGURATION
    baseline: str = ""
    """What identifies the state of the baseline that the figures are compared with or stored in, and the entry of the
    spec in it; empty if there is none."""
    before: NetworkFigures | None = None
    """The figures of the baseline; ``None`` if it does not contain the spec."""
    renamed_from: str = ""
    """The name that the spec has in the baseline, if it was renamed since."""
    budgets: tuple[Budget, ...] = ()
    """The conditions that the network must meet."""
    is_required: bool = False
    """Whether the spec fails if the baseline does not contain it."""


class ValidationResult(NamedTuple):
    """The result of validating one spec, or of reading another file that takes part."""

    name: str
    findings: tuple[Finding, ...] = ()
    expectations: int = 0
    skipped: str = ""
    """The reason why the file was skipped, if it was."""
    argument: str = ""
    """The folder or glob in which the file was found."""
    figures: NetworkFigures | None = None
    comparison: BaselineComparison | None = None
    """The comparison with the baseline; ``None`` if the baseline does not contain the spec."""
    is_new: bool = False
    """Whether there is a baseline that does not contain the spec."""
    renamed_from: str = ""
    """The name that the spec has in the baseline, if it was renamed since."""
    is_spec: bool = True
    """Whether this is about a spec, rather than a configuration or a baseline."""
    corrections: int = 0
    """The number of corrections in `corrected` or in `diff`."""
    corrected: str | None = None
    """The corrected content of the file, if corrections are to be written."""
    diff: str = ""
    """The patch with the corrections, if they are to be shown."""

    @property
    def status(self) -> int:
        """The exit status: 0 if the spec passes, 1 if it fails, 2 if it cannot be read."""
        return max((finding.status for finding in self.findings), default=0)

    @property
    def errors(self) -> int:
        """The number of errors in the input."""
        return sum(finding.status == 2 for finding in self.findings)

    @property
    def failed_expectations(self) -> int:
        """The number of expectations that do not hold."""
        return sum(finding.status == 1 and finding.code == "expectation" for finding in self.findings)

    @property
    def has_grown(self) -> bool:
        """Whether a total has grown beyond its tolerance."""
        return any(finding.status == 1 and finding.code == "growth" for finding in self.findings)

    @property
    def exceeded(self) -> int:
        """The number of budgets that are exceeded."""
        return sum(finding.code == "budget" for finding in self.findings)

    @property
    def warnings(self) -> int:
        """The number of warnings that let the spec pass."""
        return sum(finding.status == 0 for finding in self.findings)

    @property
    def fatal_warnings(self) -> int:
        """The number of warnings that are failures, by option or configuration."""
        return sum(finding.status == 1 and finding.code in RULES for finding in self.findings)
