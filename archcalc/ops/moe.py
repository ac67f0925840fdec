"""Mixtures of experts: layers of which every token uses a part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from archcalc.numeric import Number, exact_div, product, require
from archcalc.ops.activation import Gelu, Relu, Silu
from archcalc.ops.backward import Factor, Kept, Multiplication, Needs, Sources
from archcalc.ops.base import Cost, Operator, Shape, Shapes, Weight, axis_reach, operations, operator
from archcalc.ops.conv import weighted_sums_cost
from archcalc.ops.fields import flag, integer, word
from archcalc.ops.traits import STANDARD_SPREAD, InitialValues, Spread
from archcalc.ops.window import Reach

ACTIVATIONS: Mapping[str, Operator] = {"relu": Relu(), "gelu": Gelu(form="exact"), "silu": Silu()}


@operator("moe", reserved=False)
class MixtureOfExperts(Operator):
    """Mixture of experts: small networks of two layers, of which a router chooses ``top`` for every token.

    The router is a linear layer with an output per expert. The chosen experts are those with the largest outputs; a
    softmax of these gives their shares in the result. An expert has ``hidden`` units between its layers. ``gated``
    experts multiply the activation by a second linear layer, as `swiglu` does. All linear layers have biases, unless
    ``nobias``.

    Shape:  …×features, unchanged
    Params: those of all experts, experts·2·hidden·features (3 instead of 2 if ``gated``), and experts·features of the
            router; for active_params, top takes the place of experts
    Cost:   per token macs = experts·features + top·2·hidden·features (3 instead of 2 if ``gated``); the choice
            top·experts − top·(top + 1)/2 comparisons; the shares a softmax of top numbers, whose maximum is known from
            the choice; the activation top·hidden times; with ``gated`` top·hidden multiplications; the sum of the
            results by their shares top·features multiplications and (top − 1)·features additions
    Window: position by position
    Source: Shazeer et al. 2017; Jiang et al. 2024 (Mixtral)
    """

    aliases = ("mixtureofexperts", "sparsemoe")
    pairs_features = True
    reads_features = "last"
    widths = ("hidden",)
    single_channel: ClassVar[Mapping[str, Any]] = {"hidden": 1}

    hidden: Number = integer(positional=True, help="units between the two layers of an expert")
    experts: Number = integer(example="8", help="number of experts")
    top: Number = integer(2, help="number of experts that a token uses")
    act: str = word("relu", *ACTIVATIONS, help="the activation of the experts")
    gated: bool = flag(False, "gated", reserved=False, help="whether a second linear layer multiplies the activation")
    bias: bool = flag(True, "nobias", help="biases of the router and of the experts")

    @property
    def activation(self) -> Operator:
        """The activation of the experts."""
        return ACTIVATIONS[self.act]

    def output(self, inputs: Shapes) -> Shape:
        require(
            self.top <= self.experts,
            "top must be at most the number of experts, {experts}, got {top}",
            experts=self.experts,
            top=self.top,
        )
        return inputs[0]

    def layers(self, features: Number) -> list[tuple[str, Number, Number]]:
        """Return the linear layers of an expert: name, outputs, inputs."""
        names = ("up", "gate") if self.gated else ("up",)
        return [*((name, self.hidden, features) for name in names), ("down", features, self.hidden)]

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        features = inputs[0][-1]
        found = [Weight("router", (self.experts, features))]
        if self.bias:
            found.append(Weight("router_bias", (self.experts,), added=True))
        for name, outputs, read in self.layers(features):
            found.append(Weight(name, (self.experts, outputs, read), active=(self.top, outputs, read)))
            if self.bias:
                shape, active = (self.experts, outputs), (self.top, outputs)
                found.append(Weight(f"{name}_bias", shape, added=True, active=active))
        return tuple(found)

    def multiplications(self, inputs: Shapes) -> tuple[Multiplication, ...]:
        *positions, features = inputs[0]
        tokens = product(positions)
        used = tokens * self.top
        found = [Multiplication(tokens * self.experts * features, Factor((0,)), Factor(("router",)))]
        first = [name for name, _, _ in self.layers(features)[:-1]]
        found += [Multiplication(used * self.hidden * features, Factor((0,)), Factor((name,))) for name in first]
        sources: Sources = (0, *first, *[f"{name}_bias" for name in first])
        by_output = not self.gated and self.activation.differentiated_by == "output"
        hidden = Factor(sources, "hidden", used * self.hidden, in_derivative=by_output)
        return (*found, Multiplication(used * features * self.hidden, hidden, Factor(("down",))))

    def kept(self, inputs: Shapes, needs: Needs, *, in_place: bool = False) -> tuple[Kept, ...]:
        """Return also which experts are chosen, their shares and outputs, and what the activation needs."""
        *positions, features = inputs[0]
        used = product(positions) * self.top
        widths = {"chosen": used, "shares": used, "outputs": used * features}
        if self.gated or self.activation.differentiated_by == "input":
            widths |= {name: used * self.hidden for name, _, _ in self.layers(features)[:-1]}
        made = [Kept("made", name=name, elements=elements) for name, elements in widths.items()]
        return (*super().kept(inputs, needs, in_place=in_place), *made)

    def cost(self, inputs: Shapes) -> Cost:
        *positions, features = inputs[0]
        tokens = product(positions)
        used = tokens * self.top
        found = weighted_sums_cost(tokens * self.experts * features, tokens * self.experts, self.bias)
        for _, outputs, read in self.layers(features):
            found = found + weighted_sums_cost(used * outputs * read, used * outputs, self.bias)
        found = found + self.activation.cost(((used, self.hidden),))
        if self.gated:
            found = found + Cost({"mul": used * self.hidden})
        compared = used * self.experts - tokens * exact_div(self.top * (self.top + 1), 2)
        shares = operations(cmp=compared, add=2 * used - tokens, exp=used, div=used)
        return found + Cost(shares) + Cost({"mul": used * features, "add": (used - tokens) * features})

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        return (axis_reach(-1, inputs[0]),)

    def fan_in(self, shape: tuple[int, ...]) -> float:
        return float(shape[-1])

    def initial(self, array: str, shape: tuple[int, ...], read: Spread) -> InitialValues:
        """Return the initial values; the last layer of an expert reads about the mean square of one."""
        if array.endswith("_bias"):
            return InitialValues()
        return super().initial(array, shape, STANDARD_SPREAD if array == "down" else read)

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        return STANDARD_SPREAD
