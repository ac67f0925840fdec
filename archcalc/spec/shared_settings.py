"""Settings for several specs: a value of ``--set`` applies to those that declare the variable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archcalc.spec.errors import Source, fail, listing, suggest
from archcalc.spec.limits import Limits
from archcalc.spec.read import read_spec
from archcalc.spec.records import GivenSettings, Spec


class SharedSettings:
    """Reads several specs with the same settings, and remembers which variables they declare."""

    def __init__(self, given: GivenSettings, limits: Limits) -> None:
        self.given = given
        self.limits = limits
        self.declared: dict[str, None] = {}

    def read(
        self,
        source: Source,
        *,
        inline: bool = False,
        own: Mapping[str, str] | None = None,
        shapes: Mapping[str, str] | None = None,
    ) -> Spec:
        """Read a spec with those of the settings that it declares, and with settings of its own.

        Args:
            source: the spec.
            inline: whether it is an inline expression.
            own: the settings of its own.
            shapes: its input shapes, unless shapes are given for all.

        Raises:
            SpecError: the spec is invalid.
        """
        its = self.given.applied_to(source)._replace(set={})
        if not its.shapes:
            its = its._replace(shapes=shapes or {})
        if source.model is not None:
            settings = {**self.given.set, **(own or {})}
            its = its._replace(set=settings, shared=self.given.set.keys() - (own or {}).keys())
            spec = read_spec(source, its, limits=self.limits)
            self.declared.update(dict.fromkeys(spec.graph.axis_names))
            return spec.in_layout(its.layout)
        spec = read_spec(source, its, inline=inline, limits=self.limits)
        variables = spec.graph.variables
        self.declared.update(dict.fromkeys(variables))
        settings = {name: value for name, value in self.given.set.items() if name in variables} | dict(own or {})
        if settings:
            spec = read_spec(source, its._replace(set=settings), inline=inline, limits=self.limits)
        return spec.in_layout(its.layout)

    def require_used(self, names: Iterable[str]) -> None:
        """Fail for a setting that no spec declares.

        Raises:
            SpecError: there is one.
        """
        declared = self.declared
        for name in names:
            if name not in declared:
                all = listing("declared variable", declared) if declared else "none of them declares a variable"
                unknown = f"none of the networks has a variable '{name[:40]}'"
                fail("unknown-name", unknown, hint=suggest(name, declared, all), origin=f"--set {name[:40]}")
