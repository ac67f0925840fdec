"""JUnit XML: what CI servers read from it."""

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from archcalc.report.junit import Case, Failure, Suite, write_junit

SUITES = [
    Suite("ada", [Case("c1.params", file="ada.yaml", line=3), Case("params", [Failure("61,707", "why", "wrong")])]),
    Suite("bob.yaml", [Case("bob.yaml", [Failure("not a text", kind="error"), Failure("and more")])]),
    Suite("empty", []),
]


def test_suites_cases_and_failures_are_counted_and_nested() -> None:
    top = ElementTree.fromstring(write_junit(SUITES).encode())
    assert (top.tag, top.attrib) == ("testsuites", {"name": "archcalc", "tests": "3", "failures": "1", "errors": "1"})
    ada, bob, empty = top
    assert ada.attrib == {"name": "ada", "tests": "2", "failures": "1", "errors": "0"}
    correct, wrong = ada
    assert correct.attrib == {"name": "c1.params", "classname": "ada", "file": "ada.yaml", "line": "3"}
    assert len(correct) == 0
    (failure,) = wrong
    assert (failure.tag, failure.attrib, failure.text) == ("failure", {"message": "61,707", "type": "wrong"}, "why")
    assert bob.attrib["errors"] == "1"
    assert bob.attrib["failures"] == "0"
    assert [child.tag for child in bob[0]] == ["error", "failure"]
    assert empty.attrib["tests"] == "0"


def test_a_report_without_suites_is_valid() -> None:
    assert ElementTree.fromstring(write_junit([]).encode()).tag == "testsuites"


@given(st.text(), st.text())
def test_any_text_makes_a_well_formed_document(name: str, message: str) -> None:
    top = ElementTree.fromstring(write_junit([Suite(name, [Case(name, [Failure(message)])])]).encode("utf-8"))
    assert len(top[0][0]) == 1


ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "id", "package"},
    "testcase": {"name", "time", "classname", "group"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"type", "message"},
}
"""What junit-10.xsd, the schema of Jenkins' xUnit plug-in, allows; a suite has the first four, a case its name."""


def test_the_strict_form_follows_the_schema_of_jenkins() -> None:
    skipped = Suite("more", [Case("no.json", skipped="no spec", file="no.json")])
    top = ElementTree.fromstring(write_junit([*SUITES, skipped], strict=True).encode())
    found = set()
    for element in top.iter():
        assert set(element.attrib) <= ATTRIBUTES[element.tag]
        found.add(element.tag)
        if element.tag == "testsuite":
            assert {"name", "tests", "failures", "errors"} <= set(element.attrib)
    assert found == set(ATTRIBUTES)


def test_skipped_cases_are_counted() -> None:
    skipped = Suite("more", [Case("no.json", skipped="no spec"), Case("yes.yaml")])
    (suite,) = ElementTree.fromstring(write_junit([skipped]))
    assert (suite.get("tests"), suite.get("skipped")) == ("2", "1")
    assert [[child.tag for child in case] for case in suite] == [["skipped"], []]
