"""Layers that the user declares, because the file does not say what they compute: ``--layer "my_layer=relu"``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from archcalc.graph import Ref
from archcalc.readers.keras.flat_model import FlatCall
from archcalc.spec.errors import Source, fail, suggest
from archcalc.spec.read import read_spec
from archcalc.spec.records import GivenSettings

if TYPE_CHECKING:
    from archcalc.readers.keras.view import LayerView


class DeclaredLayers:
    """What layers are, by their names or classes."""

    def __init__(self, written: Mapping[str, str]) -> None:
        """Keep the declarations.

        Args:
            written: chains of operators by the name of a layer, or of its class.
        """
        self._written = written

    def __bool__(self) -> bool:
        return bool(self._written)

    def of(self, call: FlatCall) -> str | None:
        """Return the name under which the layer of a call is declared; ``None`` if it is not."""
        layer = call.layer
        names = ("/".join(call.path), "/".join(call.key), layer.name, layer.class_name)
        return next((name for name in names if name in self._written), None)

    def require_used(self, calls: tuple[FlatCall, ...]) -> None:
        """Require that every declaration is of a layer of the model."""
        used = {self.of(call) for call in calls}
        for name in self._written:
            if name not in used:
                known = {each for call in calls for each in ("/".join(call.path), call.layer.class_name)}
                hint = suggest(name, known, "give the name of a layer, as `archcalc show` prints it, or its class")
                fail("unknown-name", f"no layer or class '{name[:60]}'", hint=hint, origin=f"--layer {name[:40]}")

    def add(self, name: str, view: LayerView, layout: str) -> Ref:
        """Add the operators of a declared layer, and return its output.

        Raises:
            SpecError: the chain cannot be read, or the layer cannot exist on its input.
        """
        shape = view.shape(view.x)
        source = Source(f"--layer {name}", f"{'x'.join('1' for _ in shape)} -> {self._written[name]}")
        sizes = {f"n{axis}": size for axis, size in enumerate(shape)}
        graph = read_spec(source, GivenSettings(layout=layout, numbers=sizes), inline=True).graph
        made: dict[Ref, Ref] = {Ref(0): view.x}
        for number, node in graph.layers():
            ref = view.add(node.op, *[made[each] for each in node.inputs])
            made |= {each: ref._replace(output=each.output) for each in graph.made_by(number)}
        (output, *_) = graph.outputs.values()
        return made[output]
