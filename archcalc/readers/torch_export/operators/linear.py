"""Layers of weighted sums over features, and tables of vectors."""

from __future__ import annotations

from archcalc.ops.dense import Embedding, FullyConnected, Linear
from archcalc.readers.steps import AlongLast, Elementwise, Step, make
from archcalc.readers.torch_export.operators.convolution import arrays
from archcalc.readers.torch_export.registry import Arguments, Untranslatable, translates


@translates("linear")
def linear(a: Arguments) -> list[Step]:
    features, bias = a.sizes("weight")[0], a.is_tensor("bias")
    return [
        AlongLast(
            op=make(Linear, features=features, bias=bias),
            of_vector=make(FullyConnected, features=features, bias=bias),
            inputs=(a.tensor("input"),),
            outputs=(a.result(),),
            stored=arrays(a),
        )
    ]


@translates("index")
def rows(a: Arguments) -> list[Step]:
    """Translate the rows of a stored table at other places, such as biases by relative position."""
    if len(a.sizes("self")) != 2 or len(a.names("indices")) != 1:
        raise Untranslatable("elements at computed places")
    vocabulary, dim = a.sizes("self")
    indices = a.reading.tensor(a.names("indices")[0])
    op = Embedding(vocabulary=vocabulary, dim=dim)
    stored = {"weight": a.stored("self") or ""}
    return [Elementwise(op=op, inputs=(indices,), outputs=(a.result(),), stored=stored)]


@translates("embedding")
def embedding(a: Arguments) -> list[Step]:
    vocabulary, dim = a.sizes("weight")
    op = Embedding(vocabulary=vocabulary, dim=dim)
    stored = {"weight": a.stored("weight") or ""}
    return [Elementwise(op=op, inputs=(a.tensor("indices"),), outputs=(a.result(),), stored=stored)]
