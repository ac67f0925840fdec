"""Keras (``model.summary()``)."""

from __future__ import annotations

from archcalc.counters.measures import all_stored, all_trained, not_trained, stored_bytes
from archcalc.counters.rules import BINARY_MEGABYTES, Tool, ToolQuantity

KERAS = Tool(
    name="keras",
    title="Keras (model.summary())",
    version="3.15",
    package="keras on PyPI",
    use="model.summary()",
    watches="weights of layers, trained or not: moving mean and variance are weights that are not trained",
    quantities=(
        ToolQuantity(
            "params", "Total params", "params", measure=all_stored, source="keras/src/layers/layer.py count_params"
        ),
        ToolQuantity(
            "trainable_params",
            "Trainable params",
            "params",
            measure=all_trained,
            source="keras/src/utils/summary_utils.py print_summary: trainable_weights",
        ),
        ToolQuantity(
            "non_trainable_params",
            "Non-trainable params",
            "",
            measure=not_trained,
            source="keras/src/utils/summary_utils.py print_summary: non_trainable_weights",
        ),
        ToolQuantity(
            "params_bytes",
            "Total params (MB)",
            "",
            BINARY_MEGABYTES,
            measure=stored_bytes,
            source="keras/src/utils/summary_utils.py weight_memory_size",
        ),
    ),
)
