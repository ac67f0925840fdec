"""The names that people give to the columns of their answers, and to quantities."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from archcalc.query.quantities import ALIASES, COMMON
from archcalc.spec.errors import Text

Role = Literal["layer", "quantity", "answer", "target", "network", "resolution"]

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
    "network": "network",
    "networks": "network",
    "networkname": "network",
    "model": "network",
    "models": "network",
    "modelname": "network",
    "architecture": "network",
    "arch": "network",
    "backbone": "network",
    "encoder": "network",
    "resolution": "resolution",
    "inputresolution": "resolution",
    "inputsize": "resolution",
    "imagesize": "resolution",
    "imgsize": "resolution",
    "cropsize": "resolution",
    "testsize": "resolution",
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
    return ROLES.get(normalized(title))


def columns_by_role(titles: Sequence[Text]) -> dict[Role | None, int]:
    """Return the index of the first column of each role."""
    return {role_of(title.value): index for index, title in reversed(list(enumerate(titles)))}


def notes_on_unread(titles: Iterable[Text]) -> list[str]:
    """Return a note that lists the titles of columns that are not read, if there are any."""
    written = ", ".join(title.value for title in titles if title.value)
    return [f"columns not read: {written[:200]}"] if written else []


def is_answered(cell: str) -> bool:
    """Return whether a cell holds an answer."""
    return cell.strip().casefold() not in NO_ANSWER


def answer_in(cell: Text) -> Text:
    """Return the answer of a cell; an empty text if it stands for none."""
    return cell if is_answered(cell.value) else Text(cell.source, "", cell.start)


def quantity_of(text: str) -> str | None:
    """Return the quantity with this name or synonym; ``None`` if there is none."""
    return SYNONYMS.get(normalized(text))


_UNIT = re.compile(r"(.*?)[\s#]*[(\[/,]?\s*(?:in|×|x)?\s*(?:([KMGBT])|10\^?([369]|12))\s*[)\]]?")
"""A title that ends in a unit: ``FLOPs (G)``, ``Params/M``, ``MACs (10^9)``."""
_PREFIXED = re.compile(r"#?\s*([KMGT])[ -]?(?=fl?op|mac|madd|mult|ops?\b|param)", re.IGNORECASE)
"""A title that begins with a unit: ``GFLOPs``."""
_POWERS = {"3": "K", "6": "M", "9": "G", "12": "T"}


def quantity_and_unit(title: str) -> tuple[str, str] | None:
    """Return the quantity of a column, and the unit of its numbers (``G``, or none); ``None`` if it is no quantity.

    The title may have the unit: ``GFLOPs``, ``FLOPs (G)``, ``Params (M)``, ``#Params/M``.
    """
    quantity = quantity_of(title)
    if quantity is not None:
        return quantity, ""
    prefixed = _PREFIXED.match(title.strip())
    if prefixed is not None and (quantity := quantity_of(title.strip()[prefixed.end() :])) is not None:
        return quantity, prefixed[1].upper()
    suffixed = _UNIT.fullmatch(title.strip())
    if suffixed is not None and (quantity := quantity_of(suffixed[1])) is not None:
        return quantity, suffixed[2] or _POWERS[suffixed[3]]
    return None


def target_of(layer: str, quantity: str) -> str:
    """Return the target of a table's row: ``LAYER.QUANTITY``, or the quantity alone if the layer is empty."""
    name = quantity_of(quantity) or quantity
    return f"{layer}.{name}" if layer not in NO_ANSWER else name


def normalized(text: str) -> str:
    """Return a title in lower case, without blanks and punctuation (``# Params`` is ``params``)."""
    return re.sub(r"[\W_]+", "", text).casefold()
