"""Automatic corrections, which change the text as little as possible and the figures not at all.

Unused variables, blocks and tables are removed, and so is every ``ignore`` without effect. ``nobias`` is added where a
normalisation cancels the bias (this is meant to reduce the number of parameters). Values that YAML would not read as
plain text are quoted. Every corrected text is read again: a correction that would change a shape, any other figure or
the outcome of an expectation is not made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from archcalc.analysis.propagate import Analysis, analyze
from archcalc.claims.judge import judge_each
from archcalc.lint.edits import Edit, apply, removals
from archcalc.lint.ignores import CODE, COMMENT
from archcalc.lint.network import biases_before_norms
from archcalc.lint.rules import LintContext
from archcalc.lint.run import UNUSED_IGNORE, warnings_by_rule
from archcalc.ops.base import Weight
from archcalc.spec import syntax
from archcalc.spec.check import walk
from archcalc.spec.document import Content, YamlList, YamlMapping, YamlScalar
from archcalc.spec.errors import Problem, Source, Span, SpecError
from archcalc.spec.records import Spec

Read = Callable[[Source], Spec]
"""Reads a changed text with the options with which the original was read."""

SECTIONS = {"unused-variable": "variables", "unused-block": "blocks", "unused-table": "tables"}
BIAS = "bias-before-norm"
MAX_QUOTED_LINES = 100
"""The maximum number of lines of a file that are quoted; the file is read again after each."""

ENTRY = re.compile(
    r"(?P<before>\s*(?:- +)*(?:[A-Za-z0-9_]+(?:\([^)]*\))?: +)?)(?P<value>[\[{@*&!%>|`].*?)(?P<after>\s*(?:\s#.*)?)"
)
"""A line whose value starts with a character that has a meaning in YAML."""


class CorrectedText(NamedTuple):
    """A corrected text."""

    source: Source
    number: int
    """The number of corrections."""


def fix(spec: Spec, ignore: Collection[str], read: Read) -> CorrectedText | None:
    """Return the corrected text of a spec; ``None`` if there is nothing to correct.

    Args:
        spec: the spec, read from a file.
        ignore: the codes of warnings to ignore; what is not reported is not corrected either.
        read: reads a changed text.
    """
    analysis = analyze(spec.graph)
    problems = [problem for found in warnings_by_rule(spec, analysis, ignore) for problem in found]
    plain = [problem for problem in problems if problem.code in SECTIONS or problem.code == UNUSED_IGNORE]
    biased = [problem for problem in problems if problem.code == BIAS]
    for chosen in ([*plain, *biased], plain, biased):  # everything, or else the part that changes nothing
        edits = [*_removals(spec, chosen), *_bias_removals(spec, analysis, chosen)]
        source = spec.source._replace(text=apply(spec.source.text, edits))
        if edits and _agrees(spec, analysis, source, read, with_biases=chosen is plain):
            return CorrectedText(source, len(edits))
    return None


def _agrees(spec: Spec, analysis: Analysis, source: Source, read: Read, *, with_biases: bool) -> bool:
    """Return whether a corrected text describes the same network, apart from biases unless ``with_biases``."""
    try:
        other = read(source)
    except SpecError:
        return False
    found = analyze(other.graph)
    if _preserved(analysis, with_biases) != _preserved(found, with_biases):
        return False
    verdicts = [judge_each(*each) for each in ((spec, analysis), (other, found))]
    before, after = ([verdict.holds for verdict in judged] + [len(wrong)] for judged, wrong in verdicts)
    return before == after


def _preserved(analysis: Analysis, with_biases: bool) -> list[object]:
    """Return the properties of every layer that a correction must preserve."""

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
        heads = _entry_names(content)
        dropped = [position for position, head in enumerate(heads) if head.text.start in places]
        if dropped and len(dropped) == len(heads):
            gone.add(index)
        elif dropped and isinstance(content, YamlList | YamlMapping):
            yield from removals(text, content, dropped)
    yield from removals(text, top, gone)
    yield from _unused_comments(text, places)


def _entry_names(content: Content) -> list[YamlScalar]:
    """Return the scalars that name the entries of a section."""
    if isinstance(content, YamlMapping):
        return [key for key, _ in content.pairs]
    return [
        item
        for item in (content.items if isinstance(content, YamlList) else (content,))
        if isinstance(item, YamlScalar)
    ]


def _unused_comments(text: str, places: set[int]) -> Iterator[Edit]:
    """Yield edits that remove the ``ignore`` comments, or the codes in them, that have no effect."""
    for match in COMMENT.finditer(text):
        codes = list(CODE.finditer(match["codes"]))
        starts = [match.start("codes") + code.start() for code in codes]
        unused = [start in places for start in starts]
        if not any(unused):
            continue
        if not all(unused):
            kept = ", ".join(code.group() for code, gone in zip(codes, unused, strict=True) if not gone)
            yield Edit(match.start("codes"), match.end("codes"), kept)
            continue
        first = text.rfind("\n", 0, match.start()) + 1
        end = text.find("\n", match.end())
        end = len(text) if end < 0 else end
        before = text[first : match.start()].rstrip()
        yield Edit(first + len(before), end) if before else Edit(first, min(len(text), end + 1))


def _bias_removals(spec: Spec, analysis: Analysis, problems: list[Problem]) -> Iterator[Edit]:
    """Yield edits that add ``nobias`` to layers whose bias is always cancelled and whose text does not mention it."""
    wanted = {problem.span for problem in problems if problem.code == BIAS}
    if not wanted:
        return
    found = biases_before_norms(LintContext(spec, analysis))
    silent = {span for span in _layers(spec) if span in wanted and found[span].always}
    for span in silent:
        at = span.text.index(span.end - 1) + 1
        yield Edit(at, at, " nobias")


def _layers(spec: Spec) -> Iterator[Span]:
    """Yield the places of the layers whose text does not mention the bias."""
    network = spec.outline.network
    stages = (*network.stages, *network.heads, *network.training_heads)
    for chain in [*(stage.chain for stage in stages), *(block.body for block in network.blocks.values())]:
        for item in walk(chain.in_place()):
            if isinstance(item, syntax.Layer) and not any(argument.name == "bias" for argument in item.arguments):
                yield item.span


def quote(source: Source, error: SpecError, read: Read) -> CorrectedText | None:
    """Return the text with quotes around the values that YAML misreads; ``None`` if it has other errors as well."""
    for count in range(1, MAX_QUOTED_LINES + 1):
        quoted = _quoted(source, error.problems[0])
        if quoted is None:
            return None
        source = source._replace(text=quoted)
        try:
            read(source)
        except SpecError as next_error:
            error = next_error
        else:
            return CorrectedText(source, count)
    return None


def _quoted(source: Source, problem: Problem) -> str | None:
    """Return the text with quotes around the value on the line of a YAML error, if it can be quoted."""
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
