"""Files that survive a kill, a power cut and a full disk: replaced whole, or grown line by line."""

import errno
import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from videopasta_assets.lake.objects import LakeError, LakePath, is_object, put_object

_TEMPORARY: Final = "*.tmp"

_KEPT: Final = "Free some space and run again: finished rows are kept"
_REASONS: Final[dict[int | None, str]] = {
    errno.ENOSPC: f"the disk is full. {_KEPT}",
    errno.EDQUOT: f"the disk quota is used up. {_KEPT}",
    errno.EFBIG: "files of this size are not allowed here. Raise the limit (ulimit -f) and run again",
    errno.EROFS: "the file system is read-only. Choose another place for the lake in videopasta.yaml",
    errno.EACCES: "no permission to write there. Mend the permissions, or choose another place for the lake",
    errno.EPERM: "no permission to write there. Mend the permissions, or choose another place for the lake",
    errno.ENOTDIR: "a part of the path is a file. Choose another place for the lake in videopasta.yaml",
    errno.EEXIST: "a file of that name is in the way. Choose another place for the lake in videopasta.yaml",
    errno.EMFILE: "this process has too many files open. Raise the limit (ulimit -n) and run again",
    errno.EIO: "the disk reports an error. Look at the disk, then run again",
}


@contextmanager
def disk_errors(path: LakePath) -> Iterator[None]:
    """Turn an OSError into one sentence that names `path`.

    Raises:
        LakeError: instead of the OSError.
    """
    try:
        yield
    except OSError as error:
        raise LakeError(f"cannot write {path}: {_REASONS.get(error.errno, error.strerror or str(error))}.") from error


def replace_file(path: LakePath, content: bytes) -> None:
    """Put `content` at `path`: temporary file beside it, fsync, rename, fsync of the folder; an object in one PUT.

    A reader sees the old file or the new one. A writer that was killed leaves its temporary file, which the next
    writer to this folder removes.

    Raises:
        LakeError: it cannot be written; what was there is still there.
    """
    if is_object(path):
        put_object(path, content)
        return
    with disk_errors(path):
        make_folder(path.parent)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _sweep(path.parent, folder)
            temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
            try:
                _write_new(temporary, content)
                os.replace(temporary, path)  # noqa: PTH105 - the calls of this module are by name, to be interposed
            except BaseException:
                with suppress(OSError):
                    os.unlink(temporary)  # noqa: PTH108
                raise
            os.fsync(folder)
        finally:
            os.close(folder)


def make_folder(path: Path) -> None:
    """Make `path` and what is missing above it, so that a power cut cannot lose the names."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        if path.parent == path:
            break
        path = path.parent
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


def sync_tree(root: Path) -> None:
    """Have everything under `root` on the disk: what a library wrote survives a power cut from here on."""
    for folder, _, names in os.walk(root):
        for name in names:
            descriptor = os.open(Path(folder) / name, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        _sync_folder(Path(folder))


def write_all(descriptor: int, content: bytes) -> None:
    """Write every byte: the system may take fewer at a time."""
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def _write_new(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        write_all(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(path: Path, folder: int) -> None:
    """Remove what killed writers left in `path`, and hold the folder as one of its writers until it is closed.

    Writers share the folder's lock. Whoever gets it alone knows that nobody is writing here: every temporary file
    is litter.
    """
    with suppress(OSError):  # a file system without locks on folders keeps its litter
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            for left in path.glob(f".{_TEMPORARY}"):
                left.unlink(missing_ok=True)
        fcntl.flock(folder, fcntl.LOCK_SH)
