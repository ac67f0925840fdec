"""The networks that answers are about; each is read, analysed and prepared for judging once for all answer files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from archcalc.analysis.propagate import Analysis, analyze
from archcalc.claims.claim import Claim, Judgement
from archcalc.claims.judge import Judge
from archcalc.counters.count import Count
from archcalc.counters.network import counts_in_forms
from archcalc.diagnosis import Explainer
from archcalc.grading.columns import NETWORK_NAMES, quantity_of
from archcalc.grading.formula_answers import FormulaJudge, FormulaNetwork
from archcalc.grading.submission import NetworkText
from archcalc.query.targets import network_of
from archcalc.spec import GivenSettings, load_spec
from archcalc.spec.errors import SpecError, fail, relocated, whole_text
from archcalc.spec.limits import DEFAULT, Limits
from archcalc.spec.locate import EXPRESSION, is_file_name, is_inline, split_variant
from archcalc.spec.models import PYTHON_OBJECT, ModelFile


class Subject:
    """One network, or several with names, against which claims are judged."""

    def __init__(
        self,
        networks: Mapping[str, Analysis],
        formulas: FormulaJudge,
        library: NetworkLibrary,
        models: Mapping[str, ModelFile | None] = MappingProxyType({}),
    ) -> None:
        """Prepare networks by name, with the judge of formulas about them.

        Args:
            networks: The analyses of the networks.
            formulas: Judges formulas about them.
            library: Loads further networks.
            models: The model files that they were read from.
        """
        self.networks = networks
        self.models = models
        self.library = library
        self.formulas = formulas
        self.explainer = Explainer(networks)
        self.judge = Judge(networks, formula=self.formula, explainer=self.explainer)
        self._known: dict[str, str] = {}
        self._counters: dict[str, Mapping[str, Sequence[Count]]] = {}
        self._places: dict[str, dict[str, str]] = {}

    def of(self, network: NetworkText) -> Subject:
        """Return the subject of a network that a question names itself; the network has the empty name.

        Raises:
            SpecError: it cannot be read.
        """
        return self.library.subject({"": network})

    def counters(self, name: str) -> Mapping[str, Sequence[Count]]:
        """Return what tools print for a network, by the form of its layers; see `counts_in_forms`."""
        found = self._counters.get(name)
        if found is None:
            found = self._counters[name] = counts_in_forms(self.networks[name], self.models.get(name))
        return found

    def canonical(self, target: str) -> str:
        """Return a target in archcalc's notation, ``c1.params`` for ``C1.Parameters``; unchanged if it is unknown."""
        known = self._known.get(target)
        if known is None:
            known = self._known[target] = self._canonical(target)
        return known

    def formula(self, claim: Claim, free: tuple[str, ...] = ()) -> Judgement | None:
        """Return the judgement of a formula in these names, or in those that it uses; ``None`` if it cannot be one."""
        try:
            self.judge.actual(claim.target)
        except LookupError:
            return None
        return self.formulas.judge(claim, free)

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
        """Return a layer, stage or head by its name in any case; an empty text for a row of totals."""
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


class _Content(NamedTuple):
    """The identity of a network, whatever the places of its texts."""

    spec: str
    settings: tuple[tuple[str, str], ...]
    shapes: tuple[tuple[str, str], ...]
    layout: str
    batch: int | None
    assume: tuple[str, ...]


class NetworkLibrary:
    """Loads each network once."""

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self.limits = limits
        self._analyses: dict[_Content, tuple[Analysis, ModelFile | None] | SpecError] = {}
        self._subjects: dict[tuple[tuple[str, _Content], ...], Subject] = {}

    def subject(self, networks: Mapping[str, NetworkText]) -> Subject:
        """Return the subject for answers about these networks.

        Raises:
            SpecError: one of them cannot be read; errors in an inline expression have their places in the file.
        """
        contents = tuple((name, _content(network)) for name, network in networks.items())
        found = self._subjects.get(contents)
        if found is None:
            read = {name: self._analysis(content, networks[name]) for name, content in contents}
            analyses = {name: analysis for name, (analysis, _) in read.items()}
            formulas = {
                name: FormulaNetwork(content.spec, networks[name], analyses[name].graph) for name, content in contents
            }
            found = self._subjects[contents] = Subject(
                analyses,
                FormulaJudge(formulas, self.limits),
                self,
                {name: model for name, (_, model) in read.items()},
            )
        return found

    def _analysis(self, content: _Content, network: NetworkText) -> tuple[Analysis, ModelFile | None]:
        found = self._analyses.get(content)
        if found is None:
            given = GivenSettings(dict(content.settings), dict(content.shapes), content.layout or None)
            try:
                spec = load_spec(content.spec, given, self.limits)
                graph = replace(spec.graph, layout=content.layout) if content.layout else spec.graph
                found = analyze(graph, batch=content.batch), spec.model
            except SpecError as error:
                found = error
            self._analyses[content] = found
        if isinstance(found, SpecError):
            raise _in_file(found, network)
        return found


def _in_file(error: SpecError, network: NetworkText) -> SpecError:
    """Return the error with places in the file that names the network."""
    places = {EXPRESSION: network.spec}
    places |= {f"--set {name}"[: len("--set ") + 40]: text for name, text in network.settings.items()}
    places |= {f"--shape {name}".rstrip(): text for name, text in network.shapes.items()}
    found = [
        replace(problem, span=problem.span or whole_text(network.spec), origin="", hint=_in_yaml(problem.hint))
        for problem in relocated(error, places).problems
    ]
    return SpecError(found)


def _in_yaml(hint: str) -> str:
    """Return a hint with options of the command line as the entries of a file that mean the same."""
    written = re.sub(r"--set (\w+)=…", r"{spec: …, set: {\1: …}}", hint)
    written = re.sub(r"--shape ([^\s=]+)=([^\s,]+)", r"shape: {\1: \2}", written)
    return re.sub(r"--set (\w+)=NUMBER", r"set: {\1: NUMBER}", written)


def _content(network: NetworkText) -> _Content:
    """Return the identity of a network; a relative path starts at the folder of the file that names it.

    Raises:
        SpecError: it is an object in Python code, which would run: the files of others must not choose it.
    """
    spec = network.spec.value.strip()
    if PYTHON_OBJECT.fullmatch(spec) is not None:
        hint = "export the module to a .pt2 file, and name that"
        fail("argument", "a file cannot name a module, because its code would run", whole_text(network.spec), hint)
    is_file = not is_inline(spec) and ("/" in spec or is_file_name(split_variant(spec)[0]))
    if is_file and not network.spec.source.name.startswith("<"):
        spec = str(Path(network.spec.source.name).parent / spec)
    settings = tuple((name, text.value) for name, text in network.settings.items())
    shapes = tuple((name, text.value) for name, text in network.shapes.items())
    return _Content(spec, settings, shapes, network.layout, network.batch, network.assume)
