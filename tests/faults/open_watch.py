"""Who opens files in a folder: every process is seen, whatever language it is written in (Linux's inotify)."""

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_IN_OPEN = 0x20
_NONBLOCK = 0x800


class OpenWatch:
    """Names of files that were opened since the last look."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def opened(self) -> set[str]:
        """Names in the watched folders, and then forget them."""
        names: set[str] = set()
        while True:
            try:
                events = os.read(self._descriptor, 1 << 16)
            except BlockingIOError:
                return names
            position = 0
            while position < len(events):
                length = struct.unpack_from("I", events, position + 12)[0]
                names.add(events[position + 16 : position + 16 + length].rstrip(b"\0").decode("utf-8", "replace"))
                position += 16 + length


@contextmanager
def open_watch(*folders: Path) -> Iterator[OpenWatch]:
    """Watch the files in `folders`, without their subfolders."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(_NONBLOCK)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), "inotify_init1")
    try:
        for folder in folders:
            if libc.inotify_add_watch(descriptor, os.fsencode(folder), _IN_OPEN) < 0:
                raise OSError(ctypes.get_errno(), "inotify_add_watch", str(folder))
        yield OpenWatch(descriptor)
    finally:
        os.close(descriptor)
