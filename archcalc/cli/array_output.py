"""Arrays that are written to the files of NumPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from archcalc.cli.files import output_errors, write_with
from archcalc.spec.errors import fail

if TYPE_CHECKING:
    from archcalc.executor.kernel import Array


def require_room(path: str | None, names: Sequence[str], option: str, what: str) -> None:
    """Fail if a file is to hold several arrays but can hold only one.

    Args:
        path: the file of ``--output``.
        names: the names of the arrays.
        option: the option that chooses one of them.
        what: what the arrays are, for the message.
    """
    if path is not None and path.endswith(".npy") and len(names) > 1:
        listed = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
        message = f"an .npy file holds one array, but there are {len(names)} {what}: {listed}"
        fail("argument", message, hint=f"write to an .npz file, or choose one with {option}", origin="--output")


def write_arrays_to(path: str, arrays: Mapping[str, Array], option: str, *, named: bool = False) -> None:
    """Write one array to an .npy file, or several, or ``named`` ones, by name to an .npz file.

    Raises:
        SpecError: the file of the option cannot be written.
    """
    from archcalc.executor.files import write_array, write_arrays

    single = len(arrays) == 1 and not named and not path.endswith(".npz")
    with output_errors(option, path):
        if single:
            write_with(path, lambda file: write_array(file, next(iter(arrays.values()))))
        else:
            write_with(path, lambda file: write_arrays(file, arrays))
