"""JUnit XML, which CI servers read: test suites of test cases, each passed, failed or in error.

The dialect is that of the schema junit-10.xsd of Jenkins' xUnit plug-in, with the attributes `file` and `line` of test
cases, which GitLab and others show as a link. The schema does not allow them, so they can be left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple
from xml.etree import ElementTree

from archcalc.terminal import readable

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""The characters that XML 1.0 does not allow, even escaped."""


class Failure(NamedTuple):
    """The reason why a test case did not pass: a ``failure``, or an ``error`` if it could not be judged."""

    message: str
    """A message of one line."""
    detail: str = ""
    code: str = ""
    kind: Literal["failure", "error"] = "failure"


class Case(NamedTuple):
    """A test case."""

    name: str
    failures: Sequence[Failure] = ()
    file: str = ""
    line: int | None = None
    skipped: str = ""
    """The reason why the case was skipped, if it was."""


class Suite(NamedTuple):
    """Test cases that belong together: those of one file, of one student."""

    name: str
    cases: Sequence[Case]


def write_junit(suites: Iterable[Suite], name: str = "archcalc", *, strict: bool = False) -> str:
    """Return test suites as a JUnit XML document.

    Args:
        suites: the test suites.
        name: the name of the document.
        strict: whether to leave out what the schema does not allow: the files and lines of test cases.
    """
    top = ElementTree.Element("testsuites", name=name)
    counted = [_suite(top, suite, strict=strict) for suite in suites]
    for key, numbers in zip(("tests", "failures", "errors"), zip(*counted, strict=True), strict=False):
        top.set(key, str(sum(numbers)))
    ElementTree.indent(top)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(top, encoding="unicode")}\n'


def _suite(top: ElementTree.Element, suite: Suite, *, strict: bool) -> tuple[int, int, int]:
    """Add a test suite, and return its numbers of tests, failures and errors."""
    element = ElementTree.SubElement(top, "testsuite", name=_text(suite.name))
    failures = errors = 0
    for case in suite.cases:
        found = ElementTree.SubElement(element, "testcase", name=_text(case.name), classname=_text(suite.name))
        if case.file and not strict:
            found.set("file", _text(case.file))
        if case.line is not None and not strict:
            found.set("line", str(case.line))
        if case.skipped:
            ElementTree.SubElement(found, "skipped", message=_text(case.skipped))
        for failure in case.failures:
            attributes = {"message": _text(failure.message), **({"type": failure.code} if failure.code else {})}
            ElementTree.SubElement(found, failure.kind, attributes).text = _text(failure.detail or failure.message)
        kinds = {failure.kind for failure in case.failures}
        errors += "error" in kinds
        failures += kinds == {"failure"}
    counts = (len(suite.cases), failures, errors)
    for key, number in zip(("tests", "failures", "errors"), counts, strict=True):
        element.set(key, str(number))
    skipped = sum(bool(case.skipped) for case in suite.cases)
    if skipped:
        element.set("skipped", str(skipped))
    return counts


def _text(text: str) -> str:
    """Return a text without the characters that XML does not allow."""
    return _FORBIDDEN.sub("�", readable(text))
