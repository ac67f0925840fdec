"""The trace of a graph that does not come from PyTorch, as if its layers were modules of ``torch.nn``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from archcalc.analysis.propagate import Analysis, Layer
from archcalc.counters.trace import GradientProducts, ModuleCall, Operation, Trace, TracedTensor, statistics_of
from archcalc.graph import Graph
from archcalc.ops.backward import Needs
from archcalc.ops.base import Operator, Shape, Shapes, Weight


class AssumedModule(NamedTuple):
    """How a layer is assumed to be built. ``{d}`` stands for the number of spatial axes, ``{mode}`` for its mode."""

    module: str
    """The class of the module; empty: a function or an operator of tensors."""
    operator: str
    """The operator of ATen."""
    function: str = ""
    """The function that is called, also by the module; empty: none that a tool replaces."""


LAYERS: Mapping[str, AssumedModule] = {
    **dict.fromkeys(("conv", "dwconv", "sepconv"), AssumedModule("Conv{d}d", "conv{d}d", "F.conv{d}d")),
    "upconv": AssumedModule("ConvTranspose{d}d", "conv_transpose{d}d", "F.conv_transpose{d}d"),
    "deform_conv": AssumedModule("torchvision.ops.deform_conv.DeformConv2d", "deform_conv2d"),
    **dict.fromkeys(("fc", "linear"), AssumedModule("Linear", "linear", "F.linear")),
    "embedding": AssumedModule("Embedding", "embedding", "F.embedding"),
    "bn": AssumedModule("BatchNorm{d}d", "batch_norm", "F.batch_norm"),
    "ln": AssumedModule("LayerNorm", "layer_norm", "F.layer_norm"),
    "rms_norm": AssumedModule("RMSNorm", "rms_norm", "F.rms_norm"),
    "in": AssumedModule("InstanceNorm{d}d", "instance_norm", "F.instance_norm"),
    "gn": AssumedModule("GroupNorm", "group_norm", "F.group_norm"),
    "lrn": AssumedModule("LocalResponseNorm", "local_response_norm", "F.local_response_norm"),
    "maxpool": AssumedModule("MaxPool{d}d", "max_pool{d}d", "F.max_pool{d}d"),
    "avgpool": AssumedModule("AvgPool{d}d", "avg_pool{d}d", "F.avg_pool{d}d"),
    **dict.fromkeys(
        ("gap", "adaptive_avgpool"),
        AssumedModule("AdaptiveAvgPool{d}d", "adaptive_avg_pool{d}d", "F.adaptive_avg_pool{d}d"),
    ),
    **dict.fromkeys(
        ("gmp", "adaptive_maxpool"),
        AssumedModule("AdaptiveMaxPool{d}d", "adaptive_max_pool{d}d", "F.adaptive_max_pool{d}d"),
    ),
    "relu": AssumedModule("ReLU", "relu", "F.relu"),
    "relu6": AssumedModule("ReLU6", "hardtanh", "F.hardtanh"),
    "leaky_relu": AssumedModule("LeakyReLU", "leaky_relu", "F.leaky_relu"),
    "prelu": AssumedModule("PReLU", "prelu", "F.prelu"),
    "elu": AssumedModule("ELU", "elu", "F.elu"),
    "selu": AssumedModule("SELU", "selu", "F.selu"),
    "gelu": AssumedModule("GELU", "gelu", "F.gelu"),
    "silu": AssumedModule("SiLU", "silu", "F.silu"),
    "mish": AssumedModule("Mish", "mish", "F.mish"),
    "sigmoid": AssumedModule("Sigmoid", "sigmoid", "torch.sigmoid"),
    "tanh": AssumedModule("Tanh", "tanh", "torch.tanh"),
    "hardswish": AssumedModule("Hardswish", "hardswish", "F.hardswish"),
    "hardsigmoid": AssumedModule("Hardsigmoid", "hardsigmoid", "F.hardsigmoid"),
    "softplus": AssumedModule("Softplus", "softplus", "F.softplus"),
    "softmax": AssumedModule("Softmax", "softmax", "F.softmax"),
    "log_softmax": AssumedModule("LogSoftmax", "log_softmax", "F.log_softmax"),
    "dropout": AssumedModule("Dropout", "dropout", "F.dropout"),
    "spatial_dropout": AssumedModule("Dropout2d", "feature_dropout", "F.dropout2d"),
    "upsample": AssumedModule("Upsample", "upsample_{mode}{d}d", "F.interpolate"),
    "pixel_shuffle": AssumedModule("PixelShuffle", "pixel_shuffle", "F.pixel_shuffle"),
    "flatten": AssumedModule("Flatten", "flatten"),
    "rnn": AssumedModule("RNN", "rnn_tanh"),
    "lstm": AssumedModule("LSTM", "lstm"),
    "gru": AssumedModule("GRU", "gru"),
    "sdpa": AssumedModule("", "scaled_dot_product_attention", "F.scaled_dot_product_attention"),
    "matmul": AssumedModule("", "matmul", "torch.matmul"),
    "einsum": AssumedModule("", "einsum", "torch.einsum"),
    "add": AssumedModule("", "add", "+"),
    "sub": AssumedModule("", "sub", "-"),
    "mul": AssumedModule("", "mul", "*"),
}
"""How layers are built, by operator of the language. All others are built from operators of tensors that no tool
counts."""

WEIGHTS = {"scale": "weight", "shift": "bias", "slope": "weight"}
RECURRENT = {
    "input": "weight_ih",
    "deeper": "weight_ih_deeper",
    "recurrent": "weight_hh",
    "bias": "bias_ih",
    "recurrent_bias": "bias_hh",
    "projection": "weight_hr",
}
"""The names of weights in PyTorch, by those of the language."""

AVERAGES = ("gap", "adaptive_avgpool")

FORMS: Mapping[str, Callable[[Operator], bool]] = {
    "pooling-functions": lambda op: op.name in AVERAGES,
    "pooling-means": lambda op: op.name in AVERAGES,
    "activation-functions": lambda op: op.kind == "activation",
}
"""Other ways to build some layers, which are then no modules: by code, which operators they affect."""

PREPARATION = "standardize"
"""The operator that prepares the data."""


class AssumedLayer(NamedTuple):
    """A layer of a network."""

    name: str
    op: Operator
    inputs: Shapes
    outputs: Shapes
    macs: Any
    owners: Mapping[str, str]
    """The layers that own its weights, by the name of the weight, where that is not itself."""
    needs: Needs
    """The gradients that are needed."""
    gradients: GradientProducts
    """The products of its gradients."""
    weights: tuple[Weight, ...]

    @classmethod
    def of(cls, row: Layer, graph: Graph, owners: Mapping[str, str], needs: Needs) -> AssumedLayer:
        """Return a layer of a graph."""
        node = graph.nodes[row.node]
        inputs = graph.input_shapes(node)
        gradients = _gradients(node.op, inputs, needs)
        weights = node.op.weights(inputs)
        return cls(row.name, node.op, inputs, node.outputs, row.macs, owners, needs, gradients, weights)


def _gradients(op: Operator, inputs: Shapes, needs: Needs) -> GradientProducts:
    """Return the products of the gradients of a layer."""
    if not needs.some:
        return GradientProducts()
    sums = op.sums(inputs[0]) if inputs else None
    groups = {each.array: int(each.groups) for each in sums.kernels} if sums is not None else {}
    further = sum(
        (groups[each.name] - 1) * int(each.macs)
        for each in op.multiplications(inputs)
        if each.name in groups and needs.of(each.right.sources)
    )
    return GradientProducts(int(op.backward_macs(inputs, needs)), further)


def trace_of(analysis: Analysis, form: str = "") -> Trace:
    """Return the trace of a graph for one example.

    Args:
        analysis: that of the graph.
        form: how some layers are built, one of `FORMS`; empty: all are modules that can be.
    """
    graph = analysis.graph
    operations: list[Operation] = []
    calls: list[ModuleCall] = []
    parameters: dict[str, TracedTensor] = {}
    preparation = 0
    needs = analysis.default_training_cost.needs
    first: dict[tuple[int, Needs | None, frozenset[str]], AssumedLayer] = {}
    kinds: dict[str, str] = {}
    for each in analysis.counted:
        node = graph.nodes[each.node]
        owners = {weight: graph.nodes[owner].name for weight, owner in node.tied.items()}
        kind = graph.alike[each.node], needs.get(each.node), frozenset(owners)
        if kind not in first:
            first[kind] = AssumedLayer.of(each, graph, owners, kind[1] or Needs((False,) * len(node.inputs)))
        layer = first[kind]._replace(name=each.name, owners=owners)
        kinds[each.name] = first[kind].name
        built = _Building(layer, form if form and FORMS[form](node.op) else "")
        for operation, call in built.made():
            operations.append(operation)
            if call is not None and call not in calls[-1:]:
                calls.append(call)
        parameters.update(built.stored)
        if layer.op.name == PREPARATION:
            preparation += sum(int(weight.count) for weight in layer.weights)
    return Trace(
        tuple(operations),
        tuple(calls),
        parameters,
        {},
        frozenset(parameters),
        tuple([TracedTensor((1, *map(int, shape))) for shape in graph.inputs.values()]),
        1,
        int(analysis.totals.params),
        statistics_of(analysis.counted),
        preparation,
        {},
        frozenset(),
        tuple(_assumptions(operations, calls)),
        kinds,
    )


def _assumptions(operations: Sequence[Operation], calls: Sequence[ModuleCall]) -> Iterator[str]:
    """Return what is assumed of these layers, because a spec does not say."""
    if calls:
        yield "layers are modules wherever torch.nn has one, activations and pooling included"
    if any(each.class_name == "MultiheadAttention" for each in calls):
        yield "attention is nn.MultiheadAttention with batch_first"
    if any(each.function == "F.linear" and each.module is None for each in operations):
        yield "attention is F.linear and F.scaled_dot_product_attention, or matmul if the scores have a bias"
    if any(each.function in ("+", "*") for each in operations):
        yield "sums and products of layers are written a + b and a * b"


class _Building:
    """The operations of one layer, and the module that they belong to."""

    def __init__(self, layer: AssumedLayer, form: str) -> None:
        self.layer, self.op, self.form = layer, layer.op, form
        self.path = layer.name.replace("/", ".")
        self.stored: dict[str, TracedTensor] = {}
        self.own: dict[str, TracedTensor] = {}
        is_recurrent = layer.op.name in ("rnn", "lstm", "gru")
        for weight in layer.weights:
            if not weight.trainable:
                continue
            owner = layer.owners.get(weight.name, layer.name).replace("/", ".")
            name = (RECURRENT if is_recurrent else WEIGHTS).get(weight.name, weight.name)
            tensor = TracedTensor(_sizes(weight.shape), f"{owner}.{name}", 4, "parameter", True)
            self.own[name] = self.stored[tensor.name] = tensor

    def made(self) -> Iterator[tuple[Operation, ModuleCall | None]]:
        if self.op.name == "attention":
            yield from self.attention()
            return
        name = self.op.name
        rank = max(1, len(self.layer.inputs[0]) - 1) if self.layer.inputs else 1
        mode = getattr(self.op, "mode", "")
        built = AssumedModule(*(text.format(d=rank, mode=mode) for text in LAYERS.get(name, AssumedModule("", name))))
        if self.form:
            built = AssumedModule("", "mean") if self.form == "pooling-means" else built._replace(module="")
        qualified = built.module or (f"archcalc.{name}" if self.own and self.layer.inputs else "")
        call = ModuleCall(self.path, qualified, parameters=self.own) if qualified else None
        operation = self.operation(built.operator, built.function, call)
        yield operation, call

    def operation(self, operator: str, function: str, call: ModuleCall | None) -> Operation:
        """Return an operation with all weights of the layer."""
        inputs = tuple(
            [TracedTensor(_batched(shape), f"{self.path}<{place}") for place, shape in enumerate(self.layer.inputs)]
        )
        outputs = [
            TracedTensor(_batched(shape), f"{self.path}>{place}") for place, shape in enumerate(self.layer.outputs)
        ]
        if "pool" in operator and len(outputs[0].shape) < len(inputs[0].shape):
            missing = len(inputs[0].shape) - len(outputs[0].shape)
            outputs[0] = outputs[0]._replace(shape=(*outputs[0].shape, *(1,) * missing))
        arguments: dict[str, Any] = {**self.own, **self.attributes()}
        for place, name in enumerate(("self", "other")):
            if place < len(inputs):
                arguments[name] = inputs[place]
        for name, tensor in zip(("query", "key", "value", "attn_mask"), inputs, strict=False):
            arguments.setdefault(name, tensor)
        found = Operation(
            operator, function, (*inputs, *self.own.values()), tuple(outputs), arguments, self.layer.macs,
            self.layer.name, call, gradients=self.layer.gradients,
        )  # fmt: skip
        if call is not None:
            call.add(found)
        return found

    def attributes(self) -> dict[str, Any]:
        """Return the arguments of ATen's operator that formulas read."""
        op: Any = self.op
        found: dict[str, Any] = {}
        if op.name == "upconv":
            found = {
                "groups": op.groups,
                "stride": list(op.stride),
                "padding": _padding(op.pad, op.kernel, op.dilation),
                "dilation": list(op.dilation),
            }
        if op.name in ("softmax", "log_softmax"):
            axis = op.attributes().get("axis", 0)
            found = {"dim": axis + 1 if type(axis) is int and axis >= 0 else axis}
        if op.name == "einsum":
            found = {"equation": _lettered(op.attributes()["pattern"]), "tensors": self.read()}
        if op.name in ("rnn", "lstm", "gru"):
            found = {
                "params": self.cells(),
                "num_layers": op.layers,
                "bidirectional": op.bidirectional,
                "has_biases": op.bias,
            }
        if op.name == "upsample":
            found = {"output_size": None}
        return found

    def read(self) -> list[TracedTensor]:
        """Return the inputs without the batch, which patterns do not name."""
        return [TracedTensor(_sizes(shape)) for shape in self.layer.inputs]

    def cells(self) -> list[TracedTensor]:
        """Return the weights of a recurrent layer as PyTorch lists them: by layer, by direction."""
        op: Any = self.op
        found = []
        for layer in range(op.layers):
            for _ in range(2 if op.bidirectional else 1):
                read = self.layer.inputs[0][-1] if layer == 0 else op.in_both(op.width)
                rows = op.gates * op.units
                found += [TracedTensor((rows, read)), TracedTensor((rows, op.width))]
                found += [TracedTensor((rows,)), TracedTensor((rows,))] if op.bias else []
        return found

    def attention(self) -> Iterator[tuple[Operation, ModuleCall | None]]:
        """Return the operations of multi-head attention: of its module if it is of that kind, else of linear layers."""
        op: Any = self.op
        sizes = op.sizes(self.layer.inputs)
        query = TracedTensor(_batched(self.layer.inputs[0]), f"{self.path}<0")
        context = TracedTensor(_batched(self.layer.inputs[1]), f"{self.path}<1") if op.context else query
        plain = op.kv_heads is None and op.rope is None and not op.alibi and sizes["dim"] == sizes["features"]
        is_module = plain and op.key_bias and op.out_bias and len(query.shape) == 3
        own = dict(self.own)
        if is_module and op.bias:
            own["in_proj_bias"] = own["query_bias"]
        call = ModuleCall(self.path, "MultiheadAttention", is_leaf=False, parameters=own) if is_module else None
        heads = TracedTensor((*query.shape[:-2], op.heads, int(sizes["queries"]), int(sizes["head"])), f"{self.path}.q")
        joined = TracedTensor((*query.shape[:-1], int(sizes["dim"])), f"{self.path}.a")
        multiplications = op.multiplications(self.layer.inputs)
        needed = {each.name: each.gradients(self.layer.needs) for each in multiplications}
        projected = [
            (context if name in ("key", "value") else query, joined if name == "output" else None, width, bias, name)
            for name, width, _, bias in op.projections(sizes)
        ]
        made = [self.part("transpose", "Tensor.transpose", (query,), query._replace(name=f"{self.path}.t"), call)]
        if not op.context:
            made.append(self.part("unflatten", "", (query,), heads, call))
        for read, after, width, bias, name in projected:
            source = after or read
            result = TracedTensor(
                (*source.shape[:-1], int(width)), f"{self.path}.{name}" if after is None else f"{self.path}>0"
            )
            arguments = {"input": source, "weight": self.own[name], "bias": self.own[f"{name}_bias"] if bias else None}
            products = source.numel * int(width)
            linear = self.part("linear", "F.linear", (source, self.own[name]), result, call, arguments, products)
            linear.gradients = GradientProducts(products * needed[name])
            made.append(linear)
        rest = self.layer.macs - sum(each.macs for each in made)
        attended = self.attended(heads, joined, rest, call)
        for each in attended:
            each.gradients = GradientProducts(2 * each.macs if needed["mixed"] else 0)
        made[-1:-1] = attended
        for each in made:
            yield each, call

    def attended(
        self, heads: TracedTensor, joined: TracedTensor, macs: Any, call: ModuleCall | None
    ) -> list[Operation]:
        """Return the operations between the projections: one, or, with a bias of the scores, products and a softmax."""
        op: Any = self.op
        if not op.score_bias:
            function = "scaled_dot_product_attention"
            arguments = {"query": heads, "key": heads, "value": heads}
            return [self.part(function, f"F.{function}", (heads,), joined, call, arguments, macs)]
        keys = heads._replace(shape=(*heads.shape[:-2], heads.shape[-1], heads.shape[-2]))
        scores = heads._replace(shape=(*heads.shape[:-1], heads.shape[-2]))
        return [
            self.part(
                "matmul", "Tensor.matmul", (heads, keys), scores, call, {"self": heads, "other": keys}, macs // 2
            ),
            self.part("softmax", "F.softmax", (scores,), scores, call, {"dim": -1}),
            self.part("matmul", "Tensor.matmul", (scores, heads), heads, call, {}, macs - macs // 2),
        ]

    def part(
        self,
        operator: str,
        function: str,
        inputs: tuple[TracedTensor, ...],
        output: TracedTensor,
        call: ModuleCall | None,
        arguments: Mapping[str, Any] | None = None,
        macs: int = 0,
    ) -> Operation:
        """Return one of the operations of attention."""
        found = Operation(operator, function, inputs, (output,), arguments or {}, macs, self.layer.name, call)
        if call is not None:
            call.add(found)
        return found


def _padding(pad: Any, kernel: Sequence[int], dilation: Sequence[int]) -> list[int]:
    """Return the padding of each axis before it, also where it is a word."""
    if isinstance(pad, str):
        per_axis = zip(kernel, dilation, strict=True)
        return [0 if pad == "valid" else d * (k - 1) // (1 if pad == "full" else 2) for k, d in per_axis]
    return [before for before, _ in pad]


def _sizes(shape: Shape) -> tuple[int, ...]:
    return tuple([int(size) for size in shape])


def _batched(shape: Shape) -> tuple[int, ...]:
    return (1, *_sizes(shape))


def _lettered(pattern: str) -> str:
    """Return a pattern in einops' notation as an equation of one letter per axis."""
    operands, _, result = pattern.partition("=")
    terms = [term.split() for term in (*operands.split(","), result)]
    names = dict.fromkeys(name for term in terms for name in term)
    letter = {name: chr(97 + place) for place, name in enumerate(names)}
    *read, made = ["".join(letter[name] for name in term) for term in terms]
    return f"{','.join(read)}->{made}"
