"""New files that the last look left alone: since when each has had the size and times that it has.

Kept in the lake, so that the second of two looks may be made by another process. Damaged or deleted, every new file
waits for one more look.
"""

import io
import zipfile
from collections.abc import Mapping
from typing import Final

import numpy as np

from videopasta_assets.lake.known_files import fingerprint
from videopasta_assets.lake.store import Lake

_FILE: Final = "landing/waiting_files.npz"
_BYTES: Final = 16


def waiting_mark(path: str, size_bytes: int, touched_ns: int) -> bytes:
    """16 bytes that name a file as it is now: any change of it gives another mark."""
    return fingerprint(path, size_bytes, touched_ns)


def read_waiting(lake: Lake) -> dict[bytes, float]:
    """Unix seconds by mark."""
    try:
        with np.load(io.BytesIO(lake.read_file(_FILE)), allow_pickle=False) as data:
            # NumPy cuts zero bytes off the end of a bytes item.
            marks = (bytes(mark).ljust(_BYTES, b"\0") for mark in data["marks"])
            return dict(zip(marks, (float(first) for first in data["since"]), strict=True))
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return {}


def keep_waiting(lake: Lake, waiting: Mapping[bytes, float]) -> None:
    """Replace what was kept."""
    if not waiting:
        lake.remove_file(_FILE)
        return
    if waiting == read_waiting(lake):
        return
    buffer = io.BytesIO()
    np.savez(buffer, marks=np.array(list(waiting), dtype=f"S{_BYTES}"), since=np.array(list(waiting.values())))
    lake.write_file(_FILE, buffer.getvalue())
