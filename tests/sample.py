"""Bundled networks, one of each kind, for properties that would take too long on all of them."""

SAMPLE = (
    "alexnet-2012",  # grouped convolutions, local response normalisation, overlapping pools
    "colourisation-unet",  # several inputs, transposed convolutions
    "googlenet",  # concatenation, training heads
    "homework-network-b",
    "lenet5-1998",  # connection tables, subsampling with weights
    "mobilenet-v1",  # depthwise convolutions, a width and an input size to vary
    "resnet18",  # additions, batch normalisation
    "spatially-separable-example",  # asymmetric kernels
    "unet",  # crops
    "xception",  # separable convolutions
)
