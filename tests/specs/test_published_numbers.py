"""Every value in tests/facts is compared with what archcalc computes from the bundled specs.

A printed value holds exactly, or rounded to its last digit (`holds`), or under a convention that is named, or it is an
`erratum` with the correct value and the reason. A value that no test takes fails its system's test.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import pytest

import archcalc
from archcalc.analysis.propagate import Analysis, Group, Layer
from tests.specs.published import Facts, erratum, holds, holds_truncated, number, read_facts, rounded, shape_of

LECTURES = read_facts("lectures.yaml")
LIBRARIES = read_facts("libraries.yaml")
FIELDS = read_facts("receptive_fields.yaml")

Test = Callable[[Facts], None]
TESTS: dict[tuple[str, str], Test] = {}


def of(file: str, system: str) -> Callable[[Test], Test]:
    """Register a function as the one that takes the values of a system."""

    def register(test: Test) -> Test:
        TESTS[file, system] = test
        return test

    return register


def systems() -> Iterator[tuple[str, dict[str, Any]]]:
    for file, contents in (("lectures", LECTURES), ("libraries", LIBRARIES), ("fields", FIELDS)):
        for content in contents:
            yield file, content


def title(content: dict[str, Any]) -> str:
    return str(content.get("system") or content.get("network"))


@pytest.mark.slow
@pytest.mark.parametrize(("file", "content"), list(systems()), ids=lambda it: title(it) if isinstance(it, dict) else it)
def test_every_printed_value(file: str, content: dict[str, Any]) -> None:
    test = TESTS[file, title(content)]
    facts = Facts(content)
    test(facts)
    assert not facts.left, f"nobody looked at {sorted(facts.left, key=str)}"


def test_every_test_has_facts() -> None:
    assert {(file, title(content)) for file, content in systems()} == set(TESTS)
    assert all(inspect.isfunction(test) for test in TESTS.values())


# Short queries to archcalc ------------------------------------------------------------------------------------------


def net(spec: str, **variables: object) -> Analysis:
    return archcalc.load(spec, set=variables).analyze()


def row(analysis: Analysis, name: str) -> Layer | Group:
    """Return the row of a layer, or of a stage."""
    names = [layer.name for layer in analysis.layers]
    return analysis.layer(name) if name in names else analysis.stage(name)


def the(analysis: Analysis, stage: str, op: str) -> Layer:
    """Return the only layer of a kind in a stage."""
    found = [layer for layer in analysis.layers if layer.path[0] == stage and layer.op == op]
    assert len(found) == 1, f"{len(found)} layers of kind {op} in {stage}"
    return found[0]


def ops(analysis: Analysis, stage: str) -> list[str]:
    return [layer.op for layer in analysis.layers if layer.path[0] == stage]


def channels_of(analysis: Analysis, stage: str) -> list[int]:
    """Return the output channels of a stage's convolutions, in text order."""
    return [layer.output[0] for layer in analysis.layers if layer.path[0] == stage and layer.op == "conv"]


def weights_without_biases(analysis: Analysis, stage: str) -> int:
    """Return the stored numbers of a stage that are not biases."""
    graph = analysis.graph
    return sum(
        weight.count
        for layer in analysis.layers
        if layer.path[0] == stage
        for weight in graph.nodes[layer.node].op.weights(graph.input_shapes(graph.nodes[layer.node]))
        if weight.name != "bias"
    )


def hwc(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*shape[1:], shape[0])


def square(printed: str) -> tuple[int, int]:
    height, width = shape_of(printed)
    return height, width


KINDS = {"convolution": "conv", "average pooling": "avgpool", "max pooling": "maxpool", "fully connected": "fc"}


def take_layer(facts: Facts, index: int, analysis: Analysis) -> None:
    """Compare a row of a lecture's layer table: layer, type, maps, size, kernel, stride, padding, activation."""
    columns = list(facts.content["rows"][index])
    printed = {column: facts.take("rows", index, column) for column in columns}
    stage = printed.pop("layer").lower()
    layer = the(analysis, stage, KINDS[printed.pop("type")])
    size = printed.pop("size")
    if layer.op == "fc":
        holds(size, layer.output[0])
    else:
        holds(printed.pop("maps"), layer.output[0])
        assert layer.output[1:] == square(size)
        assert layer.attributes["kernel"] == square(printed.pop("kernel"))
        stride = layer.attributes["stride"] or layer.attributes["kernel"]
        assert set(stride) == {int(printed.pop("stride"))}
        if "padding" in printed:
            assert set(same_or_valid(analysis, layer)) == {printed.pop("padding")}
    if "activation" in printed:
        assert ops(analysis, stage)[1] == printed.pop("activation").lower()
    assert not printed


def same_or_valid(analysis: Analysis, layer: Layer) -> Iterator[str]:
    """Yield what TensorFlow calls the padding of a layer, per axis."""
    graph = analysis.graph
    (shape,) = graph.input_shapes(graph.nodes[layer.node])
    kernel, stride = layer.attributes["kernel"], layer.attributes["stride"]
    for before, after, k, s in zip(shape[1:], layer.output[1:], kernel, stride, strict=True):
        valid = (before - k) // s + 1
        assert after in (valid, -(-before // s))
        yield "VALID" if after == valid else "SAME"


# Lectures -------------------------------------------------------------------------------------------------------------


@of("lectures", "LeNet-5 (lecture table)")
def lenet5(facts: Facts) -> None:
    analysis = net("lenet5")
    assert analysis.graph.inputs == {"input": shape_of(facts.take("input"))}
    *rows, last = range(len(facts.content["rows"]))
    for index in rows:
        take_layer(facts, index, analysis)
    assert facts.take("rows", last, "layer") == "Out"
    assert facts.take("rows", last, "type") == "fully connected"
    holds(facts.take("rows", last, "size"), the(analysis, "out", "fc").output[0])
    assert facts.take("rows", last, "activation") == "RBF"  # the output of 1998; the lecture form ends in a softmax
    assert ops(net("lenet5-1998"), "output") == ["rbf"]
    assert ops(analysis, "out") == ["fc", "softmax"]
    total = facts.take("total", "params")
    holds(total, net("lenet5-1998").totals.trainable)
    erratum(total, analysis.totals.params, correct="62 thousand", because="60,000 is the network of 1998")


@of("lectures", "LeNet-5 (as published in 1998)")
def lenet5_1998(facts: Facts) -> None:
    analysis = net("lenet5-1998")
    for quantity in ("params", "connections"):
        for stage, printed in facts.items(quantity):
            holds(printed, getattr(analysis.stage(stage.lower()), quantity))
    table = the(analysis, "c3", "conv").attributes["table"]
    assert (len(table), len(table[0]), sum(map(sum, table))) == (6, 16, 60)


@of("lectures", "AlexNet (lecture table, one tower)")
def alexnet(facts: Facts) -> None:
    analysis = net("alexnet")
    assert analysis.graph.inputs == {"input": shape_of(facts.take("input"))}
    for index in range(len(facts.content["rows"])):
        take_layer(facts, index, analysis)
    total = facts.take("total", "params")
    holds_truncated(total, net("alexnet-2012").totals.params)
    erratum(total, analysis.totals.params, correct="62 million", because="60 million is the network in two groups")


@of("lectures", "ZFNet")
def zfnet(facts: Facts) -> None:
    source = facts.content["source"]
    assert "11x11 stride 4) becomes (7x7 stride 2)" in source
    assert "instead of 384, 384, 256 filters use 512, 1024, 512" in source
    old, new = net("alexnet"), net("zfnet")
    before, after = the(old, "c1", "conv").attributes, the(new, "conv1", "conv").attributes
    assert (before["kernel"], before["stride"]) == ((11, 11), (4, 4))
    assert (after["kernel"], after["stride"]) == ((7, 7), (2, 2))
    assert [channels_of(old, stage) for stage in ("c5", "c6", "c7")] == [[384], [384], [256]]
    assert [channels_of(new, stage) for stage in ("conv3", "conv4", "conv5")] == [[512], [1024], [512]]


@of("lectures", "VGG A, A-LRN, B, C, D, E")
def vgg(facts: Facts) -> None:
    shape = shape_of(facts.take("input"))
    for name, printed in facts.items("params"):
        analysis = net(f"vgg-{name.lower()}")
        assert analysis.graph.inputs == {"input": shape}
        holds(printed, analysis.totals.params)


@of("lectures", "global average pooling against a fully connected layer")
def pooling_against_fc(facts: Facts) -> None:
    fc, gap = net("1024x7x7 -> fc 1024 nobias").totals, net("1024x7x7 -> gap").totals
    holds_truncated(facts.take("printed", "fc from 7x7x1024 to 1024, weights"), fc.params)
    holds(facts.take("printed", "global average pooling, weights"), gap.params)


GOOGLENET_STAGES = (
    *("conv1", "pool1", "conv2", "pool2", "3a", "3b", "pool3", "4a", "4b", "4c", "4d", "4e", "pool4", "5a", "5b"),
    *("head/gap", "head/dropout", "head/fc", "head/softmax"),
)

GOOGLENET_KINDS = {
    "max pool": "maxpool",
    "avg pool": "gap",
    "dropout (40%)": "dropout",
    "linear": "fc",
    "softmax": "softmax",
}

SEPARABLE = "2,712 weights are those of a depthwise separable 7x7 with 8 maps per channel, as in TF-Slim's Inception v2"
MISPRINT = "the shapes, the branches and (except 4a, 5a) the ops of this row contradict it"
GOOGLENET_PARAMS = {  # the correct values, in units of 1024 and without biases
    "conv1": ("9.2K", SEPARABLE),
    "4a": ("367K", MISPRINT),
    "4b": ("438K", MISPRINT),
    "4c": ("497K", MISPRINT),
    "4d": ("590K", MISPRINT),
    "4e": ("847K", MISPRINT),
    "5a": ("1018K", MISPRINT),
    "5b": ("1409K", MISPRINT),
}
GOOGLENET_OPS = {"conv1": ("118M", SEPARABLE), "4a": ("74M", MISPRINT), "5a": ("51M", MISPRINT)}


@of("lectures", "GoogLeNet")
def googlenet(facts: Facts) -> None:
    analysis = net("googlenet")
    assert analysis.graph.inputs == {"input": shape_of(facts.take("input"))}
    for index, (stage, cells) in enumerate(zip(GOOGLENET_STAGES, facts.content["rows"], strict=True)):
        filled = [i for i, cell in enumerate(cells) if cell is not None]
        _googlenet_row(analysis, stage, {facts.content["columns"][i]: facts.take("rows", index, i) for i in filled})
    total = facts.take("total", "params")
    erratum(total, analysis.totals.params, correct="7 million", because="12 times fewer than AlexNet, says the paper")
    trained = archcalc.load("googlenet").analyze(training=True).totals
    erratum(total, trained.params, correct="13 million", because="nor is it correct with the auxiliary heads")
    holds(facts.take("total", "layers"), depth(analysis))


def _googlenet_row(analysis: Analysis, stage: str, printed: dict[str, str]) -> None:
    layer = row(analysis, stage)
    kind = printed.pop("type")
    top = stage.split("/")[0]
    if "inception" in kind:
        assert kind == f"inception ({stage})"
        one, r3, c3, r5, c5, proj = channels_of(analysis, stage)
        branches = {"#1x1": one, "#3x3 reduce": r3, "#3x3": c3, "#5x5 reduce": r5, "#5x5": c5, "pool proj": proj}
        for column, channels in branches.items():
            holds(printed.pop(column), channels)
    elif kind == "convolution":
        *reduce, channels = channels_of(analysis, stage)
        if reduce:
            assert [printed.pop("#3x3 reduce"), printed.pop("#3x3")] == [str(reduce[0]), str(channels)]
    else:
        wanted = GOOGLENET_KINDS[kind]
        assert wanted in ops(analysis, top)
        if wanted == "dropout":
            assert the(analysis, top, "dropout").attributes["rate"] == Fraction(40, 100)
    if "patch/stride" in printed:
        patch, stride = printed.pop("patch/stride").split("/")
        _window(analysis, top, square(patch), int(stride))
    output = shape_of(printed.pop("output"))
    assert output in ((*layer.output[1:], layer.output[0]), (1, 1, layer.output[0]))
    if "params" in printed:
        _googlenet_params(printed.pop("params"), stage, weights_without_biases(analysis, top), layer.params)
    if "ops" in printed:
        ops_printed = printed.pop("ops")
        if stage in GOOGLENET_OPS:
            correct, because = GOOGLENET_OPS[stage]
            erratum(ops_printed, layer.macs, correct=correct, because=because)
        else:
            holds(ops_printed, layer.macs)
    assert not printed


def _window(analysis: Analysis, stage: str, kernel: tuple[int, int], stride: int) -> None:
    """Require the window of a stage: that of its last convolution; global pooling counts as one 7x7 window."""
    layers = [layer for layer in analysis.layers if layer.path[0] == stage and layer.op in ("conv", "maxpool", "gap")]
    layer = layers[-1]
    if layer.op == "gap":
        (shape,) = analysis.graph.input_shapes(analysis.graph.nodes[layer.node])
        assert shape[1:] == kernel
        assert stride == 1
    else:
        assert (layer.attributes["kernel"], layer.attributes["stride"]) == (kernel, (stride, stride))


def _googlenet_params(printed: str, stage: str, weights: int, with_biases: int) -> None:
    """Take a count of the paper: in units of 1024 without biases, except that 3a is truncated and 3b counts biases."""
    if stage in GOOGLENET_PARAMS:
        correct, because = GOOGLENET_PARAMS[stage]
        erratum(printed, weights, correct=correct, because=because, kilo=1024)
        assert not rounded(printed, with_biases, kilo=1024)
    elif stage == "3b":
        assert rounded(printed, with_biases, kilo=1024)
    elif stage == "3a":
        assert number(printed, kilo=1024)[0] <= weights < number(printed, kilo=1024)[0] + 1024
    else:
        assert rounded(printed, weights, kilo=1024)


def depth(analysis: Analysis) -> int:
    """Return the maximum number of layers with weights on any path from the input."""
    deepest: list[int] = []
    for node in analysis.graph.nodes:
        above = max((deepest[ref.node] for ref in node.inputs), default=0)
        weighs = node.op.name in ("conv", "dwconv", "fc")
        deepest.append(above + weighs)
    return deepest[analysis.graph.outputs[next(iter(analysis.graph.outputs))].node]


@of("lectures", "ResNet 18, 34, 50, 101, 152 and the plain 18- and 34-layer networks")
def resnet(facts: Facts) -> None:
    shape = shape_of(facts.take("input"))
    shapes = {stage: square(printed) for stage, printed in facts.items("shapes")}
    names = [name for name in archcalc.bundled() if name.startswith(("resnet1", "resnet3", "resnet5", "plain"))]
    assert len(names) == 11
    for name in names:
        analysis = net(name)
        assert analysis.graph.inputs == {"input": shape}
        assert {stage: row(analysis, stage).output[1:] for stage in shapes} == shapes
    for name, printed in facts.items("flops"):  # multiply-adds
        macs = net(name.lower().replace("-", "")).totals.macs
        if name == "ResNet-34":  # the paper's comparison with plain-34 is of option A, without projections
            holds_truncated(printed, macs)
            holds(printed, net("resnet34-a").totals.macs)
            holds(printed, net("plain34").totals.macs)
        elif name == "ResNet-50":
            holds_truncated(printed, macs)
        else:
            holds(printed, macs)
        assert depth(net(name.lower().replace("-", ""))) == int(name.removeprefix("ResNet-"))
    holds("1.8e9", net("plain18").totals.macs)
    assert net("resnet34-a").totals.params == net("plain34").totals.params


@of("lectures", "depthwise separable convolution, worked example")
def separable(facts: Facts) -> None:
    assert facts.take("question") == "12x12x3 input, 256 kernels 5x5x3, valid: 8x8 outputs"
    whole, parts = net("separable-example-standard"), net("separable-example")
    for analysis in (whole, parts):
        assert analysis.graph.inputs == {"input": (3, 12, 12)}
        assert analysis.layers[-1].output == (256, 8, 8)
    holds(facts.take("printed", "convolution"), whole.totals.mults)
    holds(facts.take("printed", "depthwise"), parts.layer("depthwise").mults)
    holds(facts.take("printed", "pointwise"), parts.layer("pointwise").mults)
    holds(facts.take("printed", "together"), parts.totals.mults)
    second = facts.take("printed", "together (second mention)")
    erratum(second, parts.totals.mults, correct="53,952", because="an arithmetic error: 4,800 + 49,152")


@of("lectures", "Xception")
def xception(facts: Facts) -> None:
    analysis = net("xception")
    assert analysis.graph.inputs == {"input": shape_of(facts.take("input"))}
    holds(facts.take("params"), analysis.totals.trainable)  # running statistics left out


@of("lectures", "Network A (depthwise + pointwise) and Network B (standard), homework")
def networks_a_and_b(facts: Facts) -> None:
    nets = {"A": net("homework-network-a"), "B": net("homework-network-b")}
    shape = shape_of(facts.take("input"))
    for name, analysis in nets.items():
        assert analysis.graph.inputs == {"input": shape}
        for layer, printed in zip(analysis.layers, facts.items("shapes_hwc", name), strict=True):
            assert hwc(layer.output) == shape_of(printed[1])
        for layer, printed in zip(analysis.layers, facts.items("params", name), strict=True):
            holds(printed[1], layer.params)
        for layer, printed in zip(analysis.layers, facts.items("mults", name), strict=True):
            holds(printed[1], layer.mults)
        holds(facts.take("mults", f"{name} total"), analysis.totals.mults)
    a, b = nets["A"].totals, nets["B"].totals
    assert facts.take("claims_in_prose", 0) == "A has more parameters than B"
    assert a.params < b.params  # erratum: 44,272 against 658,432, by the solution's own table
    assert facts.take("claims_in_prose", 1) == "B needs fewer multiplications than A"
    assert b.mults > a.mults  # erratum: 4,496,293,888 against 309,329,920, by the solution's own table


@of("lectures", "receptive field, homework")
def receptive_field_homework(facts: Facts) -> None:
    printed = [int(value) for _, value in facts.items("printed")]
    assert _fields("homework-receptive-field", pool_stride=1) == printed
    usual = _fields("homework-receptive-field", pool_stride=2)
    assert usual == [3, 5, 13, 21]


def _fields(spec: str, **variables: object) -> list[int]:
    found = []
    for layer in net(spec, **variables).layers:
        height, width = layer.fields["input"]
        assert height.size == width.size
        found.append(height.size)
    return found


@of("lectures", "cost of a depthwise separable convolution relative to a standard one")
def relative_cost(facts: Facts) -> None:
    assert facts.take("formula") == "1/N + 1/D_K^2 (N output channels, D_K kernel size)"
    for n, k in ((256, 3), (64, 5), (10, 7)):
        separable = net(f"32x14x14 -> dwconv k{k} half nobias -> conv {n} k1 nobias").totals
        standard = net(f"32x14x14 -> conv {n} k{k} half nobias").totals
        assert Fraction(separable.macs, standard.macs) == Fraction(1, n) + Fraction(1, k * k)


@of("lectures", "MobileNet v1")
def mobilenet(facts: Facts) -> None:
    table = "mult_adds_and_params"
    *sizes, full = range(len(facts.content[table]))
    for index in sizes:
        alpha, resolution = facts.take(table, index, "alpha"), facts.take(table, index, "resolution")
        analysis = net("mobilenet-v1", alpha=alpha, rho=Fraction(int(resolution), 224))
        printed = facts.take(table, index, "mult_adds")
        if (alpha, resolution) == ("1.0", "160"):
            _without_the_fully_connected_layer(printed, analysis, correct="291M")
        else:
            holds(printed, analysis.totals.macs)
        holds(facts.take(table, index, "params"), analysis.totals.trainable)  # running statistics left out
    assert facts.take(table, full, "variant") == "full convolutions instead of depthwise separable"
    analysis = net("mobilenet-v1-full")
    _without_the_fully_connected_layer(facts.take(table, full, "mult_adds"), analysis, correct="4867M")
    holds(facts.take(table, full, "params"), analysis.totals.trainable)


def _without_the_fully_connected_layer(printed: str, analysis: Analysis, *, correct: str) -> None:
    erratum(printed, analysis.totals.macs, correct=correct, because="the other rows of the table count that layer")
    holds(printed, analysis.totals.macs - row(analysis, "head").macs)


@of("lectures", "batch normalisation")
def batch_normalisation(facts: Facts) -> None:
    per_map = facts.take("printed", "numbers stored per map")
    assert per_map == "4 (2 running statistics, scale, shift)"
    one = net("1x5x5 -> bn").totals
    assert (one.params, one.trainable) == (4, 2)
    assert facts.take("printed", "L layers of M maps") == "4 L M"
    for layers, maps in ((1, 1), (3, 8), (7, 64)):
        assert net(f"{maps}x5x5 -> (bn)*{layers}").totals.params == 4 * layers * maps


@of("lectures", "max pooling, worked example")
def max_pooling(facts: Facts) -> None:
    numbers = [[int(value) for _, value in facts.items("input", line)] for line in range(len(facts.content["input"]))]
    assert facts.content["note"] == "2x2, stride 2"
    layer = net(f"1x{len(numbers)}x{len(numbers[0])} -> maxpool 2").layers[0]
    assert layer.attributes["kernel"] == (2, 2)
    assert layer.output == (1, 2, 2)
    height, width = layer.fields["input"]
    seen = {
        unit: max(numbers[y][x] for y in _span(height.box(unit)) for x in _span(width.box(unit)))
        for unit in ((0, 0), (0, 1), (1, 0), (1, 1))
    }
    assert seen == {(0, 0): 7, (0, 1): 9, (1, 0): 8, (1, 1): 4}


def _span(box: tuple[int, int] | None) -> range:
    assert box is not None
    return range(box[0], box[1] + 1)


@of("lectures", "colourisation networks with symbolic sizes, homework")
def colourisation(facts: Facts) -> None:
    # Only the questions are printed: weights, outputs and connections as functions of NIC, NF, NC and k, and the effect
    # of doubling height and width. Outputs and connections are those of the convolutions, with biases.
    for nic, nf, nc, k in ((1, 32, 24, 3), (3, 16, 10, 5)):
        base = {"NIC": nic, "NF": nf, "NC": nc, "k": k}
        weights = k * k * (nic * nf + 8 * nf**2 + nf * nc + nc**2)
        assert _weights("colourisation-base", base) == weights
        assert _weights("colourisation-unet", base) == weights + k * k * (2 * nf**2 + nf * nc + nic * nc)
        outputs = 1024 * nf + 256 * 2 * nf + 64 * 2 * nf + 64 * nf + 256 * nc + 1024 * nc
        for name in ("colourisation-base", "colourisation-unet"):
            assert sum(layer.activations for layer in convolutions(name, base)) == outputs
    maps = (1024 * 1 * 32 + 256 * 32 * 64 + 64 * 64 * 64 + 64 * 64 * 32 + 256 * 32 * 24 + 1024 * 24 * 24) * 9
    biases = 1024 * 32 + 256 * 64 + 64 * 64 + 64 * 32 + 256 * 24 + 1024 * 24
    assert sum(layer.connections for layer in convolutions("colourisation-base", {})) == maps + biases
    for name, entry in (("colourisation-base", "input"), ("colourisation-unet", "picture")):
        small = archcalc.load(name).analyze().totals
        large = archcalc.load(name, shapes={entry: "1x64x64"}).analyze().totals
        assert large.params == small.params
        assert (large.activations, large.connections) == (4 * small.activations, 4 * small.connections)


def convolutions(spec: str, variables: dict[str, int]) -> list[Layer]:
    return [layer for layer in net(spec, **variables).layers if layer.op == "conv"]


def _weights(spec: str, variables: dict[str, int]) -> int:
    return sum(layer.params - layer.output[0] for layer in convolutions(spec, variables))


# Libraries and papers -------------------------------------------------------------------------------------------------


@of("libraries", "torchvision")
def torchvision(facts: Facts) -> None:
    for quantity in ("trainable", "macs"):
        for name, printed in facts.items(quantity):
            holds(printed, getattr(net(name).totals, quantity))


@of("libraries", "timm")
def timm(facts: Facts) -> None:
    for quantity in ("trainable", "macs"):
        for name, printed in facts.items(quantity):
            holds(printed, getattr(net(name).totals, quantity))
    for name, printed in facts.items("statistics"):
        totals = net(name).totals
        holds(printed, totals.params - totals.trainable)


@of("libraries", "Keras")
def keras(facts: Facts) -> None:
    holds(facts.take("params", "xception"), net("xception").totals.params)
    holds(facts.take("params", "mobilenet-v1"), net("mobilenet-v1").totals.params)
    totals = net("inception-resnet-v2").totals
    scales = (totals.params - totals.trainable) // 2  # one per map, as means and variances are
    holds(facts.take("params", "inception-resnet-v2"), totals.params - scales)  # batch norms without scale


@of("libraries", "LeNet-1")
def lenet1(facts: Facts) -> None:
    analysis = net("lenet1")
    units = 28 * 28 + sum(layer.activations for layer in analysis.layers if layer.op != "tanh") + 1
    holds(facts.take("printed", "units"), units)
    holds(facts.take("printed", "connections"), analysis.totals.connections)
    holds(facts.take("printed", "independent parameters"), analysis.totals.params)


@of("libraries", "LeNet-5")
def lenet5_totals(facts: Facts) -> None:
    totals = net("lenet5-1998").totals
    holds(facts.take("printed", "connections"), totals.connections)
    holds(facts.take("printed", "trainable parameters"), totals.trainable)


@of("libraries", "AlexNet")
def alexnet_2012(facts: Facts) -> None:
    analysis = net("alexnet-2012")
    layers = [layer for layer in analysis.layers if layer.op in ("conv", "fc")]
    for index, printed in facts.items("neurons"):
        if index == 0:
            erratum(printed, layers[0].activations, correct="290,400", because="the first maps are 96 of 55x55")
        else:
            holds(printed, layers[index].activations)
    neurons = sum(layer.activations for layer in layers)
    printed = facts.take("printed", "neurons")
    erratum(printed, neurons, correct="659,272", because="rounded down to the next 50,000")
    holds_truncated(facts.take("printed", "parameters"), analysis.totals.params)
    holds(facts.take("printed", "exact parameters"), analysis.totals.params)


@of("libraries", "ZFNet")
def zfnet_figure_3(facts: Facts) -> None:
    analysis = net("zfnet", maps3=384, maps4=384, maps5=256)
    for name, printed in facts.items("sizes"):
        assert set(row(analysis, name).output[1:]) == {int(printed)}
    for name, printed in facts.items("maps"):
        holds(printed, row(analysis, name).output[0])
    assert analysis.totals.params == 62_357_608  # as the spec's comment says


@of("libraries", "VGG-19")
def vgg19(facts: Facts) -> None:
    holds(facts.take("macs"), net("vgg-e").totals.macs)


@of("libraries", "U-Net")
def unet(facts: Facts) -> None:
    analysis = net("unet")
    for name, printed in facts.items("sizes"):
        assert set(row(analysis, name).output[1:]) == {int(printed)}
    for name, printed in facts.items("maps"):
        holds(printed, row(analysis, name).output[0])
    convs = [layer for layer in analysis.layers if layer.op in ("conv", "upconv")]
    holds(facts.take("printed", "convolutional layers"), len(convs))


@of("libraries", "Xception")
def xception_shapes(facts: Facts) -> None:
    analysis = net("xception")
    for name, printed in facts.items("shapes_hwc"):
        assert hwc(row(analysis, name).output) == shape_of(printed)


# Receptive fields -----------------------------------------------------------------------------------------------------


def take_fields(facts: Facts, spec: str, layer_of: Callable[[str], str]) -> None:
    """Compare a table of end points: name, size, stride, padding, both axes alike."""
    analysis = net(spec)
    for index in range(len(facts.content["end_points"])):
        name = facts.take("end_points", index, "name")
        for axis in row(analysis, layer_of(name)).fields["input"]:
            assert axis.aligned
            for quantity in ("size", "stride", "padding"):
                holds(facts.take("end_points", index, quantity), getattr(axis, quantity))


def vgg_layer(repeats: dict[str, int]) -> Callable[[str], str]:
    """Return the layer of an end point of a VGG: conv3_2 is conv3/conv_2, or conv3/conv in a stage with only one."""

    def layer(name: str) -> str:
        if name.startswith("pool"):
            return f"conv{name[4:]}"
        stage, number = name.split("_")
        return f"{stage}/conv" if repeats[stage] == 1 else f"{stage}/conv_{number}"

    return layer


@of("fields", "alexnet_v2")
def fields_alexnet(facts: Facts) -> None:
    take_fields(facts, "alexnet-v2-slim", lambda name: name)


@of("fields", "vgg_a")
def fields_vgg_a(facts: Facts) -> None:
    take_fields(facts, "vgg-a", vgg_layer({"conv1": 1, "conv2": 1, "conv3": 2, "conv4": 2, "conv5": 2}))


@of("fields", "vgg_16")
def fields_vgg_16(facts: Facts) -> None:
    take_fields(facts, "vgg-d", vgg_layer({"conv1": 2, "conv2": 2, "conv3": 3, "conv4": 3, "conv5": 3}))


@of("fields", "mobilenet_v1")
def fields_mobilenet(facts: Facts) -> None:
    def layer(name: str) -> str:
        number = int(name.split("_")[1])
        if number == 0:
            return "conv0"
        return f"sep7_11/conv_{number - 6}" if 7 <= number <= 11 else f"sep{number}"

    take_fields(facts, "mobilenet-v1", layer)


@of("fields", "resnet_v1_50")
def fields_resnet(facts: Facts) -> None:
    take_fields(facts, "resnet-v1-50-slim", lambda name: name)
