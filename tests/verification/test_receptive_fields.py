"""Receptive fields: the analysis against probing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from archcalc.analysis.receptive import receptive_fields
from archcalc.executor import probes
from archcalc.executor.probes import NOTHING, Extent, probe
from archcalc.graph import Graph, Node
from archcalc.ops.activation import Softmax
from archcalc.ops.base import Shapes
from archcalc.ops.window import Reach, Window
from archcalc.verification.receptive_fields import compare_fields
from tests.analysis.witness import graphs
from tests.spec.reading import chain, graph

few = settings(max_examples=60)


@few
@given(graphs())
def test_random_graphs_see_what_the_analysis_says(network: Graph) -> None:
    found = compare_fields(network)
    assert not found.differences, found


def seen(network: Graph, unit: tuple[int, ...], *, guess: Extent = NOTHING) -> Extent:
    """Return what a unit of the last layer sees of the first axis of the input."""
    last = len(network.nodes) - 1
    sizes = {name: shape[1:] for name, shape in network.inputs.items()}
    return probe(network, sizes, {last: unit}, next(iter(sizes)), 0, {last: guess})[last]


def test_a_probe_finds_the_first_and_the_last_position() -> None:
    network = chain("conv 4 k3 s2 -> relu -> maxpool 3 s2", "3x40")
    assert seen(network, (4,)) == Extent(16, 22)


def test_a_wrong_guess_changes_nothing() -> None:
    network = chain("conv 4 k3 s2 -> relu -> maxpool 3 s2", "3x40")
    for guess in (Extent(16, 22), Extent(0, 39), Extent(17, 21), Extent(30, 35), Extent(5, 6)):
        assert seen(network, (4,), guess=guess) == Extent(16, 22)


def test_a_correct_guess_needs_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for stored tensors, which see nothing."""
    runs = list[int]()
    reached = probes._reached

    def counted(*arguments: Any) -> Any:
        runs.append(1)
        return reached(*arguments)

    monkeypatch.setattr(probes, "_reached", counted)
    found = compare_fields(chain("linear 8 -> add(identity, learned 40x8) -> attention heads=2 causal", "40x8"))
    assert found.compared == 4
    assert not found.differences
    assert len(runs) == 1


def test_fields_are_clipped_at_borders_and_have_gaps_with_dilation() -> None:
    assert seen(chain("conv 4 k3 p1", "3x9"), (0,)) == Extent(0, 1)
    assert seen(chain("conv 4 k3 d3 p3", "3x9"), (1,)) == Extent(1, 4)


def test_a_unit_in_the_padding_sees_nothing() -> None:
    assert seen(chain("pad 2 -> relu", "3x9"), (0,)) == NOTHING


def test_fields_pass_through_every_kind_of_join_and_a_softmax() -> None:
    joins = "add(identity, conv 4 k3 p1) -> mul(identity, sigmoid) -> max(relu, tanh) -> concat(identity, softmax)"
    assert seen(chain(f"{joins} -> bn -> gelu -> lrn 3", "4x20"), (10,)) == Extent(9, 11)


def test_several_inputs_are_probed_one_by_one() -> None:
    network = graph("inputs: {a: 2x12x8, b: 1x12x8}\nlayers:\n  - x: concat(conv 2 k3 half, @b) -> conv 3 k1\n")
    found = compare_fields(network)
    assert found.compared == 3 * 4
    assert not found.differences


def test_entries_of_a_table_are_seen_at_their_positions() -> None:
    network = chain("conv 1 k3 -> embedding 90000 400 -> conv 4 k3x1 s2x1 -> linear 7", "2x20")
    assert seen(network, (0, 4)) == Extent(8, 12)  # the linear layer makes positions of the channels
    found = compare_fields(network)
    assert found.compared == 4
    assert not found.differences


def test_networks_that_cannot_be_probed_are_named() -> None:
    assert "no input has positions" in compare_fields(chain("fc 3", "16")).detail


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        ("conv 9 k3 half -> reshape 1x3x3x4x4 -> transpose 0x3x1x4x2 -> reshape 1x12x12 -> conv 2 k3", "9x4x4"),
        ("conv 1 k3 half -> reshape 1x4x3x4x3 -> transpose 0x2x4x1x3 -> reshape 9x4x4 -> conv 2 k3", "1x12x12"),
        ("conv 8 k4 s4 -> reshape 8x49 -> conv 8 k3 half -> transpose 1x0 -> linear 5", "3x28x28"),
        ("conv 4 k3 half -> transpose 1x0 -> relu -> transpose 1x0", "4x16"),
        ("flatten -> reshape 4x16 -> conv 2 k3", "4x16"),
        ("reshape 2x4x2 -> conv 3 k1", "16"),
        ("conv 4 k3 half -> reshape 16x4 -> conv 3 k1", "6x16"),
        ("conv 8 k4 s4 -> rearrange 'c h w = (h w) c' -> linear 5 -> gelu -> linear 8", "3x16x16"),
        ("conv 9 k3 half -> pixel_shuffle 3 -> conv 1 k3 half -> space_to_depth 2", "9x4x4"),
        ("reduce 'c (h p) (w q) = h w c' max p=2 q=2 -> linear 3 -> rearrange 'h w c = c h w' -> conv 2 k2", "2x8x8"),
        ("repeat 'c h w = c (h a) w' a=2 -> conv 2 k2 -> mean axis=0 -> roll 1 axis=1", "2x4x6"),
        ("embedding 20 8 -> add(identity, learned 12x8) -> glu -> mean axis=0 -> fc 3", "12"),
        ("embedding 99 16 -> add(identity, ln axis=last -> attention heads=4 causal rope) -> linear 8", "24"),
        ("attention heads=4 window=5 causal -> attention heads=2 window=4 alibi", "24x16"),
        (
            "conv 8 k3 half -> rearrange 'c n = n c' -> attention heads=2 causal -> rearrange 'n c = c n' -> conv 2 k3",
            "8x24",
        ),
        ("conv 8 k3 half -> rearrange 'c n = n c' -> gru 4 layers=2 -> lstm 6 proj=2 -> linear 3", "4x24"),
        ("rnn 5 bidirectional -> add(identity, linear 10) -> gru 4 final -> fc 2", "3x24x8"),
        ("sdpa(linear 4, linear 4, identity, causal=yes)", "12x8"),
        ("sdpa(linear 4, linear 4, identity) -> relu", "12x8"),
        ("linear 4 -> matmul(identity, rearrange 'n d = d n') -> softmax axis=last -> sum axis=1", "6x4"),
        ("conv 4 k3 half -> einsum('c h w, c h v = h w v', identity, identity)", "2x4x4"),
    ],
)
def test_networks_that_turn_channels_into_positions_are_probed(layers: str, shape: str) -> None:
    found = compare_fields(chain(layers, shape))
    assert not found.differences
    assert found.compared or "x" not in shape


def test_states_depend_on_all_positions_and_so_do_layers_that_start_from_them() -> None:
    network = graph("""
        inputs: {source: 12x8, target: 9x8}
        layers:
          - encoder: lstm 6 layers=2
          - decoder: "@target -> lstm 6 layers=2 state=@encoder/state -> linear 4"
        heads: {last: "@encoder/cell -> linear 3", flat: "@encoder/state -> flatten"}
    """)
    fields = dict(zip((node.name for node in network.nodes), receptive_fields(network), strict=True))
    words = {name: {source: field[0].word for source, field in found.items()} for name, found in fields.items()}
    assert words["encoder"] == {"source": "causal"}
    assert words["decoder/linear"] == {"source": "global", "target": "causal"}
    assert words["last"] == words["flat"] == {"source": "global"}
    assert not compare_fields(network).differences


def test_a_wrong_view_is_noticed() -> None:
    network = chain("reshape 1x3x3x4x4 -> transpose 0x3x1x4x2 -> reshape 1x12x12", "9x4x4")
    assert seen(network, (7, 7)) == Extent(2, 2)
    assert seen(chain("reshape 3x3x4x4 -> transpose 0x2x1x3 -> reshape 3x12x4", "9x4x4"), (7, 0)) == Extent(2, 2)


def test_positions_that_an_upsampling_leaves_empty_do_not_see_mixed_positions() -> None:
    network = chain("softmax axis=-1 -> upconv 2 k1 s1x2 outpad=0x1", "2x3x3")
    assert not compare_fields(network).differences


@pytest.fixture
def widths(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list to which every layer that is probed adds the size of its last axis."""
    found = list[int]()
    run = probes._run

    def recorded(node: Node, *others: Any) -> Any:
        found.append(node.output[-1])
        return run(node, *others)

    monkeypatch.setattr(probes, "_run", recorded)
    return found


def test_stored_tensors_do_not_keep_a_network_wide(widths: list[int]) -> None:
    """Their features count as positions, since nothing decides about them; they see no input of any size."""
    network = chain("embedding 99 64 -> add(identity, learned 32x64 -> slice 0:12) -> attention heads=2 causal", "12")
    found = compare_fields(network)
    assert found.compared == 5
    assert not found.differences
    assert max(widths) < 64


HEADS = "linear 64 -> rearrange 'n (h d) = h n d' h=4 -> softmax axis=1 -> rearrange 'h n d = n (h d)'"


def test_features_of_heads_that_count_as_positions_are_narrowed(widths: list[int]) -> None:
    assert not compare_fields(chain(HEADS, "9x64")).differences
    assert max(widths) < 64


def test_a_wrong_formula_is_found_in_a_narrowed_network(monkeypatch: pytest.MonkeyPatch, widths: list[int]) -> None:
    """The formula that says which positions a softmax reads is wrong in the narrow network as well."""
    original = Softmax.windows

    def position_by_position(self: Softmax, inputs: Shapes) -> tuple[Reach, ...]:
        return tuple([tuple([Window() for _ in reach]) for reach in original(self, inputs)])

    monkeypatch.setattr(Softmax, "windows", position_by_position)
    assert {each.layer for each in compare_fields(chain(HEADS, "9x64")).differences} >= {"softmax_1"}
    assert max(widths) < 64


@pytest.mark.parametrize(
    "layer",
    [
        "compare(conv 3 k3 same, conv 3 k5 same, how=less)",
        "where(conv 3 k5 same, conv 3 k3 same, identity)",
        "conv 3 k5 -> cast float4_e2m1",
        "conv 3 k5 -> quantize uint4 scale=0.1",
    ],
)
def test_layers_whose_results_are_numbers_whatever_they_read(layer: str) -> None:
    found = compare_fields(chain(f"{layer} -> conv 2 k3", "3x16x16"))
    assert found.compared
    assert not found.differences, found
