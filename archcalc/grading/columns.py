"""The names that people give to the columns of their answers, and to quantities."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from archcalc.query.quantities import ALIASES, COMMON

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
    **{alias.replace("_", ""): name for alias, name in ALIASES.items()},
    "output": "shape",
    "outputshape": "shape",
    "outputsize": "shape",
    "outshape": "shape",
    "dimensions": "shape",
    "size": "shape",
    "filters": "channels",
    "outputchannels": "channels",
    "parameters": "params",
    "param": "params",
    "numberofparameters": "params",
    "numparams": "params",
    "parametercount": "params",
    "numberofweights": "weights",
    "bias": "biases",
    "numberofbiases": "biases",
    "activeparams": "active_params",
    "activeparameters": "active_params",
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
    "numberofneurons": "neurons",
    "numberofunits": "neurons",
    "outputs": "activations",
    "numberofconnections": "connections",
    "numberoflayers": "layers",
}

NETWORK_NAMES = ("total", "totals", "sum", "network", "all", "overall", "whole network", "entire network")
"""The entries of a layer column that mean the network, unless a layer has that name."""

NO_ANSWER = ("", "-", "–", "—", "?", "n/a", "null", "~")
"""The entries that stand for no answer. ``none`` is an answer: the parameters of a pooling, for example."""


def role_of(title: str) -> Role | None:
    """Return the role of a column with this title; ``None`` if it may be a quantity."""
    return ROLES.get(_normalized(title))


def quantity_of(text: str) -> str | None:
    """Return the quantity with this name or synonym; ``None`` if there is none."""
    return SYNONYMS.get(_normalized(text))


def target_of(layer: str, quantity: str) -> str:
    """Return the target of a table's row: ``LAYER.QUANTITY``, or the quantity alone if the layer is empty."""
    name = quantity_of(quantity) or quantity
    return f"{layer}.{name}" if layer not in NO_ANSWER else name


def _normalized(text: str) -> str:
    """Return a title in lower case, without blanks and punctuation (``# Params`` is ``params``)."""
    return re.sub(r"[\W_]+", "", text).casefold()
