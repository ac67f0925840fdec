"""A process of its own: reads all of an HDF5 file but its numbers.

On some damaged files, the HDF5 library loops without an end, or crashes. It does so here first, where the time that the
processor may take is limited. The file is the argument, or standard input if there is none.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any

import h5py

SECONDS, MORE_SECONDS, MORE_BYTES = 5, 120, 1 << 20
"""The seconds of processor time for any file, those that a large file may take in addition, and the number of bytes for
each of these."""


def walk(file: Any) -> None:
    """Read all objects and attributes of a file, and where the numbers of arrays are."""
    seen = {h5py.h5o.get_info(file.id).addr}
    waiting = [file]
    while waiting:
        each = waiting.pop()
        read_attributes(each)
        if isinstance(each, h5py.Dataset):
            read_layout(each)
        if not isinstance(each, h5py.Group):
            continue
        with suppress(Exception):  # the names may be damaged
            for key in each:
                with suppress(Exception):
                    if not isinstance(each.get(key, getlink=True), h5py.HardLink):
                        continue
                    inner = each[key]
                    address = h5py.h5o.get_info(inner.id).addr
                    if address not in seen:
                        seen.add(address)
                        waiting.append(inner)


def read_attributes(item: Any) -> None:
    with suppress(Exception):
        for number in range(h5py.h5a.get_num_attrs(item.id)):
            with suppress(Exception):
                item.attrs[h5py.h5a.open(item.id, index=number).name]


def read_layout(data: Any) -> None:
    with suppress(Exception):
        _ = data.shape, data.dtype, data.external, data.is_virtual, data.id.get_storage_size()
    with suppress(Exception):
        if data.chunks is not None:
            data.id.get_num_chunks()


def limit_time(size: int) -> None:
    """Limit the processor time of this process to what a file of this size may need."""
    try:
        import resource
    except ImportError:  # not on this system; whoever waits for this process has a limit too
        return
    seconds = SECONDS + min(size // MORE_BYTES, MORE_SECONDS)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    if len(sys.argv) > 1:
        source: Any = sys.argv[1]
        limit_time(os.path.getsize(source))
    else:
        source = io.BytesIO(sys.stdin.buffer.read())
        limit_time(len(source.getbuffer()))
    with suppress(Exception), h5py.File(source, "r", locking=False) as file:
        walk(file)


if __name__ == "__main__":
    main()
