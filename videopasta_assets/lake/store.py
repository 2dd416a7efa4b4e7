"""The store: one Parquet file a shard of a table, replaced atomically, with its manifest in the file's footer.

Footer and rows are one file, so they cannot disagree: a reader sees the old shard or the new one.
"""

import errno
import fcntl
import json
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.hashing import combined_hash
from videopasta_assets.lake.address import Address
from videopasta_assets.lake.journal import Journal
from videopasta_assets.lake.schema import Row
from videopasta_assets.lake.tables import TABLES

LAKE_VERSION: Final = 1
ROWS_FILE: Final = "rows.parquet"
_FOOTER_KEY: Final = b"videopasta"
_VERSION_FILE: Final = "lake.json"


class LakeError(VideoPastaError):
    """The lake cannot be written or read: disk full, read-only, damaged file."""


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
    """Tables, journals and locks under one root folder."""

    def __init__(self, root: Path) -> None:
        """Open the lake at `root`, making it if it is not there.

        Raises:
            UserError: the lake was written by a newer version, or its folder cannot be made.
        """
        self.root = root
        with _disk_errors(root):
            root.mkdir(parents=True, exist_ok=True)
            version_file = root / _VERSION_FILE
            if not version_file.exists():
                _replace(version_file, json.dumps({"version": LAKE_VERSION}).encode())
            version = json.loads(version_file.read_bytes())["version"]
        if version > LAKE_VERSION:
            raise UserError(
                f"this lake has version {version}, newer than version {LAKE_VERSION} of this program",
                where=str(root),
                fix="Upgrade videopasta-assets.",
            )

    def path(self, address: Address) -> Path:
        """The shard's Parquet file."""
        return self.root / address.folder / ROWS_FILE

    def read(self, address: Address) -> pa.Table:
        """The shard's rows; an empty table of the right schema where nothing was written.

        Raises:
            LakeError: the file is damaged.
        """
        schema = TABLES[address.table].arrow
        path = self.path(address)
        try:
            table = pq.ParquetFile(path).read()
        except FileNotFoundError:
            return schema.empty_table()
        except (pa.ArrowException, OSError) as error:
            raise LakeError(f"{path} cannot be read ({error}). Delete it: the next run makes it again.") from error
        absent = [name for name in schema.names if name not in table.column_names]
        for name in absent:  # a column that a later version added
            table = table.append_column(schema.field(name), pa.nulls(table.num_rows, schema.field(name).type))
        return table.select(schema.names).cast(schema)

    def rows(self, address: Address) -> list[Row]:
        """The shard's rows as dictionaries."""
        rows: list[Row] = self.read(address).to_pylist()
        return rows

    def manifest(self, address: Address) -> Manifest | None:
        """The shard's manifest from the file's footer; None where nothing was written."""
        try:
            metadata = pq.read_metadata(self.path(address)).metadata or {}
        except FileNotFoundError:
            return None
        except (pa.ArrowException, OSError) as error:
            raise LakeError(
                f"{self.path(address)} cannot be read ({error}). Delete it: the next run makes it again."
            ) from error
        return Manifest(**json.loads(metadata[_FOOTER_KEY]))

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
        rows = list(rows)
        table = TABLES[address.table].to_arrow(rows)
        manifest = Manifest(
            data_version=combined_hash(str(row["data_version"]) for row in rows),
            rows=len(rows),
            errors=sum(row["error"] is not None for row in rows),
            spec=dict(spec),
            written_at=datetime.now(UTC).isoformat(),
            inputs=dict(inputs or {}),
            counts=dict(counts or {}),
        )
        table = table.replace_schema_metadata({_FOOTER_KEY: json.dumps(asdict(manifest))})
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        path = self.path(address)
        with _disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path, sink.getvalue().to_pybytes())
        return manifest

    def remove(self, address: Address) -> None:
        """Delete the shard's file, as when a table is no longer derived."""
        self.path(address).unlink(missing_ok=True)

    def shards_of(self, table: str, recipe: str) -> list[str]:
        """Shard keys that hold rows of `table`, in order."""
        folder = self.root / "tables" / table / f"recipe={recipe}"
        return sorted(path.parent.name.removeprefix("shard=") for path in folder.glob(f"shard=*/{ROWS_FILE}"))

    def journal(self, address: Address) -> Journal:
        """The journal of the shard's unfinished materialization."""
        name = f"{address.table}.{address.recipe}.{address.shard}.jsonl"
        return Journal(self.root / "journal" / name, TABLES[address.table])

    def has_journal(self, address: Address) -> bool:
        """A materialization of this shard was interrupted."""
        return self.journal(address).path.exists()

    @contextmanager
    def lock(self, address: Address) -> Iterator[None]:
        """Hold the shard: a second writer on this machine waits until the first is done."""
        path = self.root / "locks" / f"{address.table}.{address.recipe}.{address.shard}.lock"
        with _disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def write_file(self, relative: str, content: bytes) -> Path:
        """Write a file beside the tables (a manifest, a card) atomically."""
        path = self.root / relative
        with _disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path, content)
        return path


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


_REASONS: Final[dict[int | None, str]] = {
    errno.ENOSPC: "the disk is full. Free some space and run again: finished rows are kept",
    errno.EDQUOT: "the disk quota is used up. Free some space and run again: finished rows are kept",
    errno.EROFS: "the file system is read-only. Choose another place for the lake in videopasta.yaml",
    errno.EACCES: "no permission to write there. Mend the permissions, or choose another place for the lake",
    errno.EPERM: "no permission to write there. Mend the permissions, or choose another place for the lake",
    errno.ENOTDIR: "a part of the path is a file. Choose another place for the lake in videopasta.yaml",
    errno.EEXIST: "a file of that name is in the way. Choose another place for the lake in videopasta.yaml",
}


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LakeError(f"cannot write {path}: {_REASONS.get(error.errno, str(error))}.") from error
