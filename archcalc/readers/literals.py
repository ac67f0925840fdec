"""Numbers in a file that fit only the sizes for which it was exported: which operation has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archcalc.readers.steps import Step


def find_fixed_step(failed: Step, steps: Sequence[Step], is_changed: Callable[[int], bool]) -> tuple[Step, int] | None:
    """Return the step that gives one tensor of a join the sizes in the file, while others have other sizes.

    Args:
        failed: the step whose inputs do not fit together.
        steps: the steps before it.
        is_changed: returns whether a tensor has another shape than in the file.

    Returns:
        The nearest step before the join whose output stays as in the file although its input does not, or that stores
        a tensor, and this output; ``None`` if all inputs have other sizes.
    """
    if not any(map(is_changed, failed.inputs)):
        return None
    maker = {tensor: step for step in steps for tensor in step.outputs}
    waiting = [tensor for tensor in failed.inputs if not is_changed(tensor)]
    stored: tuple[Step, int] | None = None
    seen: set[int] = set()
    for tensor in waiting:  # grows
        step = maker.get(tensor)
        if step is None or tensor in seen:
            continue
        seen.add(tensor)
        if any(map(is_changed, step.inputs)):
            return step, tensor
        if not step.inputs and stored is None:
            stored = step, tensor
        waiting += step.inputs
    return stored
