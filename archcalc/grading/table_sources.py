"""Which tool made the numbers of a column, and which rows are not what it prints.

A column comes from one source: archcalc's definition of the quantity, or a tool. The source is the one that gives the
most rows; it must give more than half of them. Each network is tried in all of its forms, such as that of the paper and
that of a library.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from archcalc.claims.claim import CORRECT, PASSING, Claim, Judgement, Verdict
from archcalc.claims.compare import interpret
from archcalc.claims.feedback import ENGLISH, Reason
from archcalc.counters.assumed_trace import FORMS
from archcalc.counters.count import Count
from archcalc.counters.rules import Tool
from archcalc.diagnosis.mistake import Outcome
from archcalc.diagnosis.printed_counts import COUNTED, code_of, printed_counts
from archcalc.diagnosis.relatives import variants
from archcalc.diagnosis.search import search
from archcalc.diagnosis.target import DiagnosedTarget
from archcalc.grading.marks import Mark, NamedReason
from archcalc.grading.subjects import NetworkLibrary, Subject
from archcalc.grading.submission import AnswerFile, NetworkText
from archcalc.query.targets import network_of
from archcalc.spec.errors import Text

MIN_ROWS = 2
"""The number of rows from which a column has a source."""
MAX_NAMED = 4
"""The maximum number of tools that are named where several give the same rows."""

_Key: TypeAlias = tuple[str, ...]
"""A source: the tool with its version and setting, the quantity that it prints, and what else was done with the number;
empty for archcalc's definition."""
DEFINITION: _Key = ()


@dataclass(frozen=True, kw_only=True)
class _Fit:
    """How a source gives the number of a row."""

    network: str
    """The SPEC."""
    value: str
    verdict: Verdict
    count: Count | None
    reasons: tuple[Reason, ...]

    @property
    def is_in_form(self) -> bool:
        """Whether layers of the network are built otherwise than assumed."""
        return any(each.code in FORMS for each in self.reasons)


class _Row(NamedTuple):
    """What the sources give for the figure of a row."""

    fits: Mapping[_Key, _Fit]
    """The sources that give the number as written."""
    values: Mapping[_Key, _Fit]
    """All of them."""


def marks_by_source(
    marks: Sequence[Mark],
    judgements: Sequence[Judgement],
    submission: AnswerFile,
    library: NetworkLibrary,
) -> tuple[list[Mark], list[str]]:
    """Return the marks of a table of networks, given the sources of its columns, and notes that name the sources.

    A figure that the source of its column gives is accounted for; one that it does not give is not, even if it is
    correct by definition. The figures of a column without a source keep their marks; a note says that there is none if
    several numbers were compared and some of them are wrong.

    Args:
        marks: The marks of the figures by archcalc's definitions.
        judgements: The judgements of the figures.
        submission: The table.
        library: Loads the networks.
    """
    found: list[Mark] = list(marks)
    notes: list[str] = []
    columns, networks = submission.columns, submission.networks
    explained = library.subject(networks).judge.judge
    by_column: dict[int, list[int]] = {}
    for place, title in enumerate(columns):
        if judgements[place].fault is None:
            by_column.setdefault(title.start, []).append(place)
    for places in by_column.values():
        title = columns[places[0]]
        rows = {place: _row(judgements[place], networks, library) for place in places}
        sources = _sources(rows.values())
        where = f"column {title.value}" + (f" in line {title.place(0)[0] + 1}" if len(by_column) > 1 else "")
        if not sources:
            if len(places) >= MIN_ROWS and not all(judgements[place].holds for place in places):
                notes.append(f"{where}: neither archcalc nor any single tool gives most of its numbers")
            continue
        source = sources[0]
        fitting = [place for place in places if source in rows[place].fits]
        notes.append(f"{where}: {len(fitting)} of {len(places)} numbers are {_named(sources, rows[fitting[0]])}")
        for place in places:
            fit = rows[place].fits.get(source)
            if fit is not None:
                found[place] = _fitting(found[place], judgements[place], fit)
            else:
                found[place] = _unfit(found[place], explained, judgements[place], rows[place], source)
    return found, notes


def _row(judgement: Judgement, networks: Mapping[str, NetworkText], library: NetworkLibrary) -> _Row:
    name, rest = network_of(judgement.target, networks)
    network = networks[name]
    fits: dict[_Key, _Fit] = {}
    values: dict[_Key, _Fit] = {}
    for spec in (network.spec.value, *variants(network.spec.value)):
        subject = library.subject({name: replace(network, spec=Text(network.spec.source, spec, network.spec.start))})
        target = DiagnosedTarget(rest, subject.networks[name])
        interpretations = interpret(judgement.value, target.actual)
        for key, outcome, count in _outcomes(target, subject, name):
            match = next(search([outcome], interpretations, target.actual, verdicts=PASSING), None)
            fit = _Fit(
                network=spec,
                value=f"{round(outcome.values[0]):,}",  # type: ignore[arg-type]
                verdict=match.verdict if match is not None else Verdict.WRONG,
                count=count,
                reasons=outcome.reasons[1:],
            )
            values.setdefault(key, fit)
            if match is not None:
                fits.setdefault(key, fit)
    return _Row(fits, values)


def _outcomes(target: DiagnosedTarget, subject: Subject, name: str) -> Iterator[tuple[_Key, Outcome, Count | None]]:
    """Return what the sources give for a target, in the order of how usual they are."""
    if len(target.actual.values) == 1 and not isinstance(target.actual.values[0], str):
        yield DEFINITION, Outcome(values=target.actual.values), None
    if target.quantity in COUNTED:
        for outcome, counts in printed_counts(target, subject.counters(name)):
            for count in counts:
                how = tuple(reason.code for reason in outcome.reasons[1:] if reason.code not in FORMS)
                yield (count.tool.key, count.quantity.name, *how), outcome, count


def _sources(rows: Iterable[_Row]) -> list[_Key]:
    """Return the sources that give the most rows with the fewest assumptions, the most usual first; none if they are
    too few."""
    rows = list(rows)
    fits = [(key, fit) for row in rows for key, fit in row.fits.items()]
    passing = Counter(key for key, _ in fits)
    correct = Counter(key for key, fit in fits if fit.verdict in CORRECT)
    assumed = Counter(key for key, fit in fits if not fit.is_in_form)
    most = max(((passing[key], correct[key], assumed[key]) for key in passing), default=(0, 0, 0))
    if most[0] < MIN_ROWS or most[0] * 2 <= len(rows):
        return []
    usual = dict.fromkeys(key for row in rows for key in row.values)
    return [key for key in usual if (passing[key], correct[key], assumed[key]) == most]


def _named(sources: Sequence[_Key], row: _Row) -> str:
    """Return what the numbers of a column are, given the sources that give equally many of them."""
    fit = row.values[sources[0]]
    if fit.count is None:
        return "archcalc's own"
    others = list(dict.fromkeys(key[0] for key in sources[1:] if key and key[0] != sources[0][0]))
    more = f" and {len(others) - MAX_NAMED:,} more" if len(others) > MAX_NAMED else ""
    same = f" (or {', '.join(others[:MAX_NAMED])}{more}, which give the same numbers)" if others else ""
    reasons = [each for each in fit.reasons if each.code not in FORMS]
    how = f". {ENGLISH.reasons(reasons)}" if reasons else ""
    return f"what {sources[0][0]} prints as {fit.count.quantity.title}{same}{how}"


def _fitting(mark: Mark, judgement: Judgement, fit: _Fit) -> Mark:
    """Return the mark of a figure that the source of its column gives."""
    if judgement.holds:
        return mark
    verdict, sentence = fit.verdict, f"{fit.network} has {fit.value}"
    reasons: tuple[NamedReason, ...] = ()
    if fit.count is not None:
        verdict, sentence = Verdict.CONVENTION, f"{fit.count.tool.key} prints {fit.value} for {fit.network}{_how(fit)}"
        reasons = (NamedReason(_code(fit.count.tool, fit), sentence),)
    return replace(mark, verdict=verdict, right=True, points=mark.of, sentence=sentence, reasons=reasons, reason="")


def _how(fit: _Fit) -> str:
    """Return what else was done with a number, as sentences after another one."""
    return f". {ENGLISH.reasons(fit.reasons)}" if fit.reasons else ""


def _code(tool: Tool, fit: _Fit) -> str:
    """Return the code of a number that a tool prints, with what else was done with it."""
    return "+".join([code_of(tool), *(each.code for each in fit.reasons)])


def _unfit(
    mark: Mark, judge: Callable[[list[Claim]], list[Judgement]], judgement: Judgement, row: _Row, source: _Key
) -> Mark:
    """Return the mark of a figure that the source of its column does not give: what gives it instead."""
    expected = ""
    if (wanted := row.values.get(source)) is not None:
        expected = f"{source[0] if source else wanted.network} {'prints' if source else 'has'} {wanted.value}; "
    near = {key: fit for key, fit in row.fits.items() if key[:1] == source[:1]} or row.fits
    key, fit = next(iter(near.items()), (DEFINITION, None))
    if fit is None:
        (explained,) = judge([judgement.claim])
        verdict, sentence = explained.verdict, f"{expected}{explained.sentence}"
        reasons = tuple(NamedReason(each.code, each.sentence) for each in explained.explanations)
    else:
        prints = "would print" if fit.reasons else "prints"
        by = f"what {key[0]} {prints} for {fit.network}" if key else f"that of {fit.network}"
        how = f", on this assumption: {ENGLISH.reasons(fit.reasons)}" if fit.reasons else ""
        sentence = f"{judgement.target}: {expected}{judgement.value} is {by}, {fit.value}{how}"
        verdict = Verdict.EXPLAINED
        reasons = (NamedReason(_code(fit.count.tool, fit), sentence),) if fit.count is not None else ()
    points = mark.of * 0
    return replace(mark, verdict=verdict, right=False, points=points, sentence=sentence, reasons=reasons, reason="")
