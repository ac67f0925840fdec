"""The order of the axes in which the graph of a Keras model has its tensors."""

from __future__ import annotations

from archcalc.readers.keras.flat_model import FlatModel

ALONG_TOKENS = frozenset(
    (
        *("SimpleRNN", "LSTM", "GRU", "RNN", "CuDNNLSTM", "CuDNNGRU", "Bidirectional"),
        *("Embedding", "MultiHeadAttention", "GroupedQueryAttention", "GroupQueryAttention", "Attention"),
    )
)
"""The layers whose operators have features last."""

ON_MAPS = ("Conv", "DepthwiseConv", "SeparableConv", "MaxPool", "AveragePool", "AvgPool", "GlobalAverage", "GlobalMax")
"""What the names of layers begin with whose operators have channels first."""


def layout_of(flat: FlatModel) -> str:
    """Return ``hwc`` if the channels are last in the file, and first in the graph; otherwise ``chw``.

    In a network of images, layers say where the channels are. In one of sequences, the graph keeps the order of the
    file if more layers treat the features of tokens than slide along the sequence.
    """
    counts = {"last": 0, "first": 0, "tokens": 0}
    images = 0
    for call in flat.calls:
        name = call.layer.class_name
        if name in ALONG_TOKENS:
            counts["tokens"] += 1
        elif name.startswith(ON_MAPS) and call.layer.is_own:
            form = "first" if call.layer.config.get("data_format") == "channels_first" else "last"
            counts[form] += 1
            images += "1D" not in name
    if counts["first"] > counts["last"]:
        return "chw"
    if images or (counts["last"] and counts["last"] >= counts["tokens"]):
        return "hwc"
    ranks = {len(sizes) for sizes in flat.inputs.values() if sizes is not None}
    return "hwc" if max(ranks, default=0) > 2 and not counts["tokens"] else "chw"
