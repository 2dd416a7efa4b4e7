"""The store: one Parquet file a shard of a table, replaced atomically, with its manifest in the file's footer.

Footer and rows are one file, so they cannot disagree: a reader sees the old shard or the new one. The root is a folder
or a prefix of object storage; what differs between them is in `files` and `objects`, `journal` and `object_journal`,
and in how a shard is locked.
"""

import fcntl
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from weakref import WeakSet

import pyarrow as pa
import pyarrow.parquet as pq

from videopasta_assets.hashing import combined_hash
from videopasta_assets.lake.address import Address
from videopasta_assets.lake.files import disk_errors, make_folder, replace_file
from videopasta_assets.lake.folders import local_folder, publish_folder
from videopasta_assets.lake.journal import Journal
from videopasta_assets.lake.lease import Lease, leased
from videopasta_assets.lake.migrations import LAKE_VERSION, open_version, session
from videopasta_assets.lake.object_journal import ObjectJournal
from videopasta_assets.lake.objects import (
    LakeError,
    LakePath,
    is_object,
    object_tail,
    objects_under,
    open_location,
    read_object,
    remove_objects,
    storage_errors,
)
from videopasta_assets.lake.schema import Row
from videopasta_assets.lake.snapshot import Snapshot, looking_at
from videopasta_assets.lake.tables import TABLES

__all__ = ["FOOTER_KEY", "LAKE_VERSION", "ROWS_FILE", "Lake", "LakeError", "Manifest"]

logger = logging.getLogger(__name__)

ROWS_FILE: Final = "rows.parquet"
FOOTER_KEY: Final = b"videopasta"


@dataclass(frozen=True)
class Manifest:
    """What is known of a shard without reading its rows.

    Attributes:
        data_version: hash of the rows' data versions.
        rows: rows, error rows included.
        errors: error rows.
        spec: named parts of everything that decided the rows beside the inputs.
        written_at: when, ISO 8601 in UTC.
        inputs: data versions of what the rows were derived from, by name. Equal inputs and an equal spec give the
            same rows: a plan that finds both reads no row.
        counts: rows by kind, as the stage names kinds: what a changed template touches, without reading rows.
    """

    data_version: str
    rows: int
    errors: int
    spec: Mapping[str, str]
    written_at: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


class Lake:
    """Tables, journals and locks under one root: a folder, or a prefix of object storage."""

    def __init__(self, location: str | Path) -> None:
        """Open the lake at `location`, making it if it is not there, migrating it if it is older than this program.

        Args:
            location: a folder, or a URL of object storage (`s3://bucket/prefix`).

        Raises:
            UserError: it was written by a newer version, or cannot be migrated; the storage's library is missing.
            LakeError: its folder cannot be made, or its storage cannot be reached.
        """
        self.root = open_location(location)
        self._journals: WeakSet[ObjectJournal] = WeakSet()
        self._leases: list[Lease] = []
        if not is_object(self.root):
            with disk_errors(self.root):
                self.root.mkdir(parents=True, exist_ok=True)
        open_version(self.root)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Have this thread see the lake as it is now, for a look at all of it; nothing may be written meanwhile.

        On object storage that takes a listing and reads many at a time, instead of thousands in a row. A folder is
        quick to look at as it is.
        """
        if not is_object(self.root):
            yield
            return
        with looking_at(Snapshot(self.root, f"/{ROWS_FILE}", ("shards/", "links/"))):
            yield

    def path(self, address: Address) -> LakePath:
        """The shard's Parquet file."""
        return self.root / address.folder / ROWS_FILE

    def read(self, address: Address) -> pa.Table:
        """The shard's rows; an empty table of the right schema where nothing was written.

        Rows that an older version wrote without a column that is needed have no provenance: they are stale.

        Raises:
            LakeError: the file is damaged.
        """
        schema = TABLES[address.table]
        path = self.path(address)
        try:
            return schema.adapted(pq.ParquetFile(_whole(path)).read())
        except FileNotFoundError:
            return schema.arrow.empty_table()
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(path, error) from error

    def columns(self, address: Address, names: Sequence[str]) -> pa.Table:
        """Some columns of the shard's rows; empty where nothing was written.

        Raises:
            LakeError: the file is damaged.
        """
        path = self.path(address)
        try:
            return pq.ParquetFile(_whole(path)).read(columns=list(names)).select(names)
        except FileNotFoundError:
            return TABLES[address.table].arrow.empty_table().select(names)
        except (pa.ArrowException, OSError, KeyError) as error:
            raise _unreadable(path, error) from error

    def rows(self, address: Address) -> list[Row]:
        """The shard's rows as dictionaries."""
        rows: list[Row] = self.read(address).to_pylist()
        return rows

    def manifest(self, address: Address) -> Manifest | None:
        """The shard's manifest from the file's footer; None where nothing was written.

        That of a shard which lacks a needed column names no inputs, so that it never counts as current.

        Raises:
            LakeError: the file is damaged, or is none of ours.
        """
        path = self.path(address)
        try:
            metadata = _metadata(path)
            footer = json.loads((metadata.metadata or {})[FOOTER_KEY])
            if footer.get("columns") != TABLES[address.table].identity and self.absent_columns(address):
                footer["inputs"] = {}  # equal inputs prove nothing of rows that lack a column
            return Manifest(**{name: value for name, value in footer.items() if name in _MANIFEST_FIELDS})
        except FileNotFoundError:
            return None
        except (pa.ArrowException, OSError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise _unreadable(path, error) from error

    def absent_columns(self, address: Address) -> tuple[str, ...]:
        """Columns that this version needs and that the shard was written without: why its rows are stale."""
        path = self.path(address)
        try:
            return TABLES[address.table].absent(_metadata(path).schema.to_arrow_schema().names)
        except FileNotFoundError:
            return ()
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(path, error) from error

    def write(
        self,
        address: Address,
        rows: Iterable[Row],
        spec: Mapping[str, str],
        inputs: Mapping[str, str] | None = None,
        counts: Mapping[str, int] | None = None,
    ) -> Manifest:
        """Replace the shard's rows: temporary file, fsync, rename.

        Args:
            address: table, recipe and shard.
            rows: complete rows, each with its data version.
            spec: named parts of everything that decided the output beside its inputs; a plan compares them.
            inputs: data versions of what the rows were derived from.
            counts: rows by kind.
        """
        return self.write_table(address, TABLES[address.table].to_arrow(rows), spec, inputs, counts)

    def write_table(
        self,
        address: Address,
        table: pa.Table,
        spec: Mapping[str, str],
        inputs: Mapping[str, str] | None = None,
        counts: Mapping[str, int] | None = None,
    ) -> Manifest:
        """Replace the shard's rows, as `write` does, by a table of the right schema that is sorted by key."""
        manifest = Manifest(
            data_version=combined_hash(table["data_version"].to_pylist()),
            rows=len(table),
            errors=len(table) - table["error"].null_count,
            spec=dict(spec),
            written_at=datetime.now(UTC).isoformat(),
            inputs=dict(inputs or {}),
            counts=dict(counts or {}),
        )
        footer = asdict(manifest) | {"columns": TABLES[address.table].identity}
        table = table.replace_schema_metadata({FOOTER_KEY: json.dumps(footer)})
        for lease in self._leases:
            lease.confirm()
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        replace_file(self.path(address), sink.getvalue().to_pybytes())
        return manifest

    def remove(self, address: Address) -> None:
        """Delete the shard's file, as when a table is no longer derived."""
        self._unlink(self.path(address))

    def shards_of(self, table: str, recipe: str) -> list[str]:
        """Shard keys that hold rows of `table`, in order."""
        folder = self.root / "tables" / table / f"recipe={recipe}"
        if is_object(folder):
            names = (name.split("/") for name in objects_under(folder))
            return sorted(parts[0].removeprefix("shard=") for parts in names if parts[1:] == [ROWS_FILE])
        return sorted(path.parent.name.removeprefix("shard=") for path in folder.glob(f"shard=*/{ROWS_FILE}"))

    def recipes_of(self, table: str) -> list[str]:
        """Recipes that have written rows of `table`, in order."""
        folder = self.root / "tables" / table
        if is_object(folder):
            parts = {name.split("/")[0] for name in objects_under(folder) if name.endswith(f"/{ROWS_FILE}")}
        else:
            parts = {path.parents[1].name for path in folder.glob(f"recipe=*/shard=*/{ROWS_FILE}")}
        return sorted(part.removeprefix("recipe=") for part in parts)

    def has_rows(self, table: str) -> bool:
        """Some shard of the table, of any recipe, was written."""
        folder = self.root / "tables" / table
        if is_object(folder):
            return any(name.endswith(f"/{ROWS_FILE}") for name in objects_under(folder))
        return any(folder.glob(f"recipe=*/shard=*/{ROWS_FILE}"))

    def interrupted(self, table: str, recipe: str) -> int:
        """How many shards of a table have a journal: their materialization did not come to its end."""
        folder, start = self.root / "journal", f"{table}.{recipe}."
        if is_object(folder):
            return len({name.split("/")[0] for name in objects_under(folder) if name.startswith(start)})
        return len(list(folder.glob(f"{start}*.jsonl")))

    def journal(self, address: Address) -> Journal | ObjectJournal:
        """The journal of the shard's unfinished materialization."""
        path = self.root / "journal" / f"{_dotted(address)}.jsonl"
        if not is_object(path):
            return Journal(path, TABLES[address.table])
        journal = ObjectJournal(path, TABLES[address.table])
        self._journals.add(journal)
        return journal

    def has_journal(self, address: Address) -> bool:
        """A materialization of this shard was interrupted."""
        return self.journal(address).exists

    @contextmanager
    def lock(self, address: Address) -> Iterator[None]:
        """Hold the shard: a second writer waits until the first is done, or is gone.

        In a folder the second writer is one of this machine, and the kernel drops the lock when its process ends,
        however it ends. On object storage it may be any (`lease`). Rows that are read once it is held are those that
        the other writer left.

        Raises:
            UserError: the lake was migrated by another version since it was opened.
        """
        path = self.root / "locks" / f"{_dotted(address)}.lock"
        if is_object(path):
            with session(self.root), leased(path, f"{address.table} of {address.shard}") as lease:
                self._leases.append(lease)
                try:
                    yield
                finally:
                    self._leases.remove(lease)
                    for journal in list(self._journals):
                        journal.close()
            return
        with session(self.root):
            with disk_errors(path):
                make_folder(path.parent)
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                _wait_for(descriptor, f"{address.table} of {address.shard}")
                yield
            finally:
                os.close(descriptor)

    def write_file(self, relative: str, content: bytes) -> LakePath:
        """Write a file beside the tables (a manifest, a card) atomically."""
        path = self.root / relative
        replace_file(path, content)
        return path

    def read_file(self, relative: str) -> bytes:
        """A file beside the tables.

        Raises:
            FileNotFoundError: it is not there.
        """
        path = self.root / relative
        return read_object(path) if is_object(path) else path.read_bytes()

    def has_file(self, relative: str) -> bool:
        """There is such a file beside the tables."""
        path = self.root / relative
        if not is_object(path):
            return path.exists()
        with storage_errors(path):
            return bool(path.fs.isfile(path.path))

    def remove_file(self, relative: str) -> None:
        """Delete a file beside the tables, if it is there."""
        self._unlink(self.root / relative)

    def local_folder(self, relative: str) -> Path:
        """A folder beside the tables that libraries can read and write: see `folders`."""
        return local_folder(self.root, relative)

    def publish_folder(self, relative: str) -> None:
        """Put what was made in `local_folder` into the lake."""
        publish_folder(self.root, relative)

    def files(self, folder: str, ending: str) -> list[LakePath]:
        """The files right in a folder beside the tables whose names end like this, by name."""
        place = self.root / folder
        if is_object(place):
            return [place / name for name in sorted(objects_under(place)) if "/" not in name and name.endswith(ending)]
        return sorted(path for path in place.glob(f"*{ending}"))

    def _unlink(self, path: LakePath) -> None:
        if is_object(path):
            remove_objects(path)
            return
        with disk_errors(path):
            path.unlink(missing_ok=True)


_MANIFEST_FIELDS: Final = frozenset(field.name for field in fields(Manifest))


def _dotted(address: Address) -> str:
    return f"{address.table}.{address.recipe}.{address.shard}"


def _whole(path: LakePath) -> Any:
    """What PyArrow reads rows from: a shard is small, and one request brings all of an object."""
    return pa.BufferReader(read_object(path)) if is_object(path) else path


def _metadata(path: LakePath) -> Any:
    """The file's footer, as PyArrow has it."""
    if not is_object(path):
        return pq.read_metadata(path)
    tail = object_tail(path)
    length = int.from_bytes(tail[-8:-4], "little") + 8  # Parquet ends with the footer's length and a magic word
    return pq.read_metadata(pa.BufferReader(tail if length <= len(tail) else object_tail(path, length)))


def _unreadable(path: LakePath, error: Exception) -> LakeError:
    return LakeError(f"{path} cannot be read ({error}). Delete it: the next run makes it again.")


def _wait_for(descriptor: int, what: str) -> None:
    """Lock the file, and say so when another process has to be waited for; then leave our process number in it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
        logger.warning("another run (process %s) works on %s: waiting for it", holder, what)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    with suppress(OSError):  # only a courtesy to whoever waits
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
