"""Receptive fields of kinds of number that are known only later, such as symbols."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from typing import Any

from archcalc.analysis.paths import Path
from archcalc.analysis.receptive import receptive_fields
from archcalc.graph import Graph, Input, Node, Ref
from archcalc.ops import Operator, Reach, Shapes, Window


class Deferred:
    """A number that is known only once its variables are: an expression that may not be inspected before."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Callable[[dict[str, int]], Any]) -> None:
        self.value, self.kind = value, DEFERRED

    def __bool__(self) -> bool:
        raise TypeError("a number was asked for its truth value")

    __index__ = __int__ = __eq__ = __lt__ = __gt__ = __le__ = __ge__ = __bool__  # type: ignore[assignment]


def known(number: Any, names: dict[str, int]) -> Any:
    return number.value(names) if isinstance(number, Deferred) else number


def _deferred(function: Callable[..., Any]) -> Callable[..., Deferred]:
    return lambda *operands: Deferred(lambda names: function(*(known(operand, names) for operand in operands)))


for _name, _function in {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "radd": lambda a, b: b + a,
    "rsub": lambda a, b: b - a,
    "rmul": lambda a, b: b * a,
    "neg": lambda a: -a,
    "truediv": lambda a, b: Fraction(a) / b,
    "rtruediv": lambda a, b: Fraction(b) / a,
}.items():
    setattr(Deferred, f"__{_name}__", _deferred(_function))


class DeferredKind:
    maximum = staticmethod(_deferred(max))
    minimum = staticmethod(_deferred(min))

    def known_equal(self, a: Any, b: Any) -> bool:
        return all(known(a, names) == known(b, names) for names in SAMPLES)


DEFERRED = DeferredKind()
SAMPLES = [dict(zip("kspu", values, strict=True)) for values in product((1, 3, 4), (1, 2), (0, 2), (2, 3))]
K, S, P, U = (Deferred(lambda names, name=name: names[name]) for name in "kspu")  # type: ignore[misc]


class Seeing(Operator):
    """An operator that sees its inputs through given windows."""

    given: tuple[Window, ...]

    def __init__(self, *windows: Window) -> None:
        super().__init__(given=windows)

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        return tuple((Window(), window) for window in self.given)


def seeing(*layers: tuple[tuple[int, ...], tuple[Window, ...]]) -> Graph:
    shape = (1, K * 40)
    nodes = [Node("in", Input(shape), (), (shape,), ("in",))]
    for refs, windows in layers:
        name = f"layer{len(nodes)}"
        nodes.append(Node(name, Seeing(*windows), tuple(map(Ref, refs)), (shape,), (name,)))
    return Graph("late", tuple(nodes), {})


def in_names(number: Any, names: dict[str, int]) -> Any:
    """Return a window, path or number with values for its variables."""
    if isinstance(number, Window):
        window = (known(number.size, names), known(number.stride, names), known(number.padding, names))
        return Window(*window, known(number.up, names))
    return known(number, names)


def assert_the_same_once_known(*layers: tuple[tuple[int, ...], tuple[Window, ...]], bound: bool = False) -> None:
    late = receptive_fields(seeing(*layers))[-1]["in"][0]
    for names in SAMPLES:
        now = [(refs, tuple(in_names(window, names) for window in windows)) for refs, windows in layers]
        plain = receptive_fields(seeing(*now))[-1]["in"][0]
        assert late.aligned == plain.aligned
        if bound:
            for i in range(12):
                hull = plain.box((i,))
                assert hull is not None
                assert known(late.paths[0].first(i), names) <= hull.first
                assert hull.last <= known(late.paths[0].last(i), names)
        else:
            assert [known(n, names) for n in (late.size, late.stride, late.padding)] == [
                plain.size,
                plain.stride,
                plain.padding,
            ]


def test_a_chain_with_unknown_kernels_strides_and_paddings_has_a_field() -> None:
    assert_the_same_once_known(((0,), (Window(K, S, P),)), ((1,), (Window(3, 2, 1),)), ((2,), (Window(K, 1, P),)))
    assert_the_same_once_known(((0,), (Window(3, 2, 1),)), ((1,), (Window(5, S, 0),)), ((2,), (Window(2, S, P),)))


def test_branches_with_unknown_kernels_are_united() -> None:
    assert_the_same_once_known(((0,), (Window(3, S, 1),)), ((1, 1), (Window(), Window(2 * P + 1, 1, P))))


def test_unaligned_branches_with_an_unknown_padding_have_their_offsets() -> None:
    graph = seeing(((0,), (Window(3, S, 1),)), ((1, 1), (Window(), Window(3, 1, P + 2))))
    field = receptive_fields(graph)[-1]["in"][0]
    assert not field.aligned
    for names in SAMPLES:
        assert [known(offset, names) for offset in field.offsets] == [0, -(names["p"] + 1) * names["s"]]


def test_upsampling_by_an_unknown_factor_is_bounded() -> None:
    assert_the_same_once_known(
        ((0,), (Window(3, 1, 1),)), ((1,), (Window(1, 1, 0, U),)), ((2,), (Window(3, 1, 1),)), bound=True
    )


def test_known_periods_before_unknown_kernels_are_bounded() -> None:
    assert_the_same_once_known(((0,), (Window(1, 1, 0, 2),)), ((1,), (Window(K, S, P),)), bound=True)


def test_a_path_of_one_phase_needs_no_division() -> None:
    path = Path(0, 1, (0,), (1,)).extended(Window(K, S, P), 0)
    assert [known(n, {"k": 5, "s": 2, "p": 1, "u": 2}) for n in (path.first(7), path.last(7))] == [13, 17]
