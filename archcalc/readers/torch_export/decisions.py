"""Values that decide which graph is called, or how often: they must follow from constants and from given inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from archcalc.readers.aten.calls import tensors_in
from archcalc.readers.aten.program import Call
from archcalc.readers.aten.storage import is_in_place
from archcalc.readers.torch_export.checked_json import list_at
from archcalc.readers.torch_export.inlining import Json, names_in
from archcalc.spec.errors import SpecError


class InputLabel(NamedTuple):
    """An input as users know it."""

    name: str
    is_single: bool
    """Whether it is one number."""


class Decisions:
    """Evaluates calls of a program, as far as they do not depend on inputs or stored arrays."""

    def __init__(
        self, decoded: Callable[[Json], Call], given: Iterable[Call], inputs: Mapping[str, InputLabel]
    ) -> None:
        """Prepare the evaluation.

        Args:
            decoded: returns the call of an entry in the file.
            given: the calls that make inputs whose numbers are given.
            inputs: what is known about the inputs, by their names in the file.
        """
        self._decoded, self._inputs = decoded, inputs
        self._given = {name: call for call in given for name in call.outputs if name is not None}
        self._arrays: dict[str, Any] = {}

    def inside(self) -> Decisions:
        """Return what evaluates calls in a graph within the program, whose names are its own."""
        return Decisions(self._decoded, (), {})

    def truth(self, makers: Mapping[str, Json], name: str) -> bool | None:
        """Return whether a tensor of one number is true; ``None`` if that is not known.

        Args:
            makers: the calls of the graph so far, by the names of their results.
            name: the name of the tensor.
        """
        value = self._value(makers, name)
        return None if value is None or value.size != 1 else bool(value.ravel()[0])

    def reason(self, makers: Mapping[str, Json], name: str) -> str:
        """Return why a value is not known: the inputs that decide it; see `truth`."""
        found = [self._inputs[each] for each in self._leaves(makers, name) if each in self._inputs]
        options = " ".join(f"--input {each.name}=NUMBER" for each in found if each.is_single)
        names = " and ".join(f"'{each.name}'" for each in found)
        given = f" ({options})" if len(options.split()) == 2 * len(found) else ""
        return f"the numbers in {names} decide{given}" if found else "its condition is not known"

    def _leaves(self, makers: Mapping[str, Json], name: str) -> list[str]:
        """Return the tensors from which a tensor is computed and that are not computed themselves, in order."""
        found: dict[str, None] = {}
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            each = waiting.pop()
            if each in seen:
                continue
            seen.add(each)
            if each in makers:
                waiting += names_in(list_at(makers[each], "inputs"))
            elif each not in self._given:
                found[each] = None
        return [*found]

    def _value(self, makers: Mapping[str, Json], name: str) -> Any:
        started: set[str] = set()
        waiting = [name]
        while waiting:
            each = waiting[-1]
            if each in self._arrays:
                waiting.pop()
                continue
            call = self._given.get(each) or (self._decoded(makers[each]) if each in makers else None)
            if call is None or not call.target.startswith("aten.") or is_in_place(call.target):
                return None
            missing = [read for read in tensors_in([*call.arguments.values()]) if read not in self._arrays]
            if missing and each in started:
                return None  # a call whose evaluation failed, or that reads itself
            started.add(each)
            if missing:
                waiting += missing
                continue
            if not self._evaluate(call, each):
                return None
        return self._arrays[name]

    def _evaluate(self, call: Call, name: str) -> bool:
        """Evaluate a call whose arguments are known; return whether its result is."""
        from archcalc.readers.aten.constants import evaluate_call

        try:
            evaluate_call(call, self._arrays, "")
        except SpecError:  # an operator that constants are not computed by
            return False
        return name in self._arrays
