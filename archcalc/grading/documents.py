"""Answers in YAML or JSON: a mapping from target to answer, a mapping per layer, or a list of rows.

    name: Ada Lovelace
    network: lenet5                       # or networks: {A: …, B: …}; a key may name them instead
    answers:
      c1.params: 156                      # a target, or the id of a question
      c3: {output: 16x10x10, macs: 240K}  # several quantities of one layer

Audits account for a claim with ``convention:`` or ``erratum:``, and give a reason with ``because:``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import chain

from archcalc.grading.columns import answer_in, quantity_of, role_of, target_of
from archcalc.grading.rows import unfolded
from archcalc.grading.submission import Answer, AnswerFile, NetworkText, fail_too_many
from archcalc.spec.document import (
    Content,
    YamlList,
    YamlMapping,
    YamlScalar,
    expect_mapping,
    expect_scalar,
    known_keys,
    read_document,
)
from archcalc.spec.errors import Problem, Source, SpecError, Text, fail, whole_text
from archcalc.spec.limits import Limits

ANSWERS = ("answers", "claims")
METADATA_KEYS = (
    "name",
    "student",
    "source",
    "note",
    "notes",
    "network",
    "networks",
    "set",
    "shape",
    "layout",
    "batch",
    "assume",
)
AUDIT_KEYS = ("convention", "erratum", "because")
NETWORK_KEYS = ("spec", "set", "shape", "layout", "batch", "assume")
_CLAIM = re.compile(r"(?P<target>.*?[^<>=≤≥≈:\s])\s*(?P<relation><=|>=|==|[<>=≤≥≈])\s*(?P<value>.*)", re.DOTALL)
EXAMPLE = "for example:\n  answers:\n    c1.params: 156"


def read_document_answers(source: Source, limits: Limits, max_answers: int) -> AnswerFile:
    """Read answers in YAML or JSON.

    Raises:
        SpecError: the document cannot be read, or has another form.
    """
    content = read_document(source, limits)
    if isinstance(content, YamlList):
        return AnswerFile(source, tuple(_bounded(_list_answers(content), max_answers, source)))
    if not isinstance(content, YamlMapping):
        fail(
            "answers",
            "an answer file must be a mapping or a list, got a single value",
            origin=source.name,
            hint=EXAMPLE,
        )
    written: Iterator[Answer]
    given = [part for key in ANSWERS if (part := content.get(key)) is not None]
    if given:
        known_keys(content, (*METADATA_KEYS, *ANSWERS), "an answer file")
        written = chain.from_iterable(map(_entries, given))
    else:
        named = any(content.get(key) is not None for key in ("network", "networks"))
        # without a network to set it for, the shape is an answer
        metadata = METADATA_KEYS if named else {*METADATA_KEYS} - {"shape"}
        rest = tuple((key, value) for key, value in content.pairs if key.text.value not in metadata)
        written = _entries(YamlMapping(rest, content.span))
    answers = tuple(_bounded(written, max_answers, source))
    return AnswerFile(
        source,
        answers,
        name=text_of(content, "name") or text_of(content, "student"),
        networks=read_networks(content),
        audit=content.get("claims") is not None,
    )


def read_networks(top: YamlMapping) -> dict[str, NetworkText]:
    """Return the networks that a file names under ``network:`` or ``networks:``, by name.

    Raises:
        SpecError: the entries have another form.
    """
    single, several = top.get("network"), top.get("networks")
    if single is not None and several is not None:
        fail("duplicate", "the file must have 'network:' or 'networks:', got both", several.span)
    if single is not None:
        return {"": read_network(single, "'network:'", top)}
    if several is not None:
        pairs = expect_mapping(several, "'networks:'").pairs
        return {key.text.value: read_network(value, f"network '{key.text.value[:40]}'", top) for key, value in pairs}
    return {}


def read_network(content: Content, what: str, top: YamlMapping) -> NetworkText:
    """Return a network: its SPEC alone, with settings at the top of the file, or ``{spec: …, set: …, shape: …}``."""
    if isinstance(content, YamlScalar):
        return NetworkText(
            content.text,
            settings=_pairs(top, "set"),
            shapes=_shapes(top),
            layout=_layout(top, ""),
            batch=_batch(top, None),
            assume=_assumed(top),
        )
    mapping = expect_mapping(content, what)
    known_keys(mapping, NETWORK_KEYS, "a network")
    spec = mapping.get("spec")
    if spec is None:
        fail(
            "missing", f"{what} must have 'spec:'", mapping.span, "for example: {spec: mobilenet-v1, set: {alpha: 0.5}}"
        )
    return NetworkText(
        expect_scalar(spec, "'spec:'").text,
        settings=_pairs(mapping, "set"),
        shapes=_shapes(mapping),
        layout=_layout(mapping, _layout(top, "")),
        batch=_batch(mapping, _batch(top, None)),
        assume=(*_assumed(top), *_assumed(mapping)),
    )


def _assumed(mapping: YamlMapping) -> tuple[str, ...]:
    return tuple(text.value for text in texts_of(mapping, "assume"))


def _layout(mapping: YamlMapping, default: str) -> str:
    content = mapping.get("layout")
    if content is None:
        return default
    written = expect_scalar(content, "'layout:'").text
    if written.value not in ("chw", "hwc"):
        fail("argument", f"'layout:' must be chw or hwc, got '{written.value[:20]}'", whole_text(written))
    return written.value


def _batch(mapping: YamlMapping, default: int | None) -> int | None:
    content = mapping.get("batch")
    if content is None:
        return default
    written = expect_scalar(content, "'batch:'").text
    if not re.fullmatch(r"[1-9]\d{0,8}", written.value.strip()):
        fail("argument", f"'batch:' must be a positive integer, got '{written.value[:20]}'", whole_text(written))
    return int(written.value)


def _pairs(mapping: YamlMapping, key: str) -> dict[str, Text]:
    content = mapping.get(key)
    if content is None:
        return {}
    pairs = expect_mapping(content, f"'{key}:'").pairs
    return {name.text.value: expect_scalar(value, f"'{name.text.value[:40]}'").text for name, value in pairs}


def _shapes(mapping: YamlMapping) -> dict[str, Text]:
    content = mapping.get("shape")
    return {"": content.text} if isinstance(content, YamlScalar) else _pairs(mapping, "shape")


def text_of(mapping: YamlMapping, key: str) -> str:
    """Return the text of a key; an empty text if the key is missing."""
    content = mapping.get(key)
    return expect_scalar(content, f"'{key}:'").text.value.strip() if content is not None else ""


def texts_of(mapping: YamlMapping, key: str) -> list[Text]:
    """Return the texts of a key, which is a list, a single text, or missing."""
    content = mapping.get(key)
    listed = content.items if isinstance(content, YamlList) else () if content is None else (content,)
    return [expect_scalar(each, f"an entry of '{key}:'").text for each in listed]


def _bounded(answers: Iterator[Answer], max_answers: int, source: Source) -> Iterator[Answer]:
    for count, answer in enumerate(answers, 1):
        if count > max_answers:
            fail_too_many(max_answers, source.name)
        yield answer


def _entries(content: Content) -> Iterator[Answer]:
    """Yield the answers under ``answers:`` or ``claims:``."""
    if isinstance(content, YamlList):
        yield from _list_answers(content)
    elif isinstance(content, YamlMapping):
        for key, value in content.pairs:
            yield from _answers_under(key.text, value)
    elif content.text.value:
        yield _claim(content.text)


def _list_answers(content: YamlList) -> Iterator[Answer]:
    """Yield the answers of a list: rows as in a table, mappings of one target, or texts (``A.params > B.params``)."""
    for item in content.items:
        if isinstance(item, YamlScalar):
            yield _claim(item.text)
        elif isinstance(item, YamlList):
            text = Text(item.span.text.source, "", item.span.text.start)
            yield Answer(
                text, text, _problem("an entry of the list of answers must be text or a mapping, got a list", item)
            )
        elif _is_row(item):
            yield from _row(item)
        else:
            extras = [pair for pair in item.pairs if pair[0].text.value in AUDIT_KEYS]
            for key, value in item.pairs:
                if key.text.value in AUDIT_KEYS:
                    continue
                yield from (_with_extras(answer, extras) for answer in _answers_under(key.text, value))


def _is_row(item: YamlMapping) -> bool:
    """Return whether a mapping has a layer or a target as in a table; ``layers`` alone is a quantity."""
    keys = [key.text.value for key, _ in item.pairs if key.text.value not in AUDIT_KEYS]
    return keys != ["layers"] and any(role_of(key) in ("layer", "target") for key in keys)


def _answers_under(target: Text, content: Content) -> Iterator[Answer]:
    """Yield the answers under one key: that of a target, or those of a layer by quantity."""
    if not isinstance(content, YamlMapping):
        yield Answer(target, *_value(content))
        return
    answer = next((value for key, value in content.pairs if role_of(key.text.value) == "answer"), None)
    if answer is not None:
        extras = [pair for pair in content.pairs if role_of(pair[0].text.value) != "answer"]
        yield _with_extras(Answer(target, *_value(answer)), extras)
        return
    for key, value in content.pairs:
        place = Text(key.text.source, target_of(target.value, key.text.value), key.text.start)
        yield from _answers_under(place, value)


def _row(row: YamlMapping) -> Iterator[Answer]:
    """Yield the answers of a row: a layer, quantity and answer; a target and answer; or a layer and its quantities."""
    found: dict[str, Content] = {}
    quantities: list[tuple[YamlScalar, Content]] = []
    extras: list[tuple[YamlScalar, Content]] = []
    for key, value in row.pairs:
        role = role_of(key.text.value)
        if role is not None:
            found[role] = value
        elif quantity_of(key.text.value) is not None:
            quantities.append((key, value))
        else:
            extras.append((key, value))
    place = found.get("target", found.get("layer"))
    assert place is not None
    if not isinstance(place, YamlScalar):
        text = Text(row.span.text.source, "", row.span.text.start)
        yield Answer(text, text, _problem("the name of a layer must be text, got a list or mapping", place))
        return
    target, quantity = place.text, found.get("quantity")
    if "answer" in found:
        if isinstance(quantity, YamlScalar):
            target = Text(target.source, target_of(target.value, quantity.text.value), target.start)
        yield _with_extras(Answer(target, *_value(found["answer"])), extras)
        return
    for key, value in quantities:
        written = target_of(target.value, key.text.value)
        yield _with_extras(Answer(Text(target.source, written, key.text.start), *_value(value)), extras)
    if not quantities:
        yield Answer(target, Text(target.source, "", target.start), _problem("the row has no answer", row))


def _claim(text: Text) -> Answer:
    """Return the answer in a text such as ``c1.params = 156`` or ``A.params > B.params``."""
    match = _CLAIM.fullmatch(text.value.strip())
    if match is None:
        problem = Problem("answers", "an answer must have the form TARGET = VALUE", YamlScalar(text).span, EXAMPLE)
        return Answer(text, Text(text.source, "", text.start), problem)
    start = match.start("value" if match["relation"] in ("=", "==") else "relation")
    return Answer(
        Text(text.source, match["target"], text.start, text.end, text.style),
        Text(text.source, match.string[start:], text.index(text.value.find(match.string) + start)),
    )


def _value(content: Content) -> tuple[Text, Problem | None]:
    """Return the text of an answer; a list of sizes (in JSON) is a shape."""
    if isinstance(content, YamlScalar):
        return answer_in(unfolded(content.text)), None
    source, start = content.span.text.source, content.span.text.start
    if isinstance(content, YamlList) and content.items and all(isinstance(item, YamlScalar) for item in content.items):
        entries = [item.text.value for item in content.items if isinstance(item, YamlScalar)]
        is_shape = all(entry.isdecimal() for entry in entries)
        return Text(source, "x".join(entries) if is_shape else f"[{', '.join(entries)}]", start), None
    if isinstance(content, YamlList) and content.items:
        with suppress(SpecError):
            return listed_text(content), None
    return Text(source, "", start), _problem("an answer must be a value, a list of sizes or an array", content)


def listed_text(content: Content) -> Text:
    """Return a vector, a matrix or lists of these as text, or a text as it is.

    Raises:
        SpecError: it has a mapping, or a list of both numbers and lists.
    """

    def written(each: Content) -> str:
        if isinstance(each, YamlList):
            if len({isinstance(item, YamlList) for item in each.items}) > 1:
                fail("answers", "a list must have numbers or lists, got both", each.span)
            return "[" + ", ".join(map(written, each.items)) + "]"
        return expect_scalar(each, "an entry of an array").text.value

    if isinstance(content, YamlScalar):
        return unfolded(content.text)
    return Text(content.span.text.source, written(content), content.span.text.start)


def _with_extras(answer: Answer, extras: list[tuple[YamlScalar, Content]]) -> Answer:
    """Return the answer with the entries by which an audit accounts for it."""
    if not extras:
        return answer
    found = {}
    try:
        known_keys(YamlMapping(tuple(extras), extras[0][0].span), AUDIT_KEYS, "an answer")
        found = {key.text.value: expect_scalar(value, f"'{key.text.value}:'").text for key, value in extras}
    except SpecError as error:
        return replace(answer, problem=answer.problem or error.problems[0])
    reason = found["because"].value if "because" in found else ""
    return replace(answer, convention=found.get("convention"), erratum=found.get("erratum"), reason=reason)


def _problem(message: str, content: Content) -> Problem:
    return Problem("answers", message, content.span, EXAMPLE)
