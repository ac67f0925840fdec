"""Sweeps of specs for the tests: all rows of a sweep, and the loop over plain analyses that it must equal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from archcalc.analysis.propagate import Analysis, analyze
from archcalc.query.conditions import read_condition, read_name
from archcalc.query.configurations import ConfigurationQuery, LocatedSpec
from archcalc.query.grid import GridAxis
from archcalc.query.sweep import SweepBlock, sweep
from archcalc.spec import GivenSettings, Source, SpecError, read_spec


def question(
    source: Source, names: Sequence[str], *, inline: bool = False, where: str | None = None
) -> ConfigurationQuery:
    """Return a query about a spec."""
    condition = None if where is None else read_condition("--where", where)
    return ConfigurationQuery(LocatedSpec(source, inline), [read_name("--columns", name) for name in names], condition)


def blocks(asked: ConfigurationQuery, axes: Mapping[str, Sequence[Any]]) -> list[SweepBlock]:
    """Return all blocks of a sweep."""
    return list(sweep(asked.subject(), [GridAxis(name, tuple(values)) for name, values in axes.items()]))


def loop(
    source: Source, axes: Mapping[str, Sequence[Any]], *, inline: bool = False
) -> Iterator[tuple[tuple[Any, ...], Analysis | SpecError]]:
    """Yield every combination, read and analysed alone."""
    for values in product(*axes.values()):
        numbers: dict[str, Any] = {}
        texts: dict[str, str] = {}
        for joint, value in zip(axes, values, strict=True):
            for name in joint.split("="):
                (texts if isinstance(value, str) else numbers)[name] = value
        try:
            yield values, analyze(read_spec(source, GivenSettings(set=texts, numbers=numbers), inline=inline).graph)
        except SpecError as error:
            yield values, error
