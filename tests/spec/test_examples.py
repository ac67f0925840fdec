"""Three examples of the spec language, from the text to the figures."""

from __future__ import annotations

from archcalc.analysis.propagate import analyze
from tests.spec.reading import graph, names

LENET5 = """\
name: LeNet-5
input: 1x32x32                      # C x H x W, no batch; also 784, 16x1000 (1-D), 3x16x112x112 (video)
layers:
  - c1: conv 6 k5 -> tanh
  - s2: avgpool 2 -> tanh
  - c3: conv 16 k5 -> tanh
  - s4: avgpool 2 -> tanh
  - c5: conv 120 k5 -> tanh
  - f6: fc 84 -> tanh
  - out: fc 10 -> softmax
expect:                             # checked by `archcalc validate`
  c1.shape: 6x28x28
  params: 61,706
  macs: at most 500K
"""

RESNET50 = """\
name: ResNet-50
input: 3x224x224
variables: {classes: 1000, width: 64}          # --set classes=10 on the command line
blocks:
  conv_bn(c, k=1, s=1): conv c k=k s=s half nobias -> bn
  branch(c, s=1): conv_bn(c, s=s) -> relu -> conv_bn(c, k=3) -> relu -> conv_bn(4*c)
  first(c, s=1): add(branch(c, s), conv_bn(4*c, s=s)) -> relu
  rest(c): add(branch(c), identity) -> relu
layers:
  - conv1: conv_bn(width, k=7, s=2) -> relu
  - pool1: maxpool k3 s2 p1
  - conv2_x: first(width) -> rest(width)*2
  - conv3_x: first(2*width, s=2) -> rest(2*width)*3
  - conv4_x: first(4*width, s=2) -> rest(4*width)*5
  - conv5_x: first(8*width, s=2) -> rest(8*width)*2
  - head: gap -> fc classes -> softmax
"""

REST = """\
# the rest of the language, by example
inputs: {image: 3x64x64, prior: 1x64x64}        # several inputs; the first is where the chain starts
tables: {t3: "X..X / .XX. / X.X."}              # connection tables, rows input maps, columns output maps
layers:
  - enc1: (conv 64 k3 half -> relu)*2           # ( ... )*N repeats a chain; block(...)*N too
  - mid: maxpool 2 -> (conv 128 k3 half -> relu)*2
  - dec1: upconv 64 k2 s2 -> concat(@enc1, @prior, identity) -> (conv 64 k3 half -> relu)*2   # @name: that stage's output, or an input
  - se: mul(identity, gap -> conv C//16 k1 -> relu -> conv 64 k1 -> sigmoid)                # C: channels of the current tensor
  - mixed:                                      # wherever a chain stands, a list of chains is that chain
      - conv 96 k1 -> relu                      # so long ones can be broken and commented
      - concat(conv 64 k1, conv 96 k1 -> conv 128 k3 half, maxpool k3 s1 p1 -> conv 32 k1)
heads:                                          # additional outputs, off the main path; they count in totals
  mask: "@mid -> conv 1 k1 -> sigmoid"
training_heads:                                 # auxiliary classifiers: shown, counted only with --training
  aux: "@mid -> avgpool k5 s3 -> flatten -> fc 10"
"""  # noqa: E501


def test_lenet5() -> None:
    network = graph(LENET5)
    found = analyze(network)
    assert found.stage("c1").output == (6, 28, 28)
    assert found.totals.params == 61_706
    assert found.totals.macs == 416_520


def test_resnet50() -> None:
    found = analyze(graph(RESNET50))
    assert found.totals.trainable == 25_557_032
    assert found.layer("conv5_x/relu_9").output == (2048, 7, 7)
    ten = analyze(graph(RESNET50, set={"classes": "10"}))
    assert found.totals.params - ten.totals.params == 990 * 2049


def test_the_rest_of_the_language() -> None:
    network = graph(REST)
    assert list(network.outputs) == ["mixed", "mask"]
    assert list(network.training_outputs) == ["aux"]
    found = {layer.name: layer.output for layer in analyze(network).layers}
    assert found["dec1/concat"] == (129, 64, 64)
    assert found["se/conv_1"] == (4, 1, 1)
    assert found["se/mul"] == (64, 64, 64)
    assert found["mixed/concat"] == (224, 64, 64)
    assert found["mask/sigmoid"] == (1, 32, 32)
    assert found["aux/avgpool"] == (128, 10, 10)
    assert names(network)[:4] == ["enc1/conv_1", "enc1/relu_1", "enc1/conv_2", "enc1/relu_2"]
