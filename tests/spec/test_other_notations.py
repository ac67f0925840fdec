"""Texts in the notation of frameworks and papers: read where there is one reading, else rewritten in the hint."""

from __future__ import annotations

import pytest

from archcalc.ops.base import REGISTRY
from archcalc.spec import SpecError, load_spec
from archcalc.spec.arguments import named_of
from archcalc.spec.frameworks import ACTIVATIONS, CALLS
from archcalc.spec.other_names import OTHER_ARGUMENTS
from tests.spec.reading import chain, graph, last, ops, problem, problems, shapes


def hint(expression: str) -> str:
    """Return the hint of the only error of an inline expression."""
    with pytest.raises(SpecError) as caught:
        load_spec(expression)
    (found,) = caught.value.problems
    return found.hint


REWRITTEN = {
    "3x32x32 -> Conv2d(3, 6, kernel_size=5)": "3x32x32 -> conv 6 k5",
    "3x32x32 -> nn.ReLU()": "3x32x32 -> relu",
    "3x32x32 -> torch.nn.ReLU": "3x32x32 -> relu",
    "3x32x32 -> nn.Conv2d(3, 8, 3, padding=1, bias=False) -> nn.BatchNorm2d(8)": "3x32x32 -> conv 8 k3 p1 nobias -> bn",
    "9x32 -> nn.LSTM(32, 8, num_layers=2, bidirectional=True, batch_first=True)": (
        "9x32 -> lstm 8 layers=2 bidirectional"
    ),
    "9x32 -> nn.GRU(32, 8) -> nn.RNN(8, hidden_size=4, nonlinearity='relu')": "9x32 -> gru 8 -> rnn 4 relu",
    "9x32 -> LSTM(8, return_sequences=True) -> GRU(4, activation='tanh')": "9x32 -> lstm 8 onebias -> gru 4 final",
    "9x32 -> keras.layers.GRU(8, reset_after=False)": "9x32 -> gru 8 reset_after=no onebias final",
    "3x32x32 -> nn.Sequential(nn.Conv2d(3, 8, (3, 5)), nn.ReLU(inplace=True))": "3x32x32 -> conv 8 k3x5 -> relu",
    "3x32x32 -> Conv2D(8, 3, padding='same', activation='relu')": "3x32x32 -> conv 8 k3 same -> relu",
    "3x32x32 -> MaxPool2d(2, stride=2)": "3x32x32 -> maxpool 2 s2",
    "3x32x32 -> conv 6 k=(5,3)": "3x32x32 -> conv 6 k=5x3",
    "3x32x32 -> conv(6, k=5) -> relu()": "3x32x32 -> conv 6 k=5 -> relu",
    "3x32x32 => conv 6 k5": "3x32x32 -> conv 6 k5",
    "3x32x32 | conv 6 k5 | relu": "3x32x32 -> conv 6 k5 -> relu",
    "(3,32,32) -> conv 6 k5": "3x32x32 -> conv 6 k5",
    "[3, 32, 32] -> conv 6 k5": "3x32x32 -> conv 6 k5",
    "3 x 32 x 32 -> conv 6 k5": "3x32x32 -> conv 6 k5",
    "3x32x32 -> 2*(conv 6 k3)": "3x32x32 -> (conv 6 k3)*2",
    "3x32x32 -> conv 6 k3 bias=False": "3x32x32 -> conv 6 k3 bias=no",
    "3x32x32 -> conv 6 k = 3": "3x32x32 -> conv 6 k=3",
    "3x16x16 -> reshape Cx256": "3x16x16 -> reshape (C)x256",
}


@pytest.mark.parametrize("expression", REWRITTEN)
def test_another_notation_is_written_out_in_this_one(expression: str) -> None:
    assert hint(expression) == f"write {REWRITTEN[expression]}"
    load_spec(REWRITTEN[expression])


def test_a_text_that_stays_wrong_keeps_its_own_hint() -> None:
    assert hint("3x32x32 => convv 6 k5") != "write 3x32x32 -> convv 6 k5"
    assert hint("3x8x8 -> Bogus2d(3)") == "declare it under 'blocks:'"


def test_a_text_that_needs_no_other_notation_gets_the_value_that_it_lacks() -> None:
    assert hint("3xHxW -> relu") == "give it a value: --set H=…"
    assert hint("(n)xL -> relu") == "give it a value: --set n=…"


def test_chains_of_files_are_written_out_too_once_each() -> None:
    text = """
        input: 3x32x32
        variables: {w: 8}
        blocks:
          cb(c): nn.Conv2d(3, c, 3) -> nn.ReLU()
        layers:
          - cb(w)
          - nn.Conv2d(3, 8, 3) -> nn.BatchNorm2d(8) -> nn.ReLU()
          - conv w k=(3, 3)
    """
    found = [each.hint for each in problems(text)]
    assert found[1:] == ["write conv 8 k3 -> bn -> relu", "write conv w k=3"]


@pytest.mark.parametrize("shape", ["(3, 32, 32)", "3, 32, 32", "3 x 32 x 32", "3,32,32"])
def test_a_shape_in_another_notation_is_written_out(shape: str) -> None:
    assert problem(f'input: "{shape}"\nlayers: relu\n').hint == "write 3x32x32"
    assert problem("input: 3x8x8\nlayers: relu\n", shapes={"": shape}).hint == "write 3x32x32"
    assert problem("input: [3, 32, 32]\nlayers: relu\n").hint == "write 3x32x32"


def test_operators_may_be_written_in_any_case() -> None:
    network = chain("Conv 6 k5 -> ReLU -> MaxPool 2 -> LeakyReLU -> Add(identity, Conv 6 k1) -> FC 10", "3x32x32")
    assert ops(network) == ["conv", "relu", "maxpool", "leaky_relu", "conv", "add", "fc"]
    assert ops(chain("Identity -> relu")) == ["relu"]


def test_a_block_or_parameter_of_that_spelling_has_precedence() -> None:
    text = "input: 3x8x8\nblocks: {ReLU: tanh, f(Tanh): Tanh}\nlayers: ReLU -> f(sigmoid)\n"
    assert ops(graph(text)) == ["tanh", "sigmoid"]


def test_arguments_may_have_their_names_in_frameworks() -> None:
    written = chain("conv filters=6 kernel_size=3 strides=2 padding=1 dilation=2 groups=3 use_bias=no", "3x32x32")
    assert last(written).attributes() == last(chain("conv 6 k3 s2 p1 d2 g3 nobias", "3x32x32")).attributes()
    assert shapes(chain("maxpool pool_size=2 -> linear units=5")) == ["8x16x16", "8x16x5"]
    assert shapes(chain("lstm hidden_size=5 num_layers=2 proj_size=3", "9x4")) == ["9x3"]


def test_names_of_frameworks_mean_arguments_that_exist_and_hide_none() -> None:
    own = {p.name for cls in REGISTRY.values() for p in cls.parameters()}
    assert set(OTHER_ARGUMENTS.values()) <= own
    for cls in REGISTRY.values():
        for parameter in cls.parameters():
            if parameter.argument.form not in ("pattern", "lengths"):  # which are not written by their names
                assert named_of(cls.name)[parameter.name] == parameter


def test_classes_of_frameworks_mean_operators_that_exist() -> None:
    assert {call.operator.split()[0] for call in CALLS.values()} | ACTIVATIONS <= {*REGISTRY}


@pytest.mark.parametrize("shape", ["3X32X32", "3×32×32", "3x32x32"])
def test_sizes_are_joined_by_any_kind_of_x(shape: str) -> None:
    assert chain("conv 6 k3X5", shape).nodes[0].output == (3, 32, 32)


def test_a_shape_may_contain_names_without_brackets() -> None:
    assert chain("relu", "3xHxW", set={"H": "8", "W": "9"}).nodes[0].output == (3, 8, 9)
    assert chain("relu", "CxHx(2*w)", set={"C": "3", "H": "8", "w": "9"}).nodes[0].output == (3, 8, 18)
    assert graph("input: 3xhxh\nvariables: {h: 8}\nlayers: relu\n").nodes[0].output == (3, 8, 8)


def test_a_variable_with_an_x_in_its_name_remains_one() -> None:
    assert graph("input: maxlen\nvariables: {maxlen: 8}\nlayers: fc 2\n").nodes[0].output == (8,)
    assert graph("input: 3x(max_w)\nvariables: {max_w: 8}\nlayers: fc 2\n").nodes[0].output == (3, 8)
