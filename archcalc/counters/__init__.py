"""What other tools print for a network, term by term.

`tools` has the rules of every tool as data, with their sources; `rules` defines what such data consists of, `formulas`
the formulas and `measures` the sums that they name, and `registry` lists the tools. A `trace` is what a tool can watch
while a model runs: `exported_trace` and `onnx_trace` take it from a model file, with the help of `functions` and
`products`; `assumed_trace` makes it of a spec. `count` applies the rules to a trace, `native_calls` knows what PyTorch
hides from tools, and `network` does all of this for a network.
"""
