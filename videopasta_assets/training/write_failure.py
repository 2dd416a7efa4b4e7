"""Why a run's files could not be written, in the words of each library that writes them."""

import shutil
from pathlib import Path
from typing import Final

from safetensors import SafetensorError

_TORN_ARCHIVE: Final = ("PytorchStreamWriter", "unexpected pos")
"""Words of torch.save when a write fell short; it does not tell the system's reason."""
_NEARLY_FULL: Final = 1 << 20
"""Bytes left of a disk on which a write fell short for want of space."""


def write_failure(error: Exception, folder: Path) -> str | None:
    """Why a file in `folder` could not be written, as each library tells it; None when that is not what failed."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    text = str(error)
    if isinstance(error, SafetensorError) and "Io" in text:  # its Rust error, which holds the system's number
        return "No space left on device" if "code: 28" in text or "StorageFull" in text else text
    if any(words in text for words in _TORN_ARCHIVE):
        full = shutil.disk_usage(folder).free < _NEARLY_FULL
        return "the disk is full" if full else "a checkpoint could not be written whole"
    return None
