"""Names that people use for layers and arguments, and their names in specs.

Those of layers are used only in hints. An operator or block of the same name always wins,
since only unknown names are looked up. When an operator gets a name of this table, remove it here (a test says which).
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Replacement(NamedTuple):
    """What to write instead of a name: a chain (empty if there is none), and a note."""

    write: str
    note: str = ""


_ENTRIES: dict[str, Replacement] = {
    "dense": Replacement("linear 10", "along the last axis, as in Keras; fc 10 flattens first"),
    "subpixel periodicshuffle": Replacement("pixel_shuffle 2"),
    "reorg": Replacement("space_to_depth 2"),
    "pointwise pointwiseconv pwconv conv1x1 1x1": Replacement("conv 64 k1"),
    "conv3x3": Replacement("conv 64 k3 half"),
    "dilatedconv atrousconv atrous": Replacement("conv 64 k3 d2 half"),
    "groupconv groupedconv": Replacement("conv 64 k3 g4 half"),
    "depthwise dw": Replacement("dwconv k3 half"),
    "depthwiseseparable depthwiseseparableconv dsconv separable": Replacement("sepconv 64 k3 half"),
    "tconv transposeconv convt": Replacement("upconv 64 k2 s2"),
    "convbnrelu convbnact cbr basicconv": Replacement("conv 64 k3 half nobias -> bn -> relu"),
    "patchembed patchembedding patchify": Replacement("conv 768 k8 s8"),
    "mlp ffn feedforward": Replacement("linear 256 -> gelu -> linear 64"),
    "se seblock squeezeexcite squeezeexcitation": Replacement(
        "mul(identity, gap -> conv 4 k1 -> relu -> conv 64 k1 -> sigmoid)"
    ),
    "residual skip shortcut": Replacement("add(identity, conv 64 k3 half)"),
    "sequential stack times": Replacement("(conv 64 k3 half -> relu)*3"),
    "pool pooling": Replacement("maxpool 2", "or avgpool 2"),
    "globalpool globalpooling spatialmean": Replacement("gap"),
    "adaptivepool adaptivepooling": Replacement("adaptive_avgpool 1"),
    "interpolate resize upscale bilinear nearest": Replacement("upsample 2 bilinear", "or upsample to=16x16"),
    "bicubic cubic bicubicinterpolation": Replacement("upsample 2 bicubic"),
    "reflectionpad reflectpad": Replacement("pad 1 reflect"),
    "replicationpad replicatepad edgepad": Replacement("pad 1 replicate"),
    "circularpad wrappad": Replacement("pad 1 circular"),
    "symmetricpad": Replacement("pad 1 reflect", "which does not repeat the outermost position"),
    "view squeeze unsqueeze": Replacement("reshape 64x64"),
    "flat": Replacement("flatten"),
    "channelshuffle": Replacement("shuffle 4"),
    "chunk": Replacement("split 2 part=0"),
    "narrow select": Replacement("slice 0:16"),
    "act activation nonlinearity": Replacement("relu", "an activation is written by its name"),
    "norm normalization normalisation": Replacement("bn", "or ln axis=last, gn 8, in"),
    "noop nop pass contiguous detach": Replacement("identity"),
    "droppath stochasticdepth dropconnect dropblock gaussiannoise": Replacement(
        "identity", "at inference it does nothing"
    ),
    "hswish": Replacement("hardswish"),
    "hsigmoid": Replacement("hardsigmoid"),
    "lrelu": Replacement("leaky_relu"),
    "input inputlayer placeholder": Replacement("identity", "the shape of the input is written before the first arrow"),
    "plus": Replacement("add(identity, conv 64 k1)"),
    "minus subtract": Replacement("sub(identity, conv 64 k1)"),
    "maximum": Replacement("max(identity, conv 64 k1)"),
    "average": Replacement("gap", "over all positions"),
    "crossattention multihead transformer": Replacement("attention heads=4"),
    "bilstm bidirectional": Replacement("lstm 128 bidirectional"),
    "bigru": Replacement("gru 128 bidirectional"),
    "birnn": Replacement("rnn 128 bidirectional"),
    "recurrent": Replacement("lstm 128", "or gru 128, rnn 128"),
    "rope rotary rotaryembedding": Replacement("attention heads=4 rope=10000"),
    "posembed positionembedding positionalencoding classtoken clstoken": Replacement(
        "add(identity, learned C)", "with a tensor of any shape"
    ),
    "modulateddeformconv modulateddeformconvpack dcnv2": Replacement("deform_conv 64 k3 half modulated"),
    "deformconvpack": Replacement("deform_conv 64 k3 half"),
    "multiscaleroialign roipool psroialign": Replacement(
        "", "roi_align reads the boxes of a tensor, one map at a time"
    ),
    "lppool maxunpool unpool": Replacement(""),
    "unfold fold im2col col2im": Replacement(""),
    "divide": Replacement("div(identity, conv 64 k1)"),
    "minimum": Replacement("min(identity, conv 64 k1)"),
    "weightnorm wn": Replacement("conv 64 k3 half weight_norm", "it is a flag of the layer"),
    "spectralnorm": Replacement(""),
    "loss crossentropy crossentropyloss mseloss": Replacement("", "a loss is not part of the network"),
}

OTHER_ARGUMENTS = {
    "padding": "pad",
    "kernel_size": "kernel",
    "pool_size": "kernel",
    "strides": "stride",
    "dilation_rate": "dilation",
    "filters": "channels",
    "out_channels": "channels",
    "units": "features",
    "out_features": "features",
    "num_groups": "groups",
    "use_bias": "bias",
    "scale_factor": "scale",
    "depth_multiplier": "multiplier",
    "negative_slope": "slope",
    "hidden_size": "units",
    "num_layers": "layers",
    "proj_size": "proj",
    "nonlinearity": "act",
    "padding_mode": "border",
    "output_padding": "outpad",
    "output_size": "size",
    "spatial_scale": "scale",
    "sampling_ratio": "samples",
    "deform_groups": "offset_groups",
    "deformable_groups": "offset_groups",
}
"""Names of arguments in PyTorch and Keras, which specs may use, and the names of the same arguments here."""

OTHER_NAMES = {name: instead for names, instead in _ENTRIES.items() for name in names.split()}
"""What to write instead of a name: in lower case, without underscores and without a dimension (``2d``)."""


def plain(name: str) -> str:
    """Return a name as the tables have it: in lower case, without underscores and without a dimension (``2d``).

    >>> plain("Adaptive_AvgPool2d")
    'adaptiveavgpool'
    """
    return re.sub(r"_|(?<=[a-z])[123]d", "", name.lower())


def hint_for(name: str) -> str:
    """Return the hint what to write instead of a name; empty if the table does not have it."""
    found = OTHER_NAMES.get(plain(name))
    if found is None:
        return ""
    if not found.write:
        return f"'{name}' is not supported" + (f": {found.note}" if found.note else "")
    return f"write {found.write}" + (f" ({found.note})" if found.note else "")
