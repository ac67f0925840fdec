"""Names that people use for layers and arguments, and their names in specs.

Those of layers are used only in hints. An operator or block of the same name always wins,
since only unknown names are looked up. When an operator gets a name of this table, remove it here (a test says which).
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Instead(NamedTuple):
    """What to write instead of a name: a chain (empty if there is none), and a note."""

    write: str
    note: str = ""


_ENTRIES: dict[str, Instead] = {
    "dense": Instead("linear 10", "along the last axis, as in Keras; fc 10 flattens first"),
    "subpixel periodicshuffle": Instead("pixel_shuffle 2"),
    "reorg": Instead("space_to_depth 2"),
    "pointwise pointwiseconv pwconv conv1x1 1x1": Instead("conv 64 k1"),
    "conv3x3": Instead("conv 64 k3 half"),
    "dilatedconv atrousconv atrous": Instead("conv 64 k3 d2 half"),
    "groupconv groupedconv": Instead("conv 64 k3 g4 half"),
    "depthwise dw": Instead("dwconv k3 half"),
    "depthwiseseparable depthwiseseparableconv dsconv separable": Instead("sepconv 64 k3 half"),
    "tconv transposeconv convt": Instead("upconv 64 k2 s2"),
    "convbnrelu convbnact cbr basicconv": Instead("conv 64 k3 half nobias -> bn -> relu"),
    "patchembed patchembedding patchify": Instead("conv 768 k8 s8"),
    "mlp ffn feedforward": Instead("linear 256 -> gelu -> linear 64"),
    "se seblock squeezeexcite squeezeexcitation": Instead(
        "mul(identity, gap -> conv 4 k1 -> relu -> conv 64 k1 -> sigmoid)"
    ),
    "residual skip shortcut": Instead("add(identity, conv 64 k3 half)"),
    "sequential stack times": Instead("(conv 64 k3 half -> relu)*3"),
    "pool pooling": Instead("maxpool 2", "or avgpool 2"),
    "globalpool globalpooling spatialmean": Instead("gap"),
    "adaptivepool adaptivepooling": Instead("adaptive_avgpool 1"),
    "interpolate resize upscale bilinear nearest": Instead("upsample 2 bilinear", "or upsample to=16x16"),
    "bicubic cubic bicubicinterpolation": Instead("upsample 2 bicubic"),
    "reflectionpad reflectpad": Instead("pad 1 reflect"),
    "replicationpad replicatepad edgepad": Instead("pad 1 replicate"),
    "circularpad wrappad": Instead("pad 1 circular"),
    "symmetricpad": Instead("pad 1 reflect", "which does not repeat the outermost position"),
    "view squeeze unsqueeze": Instead("reshape 64x64"),
    "flat": Instead("flatten"),
    "channelshuffle": Instead("shuffle 4"),
    "chunk": Instead("split 2 part=0"),
    "narrow take select": Instead("slice 0:16"),
    "act activation nonlinearity": Instead("relu", "an activation is written by its name"),
    "norm normalization normalisation": Instead("bn", "or ln axis=last, gn 8, in"),
    "noop nop pass contiguous detach": Instead("identity"),
    "droppath stochasticdepth dropconnect dropblock gaussiannoise": Instead("identity", "at inference it does nothing"),
    "hswish": Instead("hardswish"),
    "hsigmoid": Instead("hardsigmoid"),
    "lrelu": Instead("leaky_relu"),
    "input inputlayer placeholder": Instead("identity", "the shape of the input is written before the first arrow"),
    "plus": Instead("add(identity, conv 64 k1)"),
    "minus subtract": Instead("sub(identity, conv 64 k1)"),
    "maximum": Instead("max(identity, conv 64 k1)"),
    "average": Instead("gap", "over all positions"),
    "crossattention multihead transformer": Instead("attention heads=4"),
    "bilstm bidirectional": Instead("lstm 128 bidirectional"),
    "bigru": Instead("gru 128 bidirectional"),
    "birnn": Instead("rnn 128 bidirectional"),
    "recurrent": Instead("lstm 128", "or gru 128, rnn 128"),
    "rope rotary rotaryembedding": Instead("attention heads=4 rope=10000"),
    "posembed positionembedding positionalencoding classtoken clstoken": Instead(
        "add(identity, learned C)", "with a tensor of any shape"
    ),
    "modulateddeformconv modulateddeformconvpack dcnv2": Instead("deform_conv 64 k3 half modulated"),
    "deformconvpack": Instead("deform_conv 64 k3 half"),
    "multiscaleroialign roipool psroialign": Instead("", "roi_align reads the boxes of a tensor, one map at a time"),
    "lppool maxunpool unpool": Instead(""),
    "unfold fold im2col col2im": Instead(""),
    "divide": Instead("div(identity, conv 64 k1)"),
    "minimum": Instead("min(identity, conv 64 k1)"),
    "weightnorm wn": Instead("conv 64 k3 half weight_norm", "it is a flag of the layer"),
    "spectralnorm": Instead(""),
    "loss crossentropy crossentropyloss mseloss": Instead("", "a loss is not part of the network"),
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
