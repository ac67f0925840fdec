"""Reading the kind of a question from its entry in a key."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from archcalc.grading.documents import listed_text, read_network, texts_of
from archcalc.grading.kinds.base import QuestionKind
from archcalc.grading.kinds.by_hand import ByHand
from archcalc.grading.kinds.choices import LABELS, Choices
from archcalc.grading.kinds.comparison import ComparisonQuestion
from archcalc.grading.kinds.computed_arrays import ComputedArray
from archcalc.grading.kinds.fixed_values import FixedValue
from archcalc.grading.kinds.gradients import WrittenGradient
from archcalc.grading.kinds.solutions import Solutions, Which
from archcalc.grading.kinds.truth import KnownTruth, NetworkStatement, truth_of
from archcalc.spec.document import Content, YamlList, YamlMapping, YamlScalar, expect_scalar
from archcalc.spec.errors import Text, fail, suggest, whole_text

KINDS = ("expect", "choices", "statement", "compare", "vary", "by_hand", "input", "answer")
"""The keys that say what is asked instead of a figure; a question has one of them."""
LOSS = ("loss", "upstream")
"""The keys of the loss of a gradient, besides ``target``."""
DETAILS = ("tolerance", "which", "condition", "network", "weights", "mode", "masks", "grad", *LOSS)
"""The keys that belong to one of these."""
SHARED = ("input", "weights", "mode", "masks", *LOSS, "target")
"""The keys of questions about numbers and gradients that a key may give for all of them."""
BELONGS = {
    "tolerance": ("expect", "answer", "input"),
    "answer": ("choices", "answer", "input"),
    "which": ("compare", "vary"),
    "condition": ("vary", "choices"),
    "network": ("vary", "choices", "input"),
    "weights": ("input",),
    "mode": ("input",),
    "masks": ("input",),
    "grad": ("input",),
    "loss": ("grad",),
    "upstream": ("grad",),
}
"""The kinds that a detail belongs to; those of another kind are an error."""


def read_kind(question: YamlMapping, target: Text | None, top: YamlMapping) -> QuestionKind | None:
    """Return the kind of a question; ``None`` if it asks for a figure or formula.

    Args:
        question: the entry of the key.
        target: its target, which may belong to choices.
        top: the key, which may give the numbers of all questions.

    Raises:
        SpecError: the entry has other keys than its kind.
    """
    given = [key for key in KINDS if question.get(key) is not None]
    if "choices" in given and "vary" in given:
        given.remove("vary")
    if "answer" in given and len(given) > 1:
        given.remove("answer")
    gradient = question.get("grad") is not None
    if given in ([], ["answer"]) and target is None and top.get("input") and (question.get("layer") or gradient):
        given = ["input"]
    if len(given) > 1:
        fail("key", f"a question must have one of '{given[0]}:' and '{given[1]}:', got both", question.span)
    kind = given[0] if given else ""
    if kind and kind != "choices" and target is not None:
        fail("key", f"a question must have a target or '{kind}:', got both", question.span)
    for key, _ in question.pairs:
        wanted = BELONGS.get(key.text.value)
        if wanted is not None and kind not in wanted and not (gradient and "grad" in wanted):
            fail("key", f"'{key.text.value}:' belongs to a question with '{wanted[0]}:'", key.span)
    if not kind:
        return None
    return _READERS[kind](question, target, top)


def _statement(question: YamlMapping, target: Text | None, top: YamlMapping) -> QuestionKind:
    return NetworkStatement(_text(question, "statement"))


def _varied(question: YamlMapping, target: Text | None, top: YamlMapping) -> QuestionKind:
    return _solutions(question, condition=True)


def _computed(question: YamlMapping, target: Text | None, top: YamlMapping) -> QuestionKind:
    """Return a question for the numbers of a layer; what it does not give for the network of the key, the key gives."""
    network, layer, answer = question.get("network"), question.get("layer"), question.get("answer")

    def content(key: str) -> Content | None:
        found = question.get(key)
        return top.get(key) if found is None and network is None else found

    mode = content("mode")
    written = expect_scalar(mode, "'mode:'").text if mode is not None else None
    if written is not None and written.value not in ("inference", "train"):
        fail("key", f"'mode:' must be inference or train, got '{written.value[:20]}'", whole_text(written))
    given = content("input")
    assert given is not None
    grad = question.get("grad")
    return ComputedArray(
        question.pairs[0][0].text,
        None if network is None else read_network(network, "'network:'", question),
        _arrays_by_name(given),
        _arrays(content("weights"), "'weights:'", "weights: {conv_1.weight: 1 0 -1; 2 0 -2; 1 0 -1}"),
        None if layer is None else expect_scalar(layer, "'layer:'").text,
        None if grad is None else _gradient(expect_scalar(grad, "'grad:'").text, question, top),
        training=written is not None and written.value == "train",
        masks=_arrays(content("masks"), "'masks:'", "masks: {dropout_1: 1 0 1}"),
        answer=None if answer is None else listed_text(answer),
        tolerance=_tolerance(question),
    )


def _gradient(name: Text, question: YamlMapping, top: YamlMapping) -> WrittenGradient:
    """Return the gradient that a question asks; the key gives the loss unless the question says anything about it."""
    owner = question if any(question.get(key) is not None for key in (*LOSS, "target")) else top
    loss, upstream, target = (owner.get(key) for key in (*LOSS, "target"))
    if upstream is not None and (loss is not None or target is not None):
        fail("key", "'upstream:' takes the place of 'loss:' and 'target:', got both", upstream.span)
    if target is not None and loss is None:
        fail("key", "'target:' belongs to 'loss: mse' or 'loss: cross_entropy'", target.span)
    return WrittenGradient(
        name,
        None if loss is None else expect_scalar(loss, "'loss:'").text,
        {} if target is None else _arrays_by_name(target),
        None if upstream is None else listed_text(upstream),
    )


def _arrays_by_name(content: Content) -> dict[str, Text]:
    """Return one array under an empty name, or arrays by name."""
    if isinstance(content, YamlMapping):
        return {name.text.value: listed_text(each) for name, each in content.pairs}
    return {"": listed_text(content)}


def _arrays(content: Content | None, what: str, example: str) -> dict[str, Text]:
    """Return arrays by name."""
    if content is None:
        return {}
    if not isinstance(content, YamlMapping):
        fail("key", f"{what} must be a mapping from names to arrays", content.span, f"for example: {example}")
    return {name.text.value: listed_text(each) for name, each in content.pairs}


def _stated(question: YamlMapping, target: Text | None, top: YamlMapping) -> QuestionKind:
    """Return a question whose answer is an array that the key states."""
    answer = question.get("answer")
    assert answer is not None
    if question.get("layer") is not None:
        hint = "the question must give the numbers: input: 1 2; 3 4"
        fail("missing", "'layer:' belongs to a question with 'input:' or 'quantity:'", question.span, hint)
    return FixedValue(listed_text(answer), _tolerance(question), is_array=True)


def _fixed(question: YamlMapping, target: Text | None, top: YamlMapping) -> QuestionKind:
    content = question.get("expect")
    assert content is not None
    expected, tolerance = listed_text(content), _tolerance(question)
    if isinstance(content, YamlList):
        return FixedValue(expected, tolerance, is_array=True)
    truth = truth_of(expected.value) if re.fullmatch(r"\s*\w+\s*", expected.value) else None
    return FixedValue(expected, tolerance) if truth is None else KnownTruth(truth)


def _tolerance(question: YamlMapping) -> Text | None:
    return _text(question, "tolerance") if question.get("tolerance") is not None else None


def _choices(question: YamlMapping, target: Text | None, top: YamlMapping) -> Choices:
    content = question.get("choices")
    if isinstance(content, YamlMapping):
        options = {key.text.value: expect_scalar(value, "a choice").text for key, value in content.pairs}
    elif isinstance(content, YamlList) and len(content.items) <= len(LABELS):
        texts = [expect_scalar(each, "a choice").text for each in content.items]
        options = dict(zip(LABELS, texts, strict=False))
    else:
        fail("key", f"'choices:' must be a mapping by label, or a list of at most {len(LABELS)}", question.span)
    if len(options) < 2:
        fail("key", "a question must have at least two choices", question.span)
    labels = tuple(texts_of(question, "answer"))
    solutions = _solutions(question, condition=False) if question.get("vary") is not None else None
    if sum(map(bool, (labels, target is not None, solutions is not None))) != 1:
        message = "choices must have an 'answer:', a 'target:', or 'vary:', which says which of them are correct"
        fail("key", message, question.span)
    place = next(iter(options.values()))
    return Choices(options, place, labels, target, solutions)


def _comparison(question: YamlMapping, target: Text | None, top: YamlMapping) -> ComparisonQuestion:
    targets = tuple(texts_of(question, "compare"))
    if len(targets) < 2:
        fail("key", "'compare:' must be a list of at least two targets", question.span)
    which = _word(question, ("largest", "smallest"))
    return ComparisonQuestion(targets, "smallest" if which == "smallest" else "largest")


def _solutions(question: YamlMapping, *, condition: bool) -> Solutions:
    vary = tuple(texts_of(question, "vary"))
    if condition and question.get("condition") is None:
        fail("key", "a question with 'vary:' must have a 'condition:'", question.span)
    known: tuple[Which, ...] = ("any", "smallest", "largest", "all")
    which = _word(question, known)
    return Solutions(
        vary,
        _text(question, "condition") if question.get("condition") is not None else None,
        next(each for each in known if each == which),
        _text(question, "network") if question.get("network") is not None else None,
    )


def _by_hand(question: YamlMapping, target: Text | None, top: YamlMapping) -> ByHand | None:
    written = _text(question, "by_hand")
    truth = truth_of(written.value)
    if truth is None:
        fail("key", f"'by_hand:' must be true or false, got '{written.value[:20]}'", whole_text(written))
    return ByHand() if truth else None


def _word(question: YamlMapping, known: Sequence[str]) -> str:
    """Return the word under ``which:``; the first of those known if it is missing."""
    content = question.get("which")
    if content is None:
        return known[0]
    written = expect_scalar(content, "'which:'").text
    if written.value not in known:
        hint = suggest(written.value, known)
        fail(
            "key", f"'which:' must be one of {', '.join(known)}, got '{written.value[:20]}'", whole_text(written), hint
        )
    return written.value


def _text(question: YamlMapping, key: str) -> Text:
    content = question.get(key)
    assert content is not None
    if isinstance(content, YamlScalar):
        return content.text
    fail("key", f"'{key}:' must be text", content.span)


_READERS: dict[str, Callable[[YamlMapping, Text | None, YamlMapping], QuestionKind | None]] = {
    "expect": _fixed,
    "choices": _choices,
    "statement": _statement,
    "compare": _comparison,
    "vary": _varied,
    "by_hand": _by_hand,
    "input": _computed,
    "answer": _stated,
}
"""What reads a question of each kind: functions of its entry, of its target and of the key."""
