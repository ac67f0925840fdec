"""Questions for values of settings, such as a kernel or a stride, for which a condition holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from archcalc.grading.kinds.base import CORRECT, AnswerResult, reason_for, unreadable_result, wrong_result
from archcalc.grading.kinds.truth import CONDITION, condition_in, in_key
from archcalc.grading.subjects import Subject
from archcalc.numeric.helpers import Impossible
from archcalc.spec import GivenSettings
from archcalc.spec.errors import Problem, SpecError, Text, fail, listing, suggest, whole_text
from archcalc.spec.limits import DEFAULT
from archcalc.spec.locate import locate
from archcalc.spec.ranges import read_values
from archcalc.spec.syntax import Condition
from archcalc.spec.write import written_number

if TYPE_CHECKING:
    from archcalc.query.configurations import ConfigurationQuery
    from archcalc.query.grid import GridAxis
    from archcalc.query.solve import Solution

Which: TypeAlias = Literal["any", "smallest", "largest", "all"]
MAX_ALL = 1_000
"""The maximum number of solutions of a question for all of them."""
TRIED_FIRST = 8
"""The number of settings that are tried to find a network on which a condition can be checked."""
_NAMED = re.compile(r"\s*([A-Za-z_][\w./ ]*?)\s*(?:=|:|\bis\b)\s*")


@dataclass(frozen=True)
class Solutions:
    """The values of settings for which a condition holds; without one, for which the network exists."""

    vary: tuple[Text, ...]
    """The settings, each with the values to try if they are given."""
    condition: Text | None
    which: Which = "any"
    network: Text | None = None
    """The name of the network, if there are several."""

    needs_network = True

    def prepare(self, subject: Subject) -> SolutionQuestion:
        """Find the solutions, of which there must be at least one."""
        question = self.prepare_choice(subject)
        solution = question.solve()
        if not solution.intervals:
            place = self.condition if self.condition is not None else self.vary[0]
            fail("key", f"none of {solution.tried:,} values meets the condition", whole_text(place))
        if self.which == "all" and sum(each.number for each in solution.intervals) > MAX_ALL:
            fail("key", f"more than {MAX_ALL:,} values meet the condition", whole_text(self.vary[0]))
        return replace(question, solution=solution)

    def prepare_choice(self, subject: Subject) -> SolutionQuestion:
        """Return the question without its solutions, which judges given values only."""
        from archcalc.query.configurations import ConfigurationQuery, LocatedSpec
        from archcalc.query.solve import names_to_measure, read_axes

        network = subject.formulas.networks[self._name(subject)]
        settings = {name: text.value for name, text in network.text.settings.items()}
        shapes = {name: text.value for name, text in network.text.shapes.items()}
        query = ConfigurationQuery(
            LocatedSpec(*locate(network.spec, DEFAULT)),
            [],
            given=GivenSettings(settings, shapes, network.text.layout or None),
        )
        axes: list[GridAxis] = []
        for text in self.vary:
            try:
                axes += read_axes(query, [text.value.strip()])
            except SpecError as error:
                first = error.problems[0]
                raise SpecError([Problem("key", first.message, whole_text(text), _for_key(first.hint))]) from None
        condition = None if self.condition is None else condition_in(self.condition)
        if condition is not None:
            query.names = names_to_measure(axes, condition)
        question = SolutionQuestion(query, tuple(axes), condition, self.which)
        question.check(self.condition if self.condition is not None else self.vary[0])
        return question

    def _name(self, subject: Subject) -> str:
        known = subject.formulas.networks
        if self.network is not None:
            if self.network.value not in known:
                hint = suggest(self.network.value, known, listing("network", known))
                fail("key", f"no network '{self.network.value[:40]}'", whole_text(self.network), hint)
            return self.network.value
        if len(known) > 1:
            hint = f"write network: {next(iter(known))}"
            fail("key", "the question must name one of the networks", whole_text(self.vary[0]), hint)
        return next(iter(known))


@dataclass(frozen=True)
class SolutionQuestion:
    """Settings of a network, the condition that they are to meet, and the solutions that were found."""

    query: ConfigurationQuery
    axes: tuple[GridAxis, ...]
    condition: Condition | None
    which: Which
    solution: Solution | None = field(default=None)

    @property
    def correct(self) -> str:
        """The solutions: an example, all of them as intervals, or the smallest or largest one."""
        assert self.solution is not None
        if self.which in ("smallest", "largest"):
            return _settings_text(self.axes, self._extreme())
        found = []
        for first, last, number in self.solution.intervals:
            ends = _settings_text(self.axes, first.values)
            found.append(ends if number == 1 else f"{ends} … {_value_text(last.values[-1])}")
        if self.which == "any":
            return found[0] if len(found) == 1 else f"{found[0]}, for example"
        return "; ".join(found)

    def judge(self, answer: str) -> AnswerResult:
        """Judge values of the settings; all solutions are given in any order."""
        if self.which == "all":
            return self._judge_all(answer)
        try:
            values = self._read(answer)
        except ValueError as error:
            return unreadable_result(str(error))
        outcome = self._tried(values)
        if outcome != CORRECT or self.which == "any":
            return outcome
        best = self._extreme()
        if values == best:
            return CORRECT
        other = reason_for("setting-also", settings=_settings_text(self.axes, best))
        return wrong_result(other, hints=(reason_for(f"not-{self.which}"),))

    def solve(self) -> Solution:
        """Try all values."""
        from archcalc.query.conditions import read_condition
        from archcalc.query.solve import solve

        anything = read_condition(CONDITION, "layers >= 0")
        return solve(self.query, self.axes, anything if self.condition is None else self.condition)

    def check(self, place: Text) -> None:
        """Check that the condition can be evaluated.

        Raises:
            SpecError: it names something that does not exist.
        """
        from archcalc.query.sweep import ImpossibleConfiguration

        for number in range(TRIED_FIRST):
            settings = {axis.name: axis.values[number % len(axis.values)] for axis in self.axes}
            try:
                graph = self.query.read(settings)
                if self.condition is not None:
                    self._holds(graph, settings)
            except ImpossibleConfiguration:
                continue  # there may be a network with other settings
            except SpecError as error:
                raise in_key(error, place) from None
            return

    def _extreme(self) -> tuple[Any, ...]:
        assert self.solution is not None
        found = [sample.values for each in self.solution.intervals for sample in (each.first, each.last)]
        return min(found) if self.which == "smallest" else max(found)

    def _judge_all(self, answer: str) -> AnswerResult:
        assert self.solution is not None
        (axis, *others) = self.axes
        if others:
            return unreadable_result("'which: all' must have a single setting")
        try:
            values = read_values("an answer", _unnamed(_bare(answer), axis.name), DEFAULT)
        except SpecError as error:
            return unreadable_result(error.problems[0].message)
        for value in values:
            outcome = self._tried((value,))
            if outcome != CORRECT:
                return outcome
        number = sum(each.number for each in self.solution.intervals)
        missing = number - len({*values})
        return (
            CORRECT
            if missing <= 0
            else wrong_result(reason_for("solutions-missing", missing=str(missing), number=str(number)))
        )

    def _tried(self, values: Sequence[Any]) -> AnswerResult:
        """Return the outcome for values of the settings: whether the network exists, and the condition holds."""
        from archcalc.query.sweep import ImpossibleConfiguration

        settings = {axis.name: value for axis, value in zip(self.axes, values, strict=True)}
        written = _settings_text(self.axes, values)
        try:
            self._check_attributes(settings)
            graph = self.query.read(settings)
            if self.condition is None or self._holds(graph, settings):
                return CORRECT
            lookup = self.query.lookup(graph, settings)
            measured = [
                reason_for("setting-gives", settings=written, target=name.name, actual=_value_text(lookup(name)))
                for name in self.query.names
            ]
        except (ImpossibleConfiguration, Impossible, SpecError) as error:
            message = error.problems[0].message if isinstance(error, SpecError) else str(error)
            return wrong_result(reason_for("setting-impossible", settings=written, message=message))
        return wrong_result(*measured)

    def _holds(self, graph: Any, settings: dict[str, Any]) -> bool:
        from archcalc.query.conditions import holds

        assert self.condition is not None
        return bool(holds(self.condition, self.query.lookup(graph, settings)))

    def _check_attributes(self, settings: dict[str, Any]) -> None:
        """Check that attributes of layers are integers that these may have.

        Raises:
            Impossible: one is not.
        """
        graph = self.query.as_written() if any(self.query.attribute(name.split("=")[0]) for name in settings) else None
        for joint, value in settings.items():
            for name in joint.split("="):
                attribute = self.query.attribute(name)
                if attribute is None or graph is None or isinstance(value, str):
                    continue
                parameters = graph.nodes[attribute.node].op.parameters()
                declared = next(each for each in parameters if each.name == attribute.name).argument
                if declared.at_least is not None and value < declared.at_least:
                    raise Impossible(f"{name} must be at least {declared.at_least}, got {value}")
                if declared.form != "real" and not isinstance(value, int):
                    raise Impossible(f"{name} must be an integer, got {value}")

    def _read(self, answer: str) -> tuple[Any, ...]:
        """Return the values of an answer, one per setting: ``3``, ``k = 3, s = 2``.

        Raises:
            ValueError: the text is something else.
        """
        written = _bare(answer)
        names = [axis.name for axis in self.axes]
        parts = [part.strip() for part in re.split(r"[,;]|\band\b", written) if part.strip()]
        if len(parts) != len(names):
            raise ValueError(f"an answer must have {len(names)} value{'s' * (len(names) != 1)} ({', '.join(names)})")
        found: dict[str, Any] = {}
        for place, part in enumerate(parts):
            match = _NAMED.match(part)
            name = next((each for each in names if match is not None and _is_name(match[1], each)), names[place])
            value = part[match.end() :] if match is not None else _unnamed(part, name)
            try:
                (found[name],) = read_values("an answer", value, DEFAULT)
            except (SpecError, ValueError):
                found[name] = value
            is_number = all(not isinstance(each, str) for each in self.axes[names.index(name)].values[:2])
            if is_number and isinstance(found[name], str):
                raise ValueError(f"a value of {name} must be a number, got '{part[:40]}'")
        if len(found) < len(names):
            raise ValueError(f"an answer must have a value for each of {', '.join(names)}")
        return tuple(found[name] for name in names)


def _bare(answer: str) -> str:
    """Return an answer without the brackets around it."""
    return answer.strip().strip("{}()[]").rstrip(".")


def _is_name(written: str, name: str) -> bool:
    """Return whether a word of an answer means a setting: conv_1.p or p for ``conv_1.p``, H for ``H=W``."""
    word = written.strip().casefold()
    return any(word in (part.casefold(), part.rpartition(".")[2].casefold()) for part in name.split("="))


def _unnamed(part: str, name: str) -> str:
    """Return a value without words around it: ``padding 1``, ``3 layers``."""
    match = re.fullmatch(r"(?:[A-Za-z_][\w. ]*[=:\s]\s*)?(-?[\d.][\d./:x,;\s-]*)(?:\s*[A-Za-z][\w ]*)?", part.strip())
    return match[1].strip() if match is not None else part


def _settings_text(axes: Sequence[GridAxis], values: Sequence[Any]) -> str:
    return ", ".join(f"{axis.name} = {_value_text(value)}" for axis, value in zip(axes, values, strict=True))


def _value_text(value: Any) -> str:
    if isinstance(value, tuple):
        return "x".join(map(_value_text, value))
    return f"{value:,}" if isinstance(value, int) else written_number(value)


def _for_key(hint: str) -> str:
    """Return a hint with an option of the command line as the entry of a key."""
    return hint.replace("--vary ", "vary: ")
