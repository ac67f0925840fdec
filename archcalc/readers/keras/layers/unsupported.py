"""Layers that have no conversion, and why."""

from __future__ import annotations

LOOKUP = "it maps text or integers to categories, by a table or a hash"
CODE = "archcalc does not run its code"
CONTENT = "what it does depends on the content of the whole image"
SPECTRUM = "it computes Fourier transforms"
ALONE = "a cell of a recurrent layer, outside of one"

DECLINED = {
    **dict.fromkeys(("HashedCrossing", "Hashing", "IntegerLookup", "StringLookup", "TextVectorization"), LOOKUP),
    **dict.fromkeys(("CategoryEncoding", "Discretization"), "it turns numbers into categories"),
    **dict.fromkeys(("FlaxLayer", "JaxLayer", "Lambda", "TFSMLayer", "TorchModuleWrapper"), CODE),
    **dict.fromkeys(("AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization", "Equalization"), CONTENT),
    "Solarization": "it inverts the numbers above a threshold",
    "MaxNumBoundingBoxes": "it reads boxes, not a tensor",
    **dict.fromkeys(("MelSpectrogram", "STFTSpectrogram"), SPECTRUM),
    **dict.fromkeys(("GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells"), ALONE),
}
"""The reasons by class; other classes are not Keras's own."""
