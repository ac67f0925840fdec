"""onnx-tool, which counts the nodes of ONNX files."""

from __future__ import annotations

from archcalc.counters.formulas import elements, nodes, products
from archcalc.counters.measures import stored_in_nodes
from archcalc.counters.rules import CountingRule, Formula, Tool, ToolQuantity

SOURCE = "onnx_tool/node.py"


def rule(names: str, what: str, formula: Formula) -> CountingRule:
    """Return the rule of a class of nodes."""
    return CountingRule("operator", names, what, formula, f"{SOURCE} {names.split()[0]}Node.profile")


RULES = (
    rule("Conv ConvTranspose", "convolutions", nodes.PRODUCTS_AND_BIAS),
    rule("Gemm MatMul MatMulInteger", "products of matrices", nodes.PRODUCTS_AND_BIAS),
    rule("Einsum", "products of tensors", products.MACS),
    rule("Add Sub Mul Mod Max Min Sum CumSum", "element-wise arithmetic", nodes.per_output_and_operand(1)),
    rule("Div", "divisions", nodes.per_output_and_operand(4)),
    rule("Neg Abs Ceil Floor Relu Sign Round Not Less LessOrEqual", "comparisons", elements.per_output(1)),
    rule("Equal Greater GreaterOrEqual And Or Xor NonZero", "comparisons", elements.per_output(1)),
    rule("LeakyRelu PRelu Clip Relu6 QuantizeLinear DequantizeLinear", "activations", elements.per_output(2)),
    rule("Exp Sigmoid Pow", "exponentials", elements.per_output(32)),
    rule("Softmax", "softmax", elements.per_output(36)),
    rule("LogSoftmax", "softmax", elements.per_output(80)),
    rule("Softplus", "activations", elements.per_output(76)),
    rule("Log", "logarithms", elements.per_output(43)),
    rule("Sqrt", "square roots", elements.per_output(24)),
    rule("Sin Cos", "sines", elements.per_output(39)),
    rule("Tanh", "hyperbolic tangents", elements.per_output(76)),
    rule("Reciprocal", "divisions", elements.per_output(4)),
    rule("HardSigmoid", "activations", elements.per_output(4)),
    rule("HardSwish", "activations", elements.per_output(5)),
    rule("Elu", "activations", elements.per_output(35)),
    rule("Gelu", "activations", elements.per_output(34)),
    rule("BatchNormalization", "batch norm", elements.per_output(31)),
    rule("InstanceNormalization", "instance norm", nodes.per_output_and_operand(7)),
    rule("LayerNormalization", "layer norm", nodes.LAYER_NORM),
    rule("MaxPool AveragePool", "pooling", nodes.KERNEL_PER_OUTPUT),
    rule("GlobalAveragePool", "global pooling", nodes.AVERAGE),
    rule("ReduceMean ReduceSum ReduceProd ReduceMin ReduceMax", "reductions", elements.per_input(1)),
    rule("ReduceL2", "reductions", elements.per_input(25)),
    rule("Resize Upsample", "resizing", nodes.RESIZE),
)

ONNX_TOOL = Tool(
    name="onnx-tool",
    version="1.0.1",
    package="onnx-tool on PyPI, github.com/ThanatosShinji/onnx-tool",
    use="onnx_tool.model_profile(path)",
    watches="nodes of ONNX files; functions and branches are not entered, and GELU as a formula counts as its nodes",
    reads="onnx",
    quantities=(
        ToolQuantity("macs", "Forward_MACs", "macs", rules=RULES),
        ToolQuantity(
            "params",
            "Params",
            "params",
            measure=stored_in_nodes,
            source="onnx_tool/graph.py Graph.profile: the elements of all initializers that nodes read",
        ),
    ),
)
