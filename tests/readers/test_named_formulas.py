"""Formulas that have names become one layer with the operations of the formula; everything else is unchanged."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import prod, sqrt
from pathlib import Path
from typing import Any

import pytest

import archcalc
from archcalc.readers.aten import translate
from archcalc.readers.aten.named_formulas import with_named_operators
from archcalc.readers.torch_export.decode import read_program
from tests.readers.programs import call, document, write

SHAPE = (2, 5, 8)
Calls = list[dict[str, Any]]


def mul(name: str, one: str, other: Any) -> dict[str, Any]:
    return call("mul.Tensor", name, self=one, other=other)


def div(name: str, one: str, other: Any) -> dict[str, Any]:
    return call("div.Tensor", name, self=one, other=other)


def add(name: str, one: str, other: Any) -> dict[str, Any]:
    return call("add.Tensor", name, self=one, other=other)


def sub(name: str, one: str, other: Any) -> dict[str, Any]:
    return call("sub.Tensor", name, self=one, other=other)


def of(function: str, name: str, one: str) -> dict[str, Any]:
    return call(f"{function}.default", name, self=one)


def mean(name: str, one: str, axis: int = -1) -> dict[str, Any]:
    return call("mean.dim", name, self=one, dim=[axis], keepdim=True)


SILU: Calls = [of("neg", "n", "@x"), of("exp", "e", "@n"), add("d", "@e", 1), div("y", "@x", "@d")]
GELU: Calls = [
    mul("h", "@x", 0.5),
    mul("a", "@x", sqrt(0.5)),
    of("erf", "e", "@a"),
    add("p", "@e", 1),
    mul("y", "@h", "@p"),
]
CURVE: Calls = [
    mul("s", "@x", "@x"),
    mul("c", "@s", "@x"),
    mul("k", "@c", 0.044715),
    add("i", "@x", "@k"),
    mul("a", "@i", 0.7978845608028654),
    of("tanh", "t", "@a"),
    add("p", "@t", 1.0),
    mul("h", "@x", 0.5),
    mul("y", "@h", "@p"),
]
RMS: Calls = [
    mul("s", "@x", "@x"),
    mean("m", "@s"),
    add("v", "@m", 1e-6),
    of("sqrt", "r", "@v"),
    div("q", "@x", "@r"),
    mul("y", "@p_scale", "@q"),
]
NORM: Calls = [
    mean("m", "@x"),
    sub("d", "@x", "@m"),
    mul("s", "@d", "@d"),
    mean("w", "@s"),
    add("v", "@w", 1e-5),
    of("sqrt", "r", "@v"),
    div("q", "@d", "@r"),
    mul("z", "@q", "@p_scale"),
    add("y", "@z", "@p_shift"),
]
SWISH: Calls = [
    add("a", "@x", 3),
    call("clamp.default", "c", self="@a", min=0, max=6),
    mul("p", "@x", "@c"),
    div("y", "@p", 6),
]
FORMULAS = {"silu": SILU, "hardswish": SWISH, "gelu": GELU, "gelu tanh": CURVE, "rms_norm": RMS, "ln": NORM}

VARIANTS = {
    "silu of a sigmoid": ("silu", [of("sigmoid", "g", "@x"), mul("y", "@g", "@x")]),
    "silu of a sigmoid of a product with 1": (
        "silu",
        [mul("b", "@x", 1.0), of("sigmoid", "g", "@b"), mul("y", "@x", "@g")],
    ),
    "hardswish with a factor": (
        "hardswish",
        [add("a", "@x", 3.0), of("relu6", "c", "@a"), mul("q", "@c", 1 / 6), mul("y", "@q", "@x")],
    ),
    "gelu in another order": (
        "gelu",
        [
            div("a", "@x", sqrt(2)),
            of("erf", "e", "@a"),
            add("p", "@e", 1.0),
            mul("h", "@x", "@p"),
            mul("y", "@h", 0.5),
        ],
    ),
    "a cube as a power": (
        "gelu tanh",
        [call("pow.Tensor_Scalar", "c", self="@x", exponent=3), *CURVE[2:]],
    ),
    "a root and a product": (
        "rms_norm",
        [
            call("pow.Tensor_Scalar", "s", self="@x", exponent=2),
            *RMS[1:3],
            of("rsqrt", "r", "@v"),
            mul("q", "@x", "@r"),
            call("to.dtype", "o", self="@q"),
            mul("y", "@o", "@p_scale"),
        ],
    ),
    "differences computed twice": (
        "ln",
        [*NORM[:6], sub("d2", "@x", "@m"), div("q", "@d2", "@r"), *NORM[7:]],
    ),
}

KINDS = {"sub": "add", **{kind: kind for kind in ("add", "mul", "div", "erf", "tanh", "exp", "sqrt")}}


def sizes(calls: Calls) -> dict[str, tuple[int, ...]]:
    """Return the sizes of all results; those of means, and what follows from these alone, have one number per group."""
    found: dict[str, tuple[int, ...]] = {"x": SHAPE, "p_scale": (8,), "p_shift": (8,)}
    for each in calls:
        result = each["outputs"][0]["as_tensor"]["name"]
        read = [found[i["arg"]["as_tensor"]["name"]] for i in each["inputs"] if "as_tensor" in i["arg"]]
        largest = max(read, key=prod)
        found[result] = (*largest[:-1], 1) if ".mean." in each["target"] else largest
    return {name: found[name] for name in found if name != "x" and not name.startswith("p_")}


def written(calls: Calls) -> Counter[str]:
    """Return the operations of calls for one example, by kind."""
    shapes = {**sizes(calls), "x": SHAPE}
    counts: Counter[str] = Counter()
    for each in calls:
        base = each["target"].split(".")[3]
        elements = prod(shapes[each["outputs"][0]["as_tensor"]["name"]][1:])
        if base == "mean":
            counts += Counter(add=7 * elements, div=elements)
        elif base == "clamp":
            counts["cmp"] += 2 * elements
        elif base in KINDS:
            counts[KINDS[base]] += elements
    return counts


def network(folder: Path, calls: Calls, **how: Any) -> archcalc.Network:
    scale = any("p_scale" in str(each) for each in calls)
    shift = any("p_shift" in str(each) for each in calls)
    stored = {**({"scale": (8,)} if scale else {}), **({"shift": (8,)} if shift else {})}
    program = document({"x": SHAPE}, calls, sizes(calls), stored)
    return archcalc.load(str(write(folder / "net.pt2", program)), **how)


def operators(found: archcalc.Network) -> list[str]:
    return [node.op.name for node in found.graph.nodes if not node.is_input]


@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_becomes_one_layer_with_the_same_operations(tmp_path: Path, name: str) -> None:
    found = network(tmp_path, FORMULAS[name])
    assert operators(found) == [name.split()[0]]
    assert found.analyze().totals.operations == written(FORMULAS[name])


@pytest.mark.parametrize("name", VARIANTS)
def test_other_ways_to_write_a_formula_are_the_same_layer(tmp_path: Path, name: str) -> None:
    formula, calls = VARIANTS[name]
    one, other = network(tmp_path, calls), network(tmp_path, FORMULAS[formula])
    assert [node.op.attributes() for node in one.graph.nodes] == [node.op.attributes() for node in other.graph.nodes]
    assert operators(one) == operators(other)


def targets(folder: Path, calls: Calls) -> list[str]:
    """Return the operators of ATen that are called when formulas have been named."""
    stored = {"scale": (8,), "shift": (8,)}
    path = write(folder / "net.pt2", document({"x": SHAPE}, calls, sizes(calls), stored))
    return [each.target.split(".")[1] for each in with_named_operators(read_program(path, "net.pt2")).calls]


NAMES = {"silu", "hardswish", "gelu", "rms_norm", "layer_norm", "scaled_dot_product_attention"}


@pytest.mark.parametrize("name", FORMULAS)
def test_calls_with_other_uses_are_kept(tmp_path: Path, name: str) -> None:
    """Without its scale, or the mean of its centred values, a normalisation is still a formula with a name."""
    calls = FORMULAS[name]
    operator = {"ln": "layer_norm"}.get(name, name.split()[0])
    assert operator in targets(tmp_path, calls)
    for each in calls[:-1]:
        result = each["outputs"][0]["as_tensor"]["name"]
        if result not in {"rms_norm": "q", "ln": "qz"}.get(name, ""):
            assert operator not in targets(tmp_path, [*calls, add("further", "@y", f"@{result}")]), result


OTHERS: dict[str, Calls] = {
    "another factor": [mul("h", "@x", 0.6), *GELU[1:]],
    "another argument": [*GELU[:1], mul("a", "@x", 0.7), *GELU[2:]],
    "another number in the sum": [*GELU[:3], add("p", "@e", 2), GELU[4]],
    "the gate of another tensor": [of("relu", "o", "@x"), of("sigmoid", "g", "@o"), mul("y", "@x", "@g")],
    "a mean over another axis": [RMS[0], mean("m", "@s", 1), *RMS[2:]],
    "a mean of other numbers": [mul("s", "@x", "@p_scale"), *RMS[1:]],
    "a write in place": [of("sigmoid", "g", "@x"), of("relu_", "w", "@x"), mul("y", "@x", "@g")],
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_formulas_are_kept(tmp_path: Path, name: str) -> None:
    assert not NAMES & {*targets(tmp_path, OTHERS[name])}


def attention(*, factor: float, along: int = -1, dims: tuple[int, int] = (-2, -1)) -> Calls:
    return [
        mul("q", "@x", factor),
        call("transpose.int", "k", self="@x", dim0=dims[0], dim1=dims[1]),
        call("matmul.default", "s", self="@q", other="@k"),
        call("softmax.int", "a", self="@s", dim=along),
        call("dropout.default", "d", input="@a", p=0.1, train=False),
        call("matmul.default", "y", self="@d", other="@x"),
    ]


def attending(folder: Path, calls: Calls) -> archcalc.Network:
    shapes = {"q": SHAPE, "k": (2, 8, 5), "s": (2, 5, 5), "a": (2, 5, 5), "d": (2, 5, 5), "y": SHAPE}
    return archcalc.load(str(write(folder / "net.pt2", document({"x": SHAPE}, calls, shapes))))


def test_attention_becomes_one_layer_with_the_same_operations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = attention(factor=8**-0.5)
    named = attending(tmp_path, calls)
    assert operators(named) == ["sdpa"]
    monkeypatch.setattr(translate, "with_named_operators", lambda program: program)
    parts = attending(tmp_path, calls)
    assert operators(parts) == ["scale", "transpose", "matmul", "softmax", "matmul"]
    assert named.analyze().totals.operations == parts.analyze().totals.operations
    assert named.analyze().totals.macs == parts.analyze().totals.macs


@pytest.mark.parametrize("different", [{"factor": 0.5}, {"along": 1}])
def test_other_products_with_a_softmax_are_kept(tmp_path: Path, different: dict[str, Any]) -> None:
    assert "sdpa" not in operators(attending(tmp_path, attention(**{"factor": 8**-0.5, **different})))


@pytest.mark.parametrize("last", [1.01, "@x"], ids=["numbers", "tensors"])
def test_products_of_any_number_of_factors_are_read(tmp_path: Path, last: Any) -> None:
    names = ["x", *(f"t{number}" for number in range(1_200))]
    calls = [mul(after, f"@{before}", last) for before, after in pairwise(names)]
    assert len(operators(network(tmp_path, calls))) == 1_200
