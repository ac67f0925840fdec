"""Quantities of networks that read and generate tokens: active parameters, and the cache of keys and values."""

from __future__ import annotations

import json

from tests.cli.conftest import Archcalc

DECODER = "6x8 -> (attention heads=4 kv_heads=2 causal nobias -> moe 16 experts=4 top=1 nobias)*3"
EXPERTS, ATTENTION = 2 * 8 * 16, 2 * 8 * 8 + 2 * 8 * 4
"""Parameters of one expert, and of one attention."""
STORED, USED = 3 * (ATTENTION + 4 * 8 + 4 * EXPERTS), 3 * (ATTENTION + 4 * 8 + EXPERTS)
PER_TOKEN = 3 * 2 * 4 * 2
"""Bytes of keys and values in float16: three layers, two heads of two features."""


def test_show_prints_what_a_token_uses_and_keeps(archcalc: Archcalc) -> None:
    shown = archcalc("show", DECODER, "--dtype", "float16")
    assert f"a token uses {USED:,} of {STORED:,} parameters" in shown.out
    assert f"key–value cache: {6 * PER_TOKEN} bytes; one more token adds {PER_TOKEN} bytes" in shown.out
    plain = archcalc("show", "3x8x8 -> conv 4 k3").out
    assert "token" not in plain
    assert "cache" not in plain


def test_json_has_them_for_every_network(archcalc: Archcalc) -> None:
    totals = json.loads(archcalc("show", DECODER, "--format", "json").out)["totals"]
    assert (totals["params"], totals["active_params"]) == (STORED, USED)
    assert (totals["kv_cache"], totals["kv_cache_per_token"]) == (6 * 2 * PER_TOKEN, 2 * PER_TOKEN)
    totals = json.loads(archcalc("show", "3x8x8 -> conv 4 k3", "--format", "json").out)["totals"]
    assert totals["active_params"] == totals["params"]
    assert (totals["kv_cache"], totals["kv_cache_per_token"]) == (0, 0)


def test_every_verb_of_quantities_knows_them(archcalc: Archcalc) -> None:
    assert "kv_cache = 96·n0" in archcalc("formula", DECODER, "kv_cache", "--free", "n0").out
    explained = archcalc("explain", DECODER, "active_params").lines[-1]
    assert explained.endswith(f"active_params = 288 + 288 + 288 + 192 + 192 + 192 = {USED:,}")
    solved = archcalc("solve", DECODER, "--vary", "n0=1:99", "--target", "kv_cache <= 1KiB").out
    assert "largest solution: 10;" in solved
    swept = archcalc(
        "sweep", DECODER, "--shape", "n0=2,4", "--columns", "kv_cache,active_params", "--format", "csv"
    ).out
    assert swept.split() == ["n0,kv_cache,active_params", f"2,192,{USED}", f"4,384,{USED}"]
    compared = archcalc("compare", DECODER, "--columns", "kv_cache_per_token", "--format", "csv").out
    assert compared.split()[-1].endswith("96")


def test_a_layer_is_derived_from_its_heads(archcalc: Archcalc) -> None:
    shown = archcalc("explain", DECODER, "attention_1", "kv_cache", "--dtype", "float16").out
    assert "kv_cache = 2·L_out/heads·kv_heads·C_out·2 = 2·8/4·2·6·2 = 96    (float16: 2 bytes each)" in shown
