"""The networks that answers are about; each is read, analysed and prepared for judging once for all answer files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from archcalc.analysis.propagate import Analysis, analyze
from archcalc.claims.claim import Claim, Judgement
from archcalc.claims.judge import Judge
from archcalc.diagnosis import Explainer
from archcalc.grading.columns import NETWORK_NAMES, quantity_of
from archcalc.grading.formula_answers import FormulaJudge
from archcalc.grading.submission import NetworkText
from archcalc.query.targets import network_of
from archcalc.spec import Given, load_spec
from archcalc.spec.errors import Problem, SpecError, Text, whole_text
from archcalc.spec.limits import DEFAULT, Limits
from archcalc.spec.locate import SUFFIXES, is_inline, split_variant

_Content = tuple[str, tuple[tuple[str, str], ...], tuple[tuple[str, str], ...], str, tuple[str, ...]]


class Subject:
    """One network, or several with names, against which claims are judged."""

    def __init__(self, networks: Mapping[str, Analysis], read: Mapping[str, FormulaJudge] | None = None) -> None:
        """Prepare networks by name, with the judges of their formulas, if any."""
        self.networks = networks
        self._formulas = read or {}
        self.explainer = Explainer(networks)
        self.judge = Judge(networks, formula=self.formula, explainer=self.explainer)
        self._known: dict[str, str] = {}
        self._places: dict[str, dict[str, str]] = {}

    def canonical(self, target: str) -> str:
        """Return a target in archcalc's notation, ``c1.params`` for ``C1.Parameters``; unchanged if it is unknown."""
        known = self._known.get(target)
        if known is None:
            known = self._known[target] = self._canonical(target)
        return known

    def formula(self, claim: Claim, free: tuple[str, ...] = ()) -> Judgement | None:
        """Return the judgement of a formula in these names, or in those that it uses; ``None`` if it cannot be one."""
        try:
            name, rest = network_of(claim.target, self.networks)
            actual = self.judge.actual(claim.target)
        except LookupError:
            return None
        formulas = self._formulas.get(name)
        if formulas is None or actual.kind not in ("count", "field") or len(actual.values) != 1:
            return None
        return formulas.judge(claim, rest, free)

    def _canonical(self, target: str) -> str:
        if self._exists(target):
            return target
        above, ratio, below = target.partition(" / ")
        if ratio:
            return f"{self.canonical(above.strip())} / {self.canonical(below.strip())}"
        try:
            name, rest = network_of(target, self.networks)
        except LookupError:
            return target
        place, _, word = rest.strip().rpartition(".")
        quantity = quantity_of(word) or word
        place = self._place(name, place.strip())
        found = ".".join(part for part in (name, place, quantity) if part)
        return found if self._exists(found) else target

    def _place(self, network: str, place: str) -> str:
        """A layer, stage or head by its name in any case; an empty text for a row of totals."""
        if network not in self._places:
            analysis = self.networks[network]
            names = [*analysis.graph.stages, *(layer.name for layer in analysis.layers)]
            folded: dict[str, str] = {}
            for name in dict.fromkeys(names):
                key = name.casefold()
                folded[key] = "" if key in folded else name  # names that differ in case only are ambiguous
            self._places[network] = folded
        found = self._places[network].get(place.casefold())
        return found or ("" if place.casefold() in NETWORK_NAMES else place)

    def _exists(self, target: str) -> bool:
        try:
            self.judge.actual(target)
        except LookupError:
            return False
        return True


class Library:
    """Loads each network once."""

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self.limits = limits
        self._analyses: dict[_Content, Analysis | SpecError] = {}
        self._subjects: dict[tuple[tuple[str, _Content], ...], Subject] = {}

    def subject(self, networks: Mapping[str, NetworkText]) -> Subject:
        """Return the subject for answers about these networks.

        Raises:
            SpecError: One of them cannot be read.
        """
        contents = tuple((name, _content(network)) for name, network in networks.items())
        found = self._subjects.get(contents)
        if found is None:
            analyses = {name: self._analysis(content, networks[name].spec) for name, content in contents}
            read = {
                name: FormulaJudge(content[0], networks[name], analyses[name].graph, self.limits)
                for name, content in contents
            }
            found = self._subjects[contents] = Subject(analyses, read)
        return found

    def _analysis(self, content: _Content, written: Text) -> Analysis:
        found = self._analyses.get(content)
        if found is None:
            spec, settings, shapes, layout, _ = content
            try:
                graph = load_spec(spec, Given(dict(settings), dict(shapes)), self.limits).graph
                found = analyze(replace(graph, layout=layout) if layout else graph)
            except SpecError as error:
                found = error
            self._analyses[content] = found
        if isinstance(found, SpecError):
            first = found.problems[0]
            if first.span is None:
                raise SpecError([Problem(first.code, first.message, whole_text(written), first.hint)])
            raise found
        return found


def _content(network: NetworkText) -> _Content:
    """The identity of a network; a relative path starts at the folder of the file that names it."""
    spec = network.spec.value.strip()
    is_file = not is_inline(spec) and ("/" in spec or split_variant(spec)[0].lower().endswith(SUFFIXES))
    if is_file and not network.spec.source.name.startswith("<"):
        spec = str(Path(network.spec.source.name).parent / spec)
    return spec, tuple(network.settings.items()), tuple(network.shapes.items()), network.layout, network.assume
