"""A lake on object storage: whole objects, each put at once.

What a rename does on a disk, one PUT does here: a reader sees the old object or the new one, never a part, and who
asks after it was put sees the new one (S3 has been strongly consistent since December 2020). So no temporary object
is needed, and none is left by a kill.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from typing_extensions import TypeIs  # typing has it from Python 3.13 on
from upath import UPath

from videopasta_assets.errors import UserError, VideoPastaError

if TYPE_CHECKING:
    from videopasta_assets.lake.snapshot import Snapshot

LakePath = Path | UPath
"""A place in a lake: a file, or an object."""

_TAIL_BYTES: Final = 64 << 10
_EXTRA: Final = "pip install 'videopasta-assets[s3]' brings S3's; other storages need the fsspec package of theirs."


SNAPSHOT: Final[ContextVar["Snapshot | None"]] = ContextVar("snapshot", default=None)
"""What answers in the place of the storage, for a while (`snapshot.looking_at`)."""


class LakeError(VideoPastaError):
    """The lake cannot be written or read: disk full, read-only, damaged file, storage out of reach."""


def is_url(location: str | Path) -> bool:
    """`location` names object storage, as opposed to a folder."""
    return isinstance(location, str) and "://" in location


def is_object(path: LakePath) -> TypeIs[UPath]:
    """The path lies on object storage."""
    return not isinstance(path, Path)


def open_location(location: str | Path) -> LakePath:
    """The root that `location` names: a folder, or a URL of object storage. Credentials come from the environment.

    Raises:
        UserError: nothing that is installed knows such a storage.
    """
    if not is_url(location):
        return Path(location)
    try:
        # Listings are never remembered: another process may have written since.
        root = UPath(location, use_listings_cache=False)
        _ = root.fs
    except (ImportError, ValueError) as error:
        raise UserError(str(error), where=f"lake, {location}", fix=_EXTRA) from error
    return root


def read_object(path: UPath) -> bytes:
    """The object's content.

    Raises:
        FileNotFoundError: there is none.
        LakeError: the storage cannot be reached or read.
    """
    snapshot = _snapshot_of(path)
    if snapshot is not None and (kept := snapshot.content(path)) is not None:
        return kept
    with storage_errors(path):
        content: bytes = path.fs.cat_file(path.path)
        return content


def object_tail(path: UPath, needed: int = _TAIL_BYTES) -> bytes:
    """The object's last bytes, at least `needed` if it has so many: a Parquet footer in one request.

    Raises:
        FileNotFoundError: there is none.
        LakeError: the storage cannot be reached or read.
    """
    snapshot = _snapshot_of(path)
    if snapshot is not None and (kept := snapshot.tail(path)) is not None:
        return kept
    with storage_errors(path):
        content: bytes = path.fs.cat_file(path.path, start=-max(needed, _TAIL_BYTES))
        return content


def put_object(path: UPath, content: bytes) -> None:
    """Replace the object, or make it.

    Raises:
        LakeError: it cannot be written; what was there is still there.
    """
    with storage_errors(path, "written"):
        path.fs.pipe_file(path.path, content)


def create_object(path: UPath, content: bytes) -> bool:
    """Make the object unless there is one, as one step among all machines; whether it was made.

    Raises:
        LakeError: it cannot be written.
    """
    with storage_errors(path, "written"):
        try:
            path.fs.pipe_file(path.path, content, mode="create")
        except FileExistsError:
            return False
    return True


def remove_objects(*paths: UPath) -> None:
    """Delete objects; those that are gone already do not matter.

    Raises:
        LakeError: they cannot be deleted.
    """
    if paths:
        with storage_errors(paths[0], "deleted"):
            try:
                paths[0].fs.rm([path.path for path in paths])
            except FileNotFoundError:
                for path in paths if len(paths) > 1 else ():
                    remove_objects(path)


def objects_under(folder: UPath) -> dict[str, str]:
    """Every object under `folder`, by its name relative to it, with a mark that changes when it is replaced.

    Raises:
        LakeError: the storage cannot be listed.
    """
    snapshot = _snapshot_of(folder)
    return listed_objects(folder) if snapshot is None else snapshot.under(folder)


def listed_objects(folder: UPath) -> dict[str, str]:
    """As `objects_under`, of the storage itself, whatever snapshot is looked at."""
    start = folder.path.rstrip("/") + "/"
    with storage_errors(folder, "listed"):
        try:
            found = folder.fs.find(start, detail=True)
        except FileNotFoundError:
            return {}
        return {name.removeprefix(start): mark_of(info) for name, info in found.items()}


def mark_of(info: Mapping[str, Any]) -> str:
    """What changes when an object is replaced, from what a listing says of it."""
    return str(info.get("ETag") or info.get("etag") or info.get("created") or info["size"])


def _snapshot_of(path: UPath) -> "Snapshot | None":
    snapshot = SNAPSHOT.get()
    return snapshot if snapshot is not None and snapshot.holds(path) else None


@contextmanager
def storage_errors(path: UPath, what: str = "read") -> Iterator[None]:
    """Turn whatever a storage raises into one sentence that names `path`; a missing object stays what it is.

    Raises:
        LakeError: instead of the storage's own errors, which have no common base.
    """
    try:
        yield
    except VideoPastaError:
        raise
    except Exception as error:
        if isinstance(error, FileNotFoundError) and what != "written":
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise LakeError(f"{path} cannot be {what}: {reason}. Finished rows are kept; run again.") from error
