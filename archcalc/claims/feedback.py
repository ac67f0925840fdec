"""Feedback: judgements and their reasons in whole sentences, in English or in the words of a course."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archcalc.claims.sentences import SENTENCES

CERTAIN = frozenset({"follow-through", "not-the-sum", "formula"})
"""The codes of facts, which do not depend on a guess about the student's reasoning."""

PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Reason:
    """A mistake or convention that explains a value, in a form that can be put into any words."""

    code: str
    names: tuple[tuple[str, str], ...] = ()
    """The values for the words in braces of its sentence. A value that is itself a code, such as
    ``quantity.params``, is put into words, too."""
    kind: str = ""
    """The kind of layer, which may have a sentence of its own."""
    earlier: bool = False
    """Whether the mistake is made in layers before the asked one, too."""


class Feedback:
    """The sentences of a course, with English ones where it gives none."""

    def __init__(self, given: Mapping[str, str] | None = None) -> None:
        self._given = given or {}

    def say(self, code: str, kind: str = "", **names: str) -> str:
        """Return the sentence of a code, with names and numbers in place of the words in braces."""
        special = f"{code}/{kind}"
        found = self._given.get(special) or self._given.get(code) or SENTENCES.get(special) or SENTENCES[code]
        return PLACEHOLDER.sub(lambda word: self._name(names.get(word[1], word[0])), found)

    def reasons(self, reasons: Sequence[Reason]) -> str:
        """Return the sentence of one mistake, or of several that were made together."""
        sentence = self._reason(reasons[0])
        for other in reasons[1:]:
            if other.code == "truncated":
                sentence = self.say("and-truncated", sentence=sentence)
            else:
                sentence = self.say("and-also", sentence=sentence, other=self._reason(other))
        return sentence

    def alternatives(self, explanations: Sequence[Sequence[Reason]]) -> list[str]:
        """Return one sentence for each explanation, which says that it is a guess unless it is certain."""
        return [
            self.reasons(reasons)
            if reasons[0].code in CERTAIN
            else self.say("another-reason" if number else "reason", sentence=self.reasons(reasons))
            for number, reasons in enumerate(explanations)
        ]

    def _reason(self, reason: Reason) -> str:
        sentence = self.say(reason.code, reason.kind, **dict(reason.names))
        return self.say("in-layers-before", sentence=sentence) if reason.earlier else sentence

    def _name(self, name: str) -> str:
        return self.say(name) if name.startswith("quantity.") and name in SENTENCES else name


ENGLISH = Feedback()
"""The sentences as archcalc has them."""


def placeholders(sentence: str) -> set[str]:
    """Return the words in braces of a sentence."""
    return set(PLACEHOLDER.findall(sentence))
