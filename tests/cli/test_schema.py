"""``archcalc schema``."""

from __future__ import annotations

import json

import jsonschema
import pytest

from archcalc.cli.schema import schemas
from tests.cli.conftest import Archcalc


def test_without_a_name_the_schemas_are_listed(archcalc: Archcalc) -> None:
    ran = archcalc("schema")
    assert ran.status == 0
    assert [line.split()[0] for line in ran.lines] == list(schemas())
    assert {"spec", "show", "rf"} <= schemas().keys()


@pytest.mark.parametrize("name", schemas())
def test_a_schema_is_printed_and_is_valid(archcalc: Archcalc, name: str) -> None:
    ran = archcalc("schema", name)
    assert ran.status == 0
    schema = json.loads(ran.out)
    jsonschema.validators.validator_for(schema).check_schema(schema)


def test_an_unknown_name_is_a_usage_error(archcalc: Archcalc) -> None:
    ran = archcalc("schema", "nothing")
    assert ran.status == 2
    assert "spec" in ran.err
