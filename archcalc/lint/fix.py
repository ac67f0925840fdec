"""Corrections that are mechanical: they change the text as little as possible, and the numbers not at all.

Removed are unused variables, blocks and tables, and an ``ignore`` that silences nothing; ``nobias`` is added where a
normalisation cancels the bias (that changes the parameters, as is meant); quotes are put around texts that YAML reads
in its own way. Every corrected text is read again: what would change a shape, another number or an expectation is left
undone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from archcalc.analysis.propagate import Analysis, analyze
from archcalc.claims.judge import judge_each
from archcalc.lint.edits import Edit, apply, without
from archcalc.lint.network import biases_before_norms
from archcalc.lint.rules import Subject
from archcalc.lint.run import UNUSED_IGNORE, suspicions
from archcalc.lint.silence import CODE, COMMENT
from archcalc.ops.base import Weight
from archcalc.spec import syntax
from archcalc.spec.check import walk
from archcalc.spec.document import Content, List, Mapping, Scalar
from archcalc.spec.errors import Problem, Source, Span, SpecError
from archcalc.spec.read import Spec

Read = Callable[[Source], Spec]
"""Reads a changed text as the first one was read."""

SECTIONS = {"unused-variable": "variables", "unused-block": "blocks", "unused-table": "tables"}
BIAS = "bias-before-norm"
MOST_QUOTES = 100
"""Lines of a file that are quoted; each takes a reading."""

ENTRY = re.compile(
    r"(?P<before>\s*(?:- +)*(?:[A-Za-z0-9_]+(?:\([^)]*\))?: +)?)(?P<value>[\[{@*&!%>|`].*?)(?P<after>\s*(?:\s#.*)?)"
)
"""A line whose value starts with a character that YAML reads itself."""


class Fixed(NamedTuple):
    """A corrected text."""

    source: Source
    number: int
    """Corrections."""


def fix(spec: Spec, ignore: Collection[str], read: Read) -> Fixed | None:
    """The corrected text of a spec that was read; ``None`` where there is nothing to correct.

    Args:
        spec: of a file.
        ignore: codes of warnings that are not wanted: nothing is corrected that is not reported.
        read: how to read a text again.
    """
    analysis = analyze(spec.graph)
    problems = [problem for found in suspicions(spec, analysis, ignore) for problem in found]
    plain = [problem for problem in problems if problem.code in SECTIONS or problem.code == UNUSED_IGNORE]
    biased = [problem for problem in problems if problem.code == BIAS]
    for chosen in ([*plain, *biased], plain, biased):  # all of it, or what does no harm
        edits = [*_removals(spec, chosen), *_nobias(spec, analysis, chosen)]
        source = spec.source._replace(text=apply(spec.source.text, edits))
        if edits and _agrees(spec, analysis, source, read, with_biases=chosen is plain):
            return Fixed(source, len(edits))
    return None


def _agrees(spec: Spec, analysis: Analysis, source: Source, read: Read, *, with_biases: bool) -> bool:
    """Whether a corrected text says the same, but perhaps for biases."""
    try:
        other = read(source)
    except SpecError:
        return False
    found = analyze(other.graph)
    if _facts(analysis, with_biases) != _facts(found, with_biases):
        return False
    verdicts = [judge_each(*each) for each in ((spec, analysis), (other, found))]
    before, after = ([verdict.holds for verdict in judged] + [len(wrong)] for judged, wrong in verdicts)
    return before == after


def _facts(analysis: Analysis, with_biases: bool) -> list[object]:
    """What must stay as it is."""

    def counted(weights: tuple[Weight, ...]) -> int:
        return sum(weight.count for weight in weights if with_biases or weight.name != "bias")

    graph = analysis.graph
    return [
        (
            layer.name,
            layer.op,
            layer.inputs,
            layer.outputs,
            layer.macs,
            counted(graph.nodes[layer.node].op.weights(graph.input_shapes(graph.nodes[layer.node]))),
        )
        for layer in analysis.layers
    ]


def _removals(spec: Spec, problems: list[Problem]) -> Iterator[Edit]:
    top, text = spec.outline.document, spec.source.text
    if top is None:
        return
    places = {problem.span.text.start for problem in problems if problem.span is not None and problem.code != BIAS}
    gone: set[int] = set()
    for index, (key, content) in enumerate(top.pairs):
        name = key.text.value
        if name not in (*SECTIONS.values(), "ignore"):
            continue
        heads = _heads(content)
        dropped = [position for position, head in enumerate(heads) if head.text.start in places]
        if dropped and len(dropped) == len(heads):
            gone.add(index)
        elif dropped and isinstance(content, List | Mapping):
            yield from without(text, content, dropped)
    yield from without(text, top, gone)
    yield from _remarks(text, places)


def _heads(content: Content) -> list[Scalar]:
    """What names the entries of a section."""
    if isinstance(content, Mapping):
        return [key for key, _ in content.pairs]
    return [item for item in (content.items if isinstance(content, List) else (content,)) if isinstance(item, Scalar)]


def _remarks(text: str, places: set[int]) -> Iterator[Edit]:
    """Comments that silence nothing; of several codes, those that do not."""
    for match in COMMENT.finditer(text):
        codes = list(CODE.finditer(match["codes"]))
        starts = [match.start("codes") + code.start() for code in codes]
        idle = [start in places for start in starts]
        if not any(idle):
            continue
        if not all(idle):
            kept = ", ".join(code.group() for code, gone in zip(codes, idle, strict=True) if not gone)
            yield Edit(match.start("codes"), match.end("codes"), kept)
            continue
        first = text.rfind("\n", 0, match.start()) + 1
        end = text.find("\n", match.end())
        end = len(text) if end < 0 else end
        before = text[first : match.start()].rstrip()
        yield Edit(first + len(before), end) if before else Edit(first, min(len(text), end + 1))


def _nobias(spec: Spec, analysis: Analysis, problems: list[Problem]) -> Iterator[Edit]:
    """``nobias`` behind layers whose bias is never of use and whose text says nothing of it."""
    wanted = {problem.span for problem in problems if problem.code == BIAS}
    if not wanted:
        return
    found = biases_before_norms(Subject(spec, analysis))
    silent = {span for span in _layers(spec) if span in wanted and found[span].always}
    for span in silent:
        at = span.text.index(span.end - 1) + 1
        yield Edit(at, at, " nobias")


def _layers(spec: Spec) -> Iterator[Span]:
    """The places of layers that are written without a word about their bias."""
    network = spec.outline.network
    stages = (*network.stages, *network.heads, *network.training_heads)
    for chain in [*(stage.chain for stage in stages), *(block.body for block in network.blocks.values())]:
        for item in walk(chain):
            if isinstance(item, syntax.Layer) and not any(argument.name == "bias" for argument in item.arguments):
                yield item.span


def quote(source: Source, error: SpecError, read: Read) -> Fixed | None:
    """The text with quotes around what YAML takes for its own, if that is all that is wrong with it."""
    for count in range(1, MOST_QUOTES + 1):
        quoted = _quoted(source, error.problems[0])
        if quoted is None:
            return None
        source = source._replace(text=quoted)
        try:
            read(source)
        except SpecError as next_error:
            error = next_error
        else:
            return Fixed(source, count)
    return None


def _quoted(source: Source, problem: Problem) -> str | None:
    """The text with quotes around the value on the line of a YAML error."""
    line = problem.place()[1]
    if problem.code != "yaml" or line is None:
        return None
    rows = source.text.split("\n")
    match = ENTRY.fullmatch(rows[line - 1])
    if match is None:
        return None
    value = match["value"]
    written = f"'{value}'" if '"' in value or "\\" in value else f'"{value}"'
    rows[line - 1] = f"{match['before']}{written}{match['after']}"
    return "\n".join(rows)
