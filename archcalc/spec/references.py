"""What references stand for: local names, parameters, stages and inputs, and paths into them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NoReturn, TypeAlias

from archcalc.graph import Ref
from archcalc.spec import syntax
from archcalc.spec.calls import listed
from archcalc.spec.errors import fail, suggest
from archcalc.spec.network import ParsedNetwork
from archcalc.spec.paths import CallFrame, Destination, in_full, matching
from archcalc.spec.values import Names, TensorValue, describe

Locals: TypeAlias = Mapping[str, Destination]
"""The named entries that a place of the text can refer to."""

FurtherOutputs: TypeAlias = Callable[[Ref], Sequence[str]]
"""Returns the names of the additional outputs of a layer, given its first one; none for other tensors."""


class References:
    """The tensors of a network that has been built so far, by name."""

    def __init__(self, network: ParsedNetwork, further_outputs: FurtherOutputs) -> None:
        self.further_outputs = further_outputs
        chains = (*network.stages, *network.heads, *network.training_heads)
        self.taken = {*network.inputs, *(stage.name for stage in chains if stage.name)}
        """The names of all stages, heads and inputs."""
        self.finished: dict[str, Destination] = {}
        self.inner: dict[str, list[Destination]] = {}
        """What paths into each finished stage can end with."""
        self.stage: str | None = None
        self.current: list[Destination] = []
        """The entries and calls of the stage that is being built."""

    @property
    def stages(self) -> dict[str, Ref]:
        """The outputs of stages, heads and inputs by name."""
        return {name: mark.ref for name, mark in self.finished.items()}

    def begin(self, stage: str | None) -> None:
        """Start a stage."""
        self.stage, self.current = stage, []

    def end(self, name: str, mark: Destination, layers: Sequence[Destination] = ()) -> None:
        """Add a finished stage or an input, and the layers of the stage."""
        self.finished[name] = mark
        self.inner[name] = [*self.current, *layers]

    def one(self, written: syntax.Reference, local: Locals, names: Names) -> Destination:
        """Return what a reference stands for.

        Raises:
            SpecError: it stands for nothing, or for several tensors.
        """
        path = written.name.split("/")[1:]
        base, marks, inside = self.start(written, local, names)
        if not path:
            return base
        found = matching(path, marks, inside)
        found = in_full(path, found, inside) or found
        if len(found) == 1:
            return found[0]
        if not found and (output := self.output(base, path, marks, inside)) is not None:
            return output
        return self.not_one(written, found, marks, inside, self.further_outputs(base.ref))

    def every(self, written: syntax.Reference, local: Locals) -> list[Ref]:
        """Return all tensors that a reference with a star stands for, in order.

        Raises:
            SpecError: there are none.
        """
        path = written.name.split("/")[1:]
        _, marks, inside = self.start(written, local, {})
        if not path:
            hint = f"name what is repeated inside '{written.name}': @{written.name}/skip*"
            fail("reference", f"'@{written.name}' is a single tensor", written.span, hint)
        found = matching(path, marks, inside)
        if not found:
            self.not_one(written, found, marks, inside)
        return [mark.ref for mark in found]

    def start(
        self, written: syntax.Reference, local: Locals, names: Names
    ) -> tuple[Destination, list[Destination], CallFrame | None]:
        """Return what the first name of a path stands for, and the marks and the frame that the others refer to."""
        name = written.first
        if name in local:
            return local[name], self.current, local[name].frame
        held = names.get(name)
        if isinstance(held, TensorValue):
            return held.mark, [], None
        if name in self.finished:
            return self.finished[name], self.inner[name], None
        if held is not None and name not in self.taken:
            message = f"'{name}' must be a tensor, got {describe(held)}"
            fail("reference", message, written.span, "pass one to the block: f(@stage)")
        unknown_reference(written, self.stage, [*local, *self.finished], self.taken)

    def output(
        self, base: Destination, path: list[str], marks: list[Destination], inside: CallFrame | None
    ) -> Destination | None:
        """Return the additional output of a layer that a path ends with; ``None`` if there is none."""
        *before, last = path
        owners = matching(before, marks, inside) if before else [base]
        if len(owners) != 1 or last not in (names := self.further_outputs(owners[0].ref)):
            return None
        return Destination(Ref(owners[0].ref.node, names.index(last) + 1), owners[0].layers)

    def not_one(
        self,
        written: syntax.Reference,
        found: list[Destination],
        marks: list[Destination],
        inside: CallFrame | None,
        further: Sequence[str] = (),
    ) -> NoReturn:
        """Raise the error that a path leads to nothing, or to several tensors."""
        start, *path = written.name.split("/")

        def full(mark: Destination) -> str:
            return "/".join([start, *(name for name, _ in mark.names(inside) or ())])

        if found:
            hint = f"name one of them, @{full(found[0])}; or join all of them, add(@{written.name}*)"
            fail("reference", f"'@{written.name}' leads to {len(found):,} tensors", written.span, hint)
        known = [full(mark) for mark in marks if mark.names(inside)]
        known += [f"{start}/{name}" for name in further]
        ending = [name for name in known if name.endswith(f"/{path[-1]}")]
        hint = suggest(written.name, ending or known, listed(f"in '{start}' there are", known))
        fail("reference", f"no '{'/'.join(path)}' in '{start}'", written.span, hint)


def unknown_reference(
    reference: syntax.Reference, stage: str | None, earlier: Collection[str], all_names: Collection[str]
) -> NoReturn:
    """Raise the error that a reference names no input or earlier stage."""
    name = reference.first
    if name == stage:
        fail("reference", f"'@{name}' refers to the stage that contains it", reference.span)
    if name in all_names:
        hint = "a reference can only name an input or an earlier stage"
        fail("reference", f"'@{name}' refers to a later stage", reference.span, hint)
    hint = suggest(name, earlier, listed("known names", list(earlier)))
    fail("reference", f"no input or earlier stage '{name}'", reference.span, hint)
