"""What people call the columns of their answers, and the quantities in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from archcalc.query.quantities import COMMON

Role = Literal["layer", "quantity", "answer", "target"]

ROLES: Mapping[str, Role] = {
    "layer": "layer",
    "layers": "layer",
    "layername": "layer",
    "stage": "layer",
    "block": "layer",
    "module": "layer",
    "quantity": "quantity",
    "property": "quantity",
    "measure": "quantity",
    "what": "quantity",
    "answer": "answer",
    "answers": "answer",
    "youranswer": "answer",
    "value": "answer",
    "result": "answer",
    "printed": "answer",
    "target": "target",
    "question": "target",
    "id": "target",
    "questionid": "target",
}

SYNONYMS: Mapping[str, str] = {
    **{name.replace("_", ""): name for name in COMMON},
    "output": "shape",
    "outputshape": "shape",
    "outputsize": "shape",
    "outshape": "shape",
    "dimensions": "shape",
    "size": "shape",
    "maps": "channels",
    "featuremaps": "channels",
    "filters": "channels",
    "outputchannels": "channels",
    "parameters": "params",
    "param": "params",
    "numberofparameters": "params",
    "numparams": "params",
    "parametercount": "params",
    "weights": "params",
    "trainableparams": "trainable",
    "trainableparameters": "trainable",
    "learnableparameters": "trainable",
    "mac": "macs",
    "multadds": "macs",
    "multiplyadds": "macs",
    "multiplyaccumulates": "macs",
    "madds": "macs",
    "ops": "macs",
    "multiplications": "mults",
    "numberofmultiplications": "mults",
    "flop": "flops",
    "operations": "flops",
    "receptivefield": "rf",
    "receptivefieldsize": "rf",
    "rfsize": "rf",
    "jump": "rf_stride",
    "effectivestride": "rf_stride",
    "neurons": "activations",
    "outputs": "activations",
    "numberofconnections": "connections",
    "numberoflayers": "layers",
}

WHOLE = ("total", "totals", "sum", "network", "all", "overall", "whole network", "entire network")
"""What stands in a layer column where the whole network is meant, if no layer is called so."""

NOTHING = ("", "-", "–", "—", "?", "n/a", "null", "~")
"""What is written where there is no answer. ``none`` is one: a pooling has none."""


def role_of(title: str) -> Role | None:
    """What a column of this title holds, if it is not a quantity."""
    return ROLES.get(_plain(title))


def quantity_of(text: str) -> str | None:
    """The quantity that people call so."""
    return SYNONYMS.get(_plain(text))


def target_of(layer: str, quantity: str) -> str:
    """The target of a table's row: ``LAYER.QUANTITY``, or the quantity alone where no layer is named."""
    name = quantity_of(quantity) or quantity
    return f"{layer}.{name}" if layer not in NOTHING else name


def _plain(text: str) -> str:
    """A title without case, blanks and punctuation (``# Params`` is ``params``)."""
    return re.sub(r"[\W_]+", "", text).casefold()
