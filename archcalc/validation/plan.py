"""The plan of a run: every spec with its configuration and its entry in a baseline, and what is wrong with these files.

An error in a configuration or a baseline is a result of the run like one in a spec, so that it does not hide the
others. Specs below a configuration that cannot be read are validated without one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from archcalc.spec.errors import Problem, SpecError
from archcalc.validation.configuration import Budget, Configuration, configuration_of
from archcalc.validation.findings import findings
from archcalc.validation.parallel import examine_all
from archcalc.validation.paths import FoundSpec
from archcalc.validation.renames import find_renames
from archcalc.validation.results import Options, ValidationResult, ValidationTask
from archcalc.validation.store import BaselineFile, Settings


class ValidationPlan(NamedTuple):
    """The specs to validate, and the results about other files."""

    tasks: tuple[ValidationTask, ...]
    stores: tuple[BaselineFile | None, ...]
    """The baseline of each spec; ``None`` if there is none, or it cannot be read."""
    others: tuple[ValidationResult, ...]
    """The results about configurations and baselines that have errors, or entries of specs that do not exist."""
    settings: Settings
    """The settings to which the entries of baselines belong."""
    has_baselines: bool
    """Whether there is a baseline, even one that cannot be read."""

    def baselines(self) -> list[BaselineFile]:
        """Return the baselines, each once."""
        return list({store.path: store for store in self.stores if store is not None}.values())


def plan(
    found_specs: Iterable[FoundSpec],
    options: Options,
    *,
    baseline: str | None = None,
    require_baseline: bool = False,
    jobs: int | None = None,
) -> ValidationPlan:
    """Return the plan of a run.

    Args:
        found_specs: the specs.
        options: the options of the validation.
        baseline: the baseline of all specs; without it, the configuration of each one names it.
        require_baseline: whether specs fail that their baseline does not contain.
        jobs: the number of processes that recognise renamed specs.
    """
    settings = Settings.of(options.settings, options.shapes)
    configurations: dict[str, Configuration] = {}
    baselines = _Baselines(options.update_baseline)
    tasks, stores = [], []
    for found_spec in found_specs:
        configuration = configuration_of(found_spec.path or os.path.join(os.curdir, "-"))
        configurations[configuration.file] = configuration
        store = baselines.open(baseline or configuration.baseline)
        stores.append(store)
        tasks.append(
            ValidationTask(
                found_spec,
                configuration,
                baseline=store.identity(found_spec, settings) if store is not None else "",
                before=store.of(found_spec, settings) if store is not None else None,
                budgets=_budgets(found_spec, configuration),
                is_required=(require_baseline or configuration.require_baseline) and not options.update_baseline,
            )
        )
    others = [
        _other(file, configuration.problems) for file, configuration in configurations.items() if configuration.problems
    ]
    others += [_other(path, problems) for path, problems in baselines.problems.items()]
    for store in baselines.stores.values():
        gone = set(store.missing_entries())
        if not options.update_baseline:
            new = [index for index, own in enumerate(stores) if own is store and tasks[index].before is None]
            for at, old in _renamed(store, settings, options, [tasks[index] for index in new], jobs).items():
                tasks[new[at]] = tasks[new[at]]._replace(before=store.networks[old], renamed_from=old)
                gone.remove(old)
        if gone:
            others.append(_removed(store.path, sorted(gone), options))
    return ValidationPlan(
        tasks=tuple(tasks),
        stores=tuple(stores),
        others=tuple(others),
        settings=settings,
        has_baselines=bool(baselines.stores or baselines.problems),
    )


def _budgets(found_spec: FoundSpec, configuration: Configuration) -> tuple[Budget, ...]:
    """Return the budgets of a spec; those of the current folder apply to what is not a file of the user."""
    if found_spec.is_own_file:
        return configuration.budgets_for(configuration.below(found_spec.path)) if configuration.budgets else ()
    return configuration_of(os.path.join(os.curdir, "-")).budgets_for(found_spec.spec_name)


class _Baselines:
    """The baseline files of a run, each read once."""

    def __init__(self, update: bool) -> None:
        self.update = update
        self.stores: dict[str, BaselineFile] = {}
        self.problems: dict[str, tuple[Problem, ...]] = {}

    def open(self, path: str) -> BaselineFile | None:
        """Return the baseline of a path; ``None`` for none or one that cannot be read."""
        if path and path not in self.stores and path not in self.problems:
            try:
                is_new = self.update and not os.path.isfile(path)
                self.stores[path] = BaselineFile(path) if is_new else BaselineFile.read(path)
            except SpecError as error:
                self.problems[path] = error.problems
        return self.stores.get(path)


def _renamed(
    store: BaselineFile, settings: Settings, options: Options, new: Sequence[ValidationTask], jobs: int | None
) -> dict[int, str]:
    """Return the entries of specs that are not in the baseline under their present names, by index of the spec."""
    gone = store.missing_entries(settings)
    results = examine_all(options._replace(fix=""), new if gone else (), jobs)
    figures = {index: result.figures for index, result in enumerate(results) if result.figures is not None}
    names = {store.spec_name(new[index].found_spec): index for index in figures if new[index].found_spec.path}
    found = find_renames(gone, {name: figures[index] for name, index in names.items()})
    return {names[name]: old for name, old in found.items()}


def _removed(path: str, names: Sequence[str], options: Options) -> ValidationResult:
    done = "this update removes it" if options.update_baseline else "--update-baseline removes it"
    problems = [
        Problem("removed-spec", f"the baseline has '{name[:200]}', which does not exist", origin=path, hint=done)
        for name in names
    ]
    return _other(path, problems, status=int(options.strict and not options.update_baseline))


def _other(path: str, problems: Iterable[Problem], status: int = 2) -> ValidationResult:
    return ValidationResult(path, findings(problems, status, path), is_spec=False)
