"""Recurrent layers: cells that read a sequence step by step, in one or both directions, on top of each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from archcalc.numeric import Number, known_equal, let, product, require
from archcalc.ops.activation import Relu, Sigmoid, Tanh
from archcalc.ops.backward import OUTPUT, Factor, Kept, Multiplication, Needs
from archcalc.ops.base import Cost, Operator, Shape, Shapes, Weight, operator, require_shape
from archcalc.ops.conv import weighted_sums_cost
from archcalc.ops.fields import flag, integer, tensor, word
from archcalc.ops.traits import STANDARD_SPREAD, Differentiated, InitialValues, Spread
from archcalc.ops.window import Reach, Window


class RecurrentLayer(Operator):
    """Layers of cells along the positions, which are the axis before the features; axes before these are independent.

    Every layer and direction has weighted sums of the features and of its own previous output, with one row per unit
    and gate.
    """

    reads_features = "last"
    further_outputs: ClassVar[tuple[str, ...]] = ("state",)
    single_channel: ClassVar[Mapping[str, Any]] = {"units": 1}

    gates: ClassVar[int]
    """The number of weighted sums of each kind per unit."""
    remembered: ClassVar[int]
    """How many numbers per unit and step the backward pass needs besides the outputs: gates, cells."""
    differentiated_by: ClassVar[Differentiated] = "output"

    units: Number = integer(positional=True, help="units of a layer in one direction")
    layers: Number = integer(1, help="number of layers; each reads the outputs of the one before")
    bidirectional: bool = flag(
        False, "bidirectional", reserved=False, help="whether every layer also reads the sequence backwards"
    )
    final: bool = flag(
        False, "final", reserved=False, help="whether the output is only that of the last step of each direction"
    )
    bias: bool = flag(True, "nobias", help="biases of the sums")
    recurrent_bias: bool = flag(
        True, "onebias", reserved=False, help="whether sums have two biases, as in PyTorch, or one, as in Keras"
    )
    state: bool = tensor(help="the outputs before the first step, one row per layer and direction; by default zeros")

    @property
    def widths(self) -> tuple[str, ...]:  # type: ignore[override]
        """The names of the attributes that determine the width of the output."""
        return ("units",)

    @property
    def width(self) -> Number:
        """The number of features that a layer outputs in one direction."""
        return self.units

    def in_both(self, number: Number) -> Number:
        """Return a number per direction for all directions together."""
        return 2 * number if self.bidirectional else number

    def elementwise(self) -> Cost:
        """Return the cost of one step of a layer in one direction, without that of the weighted sums."""
        raise NotImplementedError

    def state_widths(self) -> tuple[Number, ...]:
        """Return the features of each additional output."""
        return (self.width,)

    def output(self, inputs: Shapes) -> Shape:
        shape, *given = inputs
        require(len(shape) > 1, "{what} needs positions and features, got a vector of {n}", what=self.name, n=shape[0])
        states = dict(zip(self.further_outputs, self.states(shape), strict=True))
        for name, own in zip(self.tensor_arguments(), given, strict=True):
            message = "the {name} given to {what} must be {expected}, got {given}"
            require_shape(own, states[name], message, name=name, what=self.name)
        lead = shape[:-2] if self.final else shape[:-1]
        return (*lead, self.in_both(self.width))

    def states(self, shape: Shape) -> Shapes:
        """Return the shapes of the additional outputs for an input of a given shape."""
        rows = self.in_both(self.layers)
        return tuple([(*shape[:-2], rows, width) for width in self.state_widths()])

    def outputs(self, inputs: Shapes) -> Shapes:
        return (self.output(inputs), *self.states(inputs[0]))

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        rows = self.gates * self.units
        cells = self.in_both(self.layers)
        found = [Weight("input", (self.in_both(rows), inputs[0][-1]))]
        if self.is_deep:
            found.append(Weight("deeper", (self.in_both(self.layers - 1) * rows, self.in_both(self.width))))
        found.append(Weight("recurrent", (cells * rows, self.width)))
        if self.bias:
            found.append(Weight("bias", (cells * rows,), added=True))
        if self.bias and self.recurrent_bias:
            found.append(Weight("recurrent_bias", (cells * rows,), added=True))
        return tuple(found)

    @property
    def is_deep(self) -> bool:
        """Whether there is more than one layer, or may be."""
        return not known_equal(self.layers, 1)

    def cost(self, inputs: Shapes) -> Cost:
        shape = inputs[0]
        step = self.step(shape[-1])
        if self.is_deep:
            step = step + self.step(self.in_both(self.width)).times(self.layers - 1)
        step = Cost(
            {kind: let(f"{kind}_step", self.in_both(count)) for kind, count in step.operations.items()},
            let("macs_step", self.in_both(step.macs)),
            let("connections_step", self.in_both(step.connections)),
        )
        return step.times(product(shape[:-1]))

    def multiplications(self, inputs: Shapes) -> tuple[Multiplication, ...]:
        """Return those of the input, of the outputs that deeper layers read, and of the outputs of earlier steps."""
        shape, rows = inputs[0], self.gates * self.units
        steps = product(shape[:-1])
        cells = steps * self.in_both(self.layers)
        stored = [each.name for each in self.weights(inputs)]
        by_output = self.differentiated_by == "output"
        outputs = Factor((*range(len(inputs)), *stored), "outputs", self.outputs_kept(steps), by_output)
        found = [Multiplication(steps * self.in_both(rows * shape[-1]), Factor((0,)), Factor(("input",)))]
        if self.is_deep:
            deeper = steps * self.in_both(rows * self.in_both(self.width)) * (self.layers - 1)
            found.append(Multiplication(deeper, outputs, Factor(("deeper",))))
        return (*found, Multiplication(cells * rows * self.width, outputs, Factor(("recurrent",))))

    def outputs_kept(self, steps: Number) -> Number:
        """Return the elements of the outputs of all layers that are not those of the operator itself."""
        return steps * self.in_both(self.layers if self.final else self.layers - 1) * self.width

    def kept(self, inputs: Shapes, needs: Needs, *, in_place: bool = False) -> tuple[Kept, ...]:
        """Return also the output, if it is that of all steps, and the gates and cells."""
        cells = product(inputs[0][:-1]) * self.in_both(self.layers)
        found = self.factors_kept(inputs, needs)
        if not self.final and (self.differentiated_by == "output" or "recurrent" in needs.arrays):
            found.append(OUTPUT)
        if self.remembered:
            found.append(Kept("made", name="gates", elements=cells * self.remembered * self.units))
        return tuple(found)

    def step(self, features: Number) -> Cost:
        """Return the cost of one step of a layer in one direction, given the features that it reads."""
        rows = self.gates * self.units
        read = weighted_sums_cost(rows * features, rows, self.bias)
        remembered = weighted_sums_cost(rows * self.width, rows, self.bias and self.recurrent_bias)
        return read + remembered + Cost({"add": rows}) + self.elementwise()

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        return self._windows(inputs, None if self.final or self.bidirectional else Window(from_start=True))

    def windows_of(self, output: int, inputs: Shapes) -> tuple[Reach, ...]:
        """Return the windows of an output; the states depend on all positions."""
        return self._windows(inputs, None) if output else self.windows(inputs)

    def _windows(self, inputs: Shapes, positions: Window | None) -> tuple[Reach, ...]:
        shape, *states = inputs
        lead = tuple(Window() for _ in shape[:-2])
        return ((*lead, positions, None), *((*lead, None, None) for _ in states))

    def initial(self, array: str, shape: tuple[int, ...], read: Spread) -> InitialValues:
        """Return the initial values; only those of the first layer depend on the input."""
        if array.endswith("bias"):
            return InitialValues()
        return super().initial(array, shape, read if array == "input" else STANDARD_SPREAD)

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        return Spread(0.0, 0.2)


@operator("rnn", reserved=False)
class Rnn(RecurrentLayer):
    """Recurrent layer (Elman): h_t = act(W·x_t + b + R·h_{t−1} + b′).

    With ``bidirectional``, outputs of both directions are concatenated along the features. The additional output
    ``state`` is the last output of every layer and direction.

    Shape:  …×n×features → …×n×units, or …×units with ``final``; twice the units with ``bidirectional``;
            state …×layers×units, twice the layers with ``bidirectional``
    Params: per direction units·(features + units), in further layers units·(all outputs of the layer before + units),
            and two biases per unit; one with ``onebias``
    Cost:   macs per step = the number of these parameters without biases, times n per sequence; the additions in both
            sums, of their biases, and of one sum to the other; per unit 1 hyperbolic tangent (with ``relu``, 1
            comparison)
    Window: all positions up to its own; all with ``bidirectional`` or ``final``
    Source: Elman 1990; PyTorch RNN; Keras SimpleRNN
    """

    aliases = ("simplernn", "elman", "vanillarnn", "rnncell")
    gates = 1
    remembered = 0

    act: str = word("tanh", "tanh", "relu", flags=True, help="the activation")

    def elementwise(self) -> Cost:
        return (Relu() if self.act == "relu" else Tanh()).cost(((self.units,),))

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        """Return the spread of the outputs: with relu, that of the sum of two numbers of variance 1."""
        return Spread(0.0, 2.0).rectified() if self.act == "relu" else super().spread(read, shapes)


@operator("lstm", reserved=False)
class Lstm(RecurrentLayer):
    """Long short-term memory: c_t = f∘c_{t−1} + i∘g, h_t = o∘tanh(c_t), with i, f, o = σ(…) and g = tanh(…).

    Each of i, f, g, o has weighted sums W·x_t + b + R·h_{t−1} + b′. With ``proj``, the output is P·h_t, which takes the
    place of h_{t−1} in the next step. With ``peepholes``, p∘c_{t−1} is added to the sums of i and f, and p∘c_t to those
    of o, with a weight per unit and gate. With ``bidirectional``, outputs of both directions are concatenated along the
    features. The additional outputs ``state`` and ``cell`` are the last output and the last c of every layer and
    direction.

    Shape:  …×n×features → …×n×units, or …×units with ``final``; twice the units with ``bidirectional``, ``proj`` in
            place of units; state and cell …×layers×units, twice the layers with ``bidirectional``
    Params: per direction 4·units·(features + units), in further layers 4·units·(all outputs of the layer before +
            units), and 2·4·units biases; 4·units with ``onebias``; with ``proj``, units·proj more, and proj in place of
            the units that are read; with ``peepholes``, 3·units more
    Cost:   macs per step = the number of these parameters without biases and peepholes, times n per sequence; the
            additions in both sums, of their biases, and of one sum to the other; per unit 3 logistic functions, 2
            hyperbolic tangents, 3 multiplications, 1 addition; with ``peepholes``, 3 multiplications and 3 additions
            more
    Window: all positions up to its own; all with ``bidirectional`` or ``final``
    Source: Hochreiter & Schmidhuber 1997; Gers et al. 2000 (forget gate); Gers & Schmidhuber 2000 (peepholes); Sak et
            al. 2014 (projection); PyTorch LSTM; Keras LSTM; ONNX LSTM (peepholes)
    """

    gates = 4
    remembered = 5
    differentiated_by = ""
    further_outputs = ("state", "cell")
    aliases = ("longshorttermmemory", "cudnnlstm", "lstmcell")
    single_channel: ClassVar[Mapping[str, Any]] = {"units": 1, "proj": None}

    proj: Number | None = integer(None, help="features of a projection of the outputs; by default none")
    peepholes: bool = flag(
        False, "peepholes", reserved=False, help="whether the gates also read c, each with one weight per unit"
    )
    cell: bool = tensor(help="c before the first step, one row per layer and direction; by default zeros")

    @property
    def widths(self) -> tuple[str, ...]:  # type: ignore[override]
        """The names of the attributes that determine the width of the output."""
        return ("units",) if self.proj is None else ("units", "proj")

    @property
    def width(self) -> Number:
        """The number of features that a layer outputs in one direction."""
        return self.units if self.proj is None else self.proj

    def state_widths(self) -> tuple[Number, ...]:
        """Return the features of each additional output."""
        return (self.width, self.units)

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        found, cells = super().weights(inputs), self.in_both(self.layers)
        if self.peepholes:
            found = (*found, Weight("peephole", (cells * self.peephole_rows,)))
        if self.proj is not None:
            found = (*found, Weight("projection", (cells * self.proj, self.units)))
        return found

    @property
    def peephole_rows(self) -> Number:
        """The weights of a cell with which its gates read c."""
        return 3 * self.units

    def multiplications(self, inputs: Shapes) -> tuple[Multiplication, ...]:
        found = super().multiplications(inputs)
        if self.proj is None:
            return found
        read = product(inputs[0][:-1]) * self.in_both(self.layers) * self.units
        projected = Factor(found[-1].left.sources, "projected", read)
        return (*found, Multiplication(read * self.proj, projected, Factor(("projection",))))

    def elementwise(self) -> Cost:
        one = (self.units,)
        gates = Sigmoid().cost((one,)).times(3) + Tanh().cost((one,)).times(2)
        found = gates + Cost({"mul": 3 * self.units, "add": self.units})
        if not self.peepholes:
            return found
        rows = self.peephole_rows
        return found + Cost({"mul": rows, "add": rows}, connections=rows)

    def step(self, features: Number) -> Cost:
        """Return the cost of one step of a layer in one direction, given the features that it reads."""
        found = super().step(features)
        return found if self.proj is None else found + weighted_sums_cost(self.proj * self.units, self.proj, False)


@operator("gru", reserved=False)
class Gru(RecurrentLayer):
    """Gated recurrent unit: h_t = (1 − z)∘n + z∘h_{t−1}, with r, z = σ(…) and n = tanh(W·x_t + b + r∘(R·h_{t−1} + b′)).

    Each of r, z has weighted sums W·x_t + b + R·h_{t−1} + b′. With ``reset_before``, r is applied before the sums:
    n = tanh(W·x_t + b + R·(r∘h_{t−1}) + b′). With ``bidirectional``, outputs of both directions are concatenated along
    the features. The additional output ``state`` is the last output of every layer and direction.

    Shape:  …×n×features → …×n×units, or …×units with ``final``; twice the units with ``bidirectional``;
            state …×layers×units, twice the layers with ``bidirectional``
    Params: per direction 3·units·(features + units), in further layers 3·units·(all outputs of the layer before +
            units), and 2·3·units biases; 3·units with ``onebias``, as in Keras with ``reset_after=False``
    Cost:   macs per step = the number of these parameters without biases, times n per sequence; the additions in both
            sums, of their biases, and of one sum to the other; per unit 2 logistic functions, 1 hyperbolic tangent, 3
            multiplications, 2 additions
    Window: all positions up to its own; all with ``bidirectional`` or ``final``
    Source: Cho et al. 2014; PyTorch GRU; Keras GRU (which swaps z and 1 − z)
    """

    aliases = ("gatedrecurrentunit", "cudnngru", "grucell")
    gates = 3
    remembered = 4

    reset_after: bool = flag(
        True,
        "reset_before",
        reserved=False,
        help="whether r is applied after the sums over previous outputs, or before",
    )

    def elementwise(self) -> Cost:
        one = (self.units,)
        gates = Sigmoid().cost((one,)).times(2) + Tanh().cost((one,))
        return gates + Cost({"mul": 3 * self.units, "add": 2 * self.units})
