"""Specs in several processes: the same results, in the same order."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc.spec.limits import DEFAULT
from archcalc.validation import Options, examine_all, find_specs
from archcalc.validation.results import ValidationTask


@pytest.mark.slow
def test_several_processes_give_the_results_of_one(tmp_path: Path) -> None:
    for index in range(40):
        text = f"input: 3x9x9\nlayers: [conv {index} k3 -> bn]\nexpect: {{params: 112}}\n"  # 0 maps are an error
        tmp_path.joinpath(f"{index:02}.yaml").write_text(text, encoding="utf-8")
    tmp_path.joinpath("other.yaml").write_text("a: b\n", encoding="utf-8")
    found_specs = find_specs([str(tmp_path), "lenet5", "no-such-network"], DEFAULT)
    tasks = [ValidationTask(found_spec, baseline="b") for found_spec in found_specs]
    alone = list(examine_all(Options(), tasks, 1))
    assert list(examine_all(Options(), tasks, 2)) == alone
    assert [result.status for result in alone] == [2, *[1] * 39, 0, 0, 2]
    assert alone[40].skipped
