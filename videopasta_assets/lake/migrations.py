"""Versions of the lake's layout, and the way from an older one to this program's.

The version rises only when files of the lake have to change: a moved folder, another type of a column, a renamed
table. A new column needs no migration: see `schema.Column`.
"""

import fcntl
import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from videopasta_assets.errors import UserError
from videopasta_assets.lake.files import disk_errors, make_folder, replace_file
from videopasta_assets.lake.objects import LakeError, LakePath, is_object, objects_under, read_object

logger = logging.getLogger(__name__)

LAKE_VERSION: Final = 1
_VERSION_FILE: Final = "lake.json"
_LOCK: Final = "locks/lake.lock"


@dataclass(frozen=True)
class Migration:
    """One step of the way.

    Attributes:
        version: the version that the step leads to, from the one before.
        what: what it changes, for the log.
        apply: does it, given the lake's root: tables, and the journals of interrupted runs. It may be killed at any
            moment and is then called again, so it has to accept a lake that is changed in part.
    """

    version: int
    what: str
    apply: Callable[[Path], None]


MIGRATIONS: Final[tuple[Migration, ...]] = ()
"""In order; the last one leads to `LAKE_VERSION`."""


def open_version(root: LakePath, version: int = LAKE_VERSION, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """See that the lake at `root` has `version`: a new lake is marked with it, an older one is migrated.

    Raises:
        UserError: the lake is newer, too old to be migrated, or in use by a run while it has to be migrated; or
            its version is lost.
        LakeError: it cannot be written.
    """
    found = read_version(root)
    if found == version:
        return
    if found is None:
        _write_version(root, version)
        return
    if is_object(root):
        raise UserError(
            f"this lake has version {found}, this program writes version {version}, and object storage is not migrated",
            where=str(root),
            fix="Use the release of videopasta-assets that wrote it, or copy the lake into a folder, open it there and "
            "copy it back.",
        )
    with _held(root, fcntl.LOCK_EX | fcntl.LOCK_NB):
        found = read_version(root) or version  # another process may have been first
        if found > version:
            raise UserError(
                f"this lake has version {found}, newer than version {version} of this program",
                where=str(root),
                fix="Upgrade videopasta-assets.",
            )
        steps = [step for step in migrations if found < step.version <= version]
        if [step.version for step in steps] != list(range(found + 1, version + 1)):
            raise UserError(
                f"this lake has version {found}, and this program cannot bring it to version {version}",
                where=str(root),
                fix="Open it once with the release of videopasta-assets that wrote it and each later one in turn, "
                "or name another folder as `lake` in videopasta.yaml: a run makes everything again there.",
            )
        for step in steps:
            logger.warning("migrating %s to version %d: %s", root, step.version, step.what)
            with disk_errors(root):
                step.apply(root)
            _write_version(root, step.version)


@contextmanager
def session(root: LakePath, version: int = LAKE_VERSION) -> Iterator[None]:
    """Keep the lake at `version` for a while: migrations are refused meanwhile.

    Raises:
        UserError: another program has migrated the lake since it was opened.
    """
    with _held(root, fcntl.LOCK_SH):
        if read_version(root) != version:
            raise UserError(
                "another version of videopasta-assets has migrated this lake while this process ran",
                where=str(root),
                fix="Stop this process and start it with that version.",
            )
        yield


def read_version(root: LakePath) -> int | None:
    """The lake's version; None when there is no lake yet.

    Raises:
        UserError: there are tables, but their version is lost.
    """
    path = root / _VERSION_FILE
    try:
        found = json.loads(read_object(path) if is_object(path) else path.read_bytes())["version"]
    except FileNotFoundError:
        tables = root / "tables"
        if not (objects_under(tables) if is_object(tables) else tables.exists()):
            return None
        found = None
    except (ValueError, KeyError, TypeError):
        found = None
    except OSError as error:
        raise LakeError(f"{path} cannot be read ({error.strerror}).") from error
    if not isinstance(found, int):
        raise UserError(
            "the lake's version is lost: this file is missing or damaged",
            where=str(path),
            fix=f'If this release wrote the lake, write {{"version": {LAKE_VERSION}}} into it.',
        )
    return found


def _write_version(root: LakePath, version: int) -> None:
    replace_file(root / _VERSION_FILE, json.dumps({"version": version}).encode())


@contextmanager
def _held(root: LakePath, operation: int) -> Iterator[None]:
    if is_object(root):  # never migrated in place, so there is nobody to keep out
        yield
        return
    path = root / _LOCK
    with disk_errors(path):
        make_folder(path.parent)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, operation)
        except BlockingIOError:
            raise UserError(
                "this lake has to be migrated, and another process works on it",
                where=str(root),
                fix="Wait until that is done, or stop it, and try again.",
            ) from None
        yield
    finally:
        os.close(descriptor)
