"""What other tools and papers call the operators: for the hint at a name that is none here, never for reading one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from archcalc.spec.errors import suggest

ELSEWHERE = {
    "avgpooling": "avgpool",
    "averagepool": "avgpool",
    "averagepooling": "avgpool",
    "batchnorm": "bn",
    "batchnormalization": "bn",
    "cat": "concat",
    "concatenate": "concat",
    "convtranspose": "upconv",
    "deconv": "upconv",
    "deconvolution": "upconv",
    "dense": "fc",
    "depthwiseconv": "dwconv",
    "fullyconnected": "fc",
    "globalaveragepool": "gap",
    "globalaveragepooling": "gap",
    "globalavgpool": "gap",
    "globalmaxpool": "gmp",
    "globalmaxpooling": "gmp",
    "groupnorm": "gn",
    "instancenorm": "in",
    "layernorm": "ln",
    "layernormalization": "ln",
    "localresponsenorm": "lrn",
    "maxpooling": "maxpool",
    "multiply": "mul",
    "permute": "transpose",
    "separableconv": "sepconv",
    "sum": "add",
    "swish": "silu",
    "transposedconv": "upconv",
    "upsampling": "upsample",
    "zeropadding": "pad",
    "zeropad": "pad",
}
"""Names in small letters, without underscores and without the dimension (``Conv2d``), and what is meant by them."""


def suggest_operator(name: str, known: Iterable[str]) -> str:
    """A hint for a name that is no operator: what another tool calls so, or the nearest of ``known``.

    >>> suggest_operator("BatchNorm2d", ["maxpool"]), suggest_operator("maxpol", ["maxpool"])
    ("did you mean 'bn'?", "did you mean 'maxpool'?")
    """
    meant = ELSEWHERE.get(re.sub(r"_|[123]d", "", name.lower()))
    return f"did you mean '{meant}'?" if meant else suggest(name, known, "`archcalc ops` lists them all")
