"""The sentences of a course, in a YAML file: a mapping from codes to sentences.

bias-left-out: "Смещения не учтены."
wrong: "{target}: {actual}, а не {value}."

Words in braces stand for names and numbers. Codes that the file does not give keep their English sentences.
"""

from __future__ import annotations

import json

from archcalc.claims.feedback import Feedback, placeholders
from archcalc.claims.sentences import SENTENCES
from archcalc.spec.document import expect_mapping, expect_scalar, read_document
from archcalc.spec.errors import Problems, Source, fail, suggest
from archcalc.spec.limits import DEFAULT, Limits

EXAMPLE = 'for example:\n  bias-left-out: "Смещения не учтены."'


def read_feedback(source: Source, limits: Limits = DEFAULT) -> Feedback:
    """Read the sentences of a course.

    Raises:
        SpecError: the file is not a mapping, a code is unknown, or a sentence has unknown words in braces.
    """
    content = read_document(source, limits)
    if content is None:
        fail("missing", "the file has no sentences", origin=source.name, hint=EXAMPLE)
    given: dict[str, str] = {}
    problems = Problems()
    for key, value in expect_mapping(content, "the sentences of the feedback").pairs:
        with problems:
            code = key.text.value
            if code not in SENTENCES:
                fail("unknown-name", f"no sentence has the code '{code[:40]}'", key.span, suggest(code, SENTENCES))
            sentence = expect_scalar(value, f"'{code}'").text.value
            known = placeholders(SENTENCES[code])
            for word in sorted(placeholders(sentence) - known):
                words = ", ".join(f"{{{name}}}" for name in sorted(known))
                hint = f"this sentence can contain {words}" if known else "this sentence has no words in braces"
                fail("argument", f"unknown word in braces: '{{{word[:40]}}}'", value.span, hint)
            given[code] = sentence
    problems.raise_any()
    return Feedback(given)


def feedback_template() -> str:
    """Return a file with all English sentences, to be translated."""
    return "".join(f"{code}: {json.dumps(sentence, ensure_ascii=False)}\n" for code, sentence in SENTENCES.items())
