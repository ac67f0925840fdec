"""Products of matrices, and tables of vectors."""

from __future__ import annotations

from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.tflite.operation import OperationView, channels_first
from archcalc.readers.tflite.registry import converts


@converts("FULLY_CONNECTED", follows=True)
def fully_connected(n: OperationView) -> None:
    """Convert weighted sums of the last axis; if it does not keep the others, they are one in the result."""
    if n.option("WeightsFormat"):
        raise Untranslatable("weights that are stored in shuffled order")
    rank = n.rank(0)
    features = n.known_size(1, 1)
    bias = [n.read(2)] if n.has(2) else []
    source = n.graph.flattened(n.index(0))
    if source is not None and n.graph.is_fixed(n.index(1)):
        flattened(n, source, bias)
    elif n.option("KeepNumDims") and rank > 2 and n.order(0) == channels_first(rank):
        weight = n.add("Reshape", n.read(1), n.constant([*n.sizes(1), *[1] * (rank - 2)]))
        n.computed(n.add("Conv", n.maps(0), weight, *bias), channels_first(rank))
    elif rank == 2 and n.sizes(0)[1] in (features, -1):
        n.computed(n.add("Gemm", n.read(0), n.read(1), *bias, transB=1))
    else:
        read = n.read(0)
        if not n.option("KeepNumDims"):
            read = n.add("Reshape", read, n.constant([-1, features]))
        made = n.add("MatMul", read, n.add("Transpose", n.read(1), perm=[1, 0]))
        n.computed(n.add("Add", made, *bias) if bias else made)


def flattened(n: OperationView, source: int, bias: list[str]) -> None:
    """Convert weighted sums of maps, whose channels are first here and last in the file, by weights in their order."""
    sizes = n.graph.subgraph.tensors[source].sizes
    order = channels_first(len(sizes))
    whole = n.add("Reshape", n.read(1), n.constant([n.known_size(1, 0), *sizes[1:]]))
    weight = n.add("Reshape", n.add("Transpose", whole, perm=list(order)), n.constant([0, -1]))
    read = n.add("Flatten", n.graph.named(source, order), axis=1)
    n.computed(n.add("Gemm", read, weight, *bias, transB=1))


@converts("BATCH_MATMUL")
def matmul(n: OperationView) -> None:
    read = []
    for index, option in enumerate(("AdjX", "AdjY")):
        order = [*range(n.rank(index))]
        if n.option(option):
            order[-2:] = order[-1], order[-2]
        read.append(n.read(index, tuple(order)))
    n.computed(n.add("MatMul", *read))


@converts("EMBEDDING_LOOKUP")
def embedding(n: OperationView) -> None:
    n.result(n.add("Gather", n.read(1), n.read(0)))
