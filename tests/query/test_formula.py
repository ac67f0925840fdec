"""Closed forms against the analysis of plain numbers: the same wherever they hold, and refused wherever they do not."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archcalc
from archcalc.analysis.propagate import analyze
from archcalc.graph import Graph, Node, axis_symbols, input_axes
from archcalc.numeric import Impossible
from archcalc.numeric.symbolic import TEXT
from archcalc.query.closed_forms import ClosedForms, python_function
from archcalc.query.formula import FormulaQuery, calculate, closed_form, equals
from archcalc.query.targets import resolve
from archcalc.spec import GivenSettings, Source, SpecError, load_spec, read_spec
from tests.random_networks import networks
from tests.sample import SAMPLE

QUANTITIES = ("shape", "params", "trainable", "macs", "mults", "flops", "connections", "activations", "memory")


@cache
def spatial_axes(name: str) -> tuple[str, ...]:
    shape = next(iter(archcalc.load(name).graph.inputs.values()))
    return axis_symbols(len(shape))[1:]


@cache
def forms_in_sizes(name: str) -> ClosedForms:
    return calculate(FormulaQuery(name, QUANTITIES, spatial_axes(name))).forms


def at_sizes(graph: Graph, sizes: tuple[int, ...]) -> Graph:
    """Return the same layers on another input, without training heads; every operator computes its shape again.

    Raises:
        Impossible: a layer cannot exist on it.
    """
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.training:  # the last ones
            continue
        if node.is_input:
            outputs: Any = ((node.output[0], *sizes),)
        else:
            outputs = node.op.outputs(tuple(nodes[ref.node].outputs[ref.output] for ref in node.inputs))
        nodes.append(Node(node.name, node.op, node.inputs, outputs, node.path, node.stage, node.head, node.training))
    return Graph(graph.name, tuple(nodes), graph.outputs, graph.stages, graph.variables, graph.layout)


def measured(analysis: Any, target: str) -> tuple[Any, ...]:
    if target == "memory":
        return (analysis.memory().params,)
    return resolve(target, analysis).values


def admissible(forms: ClosedForms, random: Random, count: int) -> list[dict[str, int]]:
    """Return random sizes at which the closed forms hold, each on its own axis."""
    found: list[dict[str, int]] = []
    while len(found) < count:
        sizes = {name: random.randrange(1, 700) for name in forms.names}
        if forms.forms[0].at(**sizes) is None:
            for name in sizes:  # where sizes must be multiples, hardly any random one is
                sizes[name] -= sizes[name] % 32
        if all(sizes.values()) and forms.forms[0].at(**sizes) is not None:
            found.append(sizes)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
def test_closed_forms_are_the_analysis_at_a_hundred_sizes(name: str) -> None:
    forms, graph = forms_in_sizes(name), archcalc.load(name).graph
    for index, sizes in enumerate(admissible(forms, Random(name), 100)):
        read_again = index < 2
        plain = (
            load_spec(name, GivenSettings(numbers=sizes)).graph
            if read_again
            else at_sizes(graph, tuple(sizes.values()))
        )
        analysis = analyze(plain, receptive=False)
        for form in forms.forms:
            assert form.at(**sizes) == measured(analysis, form.target), (form.target, sizes)


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
def test_outside_of_its_conditions_there_is_no_such_network(name: str) -> None:
    forms, graph = forms_in_sizes(name), archcalc.load(name).graph
    random = Random(name)
    refused = 0
    for index in range(60):
        sizes = {axis: random.randrange(1, 90) for axis in forms.names}
        try:
            if index < 2:
                load_spec(name, GivenSettings(numbers=sizes))
            else:
                at_sizes(graph, tuple(sizes.values()))
            exists = True
        except (SpecError, Impossible):
            exists = False
            refused += 1
        assert (forms.forms[0].at(**sizes) is not None) == exists, sizes
    assert (refused > 0) == bool(forms.conditions)


few = settings(max_examples=25, derandomize=True)


@pytest.mark.slow
@few
@given(networks(), st.randoms(use_true_random=False))
def test_closed_forms_of_random_networks(text: str, random: Random) -> None:
    source = Source("random.yaml", text)
    graph = read_spec(source).graph
    axes = {name: place for name, place in input_axes(graph.inputs).items() if "." not in name and name != "C"}
    own = {name: graph.inputs[first][axis] for name, (first, axis) in axes.items()}
    try:
        forms = calculate(FormulaQuery(source, QUANTITIES, tuple(own))).forms
    except SpecError as error:
        if error.problems[0].code != "needs-number":  # the condition of a branch depends on a free size
            raise
        return
    for change in range(6):
        sizes = {name: max(1, size + random.randrange(-5, 7) * (change > 0)) for name, size in own.items()}
        found = [form.at(**sizes) for form in forms.forms]
        try:
            analysis = analyze(read_spec(source, GivenSettings(numbers=sizes)).graph, receptive=False)
        except SpecError:
            assert found[0] is None
            continue
        if found[0] is None:  # a size that happens to be 1 broadcasts, one that depends on a symbol never does
            assert any(1 in layer.output for layer in analysis.layers) or 1 in sizes.values()
        else:
            for form, value in zip(forms.forms, found, strict=True):
                assert value == measured(analysis, form.target), (form.target, sizes)


VARIABLES: dict[str, tuple[str, ...]] = {
    "colourisation-base": ("NIC", "NF", "NC", "k"),
    "colourisation-unet": ("NIC", "NF", "NC", "k", "H"),
    "mobilenet-v1": ("alpha", "rho", "classes"),
    "mobilenet-v1-full": ("alpha", "classes", "W"),
    "resnet50": ("width", "classes", "H"),
    "resnet34-a": ("width", "W"),
    "zfnet": ("maps3", "maps4", "maps5", "classes"),
    "unet": ("width", "classes", "H"),
    "homework-receptive-field": ("pool_stride", "H"),
}
RANGES = {"alpha": 3, "rho": 2, "k": 8, "pool_stride": 9}


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIABLES)
def test_closed_forms_in_variables_are_the_analysis(name: str) -> None:
    names = VARIABLES[name]
    targets = (*QUANTITIES, "peak") if name == "colourisation-base" else QUANTITIES
    forms = calculate(FormulaQuery(name, targets, names)).forms
    random = Random(name)
    existing = 0
    for _ in range(60):
        values: dict[str, Any] = {each: random.randrange(1, RANGES.get(each, 300)) for each in names}
        for each in {"alpha", "rho"} & values.keys():
            values[each] = Fraction(random.randrange(1, 64), 32 if random.random() < 0.5 else 49)
        for each in {"H", "W"} & values.keys() if random.random() < 0.7 else ():
            values[each] = 32 * random.randrange(1, 20)
        found = [form.at(**values) for form in forms.forms]
        try:
            graph = load_spec(name, GivenSettings(numbers=values)).graph
        except SpecError:
            assert found[0] is None, values
            continue
        existing += 1
        analysis = analyze(graph, receptive=False)
        for form, value in zip(forms.forms, found, strict=True):
            if form.target == "peak":
                assert value == (analysis.memory().peak,)
            else:
                assert value == measured(analysis, form.target), (form.target, values)
    assert existing > 3


@pytest.mark.parametrize(("name", "target"), [("alexnet", "c5.rf"), ("unet", "out.rf"), ("resnet50", "conv5_x.rf")])
def test_receptive_fields(name: str, target: str) -> None:
    form = closed_form(name, target, ("H", "W"))
    for sizes in ({"H": 572, "W": 572}, {"H": 412, "W": 268}):
        analysis = analyze(load_spec(name, GivenSettings(numbers=sizes)).graph)
        actual = resolve(target, analysis).values
        found = form.at(**sizes)
        assert found is not None
        assert set(found) == set(actual) if form.exact else max(found) >= max(actual)


def test_the_receptive_field_of_a_chain_is_a_formula_in_its_kernel() -> None:
    spec = "3x64x64 -> conv 8 k=k s2 -> maxpool k3 s2 -> conv 8 k=k"
    form = closed_form(spec, "rf", ("k",))
    assert form.exact
    assert form.write(TEXT) == "5·k"
    assert form.at(k=3) == (15,) == resolve("rf", archcalc.load(spec.replace("k=k", "k3")).analyze()).values


def text(spec: str, target: str, free: str, *assume: str) -> str:
    return closed_form(spec, target, tuple(free.split(",")), assume).write(TEXT)


def where(spec: str, free: str, *assume: str) -> list[str]:
    found = calculate(FormulaQuery(spec, ("macs",), tuple(free.split(",")), assume)).forms
    return [TEXT.comparison(part) for part in found.conditions]


def test_the_python_api() -> None:
    forms = archcalc.formula("mobilenet-v1", "macs", free=["alpha"], assume=["alpha == a/4"], set={"classes": 10})
    (form,) = forms.forms
    assert form.write(TEXT) == "33718272·a² + 7058560·a"
    assert form.at(a=2) == (archcalc.load("mobilenet-v1", set={"alpha": 0.5, "classes": 10}).analyze().totals.macs,)


def test_resnet50_is_a_polynomial_where_sizes_are_multiples_of_32() -> None:
    assume = "H % 32 == 0, W % 32 == 0"
    assert text("resnet50-v1.5", "macs", "H,W", assume) == "81456·H·W + 2048000"
    assert text("resnet50-v1.5", "conv5_x.shape", "H,W", assume) == "2048 x H/32 x W/32"
    assert where("resnet50-v1.5", "H,W", assume) == ["H % 32 == 0", "W % 32 == 0"]


def test_the_homework_on_colourisation() -> None:
    weights = "k²·(NF·(NIC + 8·NF + NC) + NC²)"
    assert text("colourisation-base", "params", "NIC,NF,NC,k").startswith(weights)
    form = closed_form("colourisation-base", "params", ("NIC", "NF", "NC", "k"))
    assert equals(form, "k^2*(NIC*NF + 8*NF**2 + NF*NC + NC^2) + 30*NF + 6*NC")
    assert equals(form, "k^2*(NIC*NF + 8*NF^2 + NF*NC + NC^2)") is False
    assert where("colourisation-unet", "k,H,W") == ["H % 4 == 0", "W % 4 == 0", "k % 2 == 1"]


@pytest.mark.parametrize("spec", ["3x32x32 -> conv N k=K s=S p=P -> conv 2*N k=K", "colourisation-base"])
@pytest.mark.parametrize("target", ["macs", "params", "shape"])
def test_the_order_in_which_names_are_given_does_not_matter(spec: str, target: str) -> None:
    names = ("H", "W", "K", "N") if "->" in spec else ("H", "W", "k", "NIC", "NF")
    assume = ("H % 4 == 0", "W % 4 == 0") if "->" not in spec else ()
    spec = spec.replace("s=S p=P ", "")
    orders = [names, names[::-1], (*names[2:], *names[:2])]
    written = {calculate(FormulaQuery(spec, (target,), order, assume)).forms.forms[0].write(TEXT) for order in orders}
    assert len(written) == 1


def test_sizes_come_before_the_kernel_that_is_subtracted() -> None:
    assert text("3x32x32 -> conv N k=K", "macs", "K,W,H,N") == "3·N·K²·(H − K + 1)·(W − K + 1)"


def ratio(spec: str, target: str, free: str, **more: Any) -> Any:
    return calculate(FormulaQuery(spec, (target,), tuple(free.split(",")), **more))


def test_when_height_and_width_double() -> None:
    double = {"H": "2*H", "W": "2*W"}
    names = "NIC,NF,NC,k,H,W"
    for quantity, expected in (("params", 1), ("activations", 4), ("connections", 4)):
        assume = ("k % 2 == 1", "H % 4 == 0", "W % 4 == 0")
        found = ratio("colourisation-base", quantity, names, when=double, assume=assume)
        assert found.forms.forms[0].values == (expected,)


def test_mobilenet_is_a_polynomial_in_quarters_of_alpha() -> None:
    assert text("mobilenet-v1", "macs", "alpha", "alpha == a/4") == "33718272·a² + 7312000·a"
    form = closed_form("mobilenet-v1", "macs", ("alpha",), ("alpha == a/4",))
    assert form.at(a=4) == (archcalc.load("mobilenet-v1").analyze().totals.macs,)
    assert form.at(a=Fraction(1, 2)) is None


def test_widths_that_are_rounded_to_multiples_stay_piecewise() -> None:
    spec = "3x32x32 -> conv (divisible(32*alpha,8)) k3 half"
    assert where(spec, "alpha") == []
    form = closed_form(spec, "params", ("alpha",))
    for alpha in (Fraction(n, 40) for n in range(1, 120)):
        plain = load_spec(spec, GivenSettings(numbers={"alpha": alpha})).graph
        assert form.at(alpha=alpha) == (analyze(plain).totals.params,)
    assert text(spec, "params", "alpha", "alpha == a/4") == "224·a"


def test_separable_convolutions_cost_one_nth_and_one_k_squared() -> None:
    separable = "3x32x32 -> dwconv k=K half nobias -> conv N k1 nobias"
    standard = "3x32x32 -> conv N k=K half nobias"
    found = ratio(separable, "macs", "C,H,W,N,K", over=standard)
    assert found.forms.forms[0].write(TEXT) == "1/N + 1/K²"


def test_conditions_of_networks() -> None:
    unet = "1x64x64 -> conv 8 k3 half -> maxpool 2 -> maxpool 2 -> maxpool 2 -> maxpool 2 -> upsample 16"
    joined = unet.replace("conv 8 k3 half -> ", "concat(identity, ").replace("upsample 16", "upsample 16)")
    assert where(unet, "H,W") == ["H ≥ 16", "W ≥ 16"]
    assert where(joined, "H,W") == ["H % 16 == 0", "W % 16 == 0"]
    assert where("vgg-d", "H,W") == ["H ≥ 32", "W ≥ 32"]
    assert where("8x32x32 -> conv 8 k3 g=g half", "g") == ["8 % g == 0"]
    assert where("8x32x32 -> conv n k3 g=g half", "g,n") == ["8 % g == 0", "n % g == 0"]
    assert where("8x32x32 -> flatten -> reshape 8x4x(n)", "n") == ["n == 256"]
    assert where("8x32x32 -> add(conv 8 k=k half, identity)", "k") == ["k % 2 == 1"]


@pytest.mark.parametrize(
    ("spec", "free", "assume", "message"),
    [
        ("resnet50", "Q", (), "no variable or input size 'Q'"),
        ("resnet50", "widht", (), "did you mean 'width'?"),
        ("resnet50", "H", ("H == 0",), "H is a size, so it must be positive"),
        ("resnet50", "H", ("H % 2 == 0", "H % 2 == 1"), "this cannot be satisfied"),
        ("resnet50", "H", ("H",), "must be a comparison"),
        ("resnet50", "H", ("X >= 3",), "'X' is not a free name"),
        ("resnet50", "H", ("H >= (",), "expected"),
        ("resnet50", "H", ("H <= 0",), "this cannot be satisfied"),
        ("3x32x32 -> conv 8 k3 -> Q 7", "H", (), "no operator 'Q'"),
        ("3x32x32 -> (conv 8 k3)*n", "n", (), "a number of repetitions depends on a value that is left free"),
        ("3x32x32 -> concat(conv 8 k3, identity)", "H,W", (), "needs equal sizes"),
        ("3x32x32 -> conv 8 k3 half", "H,n", (), "no variable or input size 'n'"),
        ("3x32x32 -> conv (n**n) k3 half", "n", (), "a value that is left free"),
        ("3x32x32 -> conv ((n+1)**200) k3 half", "n", (), "must be at most 64"),
    ],
)
def test_mistakes_are_named(spec: str, free: str, assume: tuple[str, ...], message: str) -> None:
    with pytest.raises(SpecError) as error:
        calculate(FormulaQuery(spec, ("macs",), tuple(free.split(",")), assume))
    assert message in str(error.value)


def test_results_under_bounds_on_work_are_correct_and_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = "1x64x64 -> add(identity, maxpool 6 -> upsample 6) -> conv 8 k5 s3"
    question = FormulaQuery(spec, ("macs",), ("H", "W"))
    merged = calculate(question).forms
    monkeypatch.setattr("archcalc.numeric.symbolic.symbols.MAX_WORK", 1)
    found = calculate(question).forms
    assert merged.decided
    assert not found.decided
    for sizes in ({"H": h, "W": w} for h in range(1, 40) for w in (12, 13)):
        assert found.forms[0].at(**sizes) == merged.forms[0].at(**sizes)


def test_conditions_that_repeat_too_late_stay_as_they_are() -> None:
    found = where("1x4096 -> add(maxpool 1009 -> upsample 1009, maxpool 1013 -> upsample 1013)", "L")
    assert found == ["L ≥ 1013", "1009·⌊L/1009⌋ == 1013·⌊L/1013⌋"]
    halves = " -> ".join(f"add(identity, maxpool {n} -> upsample {n})" for n in (61, 67, 71, 73, 79))
    assert where(f"1x4096 -> {halves}", "L") == [f"L % {61 * 67 * 71 * 73 * 79} == 0"]


def test_unknown_targets_are_answered_with_a_suggestion() -> None:
    with pytest.raises(SpecError, match="no quantity 'mac'") as error:
        closed_form("lenet5", "mac", ("H",))
    assert "did you mean 'macs'?" in str(error.value)


def test_where_a_formula_differs() -> None:
    form = closed_form("vgg-d", "macs", ("H", "W"), ("H % 32 == 0", "W % 32 == 0"))
    assert form.difference(form.values[0]) is None
    found = form.difference(form.values[0] + 1)
    assert found is not None
    assert form.at(**found.point) == found.correct
    assert found.other == (found.correct[0] + 1,)  # type: ignore[operator]  # it is a number
    here = {"H": 224, "W": 96}
    found = form.difference(form.values[0] + 1, first=here)
    assert found is not None
    assert found.point == here


def executed(name: str, targets: tuple[str, ...], free: tuple[str, ...], *assume: str) -> Any:
    """Return the function that ``--python`` prints."""
    space: dict[str, Any] = {}
    exec(python_function("pasted", calculate(FormulaQuery(name, targets, free, assume)).forms), space)
    return space["pasted"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lenet5", "unet", "resnet50", "colourisation-unet", "xception", "inception-v4"])
def test_the_pasted_function_computes_what_the_analysis_does(name: str) -> None:
    axes = spatial_axes(name)
    function = executed(name, QUANTITIES[:-1], axes)
    for sizes in admissible(forms_in_sizes(name), Random(1), 5):
        analysis = analyze(load_spec(name, GivenSettings(numbers=sizes)).graph, receptive=False)
        for target, value in function(**sizes).items():
            assert value == (measured(analysis, target) if target == "shape" else measured(analysis, target)[0])


def test_the_pasted_function_checks_its_arguments() -> None:
    function = executed("colourisation-unet", ("macs",), ("k", "H", "W"))
    assert function(3, 32, 32) == archcalc.load("colourisation-unet").analyze().totals.macs
    for wrong in ((2, 32, 32), (3, 30, 32), (3, 32, 0), (3, -4, 32)):
        with pytest.raises(ValueError, match="the formula holds only if"):
            function(*wrong)


def test_the_pasted_function_takes_fractions() -> None:
    function = executed("mobilenet-v1", ("macs",), ("alpha", "rho"))
    network = archcalc.load("mobilenet-v1", set={"alpha": "3/4", "rho": "6/7"})
    assert function(Fraction(3, 4), Fraction(6, 7)) == network.analyze().totals.macs
    with pytest.raises(ValueError, match="rho"):
        function(1, Fraction(1, 3))
